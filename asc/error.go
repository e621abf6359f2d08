package asc

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// An Error is a refusal by the App Store Connect API. The embedded
// [ErrorDetail] is the first error of the reply; Details holds them all.
type Error struct {
	ErrorDetail
	// Method and Path are the request's, without its query.
	Method, Path string
	// HTTPStatus is the status of the reply, which can differ from the
	// status inside an error when a reply carries several. It is 404 as well
	// where a to-one relationship was answered with 200 and data null.
	HTTPStatus int
	// RequestID is Apple's name for the request, where the reply had one.
	RequestID string
	// Details are the errors of the reply, associated ones included: at most 50.
	Details []ErrorDetail
	// Omitted is how many more errors the reply had.
	Omitted int
	// Body holds the first bytes of a reply that was not a JSON:API error.
	Body string
	// RetryAfter is the wait the service asked for, or zero.
	RetryAfter time.Duration
	// ClockSkew is how far this machine's clock is ahead of the service's,
	// from the reply's Date header; zero when the header is missing.
	ClockSkew time.Duration

	// dated tells that ClockSkew is known.
	dated bool
	// appMissing tells that the app which the reply says is missing was looked
	// for, and is.
	appMissing bool
	// justMade tells that this client made what the reply says is missing.
	justMade bool
}

// Bounds of what is kept and shown of a refusal.
const (
	maxErrorBody = 300
	// maxShown errors are in the text of an Error.
	maxShown = 10
)

func (e *Error) Error() string {
	head := fmt.Sprintf("%s %s: HTTP %d", e.Method, e.Path, e.HTTPStatus)
	if e.RequestID != "" {
		head += " (request id " + e.RequestID + ")"
	}
	if len(e.Details) == 0 {
		if e.Body == "" {
			return head + " with an empty reply"
		}
		return head + ": " + e.Body
	}
	shown := e.Details[:min(len(e.Details), maxShown)]
	texts := make([]string, len(shown))
	for i, detail := range shown {
		texts[i] = detail.String()
	}
	if more := len(e.Details) - len(shown) + e.Omitted; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more errors", more))
	}
	return head + ": " + strings.Join(texts, "; ")
}

// Has tells whether any error of the reply has the code; see [ErrorDetail.Is].
func (e *Error) Has(code string) bool {
	return slices.ContainsFunc(e.Details, func(d ErrorDetail) bool { return d.Is(code) })
}

// newError reads the body of a reply that is not a success.
func newError(req *http.Request, resp *http.Response, body []byte, now time.Time) *Error {
	e := &Error{Method: req.Method, Path: req.URL.Path, HTTPStatus: resp.StatusCode, RequestID: requestID(resp.Header)}
	e.ClockSkew, e.dated = clockSkew(resp.Header.Get("Date"), now)
	// A time to come back at is one of the service's clock.
	e.RetryAfter = parseRetryAfter(resp.Header.Get("Retry-After"), now.Add(-e.ClockSkew))
	// A gateway may repeat the request, with the token.
	if _, token, ok := strings.Cut(req.Header.Get("Authorization"), " "); ok && token != "" {
		body = bytes.ReplaceAll(body, []byte(token), []byte("(token)"))
	}
	e.Details, e.Omitted = parseErrors(body)
	if len(e.Details) > 0 {
		e.ErrorDetail = e.Details[0]
	} else {
		e.Body = snippet(body)
	}
	if to, err := resp.Location(); err == nil && resp.StatusCode/100 == 3 {
		e.Body = "a redirect to " + to.Scheme + "://" + to.Host // the rest may hold what a login takes
	}
	return e
}

// snippet is the start of a body on one line, for a message.
func snippet(body []byte) string {
	start := strings.ToValidUTF8(string(body[:min(len(body), 4*maxErrorBody)]), "")
	return cut(strings.Join(strings.Fields(start), " "), maxErrorBody)
}

// clockSkew compares a Date header, which has whole seconds, with a clock.
func clockSkew(date string, now time.Time) (skew time.Duration, known bool) {
	server, err := http.ParseTime(date)
	if err != nil {
		return 0, false
	}
	return now.Sub(server).Truncate(time.Second), true
}
