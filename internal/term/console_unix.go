//go:build !windows

package term

import (
	"os"
	"strings"
)

// takesSequences tells whether the terminal of a file understands control
// sequences.
func takesSequences(*os.File) bool { return true }

// takesUnicode tells whether the terminal shows more than ASCII, by the locale
// that is set.
func takesUnicode(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale := strings.ToLower(getenv(name)); locale != "" {
			return strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")
		}
	}
	return false
}
