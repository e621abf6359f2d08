package cli

import (
	"os"
	"regexp"
	"testing"

	"github.com/urfave/cli/v2"
)

// TestDocumentsNameFlagsThatThereAre looks at every --flag and every `ascend
// command` in the documents.
func TestDocumentsNameFlagsThatThereAre(t *testing.T) {
	p, _, _ := testProgram(t, nil)
	flags := map[string]bool{"explain": true, "help": true}
	commands := map[string]bool{"help": true}
	forEachCommand(p.app().Commands, func(c *cli.Command) {
		commands[c.Name] = true
		for _, f := range c.Flags {
			for _, name := range f.Names() {
				flags[name] = true
			}
		}
	})
	flag := regexp.MustCompile("[ `]--([a-z][a-z-]+)")
	command := regexp.MustCompile("(?m)(?:^|[`(])ascend ([a-z]+)")
	for _, path := range []string{"../../README.md", "../../docs/sandbox.md", "../../docs/json.md"} {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range flag.FindAllSubmatch(content, -1) {
			if !flags[string(m[1])] {
				t.Errorf("%s names --%s, which there is not", path, m[1])
			}
		}
		for _, m := range command.FindAllSubmatch(content, -1) {
			if !commands[string(m[1])] {
				t.Errorf("%s names ascend %s, which there is not", path, m[1])
			}
		}
	}
}
