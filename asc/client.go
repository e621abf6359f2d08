package asc

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// DefaultURL is where App Store Connect lives.
const DefaultURL = "https://api.appstoreconnect.apple.com"

// Options make a [Client]. Key is required; the zero value of every other
// field is a sensible default.
type Options struct {
	Key Key
	// URL is the service's base address, [DefaultURL] if empty. Plain http is
	// accepted for loopback addresses only.
	URL string
	// Transport carries the requests; nil means a clone of
	// http.DefaultTransport, with proxies from the environment.
	Transport http.RoundTripper
	// UserAgent names the program to the service.
	UserAgent string
	// RetryFor bounds the time spent on repeating one request, from its start.
	// Zero means five minutes, a negative value no retries. A context with a
	// deadline bounds everything, pauses included.
	RetryFor time.Duration
	// OnRetry, if set, is told of every repetition before its pause.
	OnRetry func(Retry)
	// OnCall, if set, is told of every finished attempt.
	OnCall func(Call)
	// OnClockSkew, if set, is told once, when tokens are signed with the
	// service's time because this machine's clock is off: skew is how far it is
	// ahead, and negative where it is behind. Any goroutine may call it.
	OnClockSkew func(skew time.Duration)
	// Now, Sleep and Random are the clock and the source of jitter. A context's
	// deadline and the deadline of one attempt are kept by the time package.
	Now    func() time.Time
	Sleep  func(context.Context, time.Duration) error
	Random func() float64
}

// A Call is one attempt of a request, for logs and reports. It holds no
// secrets: the query of an API request has none.
type Call struct {
	Method, URL string
	Status      int
	Start       time.Time
	Duration    time.Duration
	Err         error
}

// A Client talks to App Store Connect. It is safe for concurrent use.
type Client struct {
	base      *url.URL
	http      *http.Client
	tokens    *tokens
	userAgent string
	retryFor  time.Duration
	onRetry   func(Retry)
	onCall    func(Call)
	onSkew    func(time.Duration)
	now       func() time.Time
	sleep     func(context.Context, time.Duration) error
	random    func() float64

	mu      sync.Mutex
	reached bool
	limit   RateLimit
	// minuteTold is when limit's figures of the minute were told.
	minuteTold time.Time
	skew       time.Duration
	// skewKnown tells that the last reply had a date.
	skewKnown bool
	// skewTold tells that onSkew was called.
	skewTold bool
	// made is what was made or changed lately, and when.
	made map[linkage]time.Time
}

// NewClient returns a client that signs with options.Key. It fails on an
// address that would carry the token in clear text to another machine.
func NewClient(options Options) (*Client, error) {
	if options.Key.Private == nil || options.Key.ID == "" {
		return nil, &KeyError{Reason: "no key given"}
	}
	if options.URL == "" {
		options.URL = DefaultURL
	}
	base, err := ParseURL(options.URL)
	if err != nil {
		return nil, err
	}
	c := &Client{
		base:      base,
		userAgent: options.UserAgent,
		retryFor:  options.RetryFor,
		onRetry:   options.OnRetry,
		onCall:    options.OnCall,
		onSkew:    options.OnClockSkew,
		now:       options.Now,
		sleep:     options.Sleep,
		random:    options.Random,
	}
	if c.retryFor == 0 {
		c.retryFor = defaultRetryFor
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.sleep == nil {
		c.sleep = sleep
	}
	if c.random == nil {
		c.random = rand.Float64
	}
	transport := options.Transport
	if transport == nil {
		transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	c.tokens = &tokens{key: options.Key, now: c.now}
	c.http = &http.Client{
		Transport: transport,
		// A redirect would carry the token elsewhere; the API has none.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// BaseURL is the address the client talks to.
func (c *Client) BaseURL() string { return c.base.String() }

// ClockSkew is how far this machine's clock was ahead of the service's at the
// last reply, to the second; known is false when that had no date. It is what
// the reply says, whatever tokens are signed with.
func (c *Client) ClockSkew() (skew time.Duration, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skew, c.skewKnown
}

// CloseIdleConnections closes the connections that are not in use.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }
