package upload

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// partSender sends one part, as often as it takes.
type partSender struct {
	*uploader
	index int
	op    Operation
	event PartEvent
	// admitted tells that the part has a slot of the pool.
	admitted bool
	// firstFailure is when the first attempt failed, suspicions how many were
	// given up by comparison, refusals how often the store refused the
	// operation.
	firstFailure         time.Time
	suspicions, refusals int
}

// send sends a part that has a slot of the pool, and gives the slot back.
func (u *uploader) send(ctx context.Context, i int) error {
	s := &partSender{uploader: u, index: i, op: u.operation(i), admitted: true}
	s.event = u.event(i, s.op)
	defer func() {
		if s.admitted {
			u.options.Pool.release()
		}
	}()
	if end := s.op.Expiration; !end.IsZero() && u.options.Now().After(end.Add(-expiryMargin)) {
		// If there is no fresh one, the store decides: clocks differ.
		if u.refresh(ctx, i, s.op) == nil {
			s.op = u.operation(i)
		}
	}
	for number := 1; ; number++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		failure, suspected := s.try(ctx, number)
		if failure == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		wait, err := s.afterFailure(ctx, failure, suspected)
		if err != nil {
			return err
		}
		s.report(failure, wait)
		if err := s.pause(ctx, wait); err != nil {
			return err
		}
	}
}

// try makes one attempt. Without a failure the part has arrived.
func (s *partSender) try(ctx context.Context, number int) (failure *PartError, suspected bool) {
	s.event.State, s.event.Attempt = PartStarted, number
	s.options.Observer.Part(s.event)
	start := s.options.Now()
	sum, suspected, failure := s.attempt(ctx, s.op, s.suspicions)
	s.event.Duration = s.options.Now().Sub(start)
	before := s.sums[s.index]
	if failure == nil && before != "" && before != sum {
		failure = &PartError{
			Offset: s.op.Offset, Length: s.op.Length,
			Err: fmt.Errorf("%w: two attempts read different bytes", ErrFileChanged),
		}
	}
	if sum != "" {
		s.sums[s.index] = sum // the next complete attempt must read the same
	}
	if failure != nil {
		failure.PartNumber, failure.Attempts = int64(s.index+1), number
		return failure, suspected
	}
	s.event.State, s.event.Sum = PartDone, sum
	s.options.Observer.Part(s.event)
	return nil, false
}

// afterFailure does what the retry policy says after a failed attempt. It returns
// the pause before the next, or an error if there is none.
func (s *partSender) afterFailure(ctx context.Context, failure *PartError, suspected bool) (time.Duration, error) {
	now := s.options.Now()
	if s.firstFailure.IsZero() {
		s.firstFailure = now
	}
	if suspected {
		s.suspicions++
	}
	policy := retryPolicy{retryFor: s.options.RetryFor}
	decision := policy.decide(failure, circumstances{
		failingFor: now.Sub(s.firstFailure),
		suspected:  suspected,
		moving:     s.options.Pool.moving(now),
		random:     s.options.Random(),
	})
	switch decision.action {
	case giveUp:
		return 0, failure
	case refreshOperation:
		s.refusals++
		err := s.refresh(ctx, s.index, s.op)
		switch {
		case err == nil:
			s.op = s.operation(s.index)
			return 0, nil
		case errors.Is(err, errSameOperation) && policy.insist(s.refusals):
			return decision.wait, nil
		case ctx.Err() != nil:
			return 0, context.Cause(ctx)
		case errors.Is(err, errSameOperation):
			err = ErrExpired
		}
		failure.Err = err
		return 0, failure
	}
	s.options.Pool.failed(now, decision.slowDown)
	return decision.wait, nil
}

// report tells the observer of a failed attempt that another will follow.
func (s *partSender) report(failure *PartError, wait time.Duration) {
	s.retries.Add(1)
	event := s.event
	event.State, event.Wait, event.Err = PartRetry, wait, failure
	s.options.Observer.Part(event)
}

// pause waits, without a slot of the pool if it is long.
func (s *partSender) pause(ctx context.Context, wait time.Duration) error {
	if wait > shortWait {
		s.options.Pool.release()
		s.admitted = false
	}
	if wait > 0 {
		if err := s.options.Sleep(ctx, wait); err != nil {
			return err
		}
	}
	if !s.admitted {
		if err := s.options.Pool.admit(ctx, true); err != nil {
			return err
		}
		s.admitted = true
	}
	return nil
}
