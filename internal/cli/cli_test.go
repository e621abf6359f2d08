package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/term"
)

func testProgram(t *testing.T, variables map[string]string) (*program, *bytes.Buffer, *bytes.Buffer) {
	t.Helper()
	var out, errs bytes.Buffer
	return &program{Environment: Environment{
		Streams: term.Streams{In: strings.NewReader("from stdin\n"), Out: &out, Err: &errs, Size: func() (int, int) { return 80, 24 }},
		Getenv:  func(name string) string { return variables[name] }, Home: t.TempDir(), Version: "v1.2.3", Now: time.Now,
	}}, &out, &errs
}

func TestRatesAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]float64{
		"10MB/s": 10e6, "10mb": 10e6, "1.5MiB/s": 1.5 * (1 << 20), "500kB": 500e3, "64KiB/s": 64 << 10, "1G": 1e9, "20000": 20000, " 2 MB/s ": 2e6,
	} {
		limit, err := parseRate(text)
		if err != nil || float64(limit.Limit()) != want {
			t.Errorf("%q: %v, %v, want %v", text, limit, err, want)
		}
	}
	for _, text := range []string{"fast", "-1MB", "0", "10", "1e30", "MB/s", "NaN", "Inf"} {
		if limit, err := parseRate(text); err == nil {
			t.Errorf("%q was taken as %v", text, limit.Limit())
		}
	}
	if limit, err := parseRate(""); limit != nil || err != nil {
		t.Errorf("%v, %v for none", limit, err)
	}
}

func TestListsAreSplitAtCommas(t *testing.T) {
	for given, want := range map[string][]string{
		"A": {"A"}, " A , B,": {"A", "B"}, `Friends\, family,QA`: {"Friends, family", "QA"}, `back\slash`: {`back\slash`}, "": nil,
	} {
		if got := trimmed([]string{given}); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}

func TestFlagsMayStandAnywhere(t *testing.T) {
	p, _, _ := testProgram(t, nil)
	for name, c := range map[string]struct{ args, want string }{
		"behind the package":        {"upload App.ipa --groups QA --json", "upload --groups QA --json -- App.ipa"},
		"around it":                 {"upload --groups QA App.ipa --no-wait", "upload --groups QA --no-wait -- App.ipa"},
		"with an equals sign":       {"upload App.ipa --groups=QA", "upload --groups=QA -- App.ipa"},
		"a value that looks a flag": {"upload --what-to-test - App.ipa", "upload --what-to-test - -- App.ipa"},
		"a package named like one":  {"upload --json -- --App.ipa", "upload --json -- --App.ipa"},
		"below a subcommand":        {"auth check --json", "auth check --json"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := arrange(p.app(), strings.Fields(c.args), p.Getenv)
			if err != nil || strings.Join(got, " ") != c.want {
				t.Errorf("%v, %v, want %s", got, err, c.want)
			}
		})
	}
}

func TestMistakesInACommandLineAreExplained(t *testing.T) {
	for line, words := range map[string]string{
		"upload App.ipa --group QA":              "did you mean --groups?",
		"upload App.ipa --groups":                "needs a value",
		"upload --groups -- App.ipa":             "--groups needs a value",
		"uplaod App.ipa":                         "did you mean upload?",
		"App.ipa":                                "ascend upload App.ipa",
		"auth chekc":                             `no command "chekc" under ascend auth, did you mean check?`,
		"--quiet upload App.ipa":                 "no command before --quiet, flags go behind the command",
		"upload --concurrency many App.ipa":      `--concurrency takes a whole number, not "many"`,
		"upload --timeout 5 App.ipa":             `--timeout takes a time such as 90s, 30m or 1h30m, not "5"`,
		"upload --quiet=perhaps App.ipa":         `--quiet takes true or false, not "perhaps"`,
		"ASCEND_TIMEOUT=5 upload App.ipa":        `ASCEND_TIMEOUT takes a time such as 90s, 30m or 1h30m, not "5"`,
		"ASCEND_KEEP=all distribute --groups QA": `ASCEND_KEEP takes a whole number, not "all"`,
	} {
		env := map[string]string{}
		args := strings.Fields(line)
		if name, value, ok := strings.Cut(args[0], "="); ok {
			env[name], args = value, args[1:]
		}
		p, _, _ := testProgram(t, env)
		_, err := arrange(p.app(), args, p.Getenv)
		if said := fmt.Sprintf("%v, %s", err, failure.Explain(err).Hint); failure.KindOf(err) != failure.Usage || !strings.Contains(said, words) {
			t.Errorf("%s: %s, want %q", line, said, words)
		}
	}
}

