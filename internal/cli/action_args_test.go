package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// uploadStep runs the last step of action.yml with a program in place of
// ascend that writes down what it was given. It returns the arguments, or nil
// where it was not started, the variables that it saw, and what the step printed.
func uploadStep(t *testing.T, variables ...string) (args, environment []string, output string, err error) {
	t.Helper()
	if _, err := exec.LookPath("bash"); err != nil || runtime.GOOS == "windows" {
		t.Skip("there is no bash")
	}
	_, action := readAction(t)
	folder, work := t.TempDir(), t.TempDir()
	stub := "#!/bin/sh\nprintf '%s\\0' \"$@\" > \"$RECORD.args\"\nenv -0 > \"$RECORD.env\"\n"
	if err := os.WriteFile(filepath.Join(folder, "ascend"), []byte(stub), 0o755); err != nil {
		t.Fatal(err)
	}
	record := filepath.Join(folder, "record")
	variables = append([]string{"WAIT=true", "ARGS=", "PACKAGES=App.ipa"}, variables...)
	step := stepCommand(t, action.Runs.Steps[1].Run, append(variables,
		"RECORD="+record, "PATH="+folder+string(os.PathListSeparator)+os.Getenv("PATH"))...)
	step.Dir = work
	out, err := step.CombinedOutput()
	if left, readErr := os.ReadDir(work); readErr != nil || len(left) > 0 {
		t.Errorf("the step left %v, %v", left, readErr)
	}
	return recorded(record + ".args"), recorded(record + ".env"), string(out), err
}

func recorded(file string) []string {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(content), "\x00"), "\x00")
}

