package upload

import (
	"context"
	"sync"
	"time"
)

// A Pool decides how many parts are in flight, of one upload or of several
// that share a link. It adapts that number to what the link gives, and gives
// up connections that stand still while the others go on. Uploads that share a
// pool share a clock, too.
type Pool struct {
	mu     sync.Mutex // guards all but the bytes that gauge counts
	pacer  pacer
	slots  slots
	gauge  *linkGauge
	stalls stallDetector
	spares spares

	users   int
	now     func() time.Time
	stop    chan struct{}
	stopped chan struct{}
}

const (
	// defaultMaxConcurrency is the most parts that are in flight unless the
	// user says otherwise.
	defaultMaxConcurrency = 48
	maxConcurrency        = 128
	// tickInterval is the time between two measurements of the link.
	tickInterval = 25 * time.Millisecond
)

// NewPool returns a pool with a fixed number of parts in flight or, if that is
// zero, one that adapts and stays within highest; zero means 48. Neither is
// more than 128.
func NewPool(concurrency, highest int) *Pool {
	if highest <= 0 {
		highest = defaultMaxConcurrency
	}
	p := &Pool{
		pacer: newPacer(min(concurrency, maxConcurrency), min(highest, maxConcurrency)),
		gauge: newLinkGauge(),
	}
	p.slots.limit = &p.pacer
	return p
}

// Concurrency is the number of parts that may be in flight now, and the
// highest number that was.
func (p *Pool) Concurrency() (now, peak int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pacer.limit, p.slots.peak
}

// join makes an upload part of the pool. The returned function leaves it.
func (p *Pool) join(parts int, partLength int64, dialer hostDialer, now func() time.Time) (leave func(unsent int)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = now
	p.slots.unsent += parts
	p.spares.dialer = dialer
	p.preconnect()
	p.pacer.partLength = max(p.pacer.partLength, partLength)
	p.users++
	if p.users == 1 {
		p.stop, p.stopped = make(chan struct{}), make(chan struct{})
		go p.watch(p.stop, p.stopped)
	}
	return func(unsent int) {
		p.mu.Lock()
		p.slots.unsent -= unsent
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
	turn := p.slots.acquire(again)
	p.mu.Unlock()
	if turn == nil {
		return nil
	}
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slots.withdraw(turn)
	return context.Cause(ctx)
}

// release gives a slot back.
func (p *Pool) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slots.release()
}

// skip takes a part off the count that needs not be sent.
func (p *Pool) skip() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slots.unsent--
	p.slots.grant()
}

// failed notes a failed attempt; slowDown tells that the store asked for less.
func (p *Pool) failed(now time.Time, slowDown bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pacer.backOff(now, slowDown)
}

// start begins to watch an attempt.
func (p *Pool) start(a *attempt, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gauge.start(a, now)
}

// end ends that.
func (p *Pool) end(a *attempt, now time.Time, arrived bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if wait := p.gauge.end(a, now, arrived); arrived {
		p.stalls.replied(wait)
	}
}

// moved notes that an attempt's connection took n bytes.
func (p *Pool) moved(a *attempt, n int64, now time.Time, complete bool) {
	crossed, pause, first := a.moved(n, now, complete)
	p.gauge.crossed.Add(crossed)
	if !first {
		p.mu.Lock()
		p.stalls.paused(pause)
		p.mu.Unlock()
	}
}

// moving reports whether most attempts made progress a moment ago.
func (p *Pool) moving(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gauge.moving(now)
}

// suspected reports whether the pool gave an attempt up.
func (p *Pool) suspected(a *attempt) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return a.suspected
}

// watch measures the link until the last upload leaves.
func (p *Pool) watch(stop, stopped chan struct{}) {
	defer close(stopped)
	ticker := time.NewTicker(tickInterval)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			p.tick()
		}
	}
}

// tick sets the level by what the link carries, and gives up attempts that
// stand still.
func (p *Pool) tick() {
	p.mu.Lock()
	clock := p.now
	p.mu.Unlock()
	now := clock() // unlocked, since the clock is the caller's
	p.mu.Lock()
	defer p.mu.Unlock()
	if roundTrip := p.spares.dialer.roundTrip(); roundTrip > 0 {
		p.pacer.roundTrip = roundTrip
	}
	p.pacer.tick(now, !p.pacer.room(p.slots.inFlight), p.gauge)
	p.preconnect()
	p.slots.grant()
	for a := range p.gauge.attempts {
		if p.stalls.suspects(now, a, p.gauge.attempts) {
			a.suspected = true
			a.cancel(errStalled)
		}
	}
}

// preconnect opens the connections of the next level, so that a raise does not
// wait for handshakes.
func (p *Pool) preconnect() {
	p.pacer.left = p.slots.left()
	p.spares.ensure(min(p.pacer.next(), p.pacer.left))
}
