package main

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ascend-cli/ascend/internal/sandbox"
	"github.com/ascend-cli/ascend/internal/sandbox/sandboxtest"
)

func TestMain(m *testing.M) {
	// The tests wait for processes more than they compute. The command line has
	// the last word.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"ascend": main})
}

// slow tells whether the tests that repeat or enumerate run in full.
func slow() bool { return os.Getenv("SLOW_TESTS") != "" }

// TestScripts runs what a user types. $PACKAGES is the folder of testdata.
func TestScripts(t *testing.T) {
	t.Parallel()
	packages, err := filepath.Abs("../../testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join(packages, "script"),
		Setup: func(env *testscript.Env) error {
			env.Setenv("PACKAGES", packages)
			env.Setenv("HOME", env.WorkDir)
			name, value, _ := strings.Cut(noRaceSleep, "=")
			env.Setenv(name, value)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"appstoreconnect": startSandbox,
			"setenv-file":     setenvFile,
			"exits":           exits,
			"upload-id":       uploadID,
			"logged":          logged,
		},
	})
}

// startSandbox starts an App Store Connect for the script and sets the
// environment that leads ascend to it:
//
//	appstoreconnect [key=value…]
//
// The keys are role, issuer, processing, settle, fail, groups, and fault with +
// for spaces.
func startSandbox(ts *testscript.TestScript, neg bool, args []string) {
	role, issuer, groups := sandbox.Admin, sandboxtest.IssuerID, "Team:all,QA:internal,Beta:external"
	options := sandbox.Options{}
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "role":
			role = sandbox.Role(value)
		case "issuer":
			issuer = value
		case "processing":
			d, err := time.ParseDuration(value)
			ts.Check(err)
			options.UploadProcessing, options.BuildProcessing = d, d
		case "settle":
			d, err := time.ParseDuration(value)
			ts.Check(err)
			options.Settle = d
		case "fail":
			code, text, _ := strings.Cut(value, ":")
			options.FailWith = append(options.FailWith, sandbox.Detail{Code: code, Description: text})
		case "fault":
			fault, err := sandbox.ParseFault(strings.ReplaceAll(value, "+", " "))
			ts.Check(err)
			options.Faults = append(options.Faults, fault)
		case "groups":
			groups = value
		default:
			ts.Fatalf("unknown key %s", key)
		}
	}
	app := sandbox.App{BundleID: sandboxtest.BundleID, Name: "Demo"}
	for spec := range strings.SplitSeq(groups, ",") {
		name, kind, _ := strings.Cut(spec, ":")
		app.Groups = append(app.Groups, sandbox.Group{Name: name, Internal: kind != "external", AllBuilds: kind == "all"})
	}
	options.Apps = []sandbox.App{app}
	key, err := sandbox.NewKey(sandboxtest.KeyID, issuer, role)
	ts.Check(err)
	options.Keys = []sandbox.Key{key}
	server, err := sandboxtest.Start(options)
	ts.Check(err)
	ts.Defer(func() { _ = server.Close() })
	for _, variable := range server.Environment() {
		name, value, _ := strings.Cut(variable, "=")
		ts.Setenv(name, value)
	}
	ts.Setenv("ASCEND_POLL_INTERVAL", "5ms")
	ts.Check(os.WriteFile(ts.MkAbs("key.p8"), []byte(key.PEM()), 0o600))
}

// uploadID sets $UPLOAD from the JSON of an upload.
func uploadID(ts *testscript.TestScript, neg bool, args []string) {
	var summary struct {
		ID string `json:"build_upload_id"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &summary))
	ts.Setenv("UPLOAD", summary.ID)
}

// exits runs a command that must end with an exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == want {
		return
	}
	ts.Fatalf("ended with %v, want exit code %d", err, want)
}

// steady replaces what differs from run to run in a log: ids, times, rates,
// ports, and the secret that a CI system is told to hide.
var steady = []struct {
	changes *regexp.Regexp
	to      string
}{
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "<id>"},
	{regexp.MustCompile(`[0-9.]+ [kMG]?B/s`), "<rate>"},
	{regexp.MustCompile(`\b[0-9.]+ (ms|s)\b`), "<time>"},
	{regexp.MustCompile(`127\.0\.0\.1:[0-9]+`), "<host>"},
	{regexp.MustCompile(`section_(start|end):[0-9]+:`), "section_$1:<second>:"},
	{regexp.MustCompile(`(::add-mask::|##vso\[task.setsecret\]).*`), "$1<secret>"},
	{regexp.MustCompile(`│[ █▏▎▍▌▋▊▉]*│ *[^\n]*`), "│<bar>│ <time>"},
	{regexp.MustCompile(`\x1b`), "<ESC>"},
	{regexp.MustCompile(`\r`), "<CR>"},
	{regexp.MustCompile(`ghadelimiter_[0-9A-Za-z-]+`), "<delimiter>"},
}

// logged compares what the last command wrote to stderr, and files, with a
// golden file:
//
//	logged name [file…]
func logged(ts *testscript.TestScript, neg bool, args []string) {
	text := "== stderr\n" + ts.ReadFile("stderr")
	for _, name := range args[1:] {
		text += "== " + name + "\n" + ts.ReadFile(name)
	}
	text = strings.NewReplacer(ts.Getenv("PACKAGES"), "$PACKAGES", ts.Getenv("WORK"), "$WORK").Replace(text)
	for _, s := range steady {
		text = s.changes.ReplaceAllString(text, s.to)
	}
	path := filepath.Join(ts.Getenv("PACKAGES"), "golden", "ci", args[0]+".txt")
	if *update {
		ts.Check(os.WriteFile(path, []byte(text), 0o644))
	}
	want, err := os.ReadFile(path)
	ts.Check(err)
	if diff := cmp.Diff(string(want), text); diff != "" {
		ts.Fatalf("%s (run with -update to accept)\n%s", path, diff)
	}
}

// setenvFile waits for a file of export lines and sets them.
func setenvFile(ts *testscript.TestScript, neg bool, args []string) {
	var content []byte
	for !strings.HasSuffix(string(content), "\n") { // its writer is another process
		content, _ = os.ReadFile(ts.MkAbs(args[0])) // it may not be there yet
		time.Sleep(5 * time.Millisecond)
	}
	for line := range strings.Lines(string(content)) {
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		if ok {
			ts.Setenv(name, strings.Trim(value, "'"))
		}
	}
}
