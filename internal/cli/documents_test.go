package cli

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
	"go.yaml.in/yaml/v3"
)

// documents are all pages and templates that name commands, flags and
// variables.
func documents(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, pattern := range []string{"../../*.md", "../../action.yml", "../../docs/*.md", "../../docs/ci/*"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			found[path] = string(content)
		}
	}
	return found
}

// vocabulary is what there is to be named.
type vocabulary struct{ commands, flags, variables map[string]bool }

func words(t *testing.T) vocabulary {
	p, _, _ := testProgram(t, nil)
	v := vocabulary{commands: map[string]bool{"help": true}, flags: map[string]bool{"explain": true, "help": true}, variables: map[string]bool{}}
	forEachCommand("ascend", p.app().Commands, func(_ string, c *cli.Command) {
		v.commands[c.Name] = true
		for _, f := range c.Flags {
			for _, name := range f.Names() {
				v.flags[name] = true
				v.variables["ASCEND_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))] = true
			}
		}
	})
	return v
}

// results are the variables that --dotenv writes.
var results = []string{"ASCEND_BUILD_ID", "ASCEND_BUILD_UPLOAD_ID", "ASCEND_APP_ID", "ASCEND_VERSION", "ASCEND_BUILD_NUMBER", "ASCEND_STATE", "ASCEND_TESTFLIGHT_URL"}

// foreign are the flags of other tools that documents name.
var foreign = []string{"cask", "rm", "ignore-missing", "owner", "repo", "retry", "key", "value", "sign", "api", "upload-app", "validate-app"}

// TestDocumentsNameWhatThereIs looks at every --flag, every ASCEND_ variable
// and every `ascend command` in the documents.
func TestDocumentsNameWhatThereIs(t *testing.T) {
	known := words(t)
	flag := regexp.MustCompile("[ `\"]--([a-z][a-z-]+)")
	command := regexp.MustCompile("(?m)(?:^|[`(\"] ?|- |bin/)ascend\"? ([a-z]+)")
	variable := regexp.MustCompile(`\bASCEND_[A-Z_]+`)
	for path, content := range documents(t) {
		for _, m := range flag.FindAllStringSubmatch(content, -1) {
			if !known.flags[m[1]] && !slices.Contains(foreign, m[1]) {
				t.Errorf("%s names --%s, which there is not", path, m[1])
			}
		}
		for _, m := range command.FindAllStringSubmatch(content, -1) {
			if !known.commands[m[1]] {
				t.Errorf("%s names ascend %s, which there is not", path, m[1])
			}
		}
		for _, name := range variable.FindAllString(content, -1) {
			if !known.variables[name] && !slices.Contains(results, name) && name != "ASCEND_" {
				t.Errorf("%s names %s, which there is not", path, name)
			}
		}
	}
}

func TestTemplatesAreYAML(t *testing.T) {
	for path, content := range documents(t) {
		if filepath.Ext(path) != ".yml" {
			continue
		}
		decoder := yaml.NewDecoder(strings.NewReader(content))
		for {
			var document map[string]any
			err := decoder.Decode(&document)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || len(document) == 0 {
				t.Errorf("%s: %v", path, err)
				break
			}
		}
	}
}

// TestOtherTemplatesCanBeRead has a shell read the script for Xcode Cloud, and
// looks for what a Groovy parser would stumble over first.
func TestOtherTemplatesCanBeRead(t *testing.T) {
	if shell, err := exec.LookPath("sh"); err == nil {
		if out, err := exec.CommandContext(t.Context(), shell, "-n", "../../docs/ci/xcode-cloud.sh").CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
	content, err := os.ReadFile("../../docs/ci/Jenkinsfile")
	if err != nil {
		t.Fatal(err)
	}
	var open []rune
	quoted := false
	closing := map[rune]rune{'}': '{', ')': '(', ']': '['}
	for i, line := range strings.Split(string(content), "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "//") {
			continue
		}
		for _, r := range line {
			switch {
			case r == '\'':
				quoted = !quoted
			case quoted:
			case strings.ContainsRune("{([", r):
				open = append(open, r)
			case closing[r] != 0:
				if len(open) == 0 || open[len(open)-1] != closing[r] {
					t.Fatalf("line %d of the Jenkinsfile closes what is not open", i+1)
				}
				open = open[:len(open)-1]
			}
		}
		if quoted {
			t.Fatalf("line %d of the Jenkinsfile leaves a text open", i+1)
		}
	}
	if len(open) > 0 {
		t.Errorf("the Jenkinsfile leaves %q open", string(open))
	}
}
