package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
	"github.com/ascend-cli/ascend/internal/sandbox"
)

// TestTheRecipesWork runs every command line of docs/recipes.md, each section
// against an App Store Connect of its own.
func TestTheRecipesWork(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("there is no bash")
	}
	content, err := os.ReadFile("../../docs/recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	fence := regexp.MustCompile("(?s)```sh\n(.*?)```")
	count := 0
	for _, section := range strings.Split(string(content), "\n## ")[1:] {
		title, body, _ := strings.Cut(section, "\n")
		var lines []string
		for _, block := range fence.FindAllStringSubmatch(body, -1) {
			for line := range strings.Lines(block[1]) {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
		count += len(lines)
		t.Run(title, func(t *testing.T) { runRecipe(t, lines) })
	}
	if count < 15 {
		t.Errorf("only %d command lines were found", count)
	}
}

// TestTheSandboxIsStartedAsWritten runs the blocks of the documents that start a
// server and use it.
func TestTheSandboxIsStartedAsWritten(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("there is no bash")
	}
	fence, id := regexp.MustCompile("(?s)```sh\n(.*?)```"), regexp.MustCompile(`--app ([a-z.]+)=`)
	count := 0
	for _, path := range []string{"../../README.md", "../../docs/sandbox.md"} {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range fence.FindAllStringSubmatch(string(content), -1) {
			app := id.FindStringSubmatch(block[1])
			if !strings.Contains(block[1], "ascend sandbox --env-file") || app == nil {
				continue
			}
			count++
			t.Run(filepath.Base(path), func(t *testing.T) {
				dir := t.TempDir()
				for _, name := range []string{"App.ipa", "testdata/Demo.ipa"} {
					if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(filepath.Join(dir, name), bundletest.SignedIOS(app[1], "1.0", "7").IPA(), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				s := newSite(t, sandbox.Options{}) // for its environment
				p := s.command()
				p.Cmd = exec.CommandContext(t.Context(), "bash", "-c", block[1]+"code=$?; kill %1; exit $code")
				p.Env, p.Dir, p.Stdout, p.Stderr = s.command().Env, dir, &p.out, &p.err
				p.run()
				if code := p.code(); code != 0 || !strings.Contains(p.out.String(), "is VALID") {
					t.Errorf("it ended with %d\n%s%s", code, p.out.String(), p.err.String())
				}
			})
		}
	}
	if count != 2 {
		t.Errorf("%d blocks start a server", count)
	}
}

func runRecipe(t *testing.T, lines []string) {
	s := newSite(t, sandbox.Options{Apps: []sandbox.App{{
		BundleID: "com.example.demo", Name: "Demo", Groups: []sandbox.Group{{Name: "QA", Internal: true}, {Name: "Beta"}},
		Builds: []sandbox.Build{{Version: "0.9", Number: "3"}, {Version: "1.0", Number: "4"}},
	}}})
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"App.ipa":         bundletest.SignedIOS("com.example.demo", "1.0", "7").IPA(),
		"Mac.pkg":         bundletest.SignedMac("com.example.demo", "1.0", "7").PKG(),
		"ascend.yml":      []byte("groups: [QA]\n"),
		"notes/en-US.txt": []byte("What is new\n"),
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range lines {
		p := s.command()
		p.Cmd = exec.CommandContext(t.Context(), "bash", "-c", line)
		p.Env, p.Dir, p.Stdout, p.Stderr = append(s.command().Env, "ASCEND_POLL_INTERVAL=20ms"), dir, &p.out, &p.err
		p.run()
		if code := p.code(); code != 0 {
			t.Errorf("%s ended with %d\n%s%s", line, code, p.out.String(), p.err.String())
		}
	}
}

// TestTheSameSourcesGiveTheSameProgram builds the program twice, in folders of
// different names, as a release does.
func TestTheSameSourcesGiveTheSameProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("two builds take a while")
	}
	build := func(from string) string {
		t.Helper()
		out := filepath.Join(t.TempDir(), "ascend")
		c := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= -X main.version=1.0.0", "-o", out, "./cmd/ascend")
		c.Dir, c.Env = from, append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=")
		if text, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		return fileSum(t, out)
	}
	elsewhere := t.TempDir()
	for _, name := range []string{"asc", "upload", "internal", "cmd"} {
		if err := os.CopyFS(filepath.Join(elsewhere, name), os.DirFS(filepath.Join("..", "..", name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(elsewhere, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if here, there := build(filepath.Join("..", "..")), build(elsewhere); here != there {
		t.Errorf("%s is not %s", here, there)
	}
}
