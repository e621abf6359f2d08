package upload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

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
	leave := u.options.Pool.join(len(u.operations), longest, dialer)
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
		group.Go(func() error { return u.part(ctx, i) })
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
			u.options.Observer.Part(PartEvent{State: PartResumed, Number: i + 1, Parts: len(u.sums), Offset: op.Offset, Length: op.Length, Sum: sum})
			return nil
		})
	}
	return group.Wait()
}

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
	if err != nil || len(sorted) != len(u.operations) || sorted[i].Offset != stale.Offset || sorted[i].Length != stale.Length {
		return ErrExpired
	}
	if sorted[i].URL == stale.URL {
		return errSameOperation
	}
	u.operations = sorted
	return nil
}

// errSameOperation says that the service considers an operation good that the
// store refused.
var errSameOperation = errors.New("the service gives the same upload operation again")

// sameTries is how often an operation is tried that the store refuses and the
// service insists on.
const sameTries = 3

// shortWait is the longest pause during which a part keeps its slot.
const shortWait = time.Second

// part sends one part, as often as it takes. It has a slot of the pool and
// gives it back.
func (u *uploader) part(ctx context.Context, i int) error {
	pool := u.options.Pool
	admitted := true
	defer func() {
		if admitted {
			pool.release()
		}
	}()
	op := u.operation(i)
	event := PartEvent{Number: i + 1, Parts: len(u.sums), Offset: op.Offset, Length: op.Length}
	if !op.Expiration.IsZero() && u.options.Now().After(op.Expiration.Add(-expiryMargin)) {
		// If there is no fresh one, the store decides: clocks differ.
		if u.refresh(ctx, i, op) == nil {
			op = u.operation(i)
		}
	}
	var firstFailure time.Time
	suspicions, refusals := 0, 0
	for attempt := 1; ; attempt++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		event.State, event.Attempt = PartStarted, attempt
		u.options.Observer.Part(event)
		start := u.options.Now()
		sum, suspected, failure := u.attempt(ctx, op, suspicions)
		event.Duration = u.options.Now().Sub(start)
		if failure == nil && u.sums[i] != "" && u.sums[i] != sum {
			failure = &PartError{Offset: op.Offset, Length: op.Length, Err: fmt.Errorf("%w: two attempts read different bytes", ErrFileChanged)}
		}
		if failure == nil {
			u.sums[i] = sum
			event.State, event.Sum = PartDone, sum
			u.options.Observer.Part(event)
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if sum != "" {
			u.sums[i] = sum // what a complete attempt read: the next must read the same
		}
		if suspected {
			suspicions++
		}
		failure.PartNumber, failure.Attempts = int64(i+1), attempt
		now := u.options.Now()
		if firstFailure.IsZero() {
			firstFailure = now
		}
		wait := u.waitBefore(attempt, failure.RetryAfter)
		switch judge(ctx, failure) {
		case final:
			return failure
		case renewed:
			err := u.refresh(ctx, i, op)
			if refusals++; errors.Is(err, errSameOperation) {
				if refusals < sameTries {
					break
				}
				err = ErrExpired
			}
			if err != nil {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				failure.Err = err
				return failure
			}
			op, wait = u.operation(i), 0
		case again:
			if now.Add(wait).Sub(firstFailure) > u.options.RetryFor {
				return failure
			}
			if suspected || attempt == 1 && failure.Status == 0 && pool.lively(time.Now()) {
				wait = 0 // one connection broke, and the others go on
			}
			pool.trouble(time.Now(), failure.Code == "SlowDown" || failure.Status == http.StatusTooManyRequests)
		}
		u.retries.Add(1)
		event.State, event.Wait, event.Err = PartRetry, wait, failure
		u.options.Observer.Part(event)
		event.Wait, event.Err = 0, nil
		if wait > shortWait {
			pool.release()
			admitted = false
		}
		if wait > 0 {
			if err := u.options.Sleep(ctx, wait); err != nil {
				return err
			}
		}
		if !admitted {
			if err := pool.admit(ctx, true); err != nil {
				return err
			}
			admitted = true
		}
	}
}

