package upload

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
)

// Options tune an [Upload]. The zero value is good for the real service.
type Options struct {
	// Concurrency is how many parts are in flight at most; 8 if zero.
	Concurrency int
	// Transport carries the parts; [NewTransport] if nil.
	Transport http.RoundTripper
	// Limit, if set, bounds the bytes per second of all parts together. Its
	// burst should be 16 KiB or more.
	Limit *rate.Limiter
	// Refresh reads the operations again, after the store refused one as
	// expired or forbidden. Nil means that such a refusal is final.
	Refresh func(context.Context) ([]Operation, error)
	// RetryFor bounds the time during which one part is tried again after it
	// first failed; 15 minutes if zero.
	RetryFor time.Duration
	// StallTimeout is how long a connection may accept no byte before its part
	// is started again; 20 seconds if zero. There is no limit on the whole.
	StallTimeout time.Duration
	// ReplyTimeout is how long the store may take to answer once it has all of
	// a part; 60 seconds if zero.
	ReplyTimeout time.Duration
	// Observer, if set, is told what happens.
	Observer Observer
	// Now, Sleep and Random are the clock and the source of jitter.
	Now    func() time.Time
	Sleep  func(context.Context, time.Duration) error
	Random func() float64
}

const (
	defaultConcurrency  = 8
	defaultRetryFor     = 15 * time.Minute
	defaultStallTimeout = 20 * time.Second
	defaultReplyTimeout = time.Minute
	firstWait           = 500 * time.Millisecond
	longestWait         = 30 * time.Second
	longestAsked        = 5 * time.Minute
	// expiryMargin is how long before its end an operation counts as expired.
	expiryMargin = 30 * time.Second
)

func (o Options) withDefaults() Options {
	if o.Concurrency <= 0 {
		o.Concurrency = defaultConcurrency
	}
	o.Concurrency = min(o.Concurrency, maxConcurrency)
	if o.RetryFor == 0 {
		o.RetryFor = defaultRetryFor
	}
	if o.StallTimeout == 0 {
		o.StallTimeout = defaultStallTimeout
	}
	if o.ReplyTimeout == 0 {
		o.ReplyTimeout = defaultReplyTimeout
	}
	if o.Observer == nil {
		o.Observer = silent{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	return o
}

// An Observer is told what happens to parts. Its methods are called from
// several goroutines at once and must not block.
type Observer interface {
	// Progress reports bytes handed to a connection; a negative number takes
	// back those of a part that has to start again.
	Progress(bytes int64)
	// Part reports the start, the end or the failure of an attempt.
	Part(PartEvent)
}

type silent struct{}

func (silent) Progress(int64) {}
func (silent) Part(PartEvent) {}

// A PartState is what a [PartEvent] is about.
type PartState string

// The states of a part.
const (
	PartStarted PartState = "started"
	PartDone    PartState = "done"
	// PartResumed is a part that the store has already.
	PartResumed PartState = "resumed"
	// PartRetry is an attempt that failed and will be followed by another.
	PartRetry PartState = "retry"
)

// A PartEvent is something that happened to one part.
type PartEvent struct {
	State PartState
	// Number is the part's place in the file, from 1; Parts is how many there
	// are.
	Number, Parts int
	// Length is in bytes.
	Length  int64
	Attempt int
	// Duration is that of the attempt.
	Duration time.Duration
	// Wait is the pause before the next attempt, and Err why it is needed.
	Wait time.Duration
	Err  error
}

// A Result is what an upload did.
type Result struct {
	// Parts is the number of parts of the file, Resumed how many of them the
	// store had already, Retries how many attempts failed.
	Parts, Resumed, Retries int
	// Bytes is the size of the file, Sent how much of it was handed to
	// connections, repetitions included.
	Bytes, Sent int64
	// Verified tells whether the store acknowledged every part with the MD5 of
	// what was sent.
	Verified bool
	// Sums are the MD5s of the parts, in hex, in the order of the file.
	Sums []string
}

// Upload sends the parts of file, which has size bytes, to the operations, in
// parallel. It returns when all are acknowledged, or with the first error that
// is final: a [*PlanError] before anything was sent, or a [*PartError]. A
// cancelled context ends it at once with the context's cause.
func Upload(ctx context.Context, file io.ReaderAt, size int64, operations []Operation, options Options) (Result, error) {
	sorted, err := Validate(operations, size)
	if err != nil {
		return Result{}, err
	}
	options = options.withDefaults()
	if options.Transport == nil {
		transport := NewTransport()
		defer transport.CloseIdleConnections()
		options.Transport = transport
	}
	u := &uploader{file: file, size: size, operations: sorted, options: options, sums: make([]string, len(sorted))}
	u.verified.Store(true)
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(options.Concurrency)
	for i := range sorted {
		if groupCtx.Err() != nil {
			break
		}
		group.Go(func() error { return u.part(groupCtx, i) })
	}
	err = group.Wait()
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	result := Result{
		Parts: len(sorted), Resumed: int(u.resumed.Load()), Retries: int(u.retries.Load()),
		Bytes: size, Sent: u.sent.Load(), Verified: err == nil && u.verified.Load(), Sums: u.sums,
	}
	return result, err
}

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
		return ErrExpired
	}
	u.operations = sorted
	return nil
}