func TestEveryFlagHasItsVariableAndAUsage(t *testing.T) {
	p, _, _ := testProgram(t, nil)
	forEachCommand("ascend", p.app().Commands, func(_ string, command *cli.Command) {
		if command.Usage == "" {
			t.Errorf("%s says nothing about itself", command.Name)
		}
		for _, f := range command.Flags {
			documented, ok := f.(interface {
				GetUsage() string
				GetEnvVars() []string
			})
			if !ok || documented.GetUsage() == "" {
				t.Errorf("%s --%s says nothing about itself", command.Name, f.Names()[0])
				continue
			}
			want := "ASCEND_" + strings.ToUpper(strings.ReplaceAll(f.Names()[0], "-", "_"))
			if _, own := fastlaneVariables[f.Names()[0]]; !own && !slices.Contains(documented.GetEnvVars(), want) {
				t.Errorf("%s --%s does not come from %s", command.Name, f.Names()[0], want)
			}
		}
	})
}

func TestNotesComeFromTextFilesAndStdin(t *testing.T) {
	p, _, _ := testProgram(t, nil)
	file := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(file, []byte("\ufefffrom a file\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]string{"plain": "plain", "-": "from stdin", "@" + file: "from a file", "": ""} {
		if got, err := p.text(t.Context(), value, "--what-to-test"); err != nil || got != want {
			t.Errorf("%q: %q, %v", value, got, err)
		}
	}
	if _, err := p.text(t.Context(), "@"+file+".none", "--what-to-test"); failure.KindOf(err) != failure.Usage {
		t.Errorf("%v for a file that is not there", err)
	}
}

func TestASecretDoesNotShowInErrors(t *testing.T) {
	const secret = "c2VjcmV0LXRoYXQtaXMtbm8ta2V5LWF0LWFsbC1idXQtbG9uZy1lbm91Z2g="
	p, out, errs := testProgram(t, map[string]string{"ASCEND_KEY_ID": "ABCDEFGHIJ", "ASCEND_KEY": secret})
	args := []string{"auth", "check", "--json"}
	app := p.app()
	code := p.exit(args, app.RunContext(context.Background(), append([]string{"ascend"}, args...)))
	if code != 3 {
		t.Errorf("exit code %d", code)
	}
	if text := out.String() + errs.String(); strings.Contains(text, secret) || strings.Contains(text, "secret-that") {
		t.Errorf("the key is in the output:\n%s", text)
	}
}

func TestEveryKindHasItsExitCode(t *testing.T) {
	want := map[failure.Kind]int{
		failure.Internal: 1, failure.Usage: 2, failure.Auth: 3, failure.NotFound: 4, failure.InvalidPackage: 5, failure.Transfer: 6,
		failure.Rejected: 7, failure.Timeout: 8, failure.Conflict: 9, failure.Interrupted: 130,
	}
	for kind, code := range want {
		p, _, _ := testProgram(t, nil)
		if got := p.exit(nil, &failure.Error{Kind: kind, Message: "m"}); got != code {
			t.Errorf("%s: %d, want %d", kind, got, code)
		}
	}
	p, _, _ := testProgram(t, nil)
	if got := p.exit(nil, errors.New("a fault of ours")); got != 1 {
		t.Errorf("%d for an error nobody classified", got)
	}
}

func TestAnInterruptedRunSaysHowToGoOn(t *testing.T) {
	p, _, errs := testProgram(t, nil)
	err := &reachedError{error: &release.StageError{Stage: release.StageWait, Err: failure.ErrInterrupted}, summary: &release.Summary{BuildID: "b1", State: "PROCESSING"}}
	if code := p.exit(nil, err); code != 130 {
		t.Errorf("exit code %d", code)
	}
	for _, word := range []string{"stopped by the user during wait", "ascend distribute --build b1", "ascend wait --build b1"} {
		if !strings.Contains(errs.String(), word) {
			t.Errorf("it does not say %q:\n%s", word, errs.String())
		}
	}
}
