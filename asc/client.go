package asc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// DefaultURL is where App Store Connect lives.
const DefaultURL = "https://api.appstoreconnect.apple.com"

const (
	maxReply = 32 << 20
	// callTimeout is for one attempt. Commits were seen to take 16 s.
	callTimeout = 2 * time.Minute
)

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
	// RetryFor bounds the time spent on repeating one request. Zero means
	// five minutes, a negative value no retries.
	RetryFor time.Duration
	// OnRetry, if set, is told of every repetition before its pause.
	OnRetry func(Retry)
	// OnCall, if set, is told of every finished attempt.
	OnCall func(Call)
	// Now, Sleep and Random are the clock and the source of jitter.
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
	now       func() time.Time
	sleep     func(context.Context, time.Duration) error
	random    func() float64

	mu      sync.Mutex
	reached bool
	limit   RateLimit
	skew    time.Duration
	// skewKnown tells that the last reply had a date.
	skewKnown bool
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

// RateLimit returns what the last reply said about the hourly allowance.
func (c *Client) RateLimit() RateLimit {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.limit
}

// ClockSkew is how far this machine's clock was ahead of the service's at the
// last reply, to the second; known is false when that had no date.
func (c *Client) ClockSkew() (skew time.Duration, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skew, c.skewKnown
}

// CloseIdleConnections closes the connections that are not in use.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// request is one call of the API, before it is tried.
type request struct {
	method string
	path   string // below the base address, or an absolute URL on its host
	query  url.Values
	body   any
	// once marks an update that must not be repeated blindly, as a create.
	once bool
}

// do sends a request, with retries where they are safe, and decodes the reply
// into out, which may be nil.
func (c *Client) do(ctx context.Context, r request, out any) error {
	target, err := c.resolve(r)
	if err != nil {
		return err
	}
	var body []byte
	if r.body != nil {
		if body, err = json.Marshal(r.body); err != nil {
			return fmt.Errorf("encode request body: %w", err)
		}
	}
	start := c.now()
	renewed, unclear := false, false
	for attempt := 1; ; attempt++ {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		req, err := c.newRequest(ctx, r.method, target, body)
		if err != nil {
			return err
		}
		token, err := c.tokens.get()
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
		reply, err := c.attempt(req)
		if err == nil {
			return decode(req, reply, out)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if IsUnauthorized(err) && !renewed {
			// First uses of a token are refused now and then, and a suspended
			// machine may hold one that ran out: one new token, once.
			renewed = true
			c.tokens.discard(token)
			continue
		}
		if r.method == http.MethodDelete && unclear && IsNotFound(err) {
			return nil // an earlier attempt did it, and its reply was lost
		}
		unclear = unclear || IsUnclear(err)
		wait := c.waitBefore(attempt, askedWait(err))
		if !repeatable(req, r.once, err) || c.now().Add(wait).Sub(start) > c.budget() {
			var transport *TransportError
			if errors.As(err, &transport) {
				transport.Attempts = attempt
				// An earlier attempt may have arrived even if this one did not.
				transport.Sent = transport.Sent || unclear
			}
			return err
		}
		if c.onRetry != nil {
			c.onRetry(Retry{Method: r.method, Path: req.URL.Path, Attempt: attempt, Wait: wait, Err: err})
		}
		if err := c.sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// budget is how long one request may be repeated.
func (c *Client) budget() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.retryFor < 0 {
		return -1
	}
	if !c.reached {
		return min(firstContact, c.retryFor)
	}
	return c.retryFor
}

func askedWait(err error) time.Duration {
	var apiErr *Error
	if errors.As(err, &apiErr) {
		return apiErr.RetryAfter
	}
	return 0
}

// resolve builds the URL and makes sure that it is on the API's own host, so
// that a link in a reply can never carry the token elsewhere.
func (c *Client) resolve(r request) (*url.URL, error) {
	if strings.HasPrefix(r.path, "/") && !strings.HasPrefix(r.path, "//") {
		// Built as text: an identifier that was escaped must stay escaped.
		u, err := url.Parse(c.base.String() + r.path)
		if err != nil {
			return nil, fmt.Errorf("build URL: %w", err)
		}
		u.RawQuery = r.query.Encode()
		return u, nil
	}
	u, err := url.Parse(r.path)
	if err != nil {
		return nil, &LinkError{Reason: "that is not a URL", Err: err}
	}
	if u.Scheme != c.base.Scheme || !strings.EqualFold(u.Host, c.base.Host) || u.User != nil {
		return nil, &LinkError{Reason: fmt.Sprintf("to another host (%s://%s instead of %s://%s): not followed, because the token must not go there", u.Scheme, u.Host, c.base.Scheme, c.base.Host)}
	}
	return u, nil
}

func (c *Client) newRequest(ctx context.Context, method string, target *url.URL, body []byte) (*http.Request, error) {
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, target.String(), reader)
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.userAgent != "" {
		req.Header.Set("User-Agent", c.userAgent)
	}
	return req, nil
}

type reply struct {
	status int
	body   []byte
}

// attempt sends the request once. Its error is an [*Error] or a
// [*TransportError], or the context's.
func (c *Client) attempt(req *http.Request) (result reply, err error) {
	ctx, cancel := context.WithTimeout(req.Context(), callTimeout)
	defer cancel()
	start := c.now()
	defer func() {
		if c.onCall != nil {
			c.onCall(Call{Method: req.Method, URL: req.URL.String(), Status: result.status, Start: start, Duration: c.now().Sub(start), Err: err})
		}
	}()
	transportError := func(err error, sent bool) error {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // it repeats the method and the URL
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("the connection was closed before the reply was complete: %w", err)
		}
		return &TransportError{Method: req.Method, URL: req.URL.Scheme + "://" + req.URL.Host + req.URL.Path, Sent: sent, Attempts: 1, Err: err}
	}
	resp, err := c.http.Do(req.WithContext(ctx))
	if err != nil {
		return reply{}, transportError(err, !notSent(err))
	}
	defer resp.Body.Close()
	result.status = resp.StatusCode
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err == nil && len(body) > maxReply {
		err = fmt.Errorf("the reply is larger than %d MiB", maxReply>>20)
	}
	if err != nil {
		return result, transportError(err, true)
	}
	c.note(resp)
	if resp.StatusCode/100 == 2 {
		result.body = body
		return result, checkReply(req, resp, body, transportError)
	}
	return result, newError(req, resp, body, c.now())
}

