package upload

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A Pool decides how many parts are in flight, of one upload or of several
// that share a link. It adapts that number to what the link gives, and notices
// a connection that stands still while the others go on.
type Pool struct {
	mu       sync.Mutex
	pace     pace
	inFlight int
	peak     int
	waiting  []chan struct{}
	unsent   int // parts of all uploads that have not been started
	flights  map[*flight]struct{}
	pulse    pulse
	// opener opens connections before they are needed.
	opener   opener
	prepared int

	crossed atomic.Int64 // bytes, since the start
	users   int
	stop    chan struct{}
	stopped chan struct{}
}

const (
	// defaultMaxConcurrency is the most parts that are in flight unless the
	// user says otherwise.
	defaultMaxConcurrency = 48
	maxConcurrency        = 128
	beat                  = 25 * time.Millisecond
	// unseen is how much of a part may have been taken by the buffers of this
	// machine without having crossed the link. It counts when the part ends.
	unseen = 320 << 10
)

// NewPool returns a pool with a fixed number of parts in flight or, if that is
// zero, one that adapts and stays within highest; zero means 48.
func NewPool(concurrency, highest int) *Pool {
	if highest <= 0 {
		highest = defaultMaxConcurrency
	}
	return &Pool{pace: newPace(min(concurrency, maxConcurrency), min(highest, maxConcurrency)), flights: map[*flight]struct{}{}}
}

// Concurrency is the number of parts that may be in flight now, and the
// highest number that was.
func (p *Pool) Concurrency() (now, peak int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pace.limit, p.peak
}

// An opener opens connections ahead, up to a total, and knows the time of a
// round trip; zero if it does not.
type opener interface {
	open(total int)
	roundTrip() time.Duration
}

// join makes an upload part of the pool. The returned function leaves it.
func (p *Pool) join(parts int, partLength int64, opener opener) (leave func(unsent int)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unsent += parts
	p.opener = opener
	p.prepare()
	p.pace.partLength = max(p.pace.partLength, partLength)
	p.users++
	if p.users == 1 {
		p.stop, p.stopped = make(chan struct{}), make(chan struct{})
		go p.watch(p.stop, p.stopped)
	}
	return func(unsent int) {
		p.mu.Lock()
		p.unsent -= unsent
		p.users--
		last, stop, stopped := p.users == 0, p.stop, p.stopped
		p.mu.Unlock()
		if last {
			close(stop)
			<-stopped
		}
	}
}

// admit waits for a slot. A part that was started before comes first and does
// not count as new.
func (p *Pool) admit(ctx context.Context, again bool) error {
	p.mu.Lock()
	if !again {
		p.unsent--
	}
	if p.free(again) {
		p.take()
		p.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	if again {
		p.waiting = append([]chan struct{}{turn}, p.waiting...)
	} else {
		p.waiting = append(p.waiting, turn)
	}
	p.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.waiting {
		if other == turn {
			p.waiting = append(p.waiting[:i:i], p.waiting[i+1:]...)
			return context.Cause(ctx)
		}
	}
	p.inFlight-- // the turn came at the same time
	p.wake()
	return context.Cause(ctx)
}

// free tells whether one more part may start.
func (p *Pool) free(again bool) bool {
	if p.inFlight < p.pace.limit {
		return again || len(p.waiting) == 0
	}
	return p.tail()
}

// tail tells whether a part may start beyond the limit, because it is one of
// the last: a final round of a few parts would leave the link idle. After
// trouble it is more careful, as every new connection may be another bad one.
func (p *Pool) tail() bool {
	share := p.pace.limit / 2
	if p.pace.troubled {
		share = p.pace.limit / 4
	}
	return !p.pace.fixed && p.pace.limit >= startConcurrency && p.unsent+len(p.waiting) <= share && p.inFlight < min(p.pace.limit+share, p.pace.highest)
}

func (p *Pool) take() {
	p.inFlight++
	p.peak = max(p.peak, p.inFlight)
}

// release gives a slot back.
func (p *Pool) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight--
	p.wake()
}

// wake lets parts start that wait for a slot.
func (p *Pool) wake() {
	for len(p.waiting) > 0 && (p.inFlight < p.pace.limit || p.tail()) {
		p.take()
		close(p.waiting[0])
		p.waiting = p.waiting[1:]
	}
}

// trouble tells the pace of a failed attempt.
func (p *Pool) trouble(now time.Time, slowDown bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pace.step(now, slowDown)
}

// watch looks after the pace and the flights until the last upload leaves.
func (p *Pool) watch(stop, stopped chan struct{}) {
	defer close(stopped)
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case now := <-ticker.C:
			p.look(now)
		}
	}
}

// prepare opens the connections of the next level, so that a raise does not
// wait for handshakes.
func (p *Pool) prepare() {
	p.pace.left = p.unsent + len(p.waiting) + p.inFlight
	total := p.pace.limit
	if !p.pace.fixed && p.pace.phase == ramp {
		total = max(total, p.pace.raised())
	}
	if total = min(total, p.pace.left); p.opener != nil && total > p.prepared {
		p.prepared = total
		p.opener.open(total)
	}
}

func (p *Pool) look(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.opener != nil {
		p.pace.roundTrip = p.opener.roundTrip()
	}
	p.pace.tick(now, p.inFlight >= p.pace.limit, (*crossing)(p))
	p.prepare()
	p.wake()
	for f := range p.flights {
		if p.pulse.suspect(now, f, p.flights) {
			f.suspected = true
			f.cancel(errStalled)
		}
	}
}
