package upload

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// ErrExpired says that the store refused an operation's URL and that the
// service had no fresh one: the reservation can no longer be used.
var ErrExpired = errors.New("the upload operation is no longer valid, and the service gave no fresh one")

// ErrFileChanged says that the file does not hold what it held at the start.
var ErrFileChanged = errors.New("the file changed while it was being sent")

var (
	errStalled  = errors.New("the connection stalled")
	errNoReply  = errors.New("the object store did not answer after the part was sent")
	errEarly    = errors.New("the object store answered before the part was complete")
	errMismatch = errors.New("the object store received something else than was sent (ETag does not match)")
	// errNotTheStore is about a page that came with a success.
	errNotTheStore = errors.New("a page came back instead of the object store's acknowledgement: a proxy or a login page may have answered")
)

// A PartError says why a part could not be sent.
type PartError struct {
	// PartNumber, Offset and Length name the part.
	PartNumber, Offset, Length int64
	// Host is the store's. The URL is a secret and not kept.
	Host string
	// Attempts is how often the part was tried.
	Attempts int
	// Status, Code and Message are the store's refusal, if it was one.
	Status        int
	Code, Message string
	// RetryAfter is the wait the store asked for, or zero.
	RetryAfter time.Duration
	// Err is what went wrong, if it was not a refusal, or why it is final.
	Err error
}

func (e *PartError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "part %d (bytes %d to %d)", e.PartNumber, e.Offset, e.Offset+e.Length-1)
	if e.Host != "" {
		fmt.Fprintf(&b, " to %s", e.Host)
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, ": HTTP %d", e.Status)
		if e.Code != "" {
			fmt.Fprintf(&b, " %s", e.Code)
		}
		if e.Message != "" {
			fmt.Fprintf(&b, ": %s", e.Message)
		}
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, " (%d attempts)", e.Attempts)
	}
	return b.String()
}

func (e *PartError) Unwrap() error { return e.Err }

// A verdict is what to do about a failed attempt.
type verdict int

const (
	final   verdict = iota // another attempt would fail too
	again                  // the same request may succeed later
	renewed                // a fresh operation may succeed
)

// judge is the one place that decides whether an error is worth another try.
func judge(ctx context.Context, err *PartError) verdict {
	switch {
	case ctx.Err() != nil, errors.Is(err.Err, ErrFileChanged):
		return final
	case err.Status == 0:
		return again // connection, TLS, DNS, stall, mismatch
	case err.Status == http.StatusForbidden:
		return renewed
	case err.Status == http.StatusRequestTimeout, err.Status == http.StatusTooManyRequests, err.Status >= 500:
		return again
	case err.Status == http.StatusBadRequest && (err.Code == "RequestTimeout" || err.Code == "BadDigest" || err.Code == "IncompleteBody"):
		return again // S3's words for a part that arrived late or damaged
	case err.Status/100 == 2:
		return again // an early or mismatching success
	}
	return final
}

const maxRefusal = 16 << 10

// readRefusal takes the store's reason from its XML, or from whatever it said.
func readRefusal(resp *http.Response, into *PartError, now time.Time) {
	content, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusal)) // the status alone is reason enough
	into.refusedBy(resp, content, now)
}

// refusedBy takes the reason from the body of a refusal.
func (e *PartError) refusedBy(resp *http.Response, content []byte, now time.Time) {
	e.Status = resp.StatusCode
	e.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), now)
	content = withoutSignature(content, resp.Request)
	var refusal struct {
		Code    string `xml:"Code"`
		Message string `xml:"Message"`
	}
	if xml.Unmarshal(content, &refusal) == nil && refusal.Code != "" {
		e.Code, e.Message = oneLine(refusal.Code), oneLine(refusal.Message)
		return
	}
	e.Message = oneLine(string(content))
	if e.Message == "" {
		e.Message = http.StatusText(resp.StatusCode)
	}
}

// isRefusal tells whether the body of a success says the opposite: S3 answers
// 200 with an <Error> where it fails late, and a portal with a page of HTML.
func isRefusal(contentType string, content []byte) bool {
	const decisive = 1 << 10 // bytes at the start
	start := bytes.ToLower(bytes.TrimLeft(content[:min(len(content), decisive)], "\xef\xbb\xbf \t\r\n"))
	if len(start) == 0 {
		return false
	}
	if strings.Contains(strings.ToLower(contentType), "html") {
		return true
	}
	if start[0] != '<' {
		return false
	}
	for _, tag := range []string{"<error", "<html", "<!doctype", "<head", "<body"} {
		if bytes.Contains(start, []byte(tag)) {
			return true
		}
	}
	return false
}

// withoutSignature removes what a request's URL is signed with from what came
// back: a gateway may repeat the URL, which is a secret.
func withoutSignature(content []byte, req *http.Request) []byte {
	if req == nil || req.URL.RawQuery == "" {
		return content
	}
	const shortest = 16 // of what could be a secret
	content = bytes.ReplaceAll(content, []byte(req.URL.RawQuery), []byte("…"))
	for _, values := range req.URL.Query() {
		for _, value := range values {
			if len(value) >= shortest {
				content = bytes.ReplaceAll(content, []byte(value), []byte("…"))
				content = bytes.ReplaceAll(content, []byte(url.QueryEscape(value)), []byte("…"))
			}
		}
	}
	return content
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if runes := []rune(s); len(runes) > 200 {
		s = string(runes[:200]) + "…"
	}
	return s
}

func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := time.ParseDuration(strings.TrimSpace(header) + "s"); err == nil && seconds > 0 {
		return seconds
	}
	if at, err := http.ParseTime(header); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
