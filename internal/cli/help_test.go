package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// TestHelpFitsTheTerminal looks at the help of every command at several widths.
func TestHelpFitsTheTerminal(t *testing.T) {
	for _, width := range []int{20, 56, 80, 110, 300} {
		p, _, _ := testProgram(t, nil)
		p.Streams.Size = func() (int, int) { return width, 24 }
		app := p.app()
		pages := map[string]string{"ascend": app.CustomAppHelpTemplate, "ascend pilot": p.pilotHelp()}
		forEachCommand("ascend", app.Commands, func(path string, c *cli.Command) { pages[path] = c.CustomHelpTemplate })
		fits := min(widestHelp, max(narrowestHelp, width))
		for path, page := range pages {
			example := false
			for line := range strings.SplitSeq(page, "\n") {
				if line == "Examples:" || line == "" || line == "Usage:" {
					example = line != ""
				}
				word := strings.TrimSpace(line)
				// What is copied is not broken, nor is a heading.
				if utf8.RuneCountInString(line) > fits && !example && strings.Contains(word, " ") && !strings.HasSuffix(line, ":") {
					t.Errorf("%s at %d columns: %q", path, width, line)
				}
				if strings.TrimRight(line, " ") != line {
					t.Errorf("%s at %d columns ends a line with spaces: %q", path, width, line)
				}
			}
		}
	}
}

// TestHelpSaysAllOfAFlag goes by the flags themselves: each is there with the
// name of its value, none twice, and no mark of the library's is left.
func TestHelpSaysAllOfAFlag(t *testing.T) {
	p, _, _ := testProgram(t, nil)
	p.Streams.Size = func() (int, int) { return 110, 24 }
	forEachCommand("ascend", p.app().Commands, func(path string, c *cli.Command) {
		page := c.CustomHelpTemplate
		if strings.Contains(page, "`") {
			t.Errorf("%s has a mark left:\n%s", path, page)
		}
		for _, f := range c.Flags {
			name, usage := explain(f, f.(documentedFlag))
			if strings.Count(page, "\n  "+name+" ")+strings.Count(page, "\n  "+name+"\n") != 1 {
				t.Errorf("%s: %s is not there once", path, name)
			}
			if f.(documentedFlag).TakesValue() && strings.HasSuffix(name, " VALUE") {
				t.Errorf("%s %s does not say what it takes", path, name)
			}
			if strings.Count(usage, "(default: ") > 1 {
				t.Errorf("%s %s has two defaults: %s", path, name, usage)
			}
		}
	})
}

func TestDurationsInTheHelpAreShort(t *testing.T) {
	for d, want := range map[time.Duration]string{90 * time.Minute: "1h30m", time.Hour: "1h", 15 * time.Minute: "15m", 2 * time.Second: "2s", 61 * time.Second: "1m1s", 10 * time.Hour: "10h"} {
		if got := shortDuration(d); got != want {
			t.Errorf("%s: %s", d, got)
		}
	}
}

// TestTheReadmeHasTheExitCodes compares its table with what the program says.
func TestTheReadmeHasTheExitCodes(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	for _, e := range exitCodes() {
		kind := ""
		if e.kind != "" {
			kind = "`" + string(e.kind) + "` "
		}
		fmt.Fprintf(&table, "| %d | %s| %s |\n", e.code, kind, e.meaning)
	}
	if !strings.Contains(string(readme), table.String()) {
		t.Errorf("it does not have\n%s", table.String())
	}
}
