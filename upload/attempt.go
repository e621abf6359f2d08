package upload

import (
	"context"
	"sync"
	"time"
)

// An attempt is one try to send one part, as the pool watches it. What is
// above the mutex is guarded by the pool.
type attempt struct {
	cancel context.CancelCauseFunc
	// patience is how often earlier attempts of the part were given up by
	// comparison: from the second time on, the next has longer.
	patience int
	// suspected tells that the attempt was given up by comparison.
	suspected bool

	mu       sync.Mutex
	last     time.Time // of the last progress
	sent     int64
	markSent int64 // at the last mark, or at the end of what buffers take
	markAt   time.Time
	complete bool // all was handed over, and the reply is waited for
	held     bool // it waits for the rate limit
}

func (a *attempt) state() (last time.Time, complete, held bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last, a.complete, a.held
}

// moved notes that the connection took n bytes. It returns how many of all so
// far are newly known to have crossed the link, and the pause before them; the
// first bytes have none.
func (a *attempt) moved(n int64, now time.Time, complete bool) (crossed int64, pause time.Duration, first bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	pause, first = now.Sub(a.last), a.sent == 0
	before := max(a.sent, bufferAllowance)
	a.sent += n
	a.last, a.complete = now, complete
	if a.markAt.IsZero() && a.sent > bufferAllowance {
		a.markSent, a.markAt = a.sent, now
	}
	return max(a.sent-before, 0), pause, first
}

// hold notes the start and the end of a wait for the rate limit.
func (a *attempt) hold(now time.Time, held bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last, a.held = now, held
}
