package term

import (
	"os"

	"golang.org/x/sys/windows"
)

// takesSequences has the console of a file understand control sequences. Those
// from before Windows 10 refuse. Wine's agrees and writes them as text, so it is
// tried with a sequence that shows nothing.
func takesSequences(f *os.File) bool {
	console := windows.Handle(f.Fd())
	var mode uint32
	if err := windows.GetConsoleMode(console, &mode); err != nil {
		return false
	}
	if err := windows.SetConsoleMode(console, mode|windows.ENABLE_PROCESSED_OUTPUT|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING); err != nil {
		return false
	}
	before, known := column(console)
	const nothing = "\x1b[0m"
	_, _ = f.WriteString(nothing)
	after, stillKnown := column(console)
	if known && stillKnown && before == after {
		return true
	}
	_, _ = f.WriteString("\r    \r")
	_ = windows.SetConsoleMode(console, mode)
	return false
}

// column is where the next character will be written.
func column(console windows.Handle) (int16, bool) {
	var info windows.ConsoleScreenBufferInfo
	err := windows.GetConsoleScreenBufferInfo(console, &info)
	return info.CursorPosition.X, err == nil
}

// takesUnicode tells whether the fonts have more than the oldest characters:
// those of Windows Terminal do.
func takesUnicode(getenv func(string) string) bool { return getenv("WT_SESSION") != "" }
