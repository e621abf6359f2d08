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

func foreign(fs.FileInfo) bool { return false }
