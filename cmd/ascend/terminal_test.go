//go:build !windows

package main

import (
	"bytes"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
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

	mu      sync.Mutex
	changed *sync.Cond
	out     bytes.Buffer
	closed  bool // nothing more comes
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
	w.changed = sync.NewCond(&w.mu)
	go func() {
		defer close(w.ended)
		buffer := make([]byte, 4096)
		for {
			n, err := device.Read(buffer)
			w.mu.Lock()
			w.out.Write(buffer[:n])
			w.closed = err != nil
			w.mu.Unlock()
			w.changed.Broadcast()
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
	w.mu.Lock()
	defer w.mu.Unlock()
	for !strings.Contains(control.ReplaceAllString(w.out.String(), ""), what) {
		if w.closed {
			w.t.Fatalf("it never wrote %q:\n%q", what, w.out.String())
		}
		w.changed.Wait()
	}
}

// end waits for the process and for the rest of what it wrote.
func (w *screen) end() int {
	code := w.process.code()
	select {
	case <-w.ended:
	case <-time.After(30 * time.Second): // some systems do not end a terminal's read
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

// held is a site that takes all parts but one, until it is let go on: so that
// there is time to look, however much it takes.
func held(t *testing.T, options sandbox.Options) (s *site, goOn func()) {
	holding := make(chan struct{})
	goOn = sync.OnceFunc(func() { close(holding) })
	options.PartSize = 64 << 10
	options.Intercept = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("partNumber") == "9" {
			<-holding
		}
		return false
	}
	s = newSite(t, options)
	t.Cleanup(goOn) // before the server is closed
	return s, goOn
}

func TestATerminalShowsALiveView(t *testing.T) {
	t.Parallel()
	const processing = 2 * time.Minute
	var passed atomic.Int64 // of the service's time, beside the real one
	s, goOn := held(t, sandbox.Options{
		UploadProcessing: processing, Now: func() time.Time { return time.Now().Add(time.Duration(passed.Load())) },
	})
	w := s.onScreen(120, nil, "upload", "--groups", "QA", pack(t, "7", 2<<20))
	w.await(" in flight")
	goOn()
	w.await("wait       build upload: PROCESSING, ")
	passed.Store(int64(processing))
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
	t.Parallel()
	s, goOn := held(t, sandbox.Options{})
	w := s.onScreen(36, nil, "upload", pack(t, "7", 1<<20))
	w.await("/7] transfer")
	goOn()
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
	t.Parallel()
	s, goOn := held(t, sandbox.Options{})
	w := s.onScreen(120, nil, "upload", "--no-wait", pack(t, "7", 3<<20))
	w.await("%")
	if err := pty.Setsize(w.device, &pty.Winsize{Rows: 24, Cols: 40}); err != nil {
		t.Fatal(err)
	}
	before := len(w.redrawn())
	w.await("[5/6] transfer") // which is what there is room for
	goOn()
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
	t.Parallel()
	s, _ := held(t, sandbox.Options{})
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
	t.Parallel()
	s := newSite(t, sandbox.Options{})
	w := s.onScreen(80, nil, "upload", "--groups", "Nobody", pack(t, "7", 1<<10))
	if code := w.end(); code != 4 {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(w.text(), "\x1b[31mascend: \x1b[0m") {
		t.Errorf("the failure is not red: %q", w.text())
	}
	for name, variable := range map[string]string{"no colour": "NO_COLOR=1", "a dumb terminal": "TERM=dumb"} {
		w := newSite(t, sandbox.Options{}).onScreen(80, []string{variable}, "upload", "--groups", "Nobody", pack(t, "7", 1<<10))
		w.end()
		if strings.Contains(w.text(), "\x1b[31m") {
			t.Errorf("%s: %q", name, w.text())
		}
	}
}
