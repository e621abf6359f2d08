package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

const (
	// maxFiles and maxNames bound what is kept of a package's list of files.
	maxFiles = 150_000
	maxNames = 16 << 20
	// maxPrograms bounds how many programs of a payload are kept: which of them
	// belong to bundles is known at its end.
	maxPrograms  = 4 * maxBundles
	maxSymlink   = 4 << 10
	maxManifest  = 256 << 10
	typeMask     = 0o170000
	typeSymlink  = 0o120000
	typeFolder   = 0o040000
	executeByAny = 0o111
)

// A file is one file of a package.
type file struct {
	path string
	// size is in bytes, unpacked.
	size int64
	// mode has the Unix permissions and type, zero if unknown.
	mode uint16
	ref  int // its number in the source
}

func (f file) symlink() bool { return f.mode&typeMask == typeSymlink }
func (f file) folder() bool  { return strings.HasSuffix(f.path, "/") || f.mode&typeMask == typeFolder }

// contents are the files of a package.
type contents struct {
	files []file // sorted by path
	source
	// partial says why some files are not known, "" if all are.
	partial string
	looked  *budget
}

// A source gives the content of files.
type source interface {
	// read returns a file's content, at most limit bytes of it.
	read(f file, limit int64) ([]byte, error)
	// program reads a program, and its signature if that is within reach bytes.
	program(f file, reach int64) *Executable
}

func (c *contents) sort() {
	slices.SortFunc(c.files, func(a, b file) int { return strings.Compare(a.path, b.path) })
}

func (c *contents) find(path string) (file, bool) {
	if i := c.from(path); i < len(c.files) && c.files[i].path == path {
		return c.files[i], true
	}
	return file{}, false
}

// from returns the number of the first file at a path or behind it.
func (c *contents) from(path string) int {
	i, _ := slices.BinarySearchFunc(c.files, path, func(f file, path string) int { return strings.Compare(f.path, path) })
	return i
}

// under returns the files in a folder, at any depth.
func (c *contents) under(folder string) []file {
	from := c.from(folder + "/")
	return c.files[from:max(from, c.from(folder+"0"))] // 0 follows /
}

// zipSource reads files where they are in a zip archive. Programs may be read
// at the same time.
type zipSource struct {
	archive *zipArchive
	entries []zipEntry
	budgets
}

func (s *zipSource) read(f file, limit int64) ([]byte, error) {
	if f.size > limit {
		return nil, fmt.Errorf("%s is larger than %d KiB", f.path, limit>>10)
	}
	if err := s.documents.spend(documentCost + f.size); err != nil {
		return nil, err
	}
	return s.archive.read(s.entries[f.ref], f.size)
}

func (s *zipSource) program(f file, reach int64) *Executable {
	r, err := s.archive.open(s.entries[f.ref])
	if err != nil {
		return &Executable{Bytes: f.size, Problem: brief(err).Error()}
	}
	counted := budgetReader{r, s.unpacked}
	if seeker, stored := r.(io.Seeker); stored {
		return readExecutable(&budgetSeeker{counted, seeker}, f.size, reach, s.signatures)
	}
	return readExecutable(&counted, f.size, reach, s.signatures)
}

// keptSource has what was kept of a stream that can be read but once.
type keptSource struct {
	contents map[int][]byte
	programs map[int]*Executable
}

func (s *keptSource) read(f file, limit int64) ([]byte, error) {
	content, ok := s.contents[f.ref]
	switch {
	case !ok && f.size > limit, int64(len(content)) > limit:
		return nil, fmt.Errorf("%s is larger than %d KiB", f.path, limit>>10)
	case !ok:
		return nil, errTooLarge
	}
	return content, nil
}

func (s *keptSource) program(f file, _ int64) *Executable {
	if e := s.programs[f.ref]; e != nil {
		return e
	}
	return &Executable{Bytes: f.size, Problem: errNotMachO.Error(), foreign: true}
}

// readPayload reads the files of a cpio archive once, and keeps what the rest
// of the inspection looks at.
func readPayload(archive *cpioReader, spend budgets) (*contents, error) {
	kept := &keptSource{contents: map[int][]byte{}, programs: map[int]*Executable{}}
	c := &contents{source: kept, looked: spend.looked}
	defer c.sort()
	names := 0
	for {
		entry, err := archive.next()
		switch {
		case errors.Is(err, io.EOF):
			return c, nil
		case errors.Is(err, errTooLarge):
			c.partial = "the payload is too large to be read whole"
			return c, nil
		case err != nil:
			return c, err
		}
		name := path.Clean(entry.name)
		if err := checkPath(name); err != nil {
			return c, err
		}
		if names += len(name); len(c.files) >= maxFiles || names > maxNames || len(kept.programs) >= maxPrograms {
			c.partial = "there are too many files to look at them all"
			return c, nil
		}
		f := file{path: name, size: entry.size, mode: entry.mode, ref: len(c.files)}
		c.files = append(c.files, f)
		if err := kept.keep(archive, entry, f, spend); errors.Is(err, errTooLarge) {
			c.partial = "the payload is too large to be read whole"
			return c, nil
		} else if err != nil {
			return c, err
		}
	}
}

// keep reads the file that the archive is at, if it is one that matters.
func (s *keptSource) keep(archive *cpioReader, entry cpioEntry, f file, spend budgets) error {
	limit := keep(f)
	if limit > 0 && entry.size <= limit && spend.documents.spend(documentCost+entry.size) == nil {
		content, err := archive.read(entry, limit)
		if err != nil {
			return err
		}
		s.contents[f.ref] = content
		return nil
	}
	if entry.size >= 8 && !f.folder() && !f.symlink() {
		if e := readExecutable(archive, entry.size, entry.size, spend.signatures); !e.foreign {
			s.programs[f.ref] = e
		}
	}
	return nil
}

// keep tells how much of a file is worth keeping.
func keep(f file) int64 {
	switch base := path.Base(f.path); {
	case f.symlink():
		return maxSymlink
	case base == "Info.plist":
		return maxPlist
	case strings.HasPrefix(base, "embedded."):
		return maxCMS
	case base == privacyManifest:
		return maxManifest
	}
	return 0
}

// link returns where a symbolic link leads, and whether that is inside root.
func (c *contents) link(f file, root string) (target string, inside bool, err error) {
	content, err := c.read(f, maxSymlink)
	if err != nil {
		return "", false, fmt.Errorf("%s: %w", f.path, err)
	}
	target = string(bytes.TrimRight(content, "\x00"))
	if path.IsAbs(target) {
		return target, false, nil
	}
	to := path.Join(path.Dir(f.path), target)
	return target, to == root || strings.HasPrefix(to, root+"/"), nil
}
