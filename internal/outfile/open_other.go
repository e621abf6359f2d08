//go:build !unix

package outfile

import (
	"io/fs"
	"os"
)

// NoFollow is the flag of an open that follows no symbolic link, where the
// system has one.
const NoFollow = 0

// open leaves links to the system: making one takes a right of its own.
func open(path string, flag int, access Access) (*os.File, error) {
	file, err := os.OpenFile(path, flag, access.mode())
	if err != nil {
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

// Replace writes a private file. The system has no way to do it at once.
func Replace(path string, content []byte) error { return Write(path, content, Private) }

func follow(string) error { return nil }

func foreign(fs.FileInfo) bool { return false }
