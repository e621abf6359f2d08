package release_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/memnet"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/sandbox"
	"github.com/ascend-cli/ascend/upload"
)

// The steps of a run that others can come between, in their order: it looks
// what is there, reserves, looks for others, sends, compares, commits.
const stepsOfARun = 6

// A schedule lets one run at a time take one step.
type schedule struct {
	mu   sync.Mutex
	cond *sync.Cond
	// waits tells which runs stand before a step, granted which may take it.
	waits, granted, ended [2]bool
}

func newSchedule() *schedule {
	s := &schedule{}
	s.cond = sync.NewCond(&s.mu)
	return s
}

// step waits until a run may take its next step.
func (s *schedule) step(run int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waits[run] = true
	s.cond.Broadcast()
	for !s.granted[run] {
		s.cond.Wait()
	}
	s.waits[run], s.granted[run] = false, false
}

func (s *schedule) end(run int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended[run] = true
	s.cond.Broadcast()
}

// give lets a run take one step and waits until it stands before the next one.
// It tells whether the run had not ended before.
func (s *schedule) give(run int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.waits[run] && !s.ended[run] {
		s.cond.Wait()
	}
	if s.ended[run] {
		return false
	}
	s.granted[run] = true
	s.cond.Broadcast()
	for s.granted[run] || !s.waits[run] && !s.ended[run] {
		s.cond.Wait()
	}
	return true
}

// stepping carries the requests of one run and waits for its turn between
// steps.
type stepping struct {
	next     http.RoundTripper
	schedule *schedule
	run      int

	mu   sync.Mutex
	step string
	// lists counts those of build uploads, posted tells that this run has made a
	// reservation.
	lists  int
	posted bool
}

func (s *stepping) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	before := s.step
	now := before
	list := r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/buildUploads")
	if list {
		s.lists++
	}
	switch {
	case r.Method == http.MethodPost:
		now, s.posted = "reserve", true
	case r.Method == http.MethodPut:
		now = "send"
	case r.Method == http.MethodPatch:
		now = "commit"
	case before == "":
		now = "look"
	case list && (before == "reserve" || before == "look" && s.lists > 1):
		now = "check"
	case before == "check" && r.Method == http.MethodGet && !list && !s.posted:
		now = "send" // a run that has taken a reservation over reads it once more
	case before == "send":
		now = "compare"
	}
	s.step = now
	s.mu.Unlock()
	if now != before {
		s.schedule.step(s.run)
	}
	return s.next.RoundTrip(r)
}

func (s *stepping) CloseIdleConnections() {}

// orders lists the ways in which two runs can take their steps, of which the
// first run takes the first. The runs have the same program, so the others are
// the same with the runs exchanged.
func orders(first, second int) [][]int {
	var all [][]int
	var extend func(order []int, a, b int)
	extend = func(order []int, a, b int) {
		if a == 0 && b == 0 {
			all = append(all, append([]int(nil), order...))
			return
		}
		if a > 0 {
			extend(append(order, 0), a-1, b)
		}
		if b > 0 {
			extend(append(order, 1), a, b-1)
		}
	}
	extend([]int{0}, first-1, second)
	return all
}

