package cli

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
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
	forEachCommand(p.app().Commands, func(c *cli.Command) {
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
var foreign = []string{"cask", "rm", "ignore-missing", "owner", "retry", "key", "value", "sign", "api", "upload-app", "validate-app"}

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

// TestTheActionHandsOverWhatItSays compares the inputs and outputs of
// action.yml with what its steps use and ascend writes.
func TestTheActionHandsOverWhatItSays(t *testing.T) {
	content, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var action struct {
		Inputs  map[string]struct{ Description string }
		Outputs map[string]struct{ Value string }
		Runs    struct {
			Using string
			Steps []struct {
				ID, Run, Shell string
				Env            map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(content, &action); err != nil {
		t.Fatal(err)
	}
	for name, input := range action.Inputs {
		if input.Description == "" || !bytes.Contains(content, []byte("inputs."+name)) {
			t.Errorf("the input %s is not used or not described", name)
		}
	}
	written := []string{"build-id", "build-upload-id", "version", "build-number", "state", "testflight-url"}
	for _, name := range written {
		if want := "${{ steps.upload.outputs." + name + " }}"; action.Outputs[name].Value != want {
			t.Errorf("the output %s is %q, want %q", name, action.Outputs[name].Value, want)
		}
	}
	if len(action.Outputs) != len(written) || action.Runs.Using != "composite" {
		t.Errorf("%d outputs, %s", len(action.Outputs), action.Runs.Using)
	}
	for path, content := range documents(t) {
		for _, use := range regexp.MustCompile("(?ms)uses: ascend-cli/ascend@.*?^```").FindAllString(content, -1) {
			for _, m := range regexp.MustCompile(`(?m)^    ([a-z-]+): `).FindAllStringSubmatch(use, -1) {
				if _, ok := action.Inputs[m[1]]; !ok {
					t.Errorf("%s gives the action %s, which it does not take", path, m[1])
				}
			}
		}
	}
	for _, step := range action.Runs.Steps {
		if step.Shell != "bash" || strings.Contains(step.Run, "${{") {
			t.Errorf("the step %s has no shell, or puts an input into its script, where it would be carried out", step.ID)
		}
	}
}

// TestTheActionWorksFromACheckout runs the steps of action.yml as a runner does,
// in a rehearsal.
func TestTheActionWorksFromACheckout(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil || runtime.GOOS == "windows" {
		t.Skip("there is no bash")
	}
	content, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var action struct {
		Runs struct{ Steps []struct{ Run string } }
	}
	if err := yaml.Unmarshal(content, &action); err != nil || len(action.Runs.Steps) != 2 {
		t.Fatal(err, len(action.Runs.Steps))
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	step := func(i int, variables ...string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), "bash", "-c", action.Runs.Steps[i].Run)
		c.Dir, c.Env = root, append(os.Environ(), append(variables, "RUNNER_TEMP="+temp, "RUNNER_OS=Linux", "RUNNER_ARCH=X64", "GITHUB_PATH="+temp+"/path", "GITHUB_OUTPUT="+temp+"/output", "GITHUB_STEP_SUMMARY="+temp+"/summary", "GITHUB_ACTIONS=true")...)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	step(0, "WANTED=", "REPOSITORY=", "SOURCE="+root, "SERVER=")
	added, err := os.ReadFile(filepath.Join(temp, "path"))
	if err != nil {
		t.Fatal(err)
	}
	step(1, "PATH="+strings.TrimSpace(string(added))+string(os.PathListSeparator)+os.Getenv("PATH"), "PACKAGES=testdata/Small.ipa\n", "ARGS=--sandbox --poll-interval 50ms", "ASCEND_GROUPS=QA", "ASCEND_NO_WAIT=false", "ASCEND_TIMEOUT=")
	output, err := os.ReadFile(filepath.Join(temp, "output"))
	if err != nil || !strings.Contains(string(output), "build-number=43\n") || !strings.Contains(string(output), "state=VALID\n") {
		t.Errorf("%s, %v", output, err)
	}
}
