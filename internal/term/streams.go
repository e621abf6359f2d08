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
	// ASCII tells that the terminal may not know other characters.
	ASCII bool
	// Size is that of the terminal, 80 columns and 24 rows if it is none.
	Size func() (columns, rows int)
}

// System returns the streams of the process.
func System(getenv func(string) string) Streams {
	s := Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Size: func() (int, int) { return defaultColumns, defaultRows }}
	descriptor := int(os.Stderr.Fd())
	if !term.IsTerminal(descriptor) {
		return s
	}
	dumb := getenv("TERM") == "dumb" || !takesSequences(os.Stderr)
	s.Live = !dumb && getenv("CI") == ""
	s.Color = !dumb && getenv("NO_COLOR") == ""
	s.ASCII = !takesUnicode(getenv)
	s.Size = func() (int, int) {
		if columns, rows, err := term.GetSize(descriptor); err == nil && columns > 0 && rows > 0 {
			return columns, rows
		}
		return defaultColumns, defaultRows
	}
	return s
}

const defaultColumns, defaultRows = 80, 24
