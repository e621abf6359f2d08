package term

import (
	"fmt"
	"io"
	"strings"

	"github.com/ascend-cli/ascend/internal/outfile"
)

// Create opens a file that the user asked for. The names of stdout and stderr
// mean the streams themselves: opening them by name fails where they are
// sockets, and overwrites what is there where they are files.
func (s Streams) Create(path string, access outfile.Access) (io.WriteCloser, error) {
	if stream := s.named(path); stream != nil {
		return stays{stream}, nil
	}
	return outfile.Create(path, access)
}

// CheckFile finds out whether a file can be written, now and not after an hour.
func (s Streams) CheckFile(path string, access outfile.Access) error {
	if path == "" || s.named(path) != nil {
		return nil
	}
	return outfile.Check(path, access)
}

// WriteFile writes a file that the user asked for; what says which.
func (s Streams) WriteFile(what, path string, content []byte, access outfile.Access) error {
	file, err := s.Create(path, access)
	if err == nil {
		_, err = file.Write(content)
		err = outfile.Close(file, err)
	}
	return notWritten(what, err)
}

// appendTo writes at the end of a file of the CI system's, if it has one.
func (s Streams) appendTo(what, path, text string) error {
	if path == "" {
		return nil
	}
	if stream := s.named(path); stream != nil {
		_, err := io.WriteString(stream, text)
		return notWritten(what, err)
	}
	file, err := outfile.Append(path, outfile.Shared)
	if err == nil {
		_, err = io.WriteString(file, text)
		err = outfile.Close(file, err)
	}
	return notWritten(what, err)
}

func notWritten(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s could not be written: %w", what, err)
}

// named is the stream that a path names, or nil.
func (s Streams) named(path string) io.Writer {
	switch strings.Replace(path, "/proc/self/fd/", "/dev/fd/", 1) {
	case "/dev/stdout", "/dev/fd/1":
		return unguarded(s.Out)
	case "/dev/stderr", "/dev/fd/2":
		return unguarded(s.Err)
	}
	return nil
}

// stays is a stream that is not closed.
type stays struct{ io.Writer }

// Close implements [io.Closer].
func (stays) Close() error { return nil }
