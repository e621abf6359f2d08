package asc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// request is one call of the API, before it is tried.
type request struct {
	method string
	path   string // below the base address, or an absolute URL on its host
	query  url.Values
	body   any
	// once marks an update that must not be repeated blindly, as a create.
	once bool
	// timeout is for one attempt; zero means that of the method.
	timeout time.Duration
	// accept reads the document of a success, and fails on one that is not what
	// was asked for. nil means that the reply needs no document.
	accept func(body []byte) error
}

// exchange is a request while it is tried, and what its attempts have shown.
type exchange struct {
	request
	target  *url.URL
	payload []byte
	start   time.Time
	// attempt counts from 1.
	attempt int
	// unclear tells that an earlier attempt may have taken effect.
	unclear bool
	auth    authorization
	flaky   flakiness
}

// do sends a request, with retries where they are safe, until request.accept
// has read the reply.
func (c *Client) do(ctx context.Context, r request) error {
	target, err := c.resolve(r)
	if err != nil {
		return err
	}
	if r.timeout == 0 {
		r.timeout = timeoutOf(r.method)
	}
	x := &exchange{request: r, target: target, start: c.now()}
	if r.body != nil {
		if x.payload, err = json.Marshal(r.body); err != nil {
			return fmt.Errorf("encode request body: %w", err)
		}
	}
	for x.attempt = 1; ; x.attempt++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err := c.attempt(ctx, x)
		if err == nil {
			c.forget(x)
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if x.method != http.MethodDelete || !x.unclear { // or it is gone by this request
			c.markJustMade(err)
		}
		if x.method == http.MethodDelete && x.unclear && IsNotFound(err) && !IsFlakyNotFound(err) {
			c.forget(x)
			return nil // an earlier attempt did it, and its reply was lost
		}
		x.unclear = x.unclear || IsUnclear(err)
		wait, again := c.again(ctx, x, err)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !again {
			return x.finished(err)
		}
		if err := c.pause(ctx, wait); err != nil {
			return err
		}
	}
}

// again decides whether a failed request is sent once more, and after what
// pause.
func (c *Client) again(ctx context.Context, x *exchange, err error) (wait time.Duration, again bool) {
	if IsUnauthorized(err) {
		return c.afterUnauthorized(x, err)
	}
	var refusal *Error
	if IsFlakyNotFound(err) && errors.As(err, &refusal) {
		wait, again = c.afterFlakyNotFound(ctx, x, refusal)
	} else {
		wait, again = c.waitBefore(x.attempt, askedWait(err)), repeatable(x.request, err)
	}
	wait = untilDeadline(ctx, wait) // beyond it, the context ends the request
	if !again || c.now().Add(wait).Sub(x.start) > c.budget(x, err) {
		return 0, false
	}
	if c.onRetry != nil {
		c.onRetry(Retry{Method: x.method, Path: x.target.Path, Attempt: x.attempt, Wait: wait, Err: err})
	}
	return wait, true
}

// finished completes the last error of a request.
func (x *exchange) finished(err error) error {
	var transport *TransportError
	if errors.As(err, &transport) {
		transport.Attempts = x.attempt
		// An earlier attempt may have arrived even if this one did not.
		transport.Sent = transport.Sent || x.unclear
	}
	return err
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
		return nil, &LinkError{Reason: fmt.Sprintf(
			"to another host (%s://%s instead of %s://%s): not followed, because the token must not go there",
			u.Scheme, u.Host, c.base.Scheme, c.base.Host)}
	}
	return u, nil
}

// pause sleeps before the next attempt, at most until the context ends, whose
// cause it returns.
func (c *Client) pause(ctx context.Context, wait time.Duration) error {
	err := c.sleep(ctx, wait)
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		<-ctx.Done() // its timer is about to fire
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// untilDeadline shortens a pause that would outlast the context.
func untilDeadline(ctx context.Context, wait time.Duration) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return max(0, min(wait, time.Until(deadline)))
	}
	return wait
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