// attempt sends one part once. Without a failure the store has it. The sum is
// that of what was read, if all of it was. Suspected tells that the attempt was
// given up because the others were faster.
func (u *uploader) attempt(parent context.Context, op Operation, patience int) (sum string, suspected bool, failure *PartError) {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	failure = &PartError{Offset: op.Offset, Length: op.Length}
	pool := u.options.Pool
	flight := &flight{cancel: cancel, patience: patience}
	pool.launch(flight, time.Now())
	arrived := false
	defer func() { pool.land(flight, time.Now(), arrived) }()

	watch := time.AfterFunc(u.options.StallTimeout, func() { cancel(errStalled) })
	defer watch.Stop()
	began := time.Now()
	content := newBody(ctx, u.file, op)
	content.limit = u.options.Limit
	content.progress = func(n int64, done bool) {
		u.sent.Add(n)
		u.options.Observer.Progress(n)
		pool.moved(flight, n, time.Now(), done)
		if done {
			// What the buffers still hold needs no longer than all before it.
			watch.Reset(max(u.options.ReplyTimeout, time.Since(began)))
		}
	}
	content.alive = func() { watch.Reset(u.options.StallTimeout) }
	content.held = func(held bool) {
		pool.hold(flight, time.Now(), held)
		if held {
			watch.Stop()
		} else {
			watch.Reset(u.options.StallTimeout)
		}
	}

	req, err := newRequest(ctx, op, content)
	if err != nil {
		failure.Err = fmt.Errorf("build the request: %w", ErrExpired)
		return "", false, failure
	}
	failure.Host = req.URL.Host
	// RoundTrip instead of a client: a redirect is a refusal here.
	resp, err := u.options.Transport.RoundTrip(req)
	sum, sent, _ := content.result()
	if err == nil {
		defer resp.Body.Close()
		switch {
		case resp.StatusCode/100 != 2:
			readRefusal(resp, failure, u.options.Now())
		case sent != op.Length:
			failure.Status, failure.Err = resp.StatusCode, errEarly
		default:
			u.readSuccess(resp, sum, failure)
		}
		if failure.Status == 0 {
			arrived = true
			return sum, false, nil
		}
	} else {
		failure.Err = transportError(ctx, err, sent == op.Length)
	}
	cancel(nil)
	content.wait()
	sum, sent, readErr := content.result()
	if sent != op.Length {
		sum = ""
	}
	u.options.Observer.Progress(-sent)
	if readErr != nil && parent.Err() == nil && !isCause(ctx, readErr) {
		failure.Status, failure.Code, failure.Message = 0, "", ""
		failure.Err = fileError(readErr)
	}
	return sum, errors.Is(failure.Err, errStalled) && pool.suspected(flight), failure
}

// readSuccess looks whether a success is one: the store acknowledges the bytes
// that were sent, and nobody else has answered in its place.
func (u *uploader) readSuccess(resp *http.Response, sum string, failure *PartError) {
	// Read to the end as well, so that the connection can be used again.
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	if isRefusal(resp.Header.Get("Content-Type"), content) {
		failure.refusedBy(resp, content, u.options.Now())
		failure.Err = errNotTheStore
		if failure.Code != "" {
			failure.Err = nil
		}
		return
	}
	if err != nil && len(content) == 0 {
		return // the status and the headers are there: that is an acknowledgement
	}
	if tag := entityTag(resp.Header.Get("ETag")); tag == "" {
		u.verified.Store(false)
	} else if tag != sum {
		failure.Status, failure.Err = resp.StatusCode, errMismatch
	}
}

// newRequest makes the operation's request: what is listed, nothing else.
func newRequest(ctx context.Context, op Operation, content io.ReadCloser) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, op.Method, op.URL, content)
	if err != nil {
		return nil, err
	}
	req.ContentLength = op.Length
	for _, h := range op.Headers {
		switch http.CanonicalHeaderKey(h.Name) {
		case "Content-Length":
		case "Host":
			req.Host = h.Value
		default:
			req.Header[http.CanonicalHeaderKey(h.Name)] = append(req.Header[http.CanonicalHeaderKey(h.Name)], h.Value)
		}
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header["User-Agent"] = nil
	}
	return req, nil
}

// waitBefore returns the pause before attempt+1, with full jitter.
func (u *uploader) waitBefore(attempt int, asked time.Duration) time.Duration {
	if asked > 0 {
		return min(asked, longestAsked)
	}
	bound := min(firstWait<<min(attempt-1, 10), longestWait)
	return time.Duration(float64(bound) * (0.1 + 0.9*u.options.Random()))
}

func (u *uploader) readFailure(ctx context.Context, op Operation, i int, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return &PartError{PartNumber: int64(i + 1), Offset: op.Offset, Length: op.Length, Attempts: 1, Err: fileError(err)}
}
