package term

import (
	"os"

	"golang.org/x/sys/windows"
)

// takesSequences has the console of a file understand control sequences. Those
// from before Windows 10 do not.
func takesSequences(f *os.File) bool {
	console := windows.Handle(f.Fd())
	var mode uint32
	if err := windows.GetConsoleMode(console, &mode); err != nil {
		return false
	}
	return mode&windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING != 0 || windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}

// takesUnicode tells whether the fonts have more than the oldest characters:
// those of Windows Terminal do.
func takesUnicode(getenv func(string) string) bool { return getenv("WT_SESSION") != "" }
