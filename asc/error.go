package asc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
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
	// status inside an error when a reply carries several.
	HTTPStatus int
	// Details are all errors of the reply, associated ones included.
	Details []ErrorDetail
	// Body holds the first bytes of a reply that was not a JSON:API error.
	Body string
	// RetryAfter is the wait the service asked for, or zero.
	RetryAfter time.Duration
	// ClockSkew is how far this machine's clock is ahead of the service's,
	// from the reply's Date header; zero when the header is missing.
	ClockSkew time.Duration
}

// An ErrorDetail is one error object of a reply. Programs decide by Code,
// which is dotted from general to special; see [ErrorDetail.Is].
type ErrorDetail struct {
	ID     string         `json:"id"`
	Status string         `json:"status"`
	Code   string         `json:"code"`
	Title  string         `json:"title"`
	Detail string         `json:"detail"`
	Source ErrorSource    `json:"source"`
	Meta   map[string]any `json:"meta"`
	// Resource is the path of the resource that an associated error is about;
	// empty for the errors of the reply itself.
	Resource string `json:"-"`
}

// An ErrorSource is the place in the request that an error is about: a JSON
// pointer into the body or the name of a query parameter, never both.
type ErrorSource struct {
	Pointer   string `json:"pointer"`
	Parameter string `json:"parameter"`
}

// Is tells whether the error's code is code or a special case of it:
// "STATE_ERROR" matches "STATE_ERROR.ENTITY_STATE_INVALID".
func (d ErrorDetail) Is(code string) bool {
	return d.Code == code || strings.HasPrefix(d.Code, code+".")
}

// String is the error in Apple's words, with its code and its place.
func (d ErrorDetail) String() string {
	var b strings.Builder
	switch {
	case d.Detail != "" && d.Title != "" && d.Detail != d.Title:
		b.WriteString(strings.TrimSuffix(d.Title, ".") + ": " + d.Detail)
	case d.Detail != "":
		b.WriteString(d.Detail)
	default:
		b.WriteString(d.Title)
	}
	if d.Code != "" {
		fmt.Fprintf(&b, " [%s]", d.Code)
	}
	switch {
	case d.Source.Pointer != "":
		fmt.Fprintf(&b, " at %s", d.Source.Pointer)
	case d.Source.Parameter != "":
		fmt.Fprintf(&b, " at parameter %s", d.Source.Parameter)
	}
	if d.Resource != "" {
		fmt.Fprintf(&b, " (%s)", d.Resource)
	}
	return strings.TrimSpace(b.String())
}

func (e *Error) Error() string {
	head := fmt.Sprintf("%s %s: HTTP %d", e.Method, e.Path, e.HTTPStatus)
	if len(e.Details) == 0 {
		if e.Body == "" {
			return head + " with an empty reply"
		}
		return head + ": " + e.Body
	}
	texts := make([]string, len(e.Details))
	for i, detail := range e.Details {
		texts[i] = detail.String()
	}
	return head + ": " + strings.Join(texts, "; ")
}

// Has tells whether any error of the reply has the code; see [ErrorDetail.Is].
func (e *Error) Has(code string) bool {
	return slices.ContainsFunc(e.Details, func(d ErrorDetail) bool { return d.Is(code) })
}

// A TransportError says that no usable reply came back: the connection could
// not be made or broke, or what came back was not the API speaking.
type TransportError struct {
	// Method and URL are the request's; the URL has no query.
	Method, URL string
	// Sent tells whether the request may have reached the service, so that it
	// may have taken effect.
	Sent bool
	// Attempts is how often the request was tried.
	Attempts int
	// Err is what went wrong last.
	Err error
}

func (e *TransportError) Error() string {
	if e.Attempts > 1 {
		return fmt.Sprintf("%s %s: %v (%d attempts)", e.Method, e.URL, e.Err, e.Attempts)
	}
	return fmt.Sprintf("%s %s: %v", e.Method, e.URL, e.Err)
}

func (e *TransportError) Unwrap() error { return e.Err }

// A LinkError says that a reply has a link which cannot be followed, as no
// reply of App Store Connect has.
type LinkError struct {
	// Reason goes on from "the service sent a link".
	Reason string
	// Err is why it could not be read, or nil.
	Err error
}

func (e *LinkError) Error() string {
	text := "the service sent a link " + e.Reason
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *LinkError) Unwrap() error { return e.Err }

// StatusOf returns the HTTP status of an [*Error] in err's chain, or zero.
func StatusOf(err error) int {
	var apiErr *Error
	if errors.As(err, &apiErr) {
		return apiErr.HTTPStatus
	}
	return 0
}

