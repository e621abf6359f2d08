package release_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/state"
)

// expected is what the last wait expected, at its end.
func (b *bench) expected() release.Expectation {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := len(b.events) - 1; i >= 0; i-- {
		if e, ok := b.events[i].(release.Waiting); ok {
			return e.Expected
		}
	}
	b.t.Fatal("nothing was waited for")
	return release.Expectation{}
}

func near(got, want time.Duration) bool {
	return got >= want && got <= want+want/5
}

func TestAWaitExpectsWhatEarlierOnesTook(t *testing.T) {
	b := newBench(t)
	b.runner.History = state.OpenHistory(t.TempDir(), b.clock.Now)
	const real = 13*time.Minute + 20*time.Second // of the bench
	for i := range 3 {
		b.upload(release.Plan{Path: pack(t, "1.0", fmt.Sprint(i+1))})
		e := b.expected()
		if e.Builds != i {
			t.Fatalf("before build %d, %+v", i+1, e)
		}
		if i > 0 && (!near(e.Typical, real) || e.Reviewed) {
			t.Errorf("before build %d, %+v", i+1, e)
		}
	}
	if asked := b.calls("GET /v1/builds?"); len(asked) > 0 {
		t.Errorf("%v", asked)
	}
	// What somebody waits for again takes no longer than it did.
	sum := b.upload(release.Plan{Path: pack(t, "1.0", "4"), NoWait: true})
	b.clock.pass(time.Minute)
	if _, err := b.runner.Wait(t.Context(), release.Plan{App: bundleID, BuildUploadID: sum.BuildUploadID}); err != nil {
		t.Fatal(err)
	}
	if e := b.expected(); e.Builds != 3 || !near(e.Longest, real) {
		t.Errorf("%+v", e)
	}
	b.upload(release.Plan{Path: pack(t, "1.0", "5")})
	if e := b.expected(); e.Builds != 4 || !near(e.Longest, real) {
		t.Errorf("after a wait in two pieces, %+v", e)
	}
}

func TestWithoutAMemoryReviewsTellHowLongItTakes(t *testing.T) {
	b := newBench(t)
	beta := release.Distribution{Groups: []string{"Beta"}}
	for i := range 3 {
		b.upload(release.Plan{Path: pack(t, fmt.Sprintf("1.%d", i), "1"), Distribution: beta})
	}
	// One is submitted by hand, on the next day.
	by := b.upload(release.Plan{Path: pack(t, "1.3", "1")})
	b.clock.pass(20 * time.Hour)
	if _, err := b.runner.Distribute(t.Context(), release.Plan{BuildID: by.BuildID, Distribution: beta}); err != nil {
		t.Fatal(err)
	}
	b.upload(release.Plan{Path: pack(t, "1.4", "1")})
	if e := b.expected(); e.Builds != 3 || !e.Reviewed || !near(e.Typical, 13*time.Minute+20*time.Second) || e.Longest > time.Hour {
		t.Errorf("%+v", e)
	}
}

func TestNothingDependsOnAnExpectation(t *testing.T) {
	b := newBench(t)
	asked := 0
	b.before(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || r.URL.Path != "/v1/builds" || !strings.Contains(r.URL.RawQuery, "VALID") || r.URL.Query().Get("limit") != "20" {
			return false
		}
		asked++
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"errors":[{"status":"403","code":"FORBIDDEN_ERROR","title":"Forbidden","detail":"No."}]}`))
		return true
	})
	if sum := b.upload(release.Plan{Path: pack(t, "1.2", "42")}); sum.State != "VALID" || len(sum.Warnings) > 0 {
		t.Errorf("%+v", sum)
	}
	if asked != 1 || b.expected().Known() {
		t.Errorf("asked %d times, %+v", asked, b.expected())
	}
}
