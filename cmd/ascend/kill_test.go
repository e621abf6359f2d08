package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/sandbox"
)

// stored returns the SHA-256 of what the service has of an upload.
func (s *site) stored(uploadID string) string {
	s.t.Helper()
	sum, whole := s.server.Object(uploadID)
	if !whole {
		s.t.Fatalf("build upload %s is not complete", uploadID)
	}
	return sum
}

func fileSum(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// made counts the requests that made something.
func (s *site) made(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.requests {
		if r.Method == http.MethodPost && r.Path == path && r.Status == http.StatusCreated {
			n++
		}
	}
	return n
}

// TestNothingIsLostWhenItIsKilled kills one upload several times, wherever it
// happens to be, half of the time with everything forgotten on this machine,
// as on a new CI runner.
func TestNothingIsLostWhenItIsKilled(t *testing.T) {
	t.Parallel()
	kills := 8
	if slow() {
		kills = 60
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var fuse atomic.Int64   // requests until the next kill
	var starting sync.Mutex // held until a start is noted
	var victim *process
	s := newSite(t, sandbox.Options{
		PartSize: 8 << 10, UploadProcessing: 50 * time.Millisecond, BuildProcessing: 50 * time.Millisecond,
		Intercept: func(_ http.ResponseWriter, r *http.Request) bool {
			if fuse.Add(-1) == 0 {
				starting.Lock()
				defer starting.Unlock()
				_ = victim.Process.Kill() // it may have ended
			}
			return false
		},
	})
	path := pack(t, "7", kills*180<<10) // more parts than the runs can send
	for killed := range kills {
		p := s.command("upload", path, "--groups", "QA", "--json", "--concurrency", "4")
		if random.IntN(2) == 0 {
			if err := os.RemoveAll(filepath.Join(s.home, "state")); err != nil {
				t.Fatal(err)
			}
		}
		// Most runs end among the parts; some before, some behind.
		after := 1 + random.IntN(22)
		if killed == 0 && !slow() {
			// By then a part is acknowledged: while none is, the next run that
			// remembers nothing waits for 30 s.
			after = 18
		}
		fuse.Store(int64(after))
		starting.Lock()
		p.run()
		victim = p
		starting.Unlock()
		if code := p.code(); code != -1 {
			t.Fatalf("run %d ended with %d: %s", killed, code, p.err.String())
		}
	}
	fuse.Store(0)
	p := s.start("upload", path, "--groups", "QA", "--json")
	if code := p.code(); code != 0 {
		t.Fatalf("the last run ended with %d: %s", code, p.err.String())
	}
	var summary release.Summary
	if err := json.Unmarshal(p.out.Bytes(), &summary); err != nil {
		t.Fatal(err)
	}
	if s.stored(summary.BuildUploadID) != fileSum(t, path) {
		t.Error("what is stored is not the file")
	}
	if n := s.made("/v1/buildUploads"); n != 1 {
		t.Errorf("%d build uploads were made", n)
	}
	if summary.State != "VALID" || strings.Join(summary.Groups, ",") != "QA" {
		t.Errorf("%+v", summary)
	}
	// Four parts were in flight at each kill at most.
	sent := 0
	s.mu.Lock()
	for _, r := range s.requests {
		if r.Host == "store" && r.Status == http.StatusOK {
			sent++
		}
	}
	s.mu.Unlock()
	if parts := summary.Parts; sent > parts+4*kills {
		t.Errorf("%d parts were stored for %d", sent, parts)
	}
}

func TestAKilledRunGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ method, path string }{
		"while it reserved":              {"POST", "/v1/buildUploads"},
		"while it reserved the file":     {"POST", "/v1/buildUploadFiles"},
		"while it committed":             {"PATCH", "/v1/buildUploadFiles/"},
		"while it waited for the upload": {"GET", "/v1/buildUploads/"},
		"while it waited for the build":  {"GET", "/v1/builds/"},
		"while it distributed":           {"POST", "/v1/builds/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // one of them waits for 30 s, as it should
			var victim atomic.Pointer[process]
			started := make(chan struct{})
			s := newSite(t, sandbox.Options{
				PartSize: 4 << 10, UploadProcessing: 20 * time.Millisecond, BuildProcessing: 20 * time.Millisecond,
				Intercept: holder(c.method, c.path, func() {
					<-started
					if p := victim.Swap(nil); p != nil {
						_ = p.Process.Kill() // it is waiting for this very reply
					}
				}),
			})
			path := pack(t, "7", 20<<10)
			p := s.start("upload", path, "--groups", "QA", "--json")
			victim.Store(p)
			close(started)
			if code := p.code(); code != -1 {
				t.Fatalf("it was not killed but ended with %d: %s", code, p.err.String())
			}
			p = s.start("upload", path, "--groups", "QA", "--json")
			if code := p.code(); code != 0 {
				t.Fatalf("the second run ended with %d: %s", code, p.err.String())
			}
			var summary release.Summary
			if err := json.Unmarshal(p.out.Bytes(), &summary); err != nil {
				t.Fatal(err)
			}
			if s.stored(summary.BuildUploadID) != fileSum(t, path) || s.made("/v1/buildUploads") != 1 || strings.Join(summary.Groups, ",") != "QA" {
				t.Errorf("%d build uploads: %+v", s.made("/v1/buildUploads"), summary)
			}
			if left, _ := os.ReadDir(filepath.Join(s.home, "state", "ascend", "uploads")); len(left) != 0 {
				t.Errorf("left over on this machine: %v", left)
			}
		})
	}
}