// checkReply refuses a success that does not hold what a success holds: a
// proxy's HTML page, nothing, half a document.
func checkReply(req *http.Request, resp *http.Response, body []byte, transportError func(error, bool) error) error {
	if resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusAccepted {
		return nil
	}
	if len(bytes.TrimSpace(body)) == 0 {
		if req.Method == http.MethodDelete {
			return nil
		}
		return transportError(fmt.Errorf("HTTP %d with an empty reply: this is not the App Store Connect API", resp.StatusCode), true)
	}
	if !json.Valid(body) {
		kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		if kind == "" {
			kind = "no content type"
		}
		return transportError(fmt.Errorf("HTTP %d, but the reply is not JSON (%s): %s", resp.StatusCode, kind, snippet(body)), true)
	}
	return nil
}

// note keeps what every reply tells on the side.
func (c *Client) note(resp *http.Response) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reached = true
	c.skew, c.skewKnown = clockSkew(resp.Header.Get("Date"), c.now())
	if limit, ok := parseRateLimit(resp.Header.Get("X-Rate-Limit")); ok {
		c.limit = limit
	}
}

// decode reads a successful reply into out.
func decode(req *http.Request, r reply, out any) error {
	if out == nil || len(r.body) == 0 {
		return nil
	}
	if err := json.Unmarshal(r.body, out); err != nil {
		return &TransportError{
			Method: req.Method, URL: req.URL.Scheme + "://" + req.URL.Host + req.URL.Path, Sent: true, Attempts: 1,
			Err: fmt.Errorf("the reply does not have the shape of the API: %w", err),
		}
	}
	return nil
}

// sleep waits for d or until the context ends, whose cause it returns.
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
