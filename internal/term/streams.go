// Package term is the only package that writes to a stream.
//
// Its rules: results go to stdout, everything else to stderr. A line is
// complete and stands for itself; nothing is redrawn unless stderr is a
// terminal. Colour only underlines what the words say, and is off without a
// terminal and with NO_COLOR. Without a terminal there is a line when
// something changes, and a heartbeat every 30 seconds.
package term

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Streams are where a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// Live tells whether stderr is a terminal that lines may be redrawn on.
	Live bool
	// Color tells whether stderr takes colours.
	Color bool
	// CI is the system that the log is for, [NoCI] or empty for none.
	CI CI
	// Width is the width of the terminal in columns, 80 if it is none.
	Width func() int
}

// System returns the streams of the process.
func System(getenv func(string) string) Streams {
	s := Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Width: func() int { return defaultWidth }}
	descriptor := int(os.Stderr.Fd())
	if !term.IsTerminal(descriptor) {
		return s
	}
	dumb := getenv("TERM") == "dumb"
	s.Live = !dumb && getenv("CI") == ""
	s.Color = !dumb && getenv("NO_COLOR") == ""
	s.Width = func() int {
		if width, _, err := term.GetSize(descriptor); err == nil && width > 0 {
			return width
		}
		return defaultWidth
	}
	return s
}

const defaultWidth = 80
