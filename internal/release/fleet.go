package release

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/upload"
)

// An Outcome is what became of one plan of several.
type Outcome struct {
	Path    string
	Summary Summary
	Err     error
}

// ErrNotSent is about a package that was in order, and not sent because another
// one of the same run was not.
var ErrNotSent = errors.New("not sent, because another package of this run is not in order")

// UploadAll carries out several plans at the same time. All packages are read
// and checked before the first byte is sent, and nothing is sent if one of them
// is not in order. They share the link, the object store's connections and the
// API's allowance; a later failure of one does not stop the others. Only a few
// are on the way to their commit at a time: more would not be faster, and an
// interrupted run would leave them all half done. The outcomes are in the order
// of the plans.
func (r *Runner) UploadAll(ctx context.Context, plans []Plan, observer func(i int) Observer) []Outcome {
	outcomes := make([]Outcome, len(plans))
	for i, plan := range plans {
		outcomes[i].Path = plan.Path
	}
	if r.checkAll(ctx, plans, outcomes) {
		return outcomes
	}
	shared := *r
	if shared.Transport == nil {
		transport := upload.NewTransport(nil)
		defer transport.CloseIdleConnections()
		shared.Transport = transport
	}
	if shared.Pool == nil {
		shared.Pool = upload.NewPool(0, 0)
	}
	shared.fleet = newFleet(len(plans))
	var group sync.WaitGroup
	for i, plan := range plans {
		endTurn, err := shared.fleet.turn(ctx)
		if err == nil {
			err = shared.fleet.afford(ctx, r.start(plan), observer(i))
		}
		if err != nil {
			outcomes[i].Summary, outcomes[i].Err = newSummary(), err
			continue
		}
		group.Go(func() {
			defer shared.fleet.ended()
			runner := shared
			runner.Observer, runner.endTurn = observer(i), endTurn
			outcomes[i].Summary, outcomes[i].Err = runner.Upload(ctx, plan)
		})
	}
	group.Wait()
	return outcomes
}

// checkAll reads and checks every package, and tells whether one is not in
// order. The others are then not sent either.
func (r *Runner) checkAll(ctx context.Context, plans []Plan, outcomes []Outcome) (failed bool) {
	for i, plan := range plans {
		if ctx.Err() != nil {
			outcomes[i].Summary, outcomes[i].Err = newSummary(), context.Cause(ctx)
			failed = true
			continue
		}
		quiet := *r
		quiet.Observer = nil
		run := quiet.start(plan)
		err := run.checkPackage(ctx)
		outcomes[i].Summary, outcomes[i].Err = run.summary, err
		failed = failed || err != nil
	}
	if !failed {
		return false
	}
	for i := range outcomes {
		if outcomes[i].Err == nil {
			outcomes[i].Err = &failure.Error{
				Kind: failure.InvalidPackage, Message: outcomes[i].Path, Err: ErrNotSent,
				Hint: "mend or leave out the other package, then run the same command again",
			}
		}
	}
	return true
}

// checkPackage reads a package and checks it, and sends nothing.
func (r *run) checkPackage(ctx context.Context) error {
	p, err := r.inspect(ctx)
	if err != nil {
		return &StageError{Stage: StageInspect, Err: err}
	}
	defer p.file.Close()
	if err := r.preflight(p); err != nil {
		return &StageError{Stage: StagePreflight, Err: err}
	}
	return nil
}

const (
	// turnsAtOnce is how many packages are sent at a time.
	turnsAtOnce = 8
	// unhurriedWaits is how many waits a key's hourly allowance is enough for as
	// they are; more look less often each, stretchedPoll apart at most.
	unhurriedWaits = 20
	stretchedPoll  = 10 * time.Minute
	// requestsEach is how many requests a package takes in the hour after its
	// start: some 20 for itself, 40 looks, and some for retries.
	requestsEach = 80
	// fleetPause is the pause before the allowance is asked for again.
	fleetPause = time.Minute
)

// fleet is what releases share that are carried out at the same time. The
// nil value is for one alone.
type fleet struct {
	turns chan struct{}
	waits atomic.Int64
	// total is the number of packages, running how many are not done yet.
	total   int
	running atomic.Int64
	planned sync.Once
}

func newFleet(total int) *fleet {
	return &fleet{turns: make(chan struct{}, turnsAtOnce), total: total}
}

// turn waits until it is a release's turn to send its package. It may be ended
// more than once.
func (t *fleet) turn(ctx context.Context) (end func(), err error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	select {
	case t.turns <- struct{}{}:
		return sync.OnceFunc(func() { <-t.turns }), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// afford waits until the key's hourly allowance is enough for one more package
// beside those that are under way: what is begun must reach its testers. The
// first package tells what the allowance is.
func (t *fleet) afford(ctx context.Context, r *run, observer Observer) error {
	for {
		limit := r.Client.RateLimit()
		need := requestsEach * (int(t.running.Load()) + 1)
		if limit.Known() {
			t.planned.Do(func() {
				if all := requestsEach * t.total; all > limit.Remaining {
					observer.Observe(Notice{Text: fmt.Sprintf(
						"%d packages take some %d requests, and the key has %d left this hour: they are started as the allowance permits, the last ones hours from now (%d requests an hour)",
						t.total, all, limit.Remaining, limit.Limit)})
				}
			})
		}
		// A small allowance still serves one package at a time.
		if !limit.Known() || limit.Remaining >= min(need, limit.Limit) || t.running.Load() == 0 && limit.Remaining >= requestsEach/2 {
			t.running.Add(1)
			return nil
		}
		observer.Observe(Waiting{For: "the key's hourly allowance", State: fmt.Sprintf("%d of %d requests left", limit.Remaining, limit.Limit), Next: fleetPause})
		if err := r.Sleep(ctx, fleetPause); err != nil {
			return err
		}
		// The reply says what is left. A failure leaves things as they were.
		_, _ = r.Client.MayDistribute(ctx)
	}
}

// ended tells that a release is done.
func (t *fleet) ended() { t.running.Add(-1) }

// wait counts a wait until it is ended.
func (t *fleet) wait() (end func()) {
	if t == nil {
		return func() {}
	}
	t.waits.Add(1)
	return func() { t.waits.Add(-1) }
}

// stretch makes a pause longer where many wait.
func (t *fleet) stretch(pause time.Duration) time.Duration {
	if t == nil {
		return pause
	}
	if waits := t.waits.Load(); waits > unhurriedWaits {
		return max(pause, min(stretchedPoll, pause*time.Duration(waits)/unhurriedWaits))
	}
	return pause
}
