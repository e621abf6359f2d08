package asc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"
)

// maxReply bounds what is read of a reply.
const maxReply = 32 << 20

// The deadlines of one attempt. A commit was seen to take 41.6 s, so it may
// take longer than any other write.
const (
	readTimeout   = 30 * time.Second
	writeTimeout  = 60 * time.Second
	commitTimeout = 120 * time.Second
)

func timeoutOf(method string) time.Duration {
	if method == http.MethodGet || method == http.MethodHead {
		return readTimeout
	}
	return writeTimeout
}

// A timeoutError says that an attempt reached its deadline.
type timeoutError struct{ after time.Duration }

func (e timeoutError) Error() string { return fmt.Sprintf("no complete reply within %s", e.after) }

// Timeout makes it a timeout to those who ask, as net.Error does.
func (timeoutError) Timeout() bool { return true }

// attempt sends the request once. Its error is an [*Error] or a
// [*TransportError], unless no request could be made.
func (c *Client) attempt(ctx context.Context, x *exchange) (err error) {
	token, offset, err := c.tokens.get()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, x.timeout)
	defer cancel()
	req, err := c.newRequest(ctx, x)
	if err != nil {
		return err
	}
	x.auth.token = token
	req.Header.Set("Authorization", "Bearer "+token)
	status, start := 0, c.now()
	defer func() {
		if c.onCall != nil {
			c.onCall(Call{
				Method: x.method, URL: x.target.String(), Status: status,
				Start: start, Duration: c.now().Sub(start), Err: err,
			})
		}
	}()
	resp, err := c.http.Do(req)
	if err != nil {
		return c.transportError(ctx, x, err, !notSent(err))
	}
	defer resp.Body.Close()
	status = resp.StatusCode
	c.note(resp)
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	success := status/100 == 2
	if err == nil && len(body) > maxReply && success {
		err = fmt.Errorf("the reply is larger than %d MiB", maxReply>>20)
	}
	if err != nil {
		return c.transportError(ctx, x, err, true).received(resp)
	}
	if !success {
		err = newError(req, resp, body, c.now())
	} else if wrong := checkReply(x.request, resp, body); errors.Is(wrong, errNothingRelated) {
		err = newNothingRelated(req, resp)
	} else if wrong != nil {
		return c.transportError(ctx, x, wrong, true).received(resp)
	}
	if status != http.StatusUnauthorized && status < 500 {
		c.tellSkew(offset)
	}
	return err
}

func (c *Client) newRequest(ctx context.Context, x *exchange) (*http.Request, error) {
	var reader io.Reader
	if x.payload != nil {
		reader = bytes.NewReader(x.payload)
	}
	req, err := http.NewRequestWithContext(ctx, x.method, x.target.String(), reader)
	if err != nil {
		return nil, fmt.Errorf("build request: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	if x.payload != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.userAgent != "" {
		req.Header.Set("User-Agent", c.userAgent)
	}
	return req, nil
}

// transportError describes a failed attempt whose context is ctx.
func (c *Client) transportError(ctx context.Context, x *exchange, err error, sent bool) *TransportError {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // it repeats the method and the URL
	}
	switch {
	case ctx.Err() == context.DeadlineExceeded:
		err = timeoutError{x.timeout}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("the connection was closed before the reply was complete: %w", err)
	}
	c.mu.Lock()
	reached := c.reached
	c.mu.Unlock()
	return &TransportError{
		Method: x.method, URL: x.target.Scheme + "://" + x.target.Host + x.target.Path,
		Sent: sent, Attempts: 1, Final: isFinal(err, reached), Err: err,
	}
}

// received adds what is known of a reply that could not be used.
func (e *TransportError) received(resp *http.Response) *TransportError {
	e.Status, e.RequestID = resp.StatusCode, requestID(resp.Header)
	return e
}

// checkReply refuses a success that does not hold what a success holds: a
// proxy's HTML page, nothing, half a document, another document.
func checkReply(r request, resp *http.Response, body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		nothing := resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusAccepted
		if r.accept == nil && (nothing || r.method == http.MethodDelete) {
			return nil
		}
		err := fmt.Errorf("HTTP %d with an empty reply: this is not the App Store Connect API", resp.StatusCode)
		if nothing {
			return shapeError{err}
		}
		return err
	}
	if !json.Valid(body) {
		kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		if kind == "" {
			kind = "no content type"
		}
		return fmt.Errorf("HTTP %d, but the reply is not JSON (%s): %s", resp.StatusCode, kind, snippet(body))
	}
	if r.accept == nil {
		return nil
	}
	if err := r.accept(body); err != nil {
		return shapeError{err}
	}
	return nil
}

// A shapeError says that a success came from the service, or from something
// like it, but without the document that was asked for.
type shapeError struct{ error }

func (e shapeError) Unwrap() error { return e.error }

// note keeps what every reply tells on the side.
func (c *Client) note(resp *http.Response) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reached = true
	now := c.now()
	c.skew, c.skewKnown = clockSkew(resp.Header.Get("Date"), now)
	if told := parseRateLimit(resp.Header.Values("X-Rate-Limit")); c.limit.take(told) {
		c.minuteTold = now
	}
}

// requestIDHeaders carry Apple's name for a request, the longest first: support
// can find it by any of them.
func requestIDHeaders() []string {
	return []string{"X-Apple-Request-Uuid", "X-Apple-Jingle-Correlation-Key", "X-Request-Id"}
}

// requestID is Apple's name for a request, or nothing.
func requestID(header http.Header) string {
	for _, name := range requestIDHeaders() {
		id := header.Get(name)
		if id == "" || len(id) > 64 {
			continue
		}
		for _, r := range id {
			if r <= ' ' || r > '~' {
				return ""
			}
		}
		return id
	}
	return ""
}