func TestTwoProcessesDoNotSendTheSameBuild(t *testing.T) {
	t.Parallel()
	reached, release := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	s := newSite(t, sandbox.Options{PartSize: 4 << 10, Intercept: holder("PUT", "/sandbox-bucket/", func() {
		if !first.Swap(true) {
			close(reached)
			<-release
		}
	})})
	path := pack(t, "7", 20<<10)
	one := s.start("upload", path)
	<-reached
	two := s.start("upload", path)
	if code := two.code(); code != 9 || !strings.Contains(two.err.String(), "has been uploading the same build since") {
		t.Errorf("the second ended with %d: %s", code, two.err.String())
	}
	close(release)
	if code := one.code(); code != 0 {
		t.Errorf("the first ended with %d: %s", code, one.err.String())
	}
	if n := s.made("/v1/buildUploads"); n != 1 {
		t.Errorf("%d build uploads were made", n)
	}
}

func TestOnIncompleteIsObeyed(t *testing.T) {
	t.Parallel()
	for how, want := range map[string]struct{ code, made int }{"resume": {0, 1}, "replace": {0, 2}, "fail": {9, 1}} {
		t.Run(how, func(t *testing.T) {
			var victim atomic.Pointer[process]
			started := make(chan struct{})
			s := newSite(t, sandbox.Options{PartSize: 4 << 10, Intercept: holder("PATCH", "/v1/buildUploadFiles/", func() {
				<-started
				if p := victim.Swap(nil); p != nil {
					_ = p.Process.Kill()
				}
			}), Faults: []sandbox.Fault{{Method: "PATCH", Nth: sandbox.Span{First: 1, Last: 1}, Do: sandbox.FaultClose}}})
			path := pack(t, "7", 20<<10)
			p := s.start("upload", path)
			victim.Store(p)
			close(started)
			p.code()
			p = s.start("upload", path, "--on-incomplete", how)
			if code := p.code(); code != want.code || s.made("/v1/buildUploads") != want.made {
				t.Errorf("exit code %d, %d build uploads: %s", code, s.made("/v1/buildUploads"), p.err.String())
			}
		})
	}
}

func TestAStateFolderThatCannotBeWrittenIsNoObstacle(t *testing.T) {
	t.Parallel()
	s := newSite(t, sandbox.Options{PartSize: 4 << 10})
	if err := os.WriteFile(filepath.Join(s.home, "state"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := s.start("upload", pack(t, "7", 20<<10))
	if code := p.code(); code != 0 || !strings.Contains(p.err.String(), "nothing can be remembered on this machine") {
		t.Errorf("exit code %d: %s", code, p.err.String())
	}
}
