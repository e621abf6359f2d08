package asc

import (
	"context"
	"crypto/elliptic"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// roundTripper is a network in a bubble of testing/synctest.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// hang answers when the request's context ends.
func hang(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func reply(status int, body io.Reader) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(body)}
}

// hangingBody is a reply that stops in the middle.
type hangingBody struct{ ctx context.Context }

func (b hangingBody) Read([]byte) (int, error) {
	<-b.ctx.Done()
	return 0, b.ctx.Err()
}

func bubbleClient(t *testing.T, network roundTripper) *Client {
	t.Helper()
	c, err := NewClient(Options{
		Key: Key{ID: "K", IssuerID: "I", Private: newPrivate(t, elliptic.P256())}, Transport: network,
		Random: func() float64 { return 0.5 },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAttemptsHaveDeadlines(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		call     func(*Client) error
		deadline time.Duration
		attempts int
	}{
		"a read":     {func(c *Client) error { _, err := c.App(ctx, "1"); return err }, 30 * time.Second, 2},
		"a list":     {func(c *Client) error { _, err := Collect(c.Apps(ctx, "")); return err }, 30 * time.Second, 2},
		"a create":   {func(c *Client) error { _, err := c.CreateBuildUpload(ctx, "1", NewBuildUpload{}); return err }, 60 * time.Second, 1},
		"an update":  {func(c *Client) error { _, err := c.UpdateBetaBuildLocalization(ctx, "1", "x"); return err }, 60 * time.Second, 2},
		"a deletion": {func(c *Client) error { return c.DeleteBuildUpload(ctx, "1") }, 60 * time.Second, 2},
		"a commit":   {func(c *Client) error { _, err := c.CommitBuildUploadFile(ctx, "1"); return err }, 120 * time.Second, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var took []time.Duration
				client := bubbleClient(t, func(req *http.Request) (*http.Response, error) {
					start := time.Now()
					defer func() { took = append(took, time.Since(start)) }()
					return hang(req)
				})
				err := c.call(client)
				var transport *TransportError
				if !errors.As(err, &transport) || !transport.Sent || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), c.deadline.String()) {
					t.Errorf("%v", err)
				}
				if len(took) != c.attempts {
					t.Errorf("%d attempts", len(took))
				}
				for _, d := range took {
					if d != c.deadline {
						t.Errorf("an attempt ended after %s", d)
					}
				}
			})
		})
	}
}

func TestAFirstCallThatHangsIsRepeated(t *testing.T) {
	for name, first := range map[string]roundTripper{
		"before the reply": hang,
		"in the reply":     func(req *http.Request) (*http.Response, error) { return reply(200, hangingBody{req.Context()}), nil },
		"in a refusal":     func(req *http.Request) (*http.Response, error) { return reply(503, hangingBody{req.Context()}), nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				client := bubbleClient(t, func(req *http.Request) (*http.Response, error) {
					if n++; n == 1 {
						return first(req)
					}
					return reply(200, strings.NewReader(appReply)), nil
				})
				start := time.Now()
				if _, err := client.App(t.Context(), "1"); err != nil || n != 2 {
					t.Errorf("%d requests, %v", n, err)
				}
				if took := time.Since(start); took > 32*time.Second {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

func TestAContextsDeadlineIsKeptEverywhere(t *testing.T) {
	cause := errors.New("the time is up")
	retryAfter := func(*http.Request) (*http.Response, error) {
		r := reply(429, strings.NewReader(""))
		r.Header.Set("Retry-After", "240")
		return r, nil
	}
	for name, network := range map[string]roundTripper{
		"a call that hangs":           hang,
		"a reply that hangs":          func(req *http.Request) (*http.Response, error) { return reply(200, hangingBody{req.Context()}), nil },
		"failures":                    func(*http.Request) (*http.Response, error) { return reply(503, strings.NewReader("")), nil },
		"broken connections":          func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF },
		"lists without a list":        func(*http.Request) (*http.Response, error) { return reply(200, strings.NewReader("{}")), nil },
		"a long pause that was asked": retryAfter,
	} {
		for _, after := range []time.Duration{time.Millisecond, 10 * time.Second, 31 * time.Second, 50 * time.Second, 200 * time.Second} {
			t.Run(name+" "+after.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					client := bubbleClient(t, network)
					client.reached = true // the shorter patience of the first contact is another matter
					var longest time.Duration
					client.onRetry = func(r Retry) { longest = max(longest, r.Wait) }
					start := time.Now()
					ctx, cancel := context.WithTimeoutCause(t.Context(), after, cause)
					defer cancel()
					if _, err := Collect(client.Apps(ctx, "")); !errors.Is(err, cause) {
						t.Errorf("%v", err)
					}
					if took := time.Since(start); took != after {
						t.Errorf("ended after %s", took)
					}
					if longest > after {
						t.Errorf("announced a pause of %s", longest)
					}
				})
			})
		}
	}
}
