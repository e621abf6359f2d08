package upload

import (
	"errors"
	"fmt"
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
	errNotTheStore = errors.New("a page came back instead of the object store's acknowledgement: " +
		"a proxy or a login page may have answered")
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
