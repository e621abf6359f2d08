package main

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestTheSameSourcesGiveTheSameProgram builds the program twice, in folders of
// different names, as a release does.
func TestTheSameSourcesGiveTheSameProgram(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("two builds take a while")
	}
	build := func(from string) string {
		t.Helper()
		out := filepath.Join(t.TempDir(), "ascend")
		c := exec.CommandContext(t.Context(), "go", "build", "-tags", "urfave_cli_no_docs", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= -X main.version=1.0.0", "-o", out, "./cmd/ascend")
		c.Dir, c.Env = from, append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=")
		if text, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		isStatic(t, out)
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

// isStatic checks that a program needs nothing of the system it runs on, as in a
// container image that has nothing else.
func isStatic(t *testing.T, path string) {
	t.Helper()
	program, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the program is linked dynamically (%v)", p.Type)
		}
	}
}
