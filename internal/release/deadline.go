package release

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ascend-cli/ascend/internal/failure"
)

// errTimeUp is the cause of a context whose plan has no time left.
var errTimeUp = errors.New("the time allowed is up")

// pending is what a wait is for, and its state in Apple's words.
type pending struct{ what, state string }

// bound gives the rest of the plan its deadline. It holds for requests and
// their retries as well, whatever they are doing.
func (r *run) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	r.deadline = r.Now().Add(r.plan.Timeout)
	return context.WithTimeoutCause(ctx, r.plan.Timeout, errTimeUp)
}

// boundTransfer gives the transfer a deadline, if the plan has one.
func (r *run) boundTransfer(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.plan.TransferTimeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, r.plan.TransferTimeout, errTimeUp)
}

// sleepUntilDeadline is a sleep that does not go beyond the plan's deadline,
// and fails once that has passed.
func (r *run) sleepUntilDeadline(sleep func(context.Context, time.Duration) error) func(context.Context, time.Duration) error {
	return func(ctx context.Context, d time.Duration) error {
		if r.deadline.IsZero() {
			return sleep(ctx, d)
		}
		left := r.deadline.Sub(r.Now())
		if left <= 0 {
			return errTimeUp
		}
		return sleep(ctx, min(d, left))
	}
}

// timeUp is the error of a stage that was still under way when the time was up.
func (r *run) timeUp(name StageName) error {
	switch name {
	case StageReserve, StageTransfer, StageCommit:
		return &failure.Error{
			Kind: failure.Timeout, Message: fmt.Sprintf("the package was not sent within %s", r.plan.TransferTimeout),
			Hint: "run the same command again: only what is missing is sent; or give --transfer-timeout more time", Err: errTimeUp,
		}
	case StageDistribute:
		return &failure.Error{
			Kind: failure.Timeout, Message: fmt.Sprintf("the distribution did not end within %s", r.plan.Timeout),
			Hint: "go on with ascend distribute" + r.selector() + " and the flags of this run, or give --timeout more time", Err: errTimeUp,
		}
	}
	message := fmt.Sprintf("App Store Connect did not answer within %s", r.plan.Timeout)
	if r.pending.what != "" {
		message = fmt.Sprintf("%s is still %s after %s", r.pending.what, listOr([]string{r.pending.state}, unseen), r.plan.Timeout)
	}
	return &failure.Error{
		Kind: failure.Timeout, Message: message,
		Hint: "Apple goes on without us: wait longer with ascend wait" + r.selector() + ", or give --timeout more time", Err: errTimeUp,
	}
}
