package upload

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"time"
)

const (
	firstWait    = 200 * time.Millisecond
	longestWait  = 30 * time.Second
	longestAsked = 5 * time.Minute
	// shortWait is the longest pause during which a part keeps its slot.
	shortWait = time.Second
	// sameTries is how often an operation is tried that the store refuses and
	// the service gives again.
	sameTries = 3
)

// A retryPolicy decides what follows a failed attempt. It is the one place
// that reports whether an error is worth another attempt, and when.
type retryPolicy struct {
	// retryFor bounds the time from the first failure to the last attempt.
	retryFor time.Duration
}

// circumstances are what a decision depends on besides the failure.
type circumstances struct {
	// failingFor is the time since the first failure.
	failingFor time.Duration
	// suspected tells that the attempt was given up by comparison with others.
	suspected bool
	// moving reports whether most other attempts make progress.
	moving bool
	// random is a random number from 0 to 1, for jitter.
	random float64
}

// A decision is what to do about a failed attempt.
type decision struct {
	action action
	// wait is the pause before the next attempt.
	wait time.Duration
	// slowDown tells that the store asked for fewer requests.
	slowDown bool
}

type action int

const (
	giveUp           action = iota // another attempt would fail too
	tryAgain                       // the same request may succeed later
	refreshOperation               // a fresh operation may succeed
)

// decide returns what follows a failure, which carries the number of attempts.
func (p retryPolicy) decide(failure *PartError, c circumstances) decision {
	d := decision{
		action:   actionFor(failure),
		wait:     waitAfter(failure.Attempts, failure.RetryAfter, c.random),
		slowDown: failure.Code == "SlowDown" || failure.Status == http.StatusTooManyRequests,
	}
	if d.action != tryAgain {
		return d
	}
	if c.failingFor+d.wait > p.retryFor {
		d.action = giveUp
		return d
	}
	if c.suspected || failure.Attempts == 1 && failure.Status == 0 && c.moving {
		d.wait = 0 // one connection broke, and the others go on
	}
	return d
}

// insist reports whether an operation is tried once more that the store refused
// that often and the service gives again.
func (p retryPolicy) insist(refusals int) bool { return refusals < sameTries }

func actionFor(failure *PartError) action {
	switch status := failure.Status; {
	case errors.Is(failure.Err, ErrFileChanged), isCertificateError(failure.Err):
		return giveUp
	case status == 0:
		return tryAgain // connection, TLS, DNS, stall
	case status == http.StatusForbidden:
		return refreshOperation
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500:
		return tryAgain
	case status == http.StatusBadRequest:
		switch failure.Code {
		case "RequestTimeout", "BadDigest", "IncompleteBody":
			return tryAgain // S3's words for a part that arrived late or damaged
		}
	case status/100 == 2:
		return tryAgain // a success that is early, or of something else
	}
	return giveUp
}

// waitAfter returns the pause after so many attempts, with jitter unless the
// store asked for one.
func waitAfter(attempts int, asked time.Duration, random float64) time.Duration {
	if asked > 0 {
		return min(asked, longestAsked)
	}
	bound := min(firstWait<<min(attempts-1, 10), longestWait)
	return time.Duration(float64(bound) * (0.1 + 0.9*random))
}

// isCertificateError reports whether the store's certificate could not be
// verified: another try would meet the same one.
func isCertificateError(err error) bool {
	var verification *tls.CertificateVerificationError
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &verification) || errors.As(err, &host) || errors.As(err, &authority) || errors.As(err, &invalid)
}
