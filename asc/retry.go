package asc

import (
	"errors"
	"math"
	"net/http"
	"time"
)

// A Retry describes a request that is about to be made again.
type Retry struct {
	Method, Path string
	// Attempt is the number of the attempt that failed, from 1.
	Attempt int
	// Wait is the pause before the next one.
	Wait time.Duration
	// Err is why: an [*Error] or a [*TransportError].
	Err error
}

const (
	// firstContact bounds the retries until the service has answered once: a
	// wrong address should not look like an outage.
	firstContact    = 30 * time.Second
	defaultRetryFor = 5 * time.Minute
	firstWait       = time.Second
	longestWait     = time.Minute
	// longestAsked bounds a Retry-After that would outlast any job.
	longestAsked = 15 * time.Minute
)

// waitBefore returns the pause before attempt+1, with full jitter: a random
// time up to a bound that doubles. A wait that the service asked for is kept
// to, plus a little, so that parallel clients do not all come back at once.
func (c *Client) waitBefore(attempt int, asked time.Duration) time.Duration {
	bound := float64(firstWait) * math.Pow(2, float64(min(attempt-1, 20)))
	if bound > float64(longestWait) {
		bound = float64(longestWait)
	}
	if asked > 0 {
		return min(asked, longestAsked) + time.Duration(c.random()*float64(firstWait))
	}
	return time.Duration(bound * (0.1 + 0.9*c.random()))
}

// askedWait is the pause that the service asked for, or zero.
func askedWait(err error) time.Duration {
	var apiErr *Error
	if errors.As(err, &apiErr) {
		return apiErr.RetryAfter
	}
	return 0
}

// budget is how long a request may be repeated after err, from its start. The
// first contact with a service that hangs is worth one more attempt.
func (c *Client) budget(x *exchange, err error) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.retryFor < 0:
		return -1
	case c.reached:
		return c.retryFor
	case isTimeout(err):
		return min(firstContact+x.timeout, c.retryFor)
	}
	return min(firstContact, c.retryFor)
}

// repeatable tells whether a failed request may be sent again without looking
// first. Reading and deleting may always be repeated. A create, and an update
// marked once, only when it certainly had no effect.
func repeatable(r request, err error) bool {
	if !IsTemporary(err) {
		return false
	}
	switch r.method {
	case http.MethodGet, http.MethodHead, http.MethodDelete:
		return true
	case http.MethodPatch:
		// One that was answered as a success was most likely done.
		if !r.once && !is[shapeError](err) {
			return true
		}
	}
	return !IsUnclear(err)
}
