package upload

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"golang.org/x/time/rate"
)

// Options tune an [Upload]. The zero value is good for the real service.
type Options struct {
	// Pool decides how many parts are in flight; an adaptive one of its own if
	// nil. Uploads that share a link share a pool.
	Pool *Pool
	// Transport carries the parts; [NewTransport] if nil. One that wraps a
	// [Transport] should be a [Preconnector] as well.
	Transport http.RoundTripper
	// Limit, if set, bounds the bytes per second of all parts together. Its
	// burst should be 16 KiB or more.
	Limit *rate.Limiter
	// Sums are MD5s of the parts, in hex, in the order of the file, that are
	// known from an earlier run of the same, unchanged file. Empty ones are not
	// known. A part that the store has with that MD5 is not read again.
	Sums []string
	// Refresh reads the operations again, after the store refused one as
	// expired or forbidden. Nil means that such a refusal is final.
	Refresh func(context.Context) ([]Operation, error)
	// RetryFor bounds the time during which one part is tried again after it
	// first failed; 15 minutes if zero.
	RetryFor time.Duration
	// StallTimeout is how long a connection may accept no byte before its part
	// is started again; 20 seconds if zero. The part as a whole has no limit.
	StallTimeout time.Duration
	// ReplyTimeout is how long the store may take to answer once it has all of
	// a part; 60 seconds if zero.
	ReplyTimeout time.Duration
	// Observer, if set, is told what happens.
	Observer Observer
	// Now, Sleep and Random are the clock and the source of jitter; those of the
	// system if nil. All times that are measured come from Now, and uploads that
	// share a pool share it.
	Now    func() time.Time
	Sleep  func(context.Context, time.Duration) error
	Random func() float64
}

const (
	defaultRetryFor     = 15 * time.Minute
	defaultStallTimeout = 20 * time.Second
	defaultReplyTimeout = time.Minute
	// expiryMargin is how long before its end an operation counts as expired.
	expiryMargin = 30 * time.Second
)

func (o Options) withDefaults() Options {
	if o.Pool == nil {
		o.Pool = NewPool(0, 0)
	}
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

// A Result is what an upload did.
type Result struct {
	// Parts is the number of parts of the file, Resumed how many of them the
	// store had already, and Retries how many attempts failed and were repeated.
	Parts, Resumed, Retries int
	// Bytes is the size of the file, Sent how much of it was handed to
	// connections, repetitions included.
	Bytes, Sent int64
	// Concurrency is the number of parts in flight that the pool allowed at the
	// end, and Peak the highest number that was.
	Concurrency, Peak int
	// Verified reports whether the store acknowledged every part with the MD5 of
	// what was sent.
	Verified bool
	// Content is the parts with the MD5 of what was sent of each, in the order
	// of the file.
	Content []Part
}

// Upload sends the parts of file, which has size bytes, to the operations, in
// parallel. It returns when all are acknowledged, or with the first error that
// is final: a [*PlanError] before anything was sent, or a [*PartError]. A
// cancelled context ends it at once with the context's cause.
func Upload(
	ctx context.Context, file io.ReaderAt, size int64, operations []Operation, options Options,
) (Result, error) {
	sorted, err := Validate(operations, size)
	if err != nil {
		return Result{}, err
	}
	options = options.withDefaults()
	if options.Transport == nil {
		transport := NewTransport(nil)
		defer transport.CloseIdleConnections()
		options.Transport = transport
	}
	u := &uploader{file: file, size: size, operations: sorted, options: options, sums: make([]string, len(sorted))}
	u.verified.Store(true)
	err = u.run(ctx)
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	result := Result{
		Parts: len(sorted), Resumed: int(u.resumed.Load()), Retries: int(u.retries.Load()),
		Bytes: size, Sent: u.sent.Load(), Verified: err == nil && u.verified.Load(),
	}
	for i, op := range sorted {
		result.Content = append(result.Content, Part{Offset: op.Offset, Length: op.Length, Sum: u.sums[i]})
	}
	result.Concurrency, result.Peak = options.Pool.Concurrency()
	return result, err
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
