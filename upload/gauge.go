package upload

import (
	"sync/atomic"
	"time"
)

// bufferAllowance is how much of a part may have been taken by the buffers of
// this machine without having crossed the link. It counts when the part ends.
const bufferAllowance = 320 << 10

// linkGauge measures what crosses the link, from the attempts under way. It is
// the pacer's [gauge].
type linkGauge struct {
	attempts map[*attempt]struct{}
	crossed  atomic.Int64 // bytes, since the start
}

func newLinkGauge() *linkGauge { return &linkGauge{attempts: map[*attempt]struct{}{}} }

// start adds an attempt.
func (g *linkGauge) start(a *attempt, now time.Time) {
	a.last = now
	g.attempts[a] = struct{}{}
}

// end removes an attempt. A part that arrived counts in full; the wait for its
// reply is returned.
func (g *linkGauge) end(a *attempt, now time.Time, arrived bool) (wait time.Duration) {
	delete(g.attempts, a)
	a.mu.Lock()
	defer a.mu.Unlock()
	if arrived {
		g.crossed.Add(min(a.sent, bufferAllowance))
	}
	return now.Sub(a.last)
}

func (g *linkGauge) delivered() int64 { return g.crossed.Load() }

func (g *linkGauge) steady() bool {
	count := 0
	for a := range g.attempts {
		a.mu.Lock()
		if a.sent > bufferAllowance || a.complete {
			count++
		}
		a.mu.Unlock()
	}
	return count*5 >= len(g.attempts)*4
}

func (g *linkGauge) mark() {
	for a := range g.attempts {
		a.mu.Lock()
		a.markSent, a.markAt = a.sent, a.last
		a.mu.Unlock()
	}
}

func (g *linkGauge) rate() float64 {
	sum, count := 0.0, 0
	for a := range g.attempts {
		a.mu.Lock()
		if a.last.After(a.markAt) && !a.markAt.IsZero() {
			sum += float64(a.sent-a.markSent) / a.last.Sub(a.markAt).Seconds()
			count++
		}
		a.mu.Unlock()
	}
	if count == 0 {
		return 0
	}
	return sum / float64(count) * float64(len(g.attempts))
}

// moving reports whether most attempts made progress a moment ago.
func (g *linkGauge) moving(now time.Time) bool {
	count := 0
	for a := range g.attempts {
		if last, _, _ := a.state(); now.Sub(last) < stillAtLeast {
			count++
		}
	}
	return count > 1 && count*2 > len(g.attempts)
}
