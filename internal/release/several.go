package release

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ascend-cli/ascend/upload"
)

// An Outcome is what became of one plan of several.
type Outcome struct {
	Path    string
	Summary Summary
	Err     error
}

// UploadAll carries out several plans at the same time. They share the link,
// the object store's connections and the API's allowance; one failure does not
// stop the others. Only a few are on the way to their commit at a time: more
// would not be faster, and an interrupted run would leave them all half done.
// The outcomes are in the order of the plans.
func (r *Runner) UploadAll(ctx context.Context, plans []Plan, observer func(i int) Observer) []Outcome {
	shared := *r
	if shared.Transport == nil {
		transport := upload.NewTransport(nil)
		defer transport.CloseIdleConnections()
		shared.Transport = transport
	}
	if shared.Pool == nil {
		shared.Pool = upload.NewPool(0, 0)
	}
	shared.together = &together{turns: make(chan struct{}, turnsAtOnce)}
	outcomes := make([]Outcome, len(plans))
	var group sync.WaitGroup
	for i, plan := range plans {
		outcomes[i].Path = plan.Path
		endTurn, err := shared.together.turn(ctx)
		if err != nil {
			outcomes[i].Summary, outcomes[i].Err = newSummary(), err
			continue
		}
		group.Go(func() {
			runner := shared
			runner.Observer, runner.endTurn = observer(i), endTurn
			outcomes[i].Summary, outcomes[i].Err = runner.Upload(ctx, plan)
		})
	}
	group.Wait()
	return outcomes
}

const (
	// turnsAtOnce is how many packages are sent at a time.
	turnsAtOnce = 8
	// unhurriedWaits is how many waits a key's hourly allowance is enough for as
	// they are; more look less often each, stretchedPoll apart at most.
	unhurriedWaits = 20
	stretchedPoll  = 10 * time.Minute
)

// together is what releases share that are carried out at the same time. The
// nil value is for one alone.
type together struct {
	turns chan struct{}
	waits atomic.Int64
}

// turn waits until it is a release's turn to send its package. It may be ended
// more than once.
func (t *together) turn(ctx context.Context) (end func(), err error) {
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

// wait counts a wait until it is ended.
func (t *together) wait() (end func()) {
	if t == nil {
		return func() {}
	}
	t.waits.Add(1)
	return func() { t.waits.Add(-1) }
}

// stretch makes a pause longer where many wait.
func (t *together) stretch(pause time.Duration) time.Duration {
	if t == nil {
		return pause
	}
	if waits := t.waits.Load(); waits > unhurriedWaits {
		return max(pause, min(stretchedPoll, pause*time.Duration(waits)/unhurriedWaits))
	}
	return pause
}
