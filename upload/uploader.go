package upload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// uploader is one run of [Upload].
type uploader struct {
	file    io.ReaderAt
	size    int64
	options Options
	sums    []string // one per part, each written by that part alone

	mu         sync.Mutex // guards operations, and one refresh at a time
	operations []Operation

	resumed, retries, sent atomic.Int64
	verified               atomic.Bool
}

// run compares the parts that the store has with the file, and sends all
// others meanwhile.
func (u *uploader) run(parent context.Context) error {
	group, ctx := errgroup.WithContext(parent)
	pending := make(chan int, len(u.operations))
	var tagged []int
	longest := int64(0)
	for i, op := range u.operations {
		longest = max(longest, op.Length)
		if entityTag(op.EntityTag) != "" {
			tagged = append(tagged, i)
		} else {
			pending <- i
		}
	}
	dialer := newHostDialer(u.options.Transport, u.operations[0].URL)
	leave := u.options.Pool.join(len(u.operations), longest, dialer, u.options.Now)
	started := 0
	defer func() { leave(len(u.operations) - started - int(u.resumed.Load())) }()
	group.Go(func() error {
		defer close(pending)
		return u.compare(ctx, tagged, pending)
	})
	for i := range pending {
		started++
		if err := u.options.Pool.admit(ctx, false); err != nil {
			break
		}
		group.Go(func() error { return u.send(ctx, i) })
	}
	return group.Wait()
}

// compare hashes the parts that the store has already, and passes those on
// that differ.
func (u *uploader) compare(parent context.Context, tagged []int, differ chan<- int) error {
	group, ctx := errgroup.WithContext(parent)
	group.SetLimit(hashers())
	for _, i := range tagged {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			op := u.operation(i)
			sum := ""
			if i < len(u.options.Sums) {
				sum = entityTag(u.options.Sums[i])
			}
			if sum == "" {
				var err error
				if sum, err = hashPart(ctx, u.file, op); err != nil {
					return u.readFailure(ctx, op, i, err)
				}
			}
			if sum != entityTag(op.EntityTag) {
				differ <- i
				return nil
			}
			u.sums[i] = sum
			u.resumed.Add(1)
			u.options.Pool.skip()
			u.options.Observer.Progress(op.Length)
			event := u.event(i, op)
			event.State, event.Sum = PartResumed, sum
			u.options.Observer.Part(event)
			return nil
		})
	}
	return group.Wait()
}

// event returns what all events of a part have in common.
func (u *uploader) event(i int, op Operation) PartEvent {
	return PartEvent{Number: i + 1, Parts: len(u.sums), Offset: op.Offset, Length: op.Length}
}

func (u *uploader) readFailure(ctx context.Context, op Operation, i int, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return &PartError{
		PartNumber: int64(i + 1), Offset: op.Offset, Length: op.Length, Attempts: 1, Err: fileError(err),
	}
}

// operation returns the present operation of a part.
func (u *uploader) operation(i int) Operation {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.operations[i]
}

// refresh replaces all operations with fresh ones, unless another part did so
// since stale was taken.
func (u *uploader) refresh(ctx context.Context, i int, stale Operation) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.operations[i].URL != stale.URL {
		return nil
	}
	if u.options.Refresh == nil {
		return ErrExpired
	}
	fresh, err := u.options.Refresh(ctx)
	if err != nil {
		return fmt.Errorf("read the upload operations again: %w", err)
	}
	sorted, err := Validate(fresh, u.size)
	if err != nil || len(sorted) != len(u.operations) ||
		sorted[i].Offset != stale.Offset || sorted[i].Length != stale.Length {
		return ErrExpired
	}
	if sorted[i].URL == stale.URL {
		return errSameOperation
	}
	u.operations = sorted
	return nil
}

// errSameOperation says that the service gives an operation again that the
// store refused.
var errSameOperation = errors.New("the service gives the same upload operation again")