// part sends one part, as often as it takes.
func (u *uploader) part(ctx context.Context, i int) error {
	op := u.operation(i)
	event := PartEvent{Number: i + 1, Parts: len(u.sums), Length: op.Length}
	if tag := entityTag(op.EntityTag); tag != "" {
		sum, err := hashPart(ctx, u.file, op)
		if err != nil {
			return u.readFailure(ctx, op, i, err)
		}
		if sum == tag {
			u.sums[i] = sum
			u.resumed.Add(1)
			u.options.Observer.Progress(op.Length)
			event.State = PartResumed
			u.options.Observer.Part(event)
			return nil
		}
	}
	if !op.Expiration.IsZero() && u.options.Now().After(op.Expiration.Add(-expiryMargin)) {
		// If there is no fresh one, the store decides: clocks differ.
		if u.refresh(ctx, i, op) == nil {
			op = u.operation(i)
		}
	}
	var firstFailure time.Time
	for attempt := 1; ; attempt++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		event.State, event.Attempt = PartStarted, attempt
		u.options.Observer.Part(event)
		start := u.options.Now()
		failure := u.attempt(ctx, i, op)
		event.Duration = u.options.Now().Sub(start)
		if failure == nil {
			event.State = PartDone
			u.options.Observer.Part(event)
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
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
			if err := u.refresh(ctx, i, op); err != nil {
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
		}
		u.retries.Add(1)
		event.State, event.Wait, event.Err = PartRetry, wait, failure
		u.options.Observer.Part(event)
		event.Wait, event.Err = 0, nil
		if wait > 0 {
			if err := u.options.Sleep(ctx, wait); err != nil {
				return err
			}
		}
	}
}

// attempt sends one part once. A nil result means that the store has it.
func (u *uploader) attempt(parent context.Context, i int, op Operation) *PartError {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	failure := &PartError{Offset: op.Offset, Length: op.Length}

	watch := time.AfterFunc(u.options.StallTimeout, func() { cancel(errStalled) })
	defer watch.Stop()
	content := newBody(ctx, u.file, op)
	content.limit = u.options.Limit
	content.progress = func(n int64) {
		u.sent.Add(n)
		u.options.Observer.Progress(n)
	}
	content.alive = func() { watch.Reset(u.options.StallTimeout) }
	content.finished = func() {
		watch.Reset(u.options.ReplyTimeout)
	}

	req, err := http.NewRequestWithContext(ctx, op.Method, op.URL, content)
	if err != nil {
		failure.Err = fmt.Errorf("build the request: %w", ErrExpired)
		return failure
	}
	failure.Host = req.URL.Host
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
		req.Header["User-Agent"] = nil // send what is listed, nothing else
	}
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
			if tag := entityTag(resp.Header.Get("ETag")); tag == "" {
				u.verified.Store(false)
			} else if tag != sum {
				failure.Status, failure.Err = resp.StatusCode, errMismatch
			}
			// Read to the end, so that the connection can be used again.
			_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxRefusal))
		}
		if failure.Status == 0 {
			u.sums[i] = sum
			return nil
		}
	} else {
		failure.Err = transportError(ctx, err, sent == op.Length)
	}
	cancel(nil)
	content.wait()
	_, sent, readErr := content.result()
	u.options.Observer.Progress(-sent)
	if readErr != nil && parent.Err() == nil && !isCause(ctx, readErr) {
		failure.Status, failure.Code, failure.Message = 0, "", ""
		failure.Err = fileError(readErr)
	}
	return failure
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

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
