package release

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/state"
)

// An Expectation is how long Apple's processing takes, going by earlier builds
// of the app. Its times begin with the end of the upload.
type Expectation struct {
	// Builds is how many builds it rests on; with none, nothing is expected.
	Builds int
	// Shortest and Longest leave the odd one out where there are enough.
	Shortest, Typical, Longest time.Duration
	// Reviewed tells that the times are those until the builds were submitted
	// for beta review, which is all that the service knows of earlier builds.
	Reviewed bool
}

// Known tells whether anything is expected.
func (e Expectation) Known() bool { return e.Builds > 0 }

const (
	// trimFrom is the number of builds from which on the fastest and the slowest
	// are left out.
	trimFrom = 5
	// recentBuilds is how many builds of the service are looked at.
	recentBuilds = 20
	// promptly is how much later than the quickest of them a build may have been
	// submitted for review to tell of its processing: others were by hand.
	promptly = 3
	// expectWithin bounds the question to the service: it is about a comfort.
	expectWithin = 10 * time.Second
)

// expectation is made of how long builds took.
func expectation(took []time.Duration) Expectation {
	if len(took) == 0 {
		return Expectation{}
	}
	sorted := slices.Sorted(slices.Values(took))
	e := Expectation{Builds: len(sorted), Typical: sorted[len(sorted)/2]}
	if len(sorted) >= trimFrom {
		sorted = sorted[1 : len(sorted)-1]
	}
	e.Shortest, e.Longest = sorted[0], sorted[len(sorted)-1]
	return e
}

// expect finds out, once, how long this will take: from what this machine
// remembers, or else from what the service tells of the app's builds. Nothing
// depends on it, so a failure only means that nothing is expected.
func (w *waiter) expect(ctx context.Context) {
	key, ok := w.appKey()
	if w.asked || !ok || w.plan.UntilAppears {
		return
	}
	w.asked = true
	if w.History != nil {
		known, _ := w.History.Processing(key) // a damaged file is replaced by the next build
		var took []time.Duration
		for _, p := range known {
			took = append(took, time.Duration(p.Seconds)*time.Second)
		}
		if w.expected = expectation(took); w.expected.Known() {
			return
		}
	}
	if scarce(w.Client.RateLimit()) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, expectWithin)
	defer cancel()
	w.expected = expectation(w.reviewed(ctx, key))
	w.expected.Reviewed = true
}

// reviewed is how long after their upload the app's last builds were submitted
// for beta review, where that seems to have been done as soon as they were
// ready.
func (w *waiter) reviewed(ctx context.Context, key state.AppKey) []time.Duration {
	var took []time.Duration
	looked := 0
	for b, err := range w.Client.Builds(ctx, asc.BuildFilter{
		AppID: key.AppID, Platform: asc.Platform(key.Platform), ProcessingStates: []string{asc.BuildValid}, Limit: strconv.Itoa(recentBuilds),
	}) {
		if err != nil {
			return nil
		}
		if after := b.ReviewSubmittedDate.Sub(b.UploadedDate); !b.ReviewSubmittedDate.IsZero() && !b.UploadedDate.IsZero() && after > 0 {
			took = append(took, after)
		}
		if looked++; looked == recentBuilds {
			break // the next page is older than what matters
		}
	}
	if len(took) == 0 {
		return nil
	}
	quickest := slices.Min(took)
	return slices.DeleteFunc(took, func(d time.Duration) bool { return d > promptly*quickest })
}

func (w *waiter) appKey() (state.AppKey, bool) {
	key := state.AppKey{API: w.Client.BaseURL(), AppID: w.summary.AppID, Platform: w.summary.Platform}
	return key, key.AppID != "" && key.Platform != ""
}

// remember keeps how long this build took, for the next wait. Only a wait that
// saw it unfinished knows.
func (w *waiter) remember() {
	key, ok := w.appKey()
	if w.History == nil || !ok || w.uploaded.IsZero() || w.looks == 0 {
		return
	}
	took := w.Now().Sub(w.uploaded)
	_ = w.History.Add(key, state.Processing{BuildID: w.summary.BuildID, Seconds: int64(took / time.Second)}) // the next build is another chance
}
