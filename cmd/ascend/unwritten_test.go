//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ascend-cli/ascend/internal/sandbox"
)

const fullDisk = "/dev/full"

// requested are the files that a run can be asked for, with the arguments or
// the variables that do.
var requested = map[string]func(path string) (args, env []string){
	"the report":  func(path string) (args, env []string) { return []string{"--report", path}, nil },
	"the events":  func(path string) (args, env []string) { return []string{"--events", path}, nil },
	"the trace":   func(path string) (args, env []string) { return []string{"--trace-http", path}, nil },
	"the results": func(path string) (args, env []string) { return []string{"--dotenv", path}, nil },
	"the outputs": func(path string) (args, env []string) {
		return nil, []string{"ASCEND_CI=github", "GITHUB_OUTPUT=" + path}
	},
	"the summary page": func(path string) (args, env []string) {
		return nil, []string{"ASCEND_CI=github", "GITHUB_STEP_SUMMARY=" + path}
	},
}

// TestAFileThatCannotBeWrittenFailsARunThatWorked has a full disk under each
// file, and looks at the result, which is there all the same.
func TestAFileThatCannotBeWrittenFailsARunThatWorked(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(fullDisk); err != nil {
		t.Skip("there is no " + fullDisk)
	}
	for what, ask := range requested {
		for name, c := range map[string]struct {
			packages []string
			extra    []string
			code     int
			kind     string
		}{
			"one package":      {packages: []string{"7"}, code: 1, kind: "internal"},
			"several packages": {packages: []string{"7", "8"}, code: 1, kind: "internal"},
			"a run that fails": {packages: []string{"7"}, extra: []string{"--groups", "Nobody"}, code: 4, kind: "not_found"},
		} {
			t.Run(what+"/"+name, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, sandbox.Options{})
				args, env := ask(fullDisk)
				args = append(append([]string{"upload", "--json"}, c.extra...), args...)
				for _, number := range c.packages {
					args = append(args, packVersion(t, "1."+number, number, 1))
				}
				p := s.command(args...)
				p.Env = append(p.Env, env...)
				p.run()
				code := p.code()
				var document struct {
					Error   struct{ Kind, Message string }
					BuildID string `json:"build_id"`
					Results []struct {
						BuildID string `json:"build_id"`
					}
				}
				if err := json.Unmarshal(p.out.Bytes(), &document); err != nil {
					t.Fatalf("%v: %s", err, p.out.String())
				}
				if code != c.code || document.Error.Kind != c.kind {
					t.Errorf("it ended with %d, and the error is %+v", code, document.Error)
				}
				if !strings.Contains(p.err.String(), what) || !strings.Contains(p.err.String(), "no space left") {
					t.Errorf("it is not said what could not be written: %s", p.err.String())
				}
				if c.code != 1 {
					return
				}
				if document.BuildID == "" && (len(document.Results) != 2 || document.Results[1].BuildID == "") {
					t.Errorf("the result is missing: %s", p.out.String())
				}
				if !strings.Contains(document.Error.Message, what) {
					t.Errorf("%+v", document.Error)
				}
			})
		}
	}
}

func TestAResultThatCannotBeWrittenFailsTheRun(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile(fullDisk, os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no " + fullDisk)
	}
	defer full.Close()
	for _, line := range []string{"auth check", "auth check --json", "upload ../../testdata/Small.ipa", "upload --json ../../testdata/Small.ipa", "completion bash"} {
		s := newSite(t, sandbox.Options{})
		p := s.command(strings.Fields(line)...)
		p.Stdout = full
		p.run()
		if code := p.code(); code != 1 || !strings.Contains(p.err.String(), "no space left") {
			t.Errorf("%s ended with %d: %s", line, code, p.err.String())
		}
	}
}

