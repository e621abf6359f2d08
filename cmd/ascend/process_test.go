package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
	"github.com/ascend-cli/ascend/internal/sandbox"
	"github.com/ascend-cli/ascend/internal/sandbox/sandboxtest"
)

// noRaceSleep keeps programs with the race detector from sleeping for a second
// as they end.
const noRaceSleep = "GORACE=atexit_sleep_ms=0"

// site is an App Store Connect for real processes of ascend.
type site struct {
	t      *testing.T
	server *sandboxtest.Sandbox
	key    sandbox.Key
	home   string

	mu       sync.Mutex
	requests []sandbox.Request
	watchers []func(sandbox.Request)
}

func newSite(t *testing.T, options sandbox.Options) *site {
	t.Helper()
	return newSiteFor(t, sandboxtest.KeyID, options)
}

// newSiteFor is one with a key of a given id.
func newSiteFor(t *testing.T, keyID string, options sandbox.Options) *site {
	t.Helper()
	if len(options.Keys) == 0 {
		options.Keys = []sandbox.Key{sandboxtest.NewKey(t, keyID, sandboxtest.IssuerID, sandbox.Admin)}
	}
	s := &site{t: t, key: options.Keys[0], home: t.TempDir()}
	if len(options.Apps) == 0 {
		options.Apps = []sandbox.App{{BundleID: "com.example.demo", Name: "Demo", Groups: []sandbox.Group{{Name: "QA", Internal: true}}}}
	}
	options.OnRequest = func(r sandbox.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, r)
		watchers := s.watchers
		s.mu.Unlock()
		for _, w := range watchers {
			w(r)
		}
	}
	s.server = sandboxtest.New(t, options)
	return s
}

// process is one run of the real program.
type process struct {
	*exec.Cmd
	t        *testing.T
	out, err bytes.Buffer
}

func (s *site) start(args ...string) *process {
	s.t.Helper()
	p := s.command(args...)
	p.run()
	return p
}

func (s *site) command(args ...string) *process {
	p := &process{t: s.t, Cmd: exec.CommandContext(s.t.Context(), "ascend", args...)}
	p.Env = append(os.Environ(),
		noRaceSleep, "ASCEND_CI=none", "HOME="+s.home, "XDG_STATE_HOME="+filepath.Join(s.home, "state"), "ASCEND_POLL_INTERVAL=5ms",
	)
	p.Env = append(p.Env, s.server.Environment()...)
	p.Stdout, p.Stderr = &p.out, &p.err
	return p
}

func (p *process) run() {
	p.t.Helper()
	if err := p.Start(); err != nil {
		p.t.Fatal(err)
	}
}

// code waits for the end and returns the exit code, -1 after a kill.
func (p *process) code() int {
	_ = p.Wait() // the exit code says it
	return p.ProcessState.ExitCode()
}

// pack writes a package of the demo app.
func pack(t *testing.T, number string, padding int) string {
	t.Helper()
	return packVersion(t, "1.0", number, padding)
}

// packVersion writes one of a version: those of several versions can be uploaded
// in any order.
func packVersion(t *testing.T, version, number string, padding int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "Demo.ipa")
	if err := os.WriteFile(path, bundletest.IPA(bundletest.IOS("com.example.demo", version, number), bundletest.Padding(padding)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// holder lets a function run within the requests that match.
func holder(method, path string, do func()) func(http.ResponseWriter, *http.Request) bool {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == method && strings.HasPrefix(r.URL.Path, path) {
			do()
		}
		return false
	}
}

func TestASignalEndsEveryStage(t *testing.T) {
	t.Parallel()
	again := "run the same command again"
	for name, c := range map[string]struct {
		method, path string // the request during which the signal comes
		signal       os.Signal
		hint         string
	}{
		"resolve":    {"GET", "/v1/apps", os.Interrupt, again},
		"reserve":    {"POST", "/v1/buildUploads", syscall.SIGTERM, again},
		"transfer":   {"PUT", "/sandbox-bucket/", os.Interrupt, again},
		"commit":     {"PATCH", "/v1/buildUploadFiles/", syscall.SIGTERM, again},
		"wait":       {"GET", "/v1/buildUploads/", os.Interrupt, "ascend wait --build-upload"},
		"distribute": {"POST", "/v1/builds/", syscall.SIGTERM, "ascend distribute --build"},
	} {
		t.Run(name, func(t *testing.T) {
			reached, release := make(chan struct{}), make(chan struct{})
			var once sync.Once
			hold := holder(c.method, c.path, func() { once.Do(func() { close(reached) }); <-release })
			s := newSite(t, sandbox.Options{Intercept: hold, PartSize: 4 << 10})
			t.Cleanup(func() { close(release) }) // before the server is closed
			p := s.start("upload", pack(t, "7", 20<<10), "--groups", "QA")
			ended := make(chan int, 1)
			go func() { ended <- p.code() }()
			select {
			case <-reached:
			case code := <-ended:
				t.Fatalf("it never came to %s but ended with %d: %s", name, code, p.err.String())
			}
			if err := p.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			if code := <-ended; code != 130 {
				t.Errorf("exit code %d", code)
			}
			for _, want := range []string{"stopped by the user during " + name, c.hint} {
				if !strings.Contains(p.err.String(), want) {
					t.Errorf("it does not say %q:\n%s", want, p.err.String())
				}
			}
		})
	}
}

func TestASignalEndsAReadOfStdin(t *testing.T) {
	t.Parallel()
	s := newSite(t, sandbox.Options{})
	never, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	defer never.Close()
	p := s.command("upload", pack(t, "7", 1), "--what-to-test", "-")
	p.Stdin = never
	p.run()
	// It reads as long as it takes what is written: after more than a pipe
	// holds, the process is known to be reading, and its handler in place.
	if _, err := writer.Write(make([]byte, 256<<10)); err != nil {
		t.Fatal(err)
	}
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := p.code(); code != 130 {
		t.Errorf("exit code %d: %s", code, p.err.String())
	}
}