// TestTheActionSplitsItsArgsAsAShellDoes gives the real step args of all kinds.
func TestTheActionSplitsItsArgsAsAShellDoes(t *testing.T) {
	for name, c := range map[string]struct {
		args string
		want []string
	}{
		"nothing":                          {"", nil},
		"white space only":                 {" \t\n \r\n", nil},
		"one line":                         {"--groups QA --quiet", []string{"--groups", "QA", "--quiet"}},
		"several lines":                    {"--groups QA\n--quiet\n\n  --keep=3\n", []string{"--groups", "QA", "--quiet", "--keep=3"}},
		"line ends of Windows":             {"--groups QA\r\n--quiet\r\n", []string{"--groups", "QA", "--quiet"}},
		"a line joined to the next":        {"--groups \\\n  QA --qui\\\net", []string{"--groups", "QA", "--quiet"}},
		"joined with line ends of Windows": {"--groups \\\r\n  QA", []string{"--groups", "QA"}},
		"double quotes":                    {`--what-to-test "a b"`, []string{"--what-to-test", "a b"}},
		"single quotes":                    {`--what-to-test 'a  b'`, []string{"--what-to-test", "a  b"}},
		"quotes within a word":             {`--what-to-test="a b"'c d'e`, []string{"--what-to-test=a bc de"}},
		"empty words":                      {`--what-to-test '' "" x`, []string{"--what-to-test", "", "", "x"}},
		"quotes in quotes":                 {`"it's" 'say "x"' "say \"x\""`, []string{"it's", `say "x"`, `say "x"`}},
		"a line end in quotes":             {"--what-to-test 'a\nb' \"c\r\nd\"", []string{"--what-to-test", "a\nb", "c\nd"}},
		"a joined line in double quotes":   {"\"a\\\nb\" 'a\\\nb'", []string{"ab", "a\\\nb"}},
		"backslashes":                      {`a\ b \"x\" \\ \-\- \$x`, []string{"a b", `"x"`, `\`, "--", "$x"}},
		"backslashes in double quotes":     {"\"\\$x \\`y\\` \\\\ \\n \\'\"", []string{"$x `y` \\ \\n \\'"}},
		"backslashes in single quotes":     {`'a\' '\n'`, []string{`a\`, `\n`}},
		"commands": {"$(touch x) `touch y` \"$(touch z)\" \"`touch u`\"",
			[]string{"$(touch", "x)", "`touch", "y`", "$(touch z)", "`touch u`"}},
		"operators": {"; touch x & touch y | touch z > w && touch v",
			strings.Fields("; touch x & touch y | touch z > w && touch v")},
		"variables": {`$HOME ${PATH} "$HOME" ~ ~root $((1+1)) %PATH%`,
			[]string{"$HOME", "${PATH}", "$HOME", "~", "~root", "$((1+1))", "%PATH%"}},
		"patterns":                      {`* /* ? [a-z] {a,b} /e*/pass*`, []string{"*", "/*", "?", "[a-z]", "{a,b}", "/e*/pass*"}},
		"comments":                      {"--groups QA # all\n#x", []string{"--groups", "QA", "#", "all", "#x"}},
		"history":                       {`!! !x "!y"`, []string{"!!", "!x", "!y"}},
		"other letters":                 {"--groups 'Prüfer 日本' 👩‍👩‍👧 e\u0301 \u00a0x", []string{"--groups", "Prüfer 日本", "👩‍👩‍👧", "e\u0301", "\u00a0x"}},
		"bytes that are no text":        {"a\xff\xfeb '\xc3'", []string{"a\xff\xfeb", "\xc3"}},
		"options of echo and read":      {"-n -e -r -- -a x", []string{"-n", "-e", "-r", "--", "-a", "x"}},
		"what looks like an assignment": {"PATH=/x words=y words[0]=z", []string{"PATH=/x", "words=y", "words[0]=z"}},
		"commands of a runner":          {"'::set-output name=x::y'", []string{"::set-output name=x::y"}},
		"long":                          {strings.Repeat("'word ü' ", 500), slices.Repeat([]string{"word ü"}, 500)},
	} {
		t.Run(name, func(t *testing.T) {
			args, _, output, err := uploadStep(t, "ARGS="+c.args)
			want := slices.Concat([]string{"upload"}, c.want, []string{"--", "App.ipa"})
			if diff := cmp.Diff(want, args); err != nil || diff != "" || output != "" {
				t.Errorf("%v\n%s\n%s", err, output, diff)
			}
		})
	}
}

// TestTheActionRefusesArgsWithoutAnEnd also looks that none of the text is
// printed, which may be a secret, and that ascend is not started.
func TestTheActionRefusesArgsWithoutAnEnd(t *testing.T) {
	for args, word := range map[string]string{
		`--what-to-test "a b`:              "double quote",
		`--what-to-test "`:                 "double quote",
		`--what-to-test "a\`:               "double quote",
		`--what-to-test "a\"`:              "double quote",
		`--what-to-test 'a b`:              "single quote",
		"--what-to-test it's new\n--quiet": "single quote",
		`--what-to-test 'a\''`:             "single quote",
		`--what-to-test a\`:                "backslash",
		`\`:                                "backslash",
	} {
		got, _, output, err := uploadStep(t, "ARGS="+args)
		if err == nil || got != nil || !strings.Contains(output, "::error title=ascend::") ||
			!strings.Contains(output, word) || strings.Contains(output, "what-to-test") {
			t.Errorf("%q: %v, %q, %s", args, err, got, output)
		}
	}
}

// TestTheActionGivesPackagesAsPackages looks that no path becomes a flag.
func TestTheActionGivesPackagesAsPackages(t *testing.T) {
	for name, c := range map[string]struct {
		packages string
		want     []string
	}{
		"one":                  {"build/App.ipa", []string{"build/App.ipa"}},
		"several":              {"A.ipa\nB.pkg\n\nC D.zip\n", []string{"A.ipa", "B.pkg", "C D.zip"}},
		"line ends of Windows": {"A.ipa\r\nB.pkg\r\n", []string{"A.ipa", "B.pkg"}},
		"flags":                {"--key-file=secret.p8\n--sandbox\n-h\n--", []string{"--key-file=secret.p8", "--sandbox", "-h", "--"}},
		"patterns":             {"*.ipa\n/e*/passwd", []string{"*.ipa", "/e*/passwd"}},
		"quotes and commands": {"it's \"x\".ipa\n$(touch x).ipa\n`touch y`.ipa\na\\b.ipa",
			[]string{`it's "x".ipa`, "$(touch x).ipa", "`touch y`.ipa", `a\b.ipa`}},
		"spaces before and after": {"  A.ipa \n", []string{"  A.ipa "}},
	} {
		t.Run(name, func(t *testing.T) {
			args, _, output, err := uploadStep(t, "PACKAGES="+c.packages, "ARGS=--groups QA")
			want := slices.Concat([]string{"upload", "--groups", "QA", "--"}, c.want)
			if diff := cmp.Diff(want, args); err != nil || diff != "" || output != "" {
				t.Errorf("%v\n%s\n%s", err, output, diff)
			}
		})
	}
	for _, packages := range []string{"", "\n", "\r\n\n"} {
		if args, _, output, err := uploadStep(t, "PACKAGES="+packages); err == nil || args != nil ||
			!strings.Contains(output, "the input package is empty") {
			t.Errorf("%q: %v, %q, %s", packages, err, args, output)
		}
	}
}

// TestInputsOfTheActionArriveAsTheyAre gives every input that becomes a
// variable a value that a shell or a parser of flags would read otherwise.
func TestInputsOfTheActionArriveAsTheyAre(t *testing.T) {
	const value = "--key-file=x 'a' \"b\"\n$(touch x) `touch y` ; * \\ -- ü\r\n"
	_, action := readAction(t)
	var variables, want []string
	for name, from := range action.Runs.Steps[1].Env {
		if strings.HasPrefix(name, "ASCEND_") {
			variables = append(variables, name+"="+value)
			if !strings.HasPrefix(from, "${{ inputs.") {
				t.Errorf("%s is %s, which is no input", name, from)
			}
		}
	}
	want = slices.Clone(variables)
	args, environment, output, err := uploadStep(t, variables...)
	if err != nil || output != "" || !slices.Equal(args, []string{"upload", "--", "App.ipa"}) {
		t.Errorf("%v, %q, %s", err, args, output)
	}
	for _, variable := range want {
		if !slices.Contains(environment, variable) {
			t.Errorf("%q did not arrive", variable)
		}
	}
	if len(want) < 12 {
		t.Errorf("there are only %d inputs as variables", len(want))
	}
}

// TestTheActionTakesWaitAsTrueOrFalse looks that a typing error does not decide.
func TestTheActionTakesWaitAsTrueOrFalse(t *testing.T) {
	for wait, want := range map[string]bool{"true": false, "": false, "false": true} {
		args, environment, output, err := uploadStep(t, "WAIT="+wait, "ASCEND_NO_WAIT=")
		if err != nil || args == nil || slices.Contains(environment, "ASCEND_NO_WAIT=true") != want {
			t.Errorf("%q: %v, %q, %s", wait, err, args, output)
		}
	}
	for _, wait := range []string{"no", "0", "false true", "$(touch x)"} {
		if args, _, output, err := uploadStep(t, "WAIT="+wait); err == nil || args != nil ||
			!strings.Contains(output, "the input wait is true or false") {
			t.Errorf("%q: %v, %q, %s", wait, err, args, output)
		}
	}
}
