package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
	"github.com/ascend-cli/ascend/internal/sandbox"
)

// documents are the pages whose command lines are run here.
func documents(t *testing.T, patterns ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, pattern := range patterns {
		paths, err := filepath.Glob(filepath.Join("..", "..", pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			found[filepath.Base(path)] = string(content)
		}
	}
	return found
}

// reader is where somebody follows a document: the files that it names lie
// there, and an App Store Connect has the apps, groups and builds.
type reader struct {
	*site
	dir string
}

var ownApp = regexp.MustCompile(`--app ([a-z.]+)=`)

// newReader prepares for a script. One that starts a sandbox of its own has the
// app of that.
func newReader(t *testing.T, script string) *reader {
	t.Helper()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("there is no bash")
	}
	id := "com.example.demo"
	if m := ownApp.FindStringSubmatch(script); m != nil {
		id = m[1]
	}
	groups := []sandbox.Group{{Name: "QA", Internal: true}, {Name: "Beta"}}
	builds := []sandbox.Build{{Version: "0.9", Number: "3"}, {Version: "1.0", Number: "4"}}
	s := newSiteFor(t, "ABC123DEFG", sandbox.Options{Apps: []sandbox.App{
		{BundleID: "com.example.demo", Name: "Demo", Groups: groups, Builds: builds}, {BundleID: "com.example.app", Name: "App", Groups: groups, Builds: builds},
	}})
	r := &reader{s, t.TempDir()}
	app := bundletest.SignedIOS(id, "1.0", "7").IPA()
	development, err := os.ReadFile("../../testdata/Development.ipa")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"App.ipa": app, "Demo.ipa": app, "build/App.ipa": app, "testdata/Demo.ipa": app, "testdata/Development.ipa": development,
		"Mac.pkg":                bundletest.SignedMac(id, "1.0", "7").PKG(),
		"ascend.yml":             []byte("groups: [QA]\n"),
		"notes/en-US.txt":        []byte("What is new\n"),
		"testers.csv":            []byte("Ada,Lovelace,ada@example.com,Beta\n"),
		"notes.txt":              []byte("What is new\n"),
		"AuthKey_ABC123DEFG.p8":  []byte(s.key.PEM()),
		"brands/north/App.ipa":   bundletest.SignedIOS("com.example.demo", "1.0", "7").IPA(),
		"brands/south/App.ipa":   bundletest.SignedIOS("com.example.app", "1.0", "7").IPA(),
		"brands/ascend.yml":      []byte("groups: [QA]\n"),
		"brands/north/notes.txt": []byte("North\n"),
		"brands/south/notes.txt": []byte("South\n"),
	} {
		path := filepath.Join(r.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// run has bash run a script, whose first failure ends it.
func (r *reader) run(script string) *process {
	r.t.Helper()
	p := r.command()
	p.Cmd = exec.CommandContext(r.t.Context(), "bash", "-c", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\nset -e\n"+script)
	p.Env = append(r.command().Env, "ASCEND_POLL_INTERVAL=20ms", "NOTE=What is new", "PACKAGE=App.ipa",
		"BITRISE_IPA_PATH="+filepath.Join(r.dir, "App.ipa"), "CI_APP_STORE_SIGNED_APP_PATH="+filepath.Join(r.dir, "build"))
	p.Dir, p.Stdout, p.Stderr = r.dir, &p.out, &p.err
	p.run()
	return p
}

// says is what a command that has to work prints.
func (r *reader) says(command string) string {
	r.t.Helper()
	p := r.run(command)
	if code := p.code(); code != 0 {
		r.t.Errorf("%s ended with %d: %s", command, code, p.err.String())
	}
	return p.out.String()
}

// follow runs a script that has to work.
func follow(t *testing.T, script string) {
	t.Helper()
	r := newReader(t, script)
	p := r.run(script)
	if code := p.code(); code != 0 {
		t.Errorf("it ended with %d:\n%s\n%s%s", code, script, p.out.String(), p.err.String())
	}
}

var fence = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```")

// TestEveryBlockOfCommandsWorks runs what the documents give to be typed, each
// section against an App Store Connect of its own.
func TestEveryBlockOfCommandsWorks(t *testing.T) {
	t.Parallel()
	count := 0
	for name, content := range documents(t, "README.md", "CONTRIBUTING.md", "docs/*.md") {
		for _, section := range strings.Split(content, "\n## ") {
			title, _, _ := strings.Cut(section, "\n")
			var script string
			for _, block := range fence.FindAllStringSubmatch(section, -1) {
				if block[1] == "sh" {
					script += block[2]
				}
			}
			if script == "" || script == firstCommands(t) || name == "CONTRIBUTING.md" {
				continue // checked below
			}
			count += strings.Count(script, "\n")
			t.Run(name+" "+title, func(t *testing.T) {
				t.Parallel()
				if server, ok := strings.CutPrefix(strings.TrimSpace(script), "ascend sandbox --fault "); ok && !strings.Contains(server, "\n") {
					serves(t, strings.TrimSpace(script))
					return
				}
				follow(t, script)
			})
		}
	}
	if count < 30 {
		t.Errorf("only %d command lines were found", count)
	}
}

// serves runs a command that ends when it is told to.
func serves(t *testing.T, script string) {
	r := newReader(t, script)
	p := r.run(script + " > ready & sleep 60 & until grep -q '\"ready\"' ready; do sleep 0.05; done; kill %1; wait %1")
	if code := p.code(); code != 0 && code != 130 && code != 143 {
		t.Errorf("it ended with %d: %s", code, p.err.String())
	}
}

// firstCommands are the two that need nothing but Go.
func firstCommands(t *testing.T) string {
	t.Helper()
	return "go run ./cmd/ascend upload --sandbox --groups QA testdata/Demo.ipa\ngo test ./...\n"
}

// TestTheGateRunsTheFirstCommands holds the README's two commands to what .ci/run
// does, and the others for developers to what there is.
func TestTheGateRunsTheFirstCommands(t *testing.T) {
	t.Parallel()
	gate, err := os.ReadFile("../../.ci/run")
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(firstCommands(t), "\n")
	if !strings.Contains(string(gate), "\n"+first+"\n") || !regexp.MustCompile(`(?m)^go test .*\./\.\.\.$`).Match(gate) {
		t.Errorf("the gate does not run %q and go test ./...", first)
	}
	folder := regexp.MustCompile(`\./(internal/[a-z/]+|cmd/[a-z]+)`)
	for name, content := range documents(t, "README.md", "CONTRIBUTING.md", "docs/*.md") {
		for _, m := range folder.FindAllStringSubmatch(content, -1) {
			if info, err := os.Stat(filepath.Join("..", "..", m[1])); err != nil || !info.IsDir() {
				t.Errorf("%s names %s, which is not there", name, m[1])
			}
		}
	}
}

// TestEveryCommandInTextWorks runs the command lines within sentences, tables
// and templates.
func TestEveryCommandInTextWorks(t *testing.T) {
	t.Parallel()
	span, line := regexp.MustCompile("`(?:\\$ )?(ascend [^`]+)`"), regexp.MustCompile(`(?m)(?:^[ -]*(?:run: |sh ')?|")((?:\$\(go env GOPATH\)/bin/)?ascend"? (?:upload|distribute|wait|inspect|auth|builds) [^'\n]+)`)
	var commands []string
	for name, content := range documents(t, "README.md", "docs/*.md", "docs/ci/*") {
		for _, m := range span.FindAllStringSubmatch(content, -1) {
			commands = append(commands, m[1])
		}
		if strings.HasSuffix(name, ".md") {
			for _, block := range fence.FindAllStringSubmatch(content, -1) {
				if block[1] == "yaml" {
					for _, m := range line.FindAllStringSubmatch(block[2], -1) {
						commands = append(commands, m[1])
					}
				}
			}
			continue
		}
		for _, m := range line.FindAllStringSubmatch(content, -1) {
			commands = append(commands, m[1])
		}
	}
	ran := map[string]bool{}
	for _, command := range commands {
		// What a reader fills in.
		filled := strings.NewReplacer(
			"$(go env GOPATH)/bin/ascend\"", "ascend", "PACKAGE…", "App.ipa", "pilot … --explain", "pilot upload -i App.ipa --explain", "pilot upload …", "pilot upload -i App.ipa", "explain CODE", "explain ITMS-90683", "COMMAND", "upload",
			"--key-id ID --issuer-id UUID", "", "build/*.ipa", "brands/*/App.ipa",
			"--listen :8080", "--listen 127.0.0.1:0", "https://hooks.example.com/", "http://127.0.0.1:1/",
		).Replace(command)
		if mention := regexp.MustCompile(`^ascend [a-z -]+$|…`); mention.MatchString(filled) && !strings.Contains(filled, "--help") && filled != "ascend auth check" || ran[filled] {
			continue // a command's name
		}
		ran[filled] = true
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			follow(t, filled)
		})
	}
	if len(ran) < 15 {
		t.Errorf("only %d commands were found: %v", len(ran), ran)
	}
}

// TestTheExamplesInTheHelpWork runs what the help of every command shows.
func TestTheExamplesInTheHelpWork(t *testing.T) {
	t.Parallel()
	r := newReader(t, "")
	commands := []string{"ascend"}
	for i := 0; i < len(commands); i++ { // it grows
		for name := range strings.FieldsSeq(r.says(commands[i] + " --complete")) {
			if commands[i] != "ascend completion" {
				commands = append(commands, commands[i]+" "+name)
			}
		}
	}
	count := 0
	for _, command := range commands {
		_, examples, _ := strings.Cut(r.says(command+" --help"), "\nExamples:\n")
		examples, _, _ = strings.Cut(examples, "\n\n")
		for line := range strings.Lines(examples) {
			line = strings.TrimSpace(line)
			count++
			t.Run(line, func(t *testing.T) {
				t.Parallel()
				if strings.HasPrefix(line, "ascend sandbox ") {
					serves(t, line)
					return
				}
				follow(t, line)
			})
		}
	}
	if len(commands) < 25 || count < 15 {
		t.Errorf("only %d commands with %d examples were found", len(commands), count)
	}
}

// TestTheConfigurationThatIsShownWorks uploads with the README's file.
func TestTheConfigurationThatIsShownWorks(t *testing.T) {
	t.Parallel()
	count := 0
	for _, block := range fence.FindAllStringSubmatch(documents(t, "README.md")["README.md"], -1) {
		if block[1] != "yaml" || !strings.HasPrefix(block[2], "groups:") {
			continue
		}
		count++
		follow(t, "cat > shown.yml <<'END'\n"+block[2]+"END\nascend upload --config shown.yml App.ipa\n")
	}
	if count != 1 {
		t.Errorf("%d configurations are shown", count)
	}
}

// TestTheFieldsThatAreNamedAreThere compares what the documents say of an
// upload's JSON with what it prints.
func TestTheFieldsThatAreNamedAreThere(t *testing.T) {
	t.Parallel()
	p := newReader(t, "").run("ascend upload --json App.ipa")
	if p.code() != 0 {
		t.Fatal(p.err.String())
	}
	var printed map[string]any
	if err := json.Unmarshal(p.out.Bytes(), &printed); err != nil {
		t.Fatal(err)
	}
	pages := documents(t, "README.md", "docs/json.md")
	_, readme, _ := strings.Cut(pages["README.md"], "## JSON")
	_, table, _ := strings.Cut(pages["json.md"], "| `upload`,")
	table, _, _ = strings.Cut(table, "\n")
	for field := range printed {
		for name, text := range map[string]string{"README.md": readme, "docs/json.md": table} {
			if !strings.Contains(text, "`"+field+"`") {
				t.Errorf("%s does not name %s", name, field)
			}
		}
	}
}

// TestWhatIsShownIsWhatComes runs the commands that documents show with their
// output.
func TestWhatIsShownIsWhatComes(t *testing.T) {
	t.Parallel()
	count := 0
	for name, content := range documents(t, "README.md", "docs/*.md") {
		for _, block := range fence.FindAllStringSubmatch(content, -1) {
			typed, output, _ := strings.Cut(block[2], "\n")
			command, ok := strings.CutPrefix(typed, "$ ")
			if !ok {
				continue
			}
			count++
			p := newReader(t, command).run(command)
			p.code() // some are shown because they fail
			all := p.out.String() + p.err.String()
			for line := range strings.Lines(output) {
				if !strings.Contains(all, strings.TrimRight(line, "\n")) {
					t.Errorf("%s shows %q, but %s writes\n%s", name, line, command, all)
				}
			}
		}
	}
	if count == 0 {
		t.Error("nothing is shown")
	}
}

// TestTheProgramOfTheLibraryPageWorks compiles and runs it.
func TestTheProgramOfTheLibraryPageWorks(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it is compiled first")
	}
	var source string
	for _, block := range fence.FindAllStringSubmatch(documents(t, "docs/library.md")["library.md"], -1) {
		if block[1] == "go" {
			source += block[2]
		}
	}
	r := newReader(t, "")
	path := filepath.Join(r.dir, "main.go")
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(r.dir, "send"), path)
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p := r.command()
	p.Cmd = exec.CommandContext(t.Context(), filepath.Join(r.dir, "send"))
	p.Dir, p.Stdout, p.Stderr = r.dir, &p.out, &p.err
	p.Env = append(os.Environ(), "KEY_ID="+r.key.ID, "ISSUER_ID="+r.key.IssuerID, "KEY="+r.key.PEM(), "API_URL="+r.server.URL())
	p.run()
	if code := p.code(); code != 0 || !strings.HasPrefix(p.out.String(), "build ") {
		t.Errorf("it ended with %d: %s%s", code, p.out.String(), p.err.String())
	}
}
