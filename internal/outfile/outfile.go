// Package outfile writes the files that a user asks for and those that ascend
// keeps. Two things can go wrong with a file in a folder that several users
// share: somebody else has put a symbolic link in its place, which leads to a
// file of the user's own, or somebody else can read it. Links of others are
// not followed, and private files are readable by their owner only, also when
// they existed before.
package outfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// An Access says who may read a file.
type Access bool

// The kinds of access.
const (
	// Shared files get the mode that the umask leaves.
	Shared Access = false
	// Private files are readable and writable by their owner only.
	Private Access = true
)

func (a Access) mode() fs.FileMode {
	if a == Private {
		return 0o600
	}
	return 0o666
}

// ErrForeignLink says that a path leads through a symbolic link of another
// user's.
var ErrForeignLink = errors.New("a symbolic link of another user is in its place")

// errForeignFile says that what is to be private would be in another user's
// file.
var errForeignFile = errors.New("the file belongs to another user")

// Create opens a file for writing and empties it. Named pipes and devices are
// opened as they are.
func Create(path string, access Access) (*os.File, error) {
	file, err := open(path, os.O_CREATE|os.O_WRONLY, access)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		if err := file.Truncate(0); err != nil {
			_ = file.Close() // nothing was written
			return nil, err
		}
	}
	return file, nil
}

// Append opens a file for writing at its end.
func Append(path string, access Access) (*os.File, error) {
	return open(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, access)
}

// Write replaces the content of a file.
func Write(path string, content []byte, access Access) error {
	file, err := Create(path, access)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return Close(file, err)
}

// Close closes what was written to, and returns the first error.
func Close(c io.Closer, err error) error {
	if closeErr := c.Close(); err == nil {
		return closeErr
	}
	return err
}

// Check finds out whether a file can be written, and makes it if there is
// none. What is no regular file is not opened: the reader of a pipe would see
// its end.
func Check(path string, access Access) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil
	}
	file, err := Append(path, access)
	if err != nil {
		return err
	}
	return file.Close()
}

// Folder makes a folder for private files where there is none.
func Folder(path string) error {
	if err := follow(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.MkdirAll(path, 0o700)
}

// protect makes a private file private that existed before.
func protect(file *os.File) error {
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	if foreign(info) {
		return &fs.PathError{Op: "open", Path: file.Name(), Err: errForeignFile}
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	if err := file.Chmod(0o600); err != nil {
		return fmt.Errorf("make the file private: %w", err)
	}
	return nil
}
