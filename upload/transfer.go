package upload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// transfer is one attempt to send one part, as its body reports it.
type transfer struct {
	*uploader
	watched *attempt
	began   time.Time
	// stall ends the attempt when the connection makes no progress.
	stall *time.Timer
}

func (t *transfer) requested() { t.stall.Reset(t.options.StallTimeout) }

func (t *transfer) handedOver(n int64, last bool) {
	now := t.options.Now()
	t.sent.Add(n)
	t.options.Observer.Progress(n)
	t.options.Pool.moved(t.watched, n, now, last)
	if last {
		// What the buffers still hold needs no longer than all before it.
		t.stall.Reset(max(t.options.ReplyTimeout, now.Sub(t.began)))
	}
}

func (t *transfer) throttled(waiting bool) {
	t.watched.hold(t.options.Now(), waiting)
	if waiting {
		t.stall.Stop()
	} else {
		t.stall.Reset(t.options.StallTimeout)
	}
}

// attempt sends one part once. Without a failure the store has it. The sum is
// that of what was read, if all of it was. Suspected tells that the attempt was
// given up because the others were faster.
func (u *uploader) attempt(
	parent context.Context, op Operation, patience int,
) (sum string, suspected bool, failure *PartError) {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	t := &transfer{
		uploader: u, began: u.options.Now(),
		watched: &attempt{cancel: cancel, patience: patience},
		stall:   time.AfterFunc(u.options.StallTimeout, func() { cancel(errStalled) }),
	}
	defer t.stall.Stop()
	u.options.Pool.start(t.watched, t.began)
	arrived := false
	defer func() { u.options.Pool.end(t.watched, u.options.Now(), arrived) }()

	failure = &PartError{Offset: op.Offset, Length: op.Length}
	content := newBody(ctx, u.file, op, u.options.Limit, t)
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
		if arrived = u.readReply(resp, sum, sent == op.Length, failure); arrived {
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
	return sum, errors.Is(failure.Err, errStalled) && u.options.Pool.suspected(t.watched), failure
}

// readReply reports whether the store acknowledges a part, of which all was sent
// if complete. If not, it says in failure why.
func (u *uploader) readReply(resp *http.Response, sum string, complete bool, failure *PartError) bool {
	switch {
	case resp.StatusCode/100 != 2:
		readRefusal(resp, failure, u.options.Now())
		return false
	case !complete:
		failure.Status, failure.Err = resp.StatusCode, errEarly
		return false
	}
	verified, ok := readSuccess(resp, sum, failure, u.options.Now())
	if ok && !verified {
		u.verified.Store(false)
	}
	return ok
}

// newRequest makes the operation's request: what is listed, nothing else.
func newRequest(ctx context.Context, op Operation, content io.ReadCloser) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, op.Method, op.URL, content)
	if err != nil {
		return nil, err
	}
	req.ContentLength = op.Length
	for _, h := range op.Headers {
		switch name := http.CanonicalHeaderKey(h.Name); name {
		case "Content-Length":
		case "Host":
			req.Host = h.Value
		default:
			req.Header[name] = append(req.Header[name], h.Value)
		}
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header["User-Agent"] = nil
	}
	return req, nil
}
