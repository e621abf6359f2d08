package upload

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Operation is one request that carries one part of a file.
type Operation struct {
	// Method is the HTTP method, PUT in all that was seen.
	Method string
	// URL is presigned: whoever has it can write the part. It is never logged.
	URL string
	// Headers are sent as they are, besides Content-Length.
	Headers []Header
	// Offset and Length are the part's place in the file, in bytes.
	Offset, Length int64
	// PartNumber is the service's number for the part; zero if it has none.
	PartNumber int64
	// EntityTag is the MD5 of the part that the store has already, in hex, or
	// empty. A part whose bytes have that MD5 is not sent again.
	EntityTag string
	// Expiration is when the URL stops working; zero if unknown.
	Expiration time.Time
}

// A Header is one header of an [Operation].
type Header struct{ Name, Value string }

// A PlanError says that operations cannot carry the file, so nothing was sent.
type PlanError struct {
	// Reason is a sentence without a full stop.
	Reason string
}

func (e *PlanError) Error() string { return "upload operations: " + e.Reason }

// Validate checks that operations cover a file of size bytes exactly once,
// without gap or overlap, and that each can be carried out safely. It returns
// them in the order of the file. The error is a [*PlanError].
func Validate(operations []Operation, size int64) ([]Operation, error) {
	if size <= 0 {
		return nil, &PlanError{"the file is empty"}
	}
	if len(operations) == 0 {
		return nil, &PlanError{"the service gave none"}
	}
	sorted := slices.Clone(operations)
	slices.SortStableFunc(sorted, func(a, b Operation) int { return cmp.Compare(a.Offset, b.Offset) })
	var end int64
	for i, op := range sorted {
		if problem := op.problem(); problem != "" {
			return nil, &PlanError{fmt.Sprintf("part at byte %d: %s", op.Offset, problem)}
		}
		switch {
		case op.Offset < end:
			return nil, &PlanError{fmt.Sprintf("parts %d and %d overlap at byte %d", i, i+1, op.Offset)}
		case op.Offset > end:
			return nil, &PlanError{fmt.Sprintf("no part carries bytes %d to %d", end, op.Offset-1)}
		case op.Length > size-op.Offset:
			return nil, &PlanError{fmt.Sprintf("a part ends at byte %d, but the file has %d", op.Offset+op.Length, size)}
		}
		end = op.Offset + op.Length
	}
	if end != size {
		return nil, &PlanError{fmt.Sprintf("no part carries bytes %d to %d", end, size-1)}
	}
	return sorted, nil
}

// problem says why an operation cannot be carried out, or "".
func (op Operation) problem() string {
	switch {
	case op.Offset < 0:
		return "the offset is negative"
	case op.Length < 1:
		return "the length is not positive"
	case op.Offset > (1<<63-1)-op.Length:
		return "offset and length overflow"
	}
	switch op.Method {
	case http.MethodPut, http.MethodPost:
	default:
		return fmt.Sprintf("method %q is neither PUT nor POST", op.Method)
	}
	if err := checkURL(op.URL); err != nil {
		return err.Error()
	}
	for _, h := range op.Headers {
		if !validHeader(h) {
			return fmt.Sprintf("header %q is not a valid HTTP header", h.Name)
		}
		if strings.EqualFold(h.Name, "Content-Length") && h.Value != strconv.FormatInt(op.Length, 10) {
			return "the Content-Length header disagrees with the length"
		}
	}
	return ""
}

// checkURL accepts https, and http on a loopback address. It does not quote
// the URL, which is a secret.
func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return errors.New("the URL is not one")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return fmt.Errorf("the URL on %s is plain http, which is accepted for loopback addresses only", u.Host)
	}
	return fmt.Errorf("the URL has scheme %q instead of https", u.Scheme)
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func validHeader(h Header) bool {
	if h.Name == "" || strings.ContainsAny(h.Value, "\r\n\x00") {
		return false
	}
	for _, c := range []byte(h.Name) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return true
}
