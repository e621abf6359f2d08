//go:build unix

package outfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/google/renameio/v2"
)

// NoFollow is the flag of an open that follows no symbolic link at the end of
// a path.
const NoFollow = syscall.O_NOFOLLOW

func open(path string, flag int, access Access) (*os.File, error) {
	resolved, system, err := resolve(path)
	if err != nil {
		return nil, err
	}
	if !system {
		flag |= NoFollow // a link that has come since
	}
	file, err := os.OpenFile(resolved, flag, access.mode())
	if err != nil {
		var pathError *fs.PathError
		if errors.As(err, &pathError) {
			pathError.Path = path // as the user gave it
		}
		return nil, err
	}
	if access == Private {
		if err := protect(file); err != nil {
			_ = file.Close() // nothing was written
			return nil, err
		}
	}
	return file, nil
}

// Replace writes a private file so that a reader sees the old content or the
// new one, also after a power loss. It replaces a link instead of following it.
func Replace(path string, content []byte) error {
	pending, err := renameio.NewPendingFile(path, renameio.WithStaticPermissions(0o600))
	if err != nil {
		return err
	}
	defer func() { _ = pending.Cleanup() }() // there is nothing left after success
	if _, err := pending.Write(content); err != nil {
		return err
	}
	return pending.CloseAtomicallyReplace()
}

// follow finds out whether a path leads through a link of another user's.
func follow(path string) error {
	_, _, err := resolve(path)
	return err
}

// maxLinks is how many links a path may lead through.
const maxLinks = 40

// resolve follows the links of a path as the system would, except those that
// another user may have put there. A path in /proc is the system's own.
func resolve(path string) (resolved string, system bool, err error) {
	whole := path
	if !filepath.IsAbs(path) {
		dir, err := os.Getwd()
		if err != nil {
			return "", false, err
		}
		whole = dir + "/" + path
	}
	at, rest, links := "/", strings.Split(whole, "/"), 0
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, name)
		if next == "/proc" {
			return filepath.Join(append([]string{next}, rest...)...), true, nil
		}
		info, err := os.Lstat(next)
		if errors.Is(err, fs.ErrNotExist) && len(rest) == 0 {
			return next, false, nil
		}
		if err != nil {
			return "", false, &fs.PathError{Op: "open", Path: path, Err: reasonOf(err)}
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", false, &fs.PathError{Op: "open", Path: path, Err: syscall.ELOOP}
		}
		if planted(at, info, len(rest) == 0) {
			return "", false, &fs.PathError{Op: "open", Path: path, Err: ErrForeignLink}
		}
		target, err := os.Readlink(next)
		if err != nil {
			return "", false, err
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return at, false, nil
}

func reasonOf(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

// planted tells whether a link in a folder may be another user's trap. At the
// end of a path that is any link of another user's but the system's; before
// it, one in a folder where everybody may make links. In such a folder a link
// of the system's counts as another user's, too.
func planted(folder string, link fs.FileInfo, last bool) bool {
	if !foreign(link) {
		return false
	}
	info, err := os.Stat(folder)
	everybody := err != nil || info.Mode().Perm()&0o002 != 0
	if last {
		return everybody || owner(link) != 0
	}
	return everybody
}

// owner is the id of the user that a file belongs to, or -1.
func owner(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}

// foreign tells whether a file belongs to another user.
func foreign(info fs.FileInfo) bool { return owner(info) != os.Geteuid() }