// twoRuns lets two runs upload two files with the same numbers, in an order.
func twoRuns(t *testing.T, key sandbox.Key, order []int, files [2]string) (server *sandbox.Server, summaries [2]release.Summary, errs [2]error) {
	time0 := &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	network := &memnet.Network{}
	server, err := sandbox.Start(sandbox.Options{
		Listen: func(string) (net.Listener, error) { return network.Listen(), nil },
		Keys:   []sandbox.Key{key}, Apps: []sandbox.App{{BundleID: bundleID}}, PartSize: 4 << 10,
		UploadProcessing: time.Hour, BuildProcessing: time.Hour, Now: time0.Now, Dir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	s := newSchedule()
	var group sync.WaitGroup
	for i, path := range files {
		base := http.DefaultTransport.(*http.Transport).Clone()
		base.DialContext = network.DialContext
		through := &stepping{next: base, schedule: s, run: i}
		client, err := asc.NewClient(asc.Options{
			Key: asc.Key{ID: key.ID, IssuerID: key.IssuerID, Private: key.Private}, URL: server.URL(), Transport: through, Now: time0.Now, Sleep: time0.Sleep,
		})
		if err != nil {
			t.Fatal(err)
		}
		runner := &release.Runner{Client: client, Transport: through, Pool: upload.NewPool(1, 0), Now: time0.Now, Sleep: time0.Sleep}
		group.Go(func() {
			defer base.CloseIdleConnections()
			defer s.end(i)
			summaries[i], errs[i] = runner.Upload(t.Context(), release.Plan{Path: path, NoWait: true})
		})
	}
	for _, run := range order {
		s.give(run)
		time0.pass(time.Millisecond)
	}
	for s.give(0) || s.give(1) {
		continue
	}
	group.Wait()
	return server, summaries, errs
}

// everyInterleaving is which of the interleavings run unless all do: the first
// and every so many after it. It has no factor in common with their number,
// so that those that run differ early and late.
const everyInterleaving = 13

// Whatever two runs with the same numbers do to each other, what is committed
// is the file of each run that says so.
func TestTwoRunsWithTheSameNumbersNeverMix(t *testing.T) {
	key, err := sandbox.NewKey("TESTKEY001", "issuer", sandbox.Admin)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, padding int, change bool) string {
		content := bundletest.IPA(bundletest.IOS(bundleID, "1.2.0", "42"), bundletest.Padding(padding))
		if change {
			for i := 3 << 10; i < len(content)-1<<10; i += 1 << 10 {
				content[i]++ // within the padding, which nobody reads
			}
		}
		path := filepath.Join(dir, name)
		rewrite(t, path, content)
		return path
	}
	package1 := write("one.ipa", 10<<10, false)
	for name, second := range map[string]string{
		"the same content":           write("same.ipa", 10<<10, false),
		"other content of that size": write("other.ipa", 10<<10, true),
		"another size":               write("longer.ipa", 11<<10, false),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := [2]string{package1, second}
			for i, order := range orders(stepsOfARun, stepsOfARun) {
				if !slow() && i%everyInterleaving != 0 {
					continue
				}
				server, summaries, errs := twoRuns(t, key, order, files)
				for _, problem := range mixed(t, server, files, summaries, errs) {
					t.Errorf("order %v: %s\nfirst: %v\nsecond: %v", order, problem, errs[0], errs[1])
				}
				if err := server.Close(); err != nil {
					t.Error(err)
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}

// mixed says what is wrong with the outcome of two runs.
func mixed(t *testing.T, server *sandbox.Server, files [2]string, summaries [2]release.Summary, errs [2]error) (problems []string) {
	committed := server.Committed()
	if len(committed) > 1 {
		problems = append(problems, fmt.Sprintf("%d build uploads were committed: %v", len(committed), committed))
	}
	succeeded := 0
	for i, path := range files {
		switch kind := failure.KindOf(errs[i]); {
		case errs[i] == nil:
			succeeded++
			if got, whole := server.Object(summaries[i].BuildUploadID); !whole || got != sumOf(t, path) {
				problems = append(problems, fmt.Sprintf("run %d ended well, but its build upload does not hold its file", i))
			}
			if !summaries[i].Verified {
				problems = append(problems, fmt.Sprintf("run %d does not say that it is verified", i))
			}
		case kind != failure.Conflict && kind != failure.Transfer:
			problems = append(problems, fmt.Sprintf("run %d ended as %s", i, kind))
		}
	}
	for _, id := range committed {
		if got, _ := server.Object(id); got != sumOf(t, files[0]) && got != sumOf(t, files[1]) {
			problems = append(problems, "a mixture was committed")
		}
	}
	if succeeded == 0 {
		problems = append(problems, "both runs failed")
	}
	return problems
}

func sumOf(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
