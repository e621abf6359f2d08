package bundle

import (
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxOddities bounds what is told about single files.
const maxOddities = 100

// examineFiles looks at the names and the types of the app's files.
func (i *Info) examineFiles(c *contents) {
	for _, f := range c.under(i.App) {
		if len(i.Oddities) >= maxOddities {
			continue
		}
		i.Oddities = append(i.Oddities, odditiesOf(f)...)
		if f.symlink() {
			if target, inside, err := c.link(f, i.App); err == nil && !inside {
				i.Oddities = append(i.Oddities, Oddity{"symlink-outside", f.path, "it leads to " + clip(target)})
			}
		}
		if path.Base(f.path) == privacyManifest && !f.folder() {
			if problem := manifestProblem(c, f); problem != "" {
				i.Oddities = append(i.Oddities, Oddity{"privacy-manifest-invalid", f.path, problem})
			}
		}
	}
}

// odditiesOf tells what is odd about a file by its name.
func odditiesOf(f file) []Oddity {
	base := path.Base(f.path)
	var odd []Oddity
	add := func(rule, value string) { odd = append(odd, Oddity{rule, f.path, value}) }
	switch {
	case f.folder():
	case path.Ext(base) == ".a", path.Ext(base) == ".o":
		add("static-library", "a static library or object file")
	case path.Ext(base) == ".h", path.Ext(base) == ".modulemap", path.Ext(base) == ".swiftinterface", path.Ext(base) == ".swiftmodule":
		add("development-files", "a file for the compiler")
	case base == ".DS_Store":
		add("package-clutter", "Finder's view settings")
	}
	switch {
	case !utf8.ValidString(f.path):
		add("file-name", "the name is not UTF-8")
	case strings.ContainsRune(base, '\\'):
		add("file-name", `the name holds a backslash`)
	default:
		if at := strings.IndexFunc(base, unicode.IsControl); at >= 0 {
			add("file-name", fmt.Sprintf("the name holds a control character (%q)", base))
		}
	}
	return odd
}
