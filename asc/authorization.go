package asc

import (
	"errors"
	"time"
)

const (
	// refusalsAllowed is how often a request may be refused with 401 in all.
	refusalsAllowed = 3
	// clockTolerance is how far two clocks may differ before it matters: tokens
	// are issued a minute before now.
	clockTolerance = time.Minute
	firstAuthWait  = 250 * time.Millisecond
)

// authorization is what the attempts of one request have shown about its token.
type authorization struct {
	token   string
	refused int
	// adopted tells that a refusal of this request made the client sign with
	// another time; before is how far the clock was taken to be ahead until then.
	adopted bool
	before  time.Duration
}

// afterUnauthorized prepares the attempt after a 401. First uses of a token, and
// of a new key, are refused now and then; a suspended machine may hold a token
// that ran out; and a clock that is off makes tokens that are not valid yet, or
// no longer. So every attempt has a new token. Once the reply's Date shows that
// the clock is off, tokens have the service's time, and the count starts again;
// the last attempt has the old time again, should the Date have been wrong.
func (c *Client) afterUnauthorized(x *exchange, err error) (wait time.Duration, again bool) {
	a := &x.auth
	c.tokens.discard(a.token)
	a.refused++
	var refusal *Error
	if errors.As(err, &refusal) && refusal.dated && !a.adopted {
		if before, changed := c.tokens.adopt(refusal.ClockSkew); changed {
			a.adopted, a.before, a.refused = true, before, 0
			return 0, true
		}
	}
	if a.adopted && a.refused == refusalsAllowed-1 {
		c.tokens.adopt(a.before)
	}
	if a.refused >= refusalsAllowed {
		return 0, false
	}
	bound := firstAuthWait << (2 * (a.refused - 1))
	return time.Duration(float64(bound) * (0.5 + 0.5*c.random())), true
}

// tellSkew says once that tokens are signed with the service's time, as soon as
// the service has taken such a token.
func (c *Client) tellSkew(offset time.Duration) {
	c.mu.Lock()
	tell := offset != 0 && !c.skewTold
	c.skewTold = c.skewTold || tell
	c.mu.Unlock()
	if tell && c.onSkew != nil {
		c.onSkew(offset)
	}
}
