//go:build !windows

package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"

	"github.com/ascend-cli/ascend/internal/sandbox"
)

// screen is a terminal that a process writes to.
type screen struct {
	t       *testing.T
	device  *os.File
	process *process
	ended   chan struct{}

	mu  sync.Mutex
	out bytes.Buffer
}

// onScreen starts a process on a terminal of a width.
func (s *site) onScreen(columns uint16, variables []string, args ...string) *screen {
	s.t.Helper()
	p := s.command(args...)
	p.Stdout, p.Stderr = nil, nil
	p.Env = append(p.Env, append([]string{"CI=", "TERM=xterm-256color", "NO_COLOR=", "LC_ALL=C.UTF-8"}, variables...)...)
	device, err := pty.StartWithSize(p.Cmd, &pty.Winsize{Rows: 24, Cols: columns})
	if err != nil {
		s.t.Skipf("there is no pseudo-terminal: %v", err)
	}
	w := &screen{t: s.t, device: device, process: p, ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		buffer := make([]byte, 4096)
		for {
			n, err := device.Read(buffer)
			w.mu.Lock()
			w.out.Write(buffer[:n])
			w.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	s.t.Cleanup(func() { device.Close() })
	return w
}

func (w *screen) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.String()
}

// await waits until something is on the screen.
func (w *screen) await(what string) {
	w.t.Helper()
	for range 2000 {
		if strings.Contains(w.text(), what) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.t.Fatalf("it never wrote %q:\n%q", what, w.text())
}

// end waits for the process and for the rest of what it wrote.
func (w *screen) end() int {
	code := w.process.code()
	select {
	case <-w.ended:
	case <-time.After(time.Second): // some systems do not end a terminal's read
	}
	return code
}

// redrawn is what was drawn of the live view: each time, the lines from one
// removal of it to the next.
func (w *screen) redrawn() []string {
	pieces := strings.Split(w.text(), "\x1b[J")
	var lines []string
	for _, piece := range pieces[1:] {
		piece = control.ReplaceAllString(piece, "")
		for line := range strings.SplitSeq(piece, "\n") {
			lines = append(lines, strings.TrimRight(line, "\r "))
		}
	}
	return lines
}

var control = regexp.MustCompile(`\r|\x1b\[[0-9;]*[A-Za-z]`)

// liveLine matches what the live view consists of.
var liveLine = regexp.MustCompile(`^  ([✓▸·-][a-z]+ ?)+$|^  \[\d/\d\] |^  transfer +\d+% |^ {13}\d+ of|^  wait +build`)

// widest is the longest line of the live view.
func widest(lines []string) int {
	longest := 0
	for _, line := range lines {
		if liveLine.MatchString(line) {
			longest = max(longest, utf8.RuneCountInString(line))
		}
	}
	return longest
}

// left is what the terminal shows at the end.
func (w *screen) left(columns int) string {
	terminal := vt10x.New(vt10x.WithSize(columns, 60))
	_, _ = terminal.Write([]byte(w.text())) // it only draws
	return strings.TrimSpace(terminal.String())
}

// slow is a site whose transfers take a while to look at.
func slow(t *testing.T) *site {
	return newSite(t, sandbox.Options{PartSize: 64 << 10, UploadProcessing: 300 * time.Millisecond, BuildProcessing: 300 * time.Millisecond, Link: sandbox.Link{Total: 2e6}})
}

func TestATerminalShowsALiveView(t *testing.T) {
	s := slow(t)
	w := s.onScreen(120, nil, "upload", "--groups", "QA", pack(t, "7", 2<<20))
	w.await(" in flight")
	w.await("▸wait")
	if code := w.end(); code != 0 {
		t.Fatalf("it ended with %d: %s", code, w.text())
	}
	lines := strings.Join(w.redrawn(), "\n")
	for _, want := range []string{"▸transfer ·commit ·wait ·distribute", "✓commit ▸wait ·distribute", " of 2.1 MB, ", "wait       build upload: PROCESSING, "} {
		if !strings.Contains(lines, want) {
			t.Errorf("it does not show %q:\n%s", want, lines)
		}
	}
	if n := widest(w.redrawn()); n >= 120 || n < 20 {
		t.Errorf("the live view is %d wide", n)
	}
	end := w.left(120)
	if strings.ContainsAny(end, "▸█·") || !strings.Contains(end, "added to QA") || !strings.Contains(end, "com.example.demo 1.0 (7) is VALID") {
		t.Errorf("at the end there is\n%s", end)
	}
}

func TestANarrowTerminalIsNotOverrun(t *testing.T) {
	s := slow(t)
	w := s.onScreen(36, nil, "upload", pack(t, "7", 1<<20))
	if code := w.end(); code != 0 {
		t.Fatalf("it ended with %d: %s", code, w.text())
	}
	if n := widest(w.redrawn()); n >= 36 || n < 10 {
		t.Errorf("the live view is %d wide:\n%q", n, w.redrawn())
	}
	if end := w.left(36); strings.Contains(end, "█") || strings.Contains(end, "/7]") {
		t.Errorf("at the end there is\n%s", end)
	}
}

func TestAResizedTerminalIsFollowed(t *testing.T) {
	s := newSite(t, sandbox.Options{PartSize: 64 << 10, Link: sandbox.Link{Total: 1e6}})
	w := s.onScreen(120, nil, "upload", "--no-wait", pack(t, "7", 3<<20))
	w.await("%")
	if err := pty.Setsize(w.device, &pty.Winsize{Rows: 24, Cols: 40}); err != nil {
		t.Fatal(err)
	}
	before := len(w.redrawn())
	w.await("[5/6] transfer") // which is what there is room for
	if code := w.end(); code != 0 {
		t.Fatalf("it ended with %d: %s", code, w.text())
	}
	lines := w.redrawn()[before:]
	for len(lines) > 0 && !strings.HasPrefix(lines[0], "  [5/6]") {
		lines = lines[1:] // a drawing that was under way
	}
	if n := widest(lines); n >= 40 || n < 10 {
		t.Errorf("after it became narrow the live view is %d wide:\n%q", n, lines)
	}
}

func TestASignalLeavesTheTerminalClean(t *testing.T) {
	s := newSite(t, sandbox.Options{PartSize: 64 << 10, Link: sandbox.Link{Total: 500e3}})
	w := s.onScreen(80, nil, "upload", pack(t, "7", 4<<20))
	w.await("%")
	if err := w.process.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := w.end(); code != 130 {
		t.Errorf("exit code %d", code)
	}
	lines := strings.Split(strings.TrimRight(w.text(), "\r\n"), "\n")
	last := control.ReplaceAllString(lines[len(lines)-1], "")
	if !strings.HasPrefix(last, "  what to do: ") || !strings.HasSuffix(w.text(), "\n") {
		t.Errorf("the last line is %q", last)
	}
}

func TestAFailureIsReadOnATerminal(t *testing.T) {
	s := slow(t)
	w := s.onScreen(80, nil, "upload", "--groups", "Nobody", pack(t, "7", 1<<10))
	if code := w.end(); code != 4 {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(w.text(), "\x1b[31mascend: \x1b[0m") {
		t.Errorf("the failure is not red: %q", w.text())
	}
	for name, variable := range map[string]string{"no colour": "NO_COLOR=1", "a dumb terminal": "TERM=dumb"} {
		w := slow(t).onScreen(80, []string{variable}, "upload", "--groups", "Nobody", pack(t, "7", 1<<10))
		w.end()
		if strings.Contains(w.text(), "\x1b[31m") {
			t.Errorf("%s: %q", name, w.text())
		}
	}
}