// TestStreamsAndPipesAreFiles asks for files that are the streams or a pipe.
func TestStreamsAndPipesAreFiles(t *testing.T) {
	t.Parallel()
	marks := map[string]string{"the report": "</html>", "the events": `"type":"finished"`, "the trace": `"creator"`, "the results": "ASCEND_STATE=VALID", "the outputs": "state=VALID", "the summary page": "is VALID"}
	for what, ask := range requested {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			run := func(path string) *process {
				s := newSite(t, sandbox.Options{})
				args, env := ask(path)
				p := s.command(append([]string{"upload", pack(t, "7", 1)}, args...)...)
				p.Env = append(p.Env, env...)
				p.run()
				return p
			}
			p := run("/dev/stdout")
			if code := p.code(); code != 0 || !strings.Contains(p.out.String(), marks[what]) || !strings.Contains(p.out.String(), "is VALID") {
				t.Errorf("stdout: it ended with %d: %s%s", code, p.out.String(), p.err.String())
			}
			p = run("/dev/stderr")
			if code := p.code(); code != 0 || !strings.Contains(p.err.String(), marks[what]) {
				t.Errorf("stderr: it ended with %d: %s", code, p.err.String())
			}
			pipe := filepath.Join(t.TempDir(), "pipe")
			if err := syscall.Mkfifo(pipe, 0o600); err != nil {
				t.Fatal(err)
			}
			got := make(chan string)
			go func() {
				var content bytes.Buffer
				if file, err := os.Open(pipe); err == nil {
					_, _ = io.Copy(&content, file)
					_ = file.Close()
				}
				got <- content.String()
			}()
			p = run(pipe)
			if code := p.code(); code != 0 {
				t.Errorf("pipe: it ended with %d: %s", code, p.err.String())
			}
			if content := <-got; !strings.Contains(content, marks[what]) {
				t.Errorf("the pipe got %q", content)
			}
		})
	}
}

// TestFilesHaveTheirModes asks for all files at once.
func TestFilesHaveTheirModes(t *testing.T) {
	old := syscall.Umask(0o002)
	t.Cleanup(func() { syscall.Umask(old) })
	s := newSite(t, sandbox.Options{})
	dir := t.TempDir()
	args := []string{"upload", pack(t, "7", 1)}
	var env []string
	for what, ask := range requested {
		a, e := ask(filepath.Join(dir, what))
		args, env = append(args, a...), append(env, e...)
	}
	p := s.command(args...)
	p.Env = append(p.Env, env...)
	p.run()
	if code := p.code(); code != 0 {
		t.Fatalf("it ended with %d: %s", code, p.err.String())
	}
	for what := range requested {
		want := fs.FileMode(0o664)
		if what == "the trace" {
			want = 0o600
		}
		if info, err := os.Stat(filepath.Join(dir, what)); err != nil || info.Mode().Perm() != want || info.Size() == 0 {
			t.Errorf("%s: %v, mode %o, want %o", what, err, info.Mode().Perm(), want)
		}
	}
}

// TestLinksOfOthersAreNotWrittenThrough has a link of another user's in a
// shared folder, in the place of each file.
func TestLinksOfOthersAreNotWrittenThrough(t *testing.T) {
	t.Parallel()
	const foreigner = 65534
	for what, ask := range requested {
		dir := t.TempDir()
		victim, link := filepath.Join(dir, "victim"), filepath.Join(dir, "shared", "link")
		if err := os.Mkdir(filepath.Dir(link), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Dir(link), fs.ModeSticky|0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(victim, []byte("before"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(victim, link); err != nil {
			t.Fatal(err)
		}
		if err := os.Lchown(link, foreigner, foreigner); err != nil {
			t.Skipf("links cannot be given away here: %v", err)
		}
		s := newSite(t, sandbox.Options{})
		args, env := ask(link)
		p := s.command(append([]string{"upload", pack(t, "7", 1)}, args...)...)
		p.Env = append(p.Env, env...)
		p.run()
		if code := p.code(); code != 1 && code != 2 || !strings.Contains(p.err.String(), "symbolic link of another user") {
			t.Errorf("%s: it ended with %d: %s", what, code, p.err.String())
		}
		if content := string(read(t, victim)); content != "before" {
			t.Errorf("%s: the file says %q", what, content)
		}
	}
}
