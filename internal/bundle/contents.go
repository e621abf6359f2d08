package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync/atomic"
)

const (
	// maxFiles and maxNames bound what is kept of a package's list of files.
	maxFiles = 150_000
	maxNames = 16 << 20
	// maxUnpacked, with unpackedFor bytes for each byte of the package, bounds
	// what is unpacked of it.
	maxUnpacked = 1 << 30
	minUnpacked = 48 << 20
	unpackedFor = 8
	maxSymlink  = 4 << 10
	maxManifest = 256 << 10
	// maxDocuments bounds the property lists, profiles and links that are read
	// of one package, in total: reading them takes the most time.
	maxDocuments = 2 << 20
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
	from  source
	// partial says why some files are not known, "" if all are.
	partial string
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
	i, ok := slices.BinarySearchFunc(c.files, path, func(f file, path string) int { return strings.Compare(f.path, path) })
	if !ok {
		return file{}, false
	}
	return c.files[i], true
}

// under returns the files in a folder, at any depth.
func (c *contents) under(folder string) []file {
	compare := func(f file, path string) int { return strings.Compare(f.path, path) }
	from, _ := slices.BinarySearchFunc(c.files, folder+"/", compare)
	to, _ := slices.BinarySearchFunc(c.files, folder+"0", compare) // 0 follows /
	return c.files[from:max(from, to)]
}

// allowance is what may be unpacked of a package of a size.
func allowance(size int64) int64 {
	return min(maxUnpacked, minUnpacked+unpackedFor*min(size, maxUnpacked))
}

// searchAllowance is what may be unpacked to find the app at all. No real
// package is packed as densely as that.
func searchAllowance(size int64) int64 { return min(8<<30, minUnpacked+200*min(size, 8<<30)) }

// zipSource reads files where they are in a zip archive. Programs may be read
// at the same time.
type zipSource struct {
	archive *zipArchive
	entries []zipEntry
	left    atomic.Int64
	// documents is what has been read of documents, in bytes.
	documents atomic.Int64
}

func (s *zipSource) read(f file, limit int64) ([]byte, error) {
	if f.size > limit {
		return nil, fmt.Errorf("%s is larger than %d KiB", f.path, limit>>10)
	}
	if s.documents.Add(f.size) > maxDocuments {
		return nil, errTooLarge
	}
	return s.archive.read(s.entries[f.ref], f.size)
}

func (s *zipSource) program(f file, reach int64) *Executable {
	r, err := s.archive.open(s.entries[f.ref])
	if err != nil {
		return &Executable{Bytes: f.size, Problem: err.Error()}
	}
	if _, stored := r.(io.Seeker); !stored {
		r = &sharedAllowance{r: r, left: &s.left}
	}
	return readExecutable(r, f.size, reach)
}

// sharedAllowance ends a stream where what may be unpacked in total has been.
type sharedAllowance struct {
	r    io.Reader
	left *atomic.Int64
}

func (s *sharedAllowance) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if s.left.Add(-int64(n)) < 0 {
		return 0, errTooLarge
	}
	return n, err
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
func readPayload(archive *cpioReader) (*contents, error) {
	kept := &keptSource{contents: map[int][]byte{}, programs: map[int]*Executable{}}
	c := &contents{from: kept}
	defer c.sort()
	names, bytes := 0, int64(0)
	for {
		entry, err := archive.next()
		switch {
		case err == io.EOF:
			return c, nil
		case errors.Is(err, errTooLarge):
			c.partial = "the payload is too large to be read whole"
			return c, nil
		case err != nil:
			return c, err
		}
		name := path.Clean(entry.name)
		if names += len(name); len(c.files) >= maxFiles || names > maxNames {
			c.partial = "there are too many files to look at them all"
			return c, nil
		}
		f := file{path: name, size: entry.size, mode: entry.mode, ref: len(c.files)}
		c.files = append(c.files, f)
		switch limit := keep(f); {
		case limit > 0 && entry.size <= limit && bytes+entry.size <= maxDocuments:
			content, err := archive.read(entry, limit)
			if errors.Is(err, errTooLarge) {
				c.partial = "the payload is too large to be read whole"
				return c, nil
			}
			if err != nil {
				return c, err
			}
			bytes += entry.size
			kept.contents[f.ref] = content
		case entry.size >= 8 && !f.folder() && !f.symlink():
			if e := readExecutable(archive, entry.size, entry.size); !e.foreign {
				kept.programs[f.ref] = e
			}
		}
	}
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
	content, err := c.from.read(f, maxSymlink)
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
