package upload

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A flight is one attempt to send one part, as the pool watches it.
type flight struct {
	cancel context.CancelCauseFunc
	// patience is how often the part's earlier attempts were given up on
	// suspicion: from the second time on, the next has longer.
	patience  int
	suspected bool

	mu       sync.Mutex
	last     time.Time // of the last sign of life
	sent     int64
	markSent int64 // at the last mark, or at the end of what buffers take
	markAt   time.Time
	complete bool // all was handed over, and the reply is waited for
	held     bool // it waits for the rate limit
}

func (f *flight) state() (last time.Time, complete, held bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last, f.complete, f.held
}

// crossing is the pool as the pace sees it. The pool is locked.
type crossing Pool

func (c *crossing) delivered() int64 { return c.crossed.Load() }

func (c *crossing) steady() bool {
	count := 0
	for f := range c.flights {
		f.mu.Lock()
		if f.sent > unseen || f.complete {
			count++
		}
		f.mu.Unlock()
	}
	return count*5 >= len(c.flights)*4
}

func (c *crossing) mark() {
	for f := range c.flights {
		f.mu.Lock()
		f.markSent, f.markAt = f.sent, f.last
		f.mu.Unlock()
	}
}

func (c *crossing) rate() float64 {
	sum, count := 0.0, 0
	for f := range c.flights {
		f.mu.Lock()
		if f.last.After(f.markAt) && !f.markAt.IsZero() {
			sum += float64(f.sent-f.markSent) / f.last.Sub(f.markAt).Seconds()
			count++
		}
		f.mu.Unlock()
	}
	if count == 0 {
		return 0
	}
	return sum / float64(count) * float64(len(c.flights))
}

// launch begins to watch an attempt.
func (p *Pool) launch(f *flight, now time.Time) {
	f.last = now
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flights[f] = struct{}{}
}

// land ends it. A part that arrived counts in full.
func (p *Pool) land(f *flight, now time.Time, arrived bool) {
	f.mu.Lock()
	sent, last := f.sent, f.last
	f.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.flights, f)
	if arrived {
		p.crossed.Add(min(sent, unseen))
		p.pulse.replied(now.Sub(last))
	}
}

// moved notes that the connection took n bytes.
func (p *Pool) moved(f *flight, n int64, now time.Time, complete bool) {
	f.mu.Lock()
	gap := now.Sub(f.last)
	first := f.sent == 0
	before := max(f.sent, unseen)
	f.sent += n
	f.last, f.complete = now, complete
	if f.markAt.IsZero() && f.sent > unseen {
		f.markSent, f.markAt = f.sent, now
	}
	crossed := max(f.sent-before, 0)
	f.mu.Unlock()
	p.crossed.Add(crossed)
	if !first {
		p.mu.Lock()
		p.pulse.moved(gap)
		p.mu.Unlock()
	}
}

// hold frames a wait for the rate limit.
func (p *Pool) hold(f *flight, now time.Time, held bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last, f.held = now, held
}

// lively tells whether most flights made progress a moment ago.
func (p *Pool) lively(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	moving := 0
	for f := range p.flights {
		if last, _, _ := f.state(); now.Sub(last) < stillAtLeast {
			moving++
		}
	}
	return moving > 1 && moving*2 > len(p.flights)
}

// suspected tells whether the pool gave a flight up.
func (p *Pool) suspected(f *flight) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return f.suspected
}

// skip takes a part off the count that needs not be sent.
func (p *Pool) skip() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unsent--
	p.wake()
}

// pulse knows how long a live connection keeps still, from those that moved
// on: the pauses between two writes, and the waits for a reply.
type pulse struct {
	gaps, replies       [256]time.Duration
	gapCount, replCount int
}

func (p *pulse) moved(gap time.Duration) {
	p.gaps[p.gapCount%len(p.gaps)] = gap
	p.gapCount++
}

func (p *pulse) replied(wait time.Duration) {
	p.replies[p.replCount%len(p.replies)] = wait
	p.replCount++
}

const (
	// A connection is suspected when it has kept still several times longer
	// than any other did lately, and for at least a while. The stall timeout
	// holds besides.
	stillFactor   = 4
	stillAtLeast  = 300 * time.Millisecond
	replyFactor   = 8
	replyAtLeast  = 2 * time.Second
	alonePatience = 3
	fewestGaps    = 16
	fewestReplies = 4
)

// suspect tells whether a flight stands still while the others go on.
func (p *pulse) suspect(now time.Time, f *flight, all map[*flight]struct{}) bool {
	if f.suspected || f.patience > 4 {
		return false
	}
	last, complete, held := f.state()
	still := now.Sub(last)
	if held || still < stillAtLeast { // nearly always, and no bound is lower
		return false
	}
	var bound time.Duration
	switch {
	case complete && p.replCount >= fewestReplies:
		bound = max(replyAtLeast, replyFactor*longest(p.replies[:], p.replCount))
	case !complete && p.gapCount >= fewestGaps:
		bound = max(stillAtLeast, stillFactor*longest(p.gaps[:], p.gapCount))
	default:
		return false
	}
	bound <<= max(0, f.patience-1)
	if still < bound {
		return false
	}
	// When everything stands still it is the link, and a new connection would
	// be no better.
	others, moving := 0, 0
	for other := range all {
		if other == f {
			continue
		}
		others++
		if otherLast, _, _ := other.state(); now.Sub(otherLast) < still/2 {
			moving++
		}
	}
	if others == 0 {
		return still >= alonePatience*bound
	}
	return moving*2 >= others || still >= alonePatience*bound && moving > 0
}

func longest(ring []time.Duration, count int) time.Duration {
	return slices.Max(ring[:min(count, len(ring))])
}