// IsNotFound tells whether the service said that a resource does not exist or
// is not visible to the key.
func IsNotFound(err error) bool { return StatusOf(err) == http.StatusNotFound }

// IsConflict tells whether a body conflicts with a rule or with a state (409).
func IsConflict(err error) bool { return StatusOf(err) == http.StatusConflict }

// IsUnprocessable tells whether a well-formed request was refused (422).
func IsUnprocessable(err error) bool { return StatusOf(err) == http.StatusUnprocessableEntity }

// IsUnauthorized tells whether the token was refused (401).
func IsUnauthorized(err error) bool { return StatusOf(err) == http.StatusUnauthorized }

// IsForbidden tells whether the key's role, or a missing agreement, forbids the
// request (403).
func IsForbidden(err error) bool { return StatusOf(err) == http.StatusForbidden }

// IsTemporary tells whether the same request may succeed later: the rate limit,
// a server's hiccup, a broken connection.
func IsTemporary(err error) bool {
	var transport *TransportError
	if errors.As(err, &transport) {
		return true
	}
	return isTemporaryStatus(StatusOf(err))
}

// IsUnclear tells whether the request may have taken effect although it
// failed. Whoever created or committed something must look before trying
// again.
func IsUnclear(err error) bool {
	var transport *TransportError
	if errors.As(err, &transport) {
		return transport.Sent
	}
	return StatusOf(err) >= 500
}

func isTemporaryStatus(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500
}

// notSent tells whether an error of the HTTP transport came before any byte of
// the request could leave.
func notSent(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return true
	}
	var dns *net.DNSError
	return errors.As(err, &dns)
}

const maxErrorBody = 300

// newError reads the body of a reply that is not a success.
func newError(req *http.Request, resp *http.Response, body []byte, now time.Time) *Error {
	e := &Error{
		Method:     req.Method,
		Path:       req.URL.Path,
		HTTPStatus: resp.StatusCode,
		RetryAfter: parseRetryAfter(resp.Header.Get("Retry-After"), now),
	}
	e.ClockSkew, _ = clockSkew(resp.Header.Get("Date"), now)
	// A gateway may repeat the request, with the token.
	if _, token, ok := strings.Cut(req.Header.Get("Authorization"), " "); ok && token != "" {
		body = bytes.ReplaceAll(body, []byte(token), []byte("(token)"))
	}
	var document struct {
		Errors []json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(body, &document) == nil {
		for _, raw := range document.Errors {
			e.Details = append(e.Details, parseDetail(raw, "")...)
		}
	}
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

// parseDetail reads one error object and the associated errors in its meta. A
// field of an unexpected type costs that field, not the error.
func parseDetail(raw json.RawMessage, resource string) []ErrorDetail {
	var detail ErrorDetail
	if err := json.Unmarshal(raw, &detail); err != nil {
		var loose map[string]any
		if json.Unmarshal(raw, &loose) != nil {
			return nil
		}
		text := func(name string) string {
			if v, ok := loose[name]; ok && v != nil {
				return fmt.Sprint(v)
			}
			return ""
		}
		detail = ErrorDetail{ID: text("id"), Status: text("status"), Code: text("code"), Title: text("title"), Detail: text("detail")}
		detail.Meta, _ = loose["meta"].(map[string]any)
	}
	detail.Resource = resource
	details := []ErrorDetail{detail}
	var meta struct {
		Meta struct {
			Associated map[string][]json.RawMessage `json:"associatedErrors"`
		} `json:"meta"`
	}
	if json.Unmarshal(raw, &meta) != nil {
		return details
	}
	paths := make([]string, 0, len(meta.Meta.Associated))
	for path := range meta.Meta.Associated {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths {
		for _, associated := range meta.Meta.Associated[path] {
			details = append(details, parseDetail(associated, path)...)
		}
	}
	return details
}

// snippet is the start of a body on one line, for a message.
func snippet(body []byte) string {
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(body[:min(len(body), 4*maxErrorBody)]), "")), " ")
	if runes := []rune(text); len(runes) > maxErrorBody {
		text = string(runes[:maxErrorBody]) + "…"
	}
	return text
}

// clockSkew compares a Date header, which has whole seconds, with a clock.
func clockSkew(date string, now time.Time) (skew time.Duration, known bool) {
	server, err := http.ParseTime(date)
	if err != nil {
		return 0, false
	}
	return now.Sub(server).Truncate(time.Second), true
}
