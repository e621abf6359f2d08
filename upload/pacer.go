package upload

import (
	"math"
	"time"
)

// pacer decides how many parts are in flight. It starts at a moderate number
// and raises it quickly while every new connection adds its share; when they begin to take
// from each other, it goes to the fewest that carry as much. Later it tries a
// little more and a little less, since links change. It steps back when the
// store or the link complains.
//
// It knows no clock and no connection: it is told the time and asks a gauge
// what crosses the link. Its answer is limit.
type pacer struct {
	limit, lowest, highest int
	fixed                  bool
	// partLength is the length of the longest part, in bytes; roundTrip is the
	// shortest time of a round trip, zero if it is not known.
	partLength int64
	roundTrip  time.Duration
	// left is the number of parts that have not arrived.
	left int

	phase phase
	// before is the level that a try started from, and what it carried.
	before level
	// share is the most that a connection was seen to carry, carried what all
	// did last.
	share, carried float64
	// changed is when the level was set. The measurement begins at from, with
	// base bytes; from is unset while the level settles.
	changed, from time.Time
	base          int64
	calmAfter     time.Time // no raise before this
	lastStep      time.Time
	// nextMore and nextLess are when a higher and a lower level are tried next,
	// and pauseMore and pauseLess how long the pauses are: what did not help is
	// tried less and less often.
	nextMore, nextLess   time.Time
	pauseMore, pauseLess time.Duration
	// troubled tells that an attempt failed, ever; failures counts those within
	// a second.
	troubled     bool
	failingSince time.Time
	failures     int
}

// A level is a number of parts in flight with what it carried.
type level struct {
	limit int
	rate  float64 // bytes per second
}

type phase int

const (
	ramp phase = iota // raising quickly
	hold              // measuring what the present level carries
	more              // trying a higher level
	less              // trying a lower one
)

const (
	startConcurrency = 10
	// settleTime is how long a level is given before it is measured, on a link
	// without delay; four round trips are added, for handshake and slow start.
	settleTime = 60 * time.Millisecond
	// longestSettling is the end of waiting for that.
	longestSettling = 3 * time.Second
	// firstWindow, rampWindow and holdWindow are how long a level is measured at least.
	firstWindow = 100 * time.Millisecond
	rampWindow  = 100 * time.Millisecond
	holdWindow  = 2 * time.Second
	// longestWindow ends a measurement in which next to nothing arrived.
	longestWindow = 4 * time.Second
	// minMeasured is how much each connection must have carried, on average,
	// before a rate is believed.
	minMeasured = 64 << 10
	// slowPart is the time of one part beyond which fewer parts at a time are
	// tried before more: an interruption costs less when parts end sooner.
	slowPart     = 15 * time.Second
	firstPause   = 5 * time.Second
	longestPause = 2 * time.Minute
	// calm is the time without a raise after trouble.
	calm = 3 * time.Second
)

func newPacer(fixed, highest int) pacer {
	if fixed > 0 {
		return pacer{limit: fixed, lowest: fixed, highest: fixed, fixed: true}
	}
	return pacer{limit: min(startConcurrency, highest), lowest: 1, highest: highest}
}

// A gauge measures what crosses the link.
type gauge interface {
	// delivered is the count of bytes since the start.
	delivered() int64
	// steady reports whether nearly all connections are past what buffers take
	// at once.
	steady() bool
	// mark begins a measurement of the present flights, and rate ends it: the
	// bytes per second of all together. It is quicker than delivered, which
	// moves in steps.
	mark()
	rate() float64
}

// tick measures the present level and decides about the next; busy tells
// whether the limit was what held parts back.
func (p *pacer) tick(now time.Time, busy bool, g gauge) {
	if p.fixed {
		return
	}
	switch {
	case !busy || p.changed.IsZero():
		// Too few parts say nothing about the level.
		p.changed, p.from = now, time.Time{}
		return
	case p.from.IsZero():
		settling := now.Sub(p.changed)
		if settling >= settleTime+4*p.roundTrip && g.steady() || settling >= longestSettling {
			p.from, p.base = now, g.delivered()
			g.mark()
		}
		return
	}
	window, bytes := now.Sub(p.from), g.delivered()-p.base
	shortest := holdWindow
	switch {
	case p.phase == ramp && p.before.limit == 0:
		shortest = firstWindow // there is nothing to compare with yet
	case p.phase == ramp:
		shortest = rampWindow + 2*p.roundTrip
	}
	if window < shortest || bytes < int64(p.limit)*minMeasured && window < longestWindow {
		return
	}
	rate := float64(bytes) / window.Seconds()
	if p.phase == ramp && window < holdWindow {
		rate = g.rate()
	}
	p.decide(now, rate)
}

// room reports whether a part may start while others are in flight.
func (p *pacer) room(inFlight int) bool { return inFlight < p.limit }

// roomAtEnd reports whether a part may start beyond the limit because it is one
// of the last, of which waiting have not started: a final round of a few parts
// would leave the link idle. After trouble it is more careful, as every new
// connection may be another bad one.
func (p *pacer) roomAtEnd(inFlight, waiting int) bool {
	share := p.limit / 2
	if p.troubled {
		share = p.limit / 4
	}
	return !p.fixed && p.limit >= startConcurrency && waiting <= share && inFlight < min(p.limit+share, p.highest)
}

// next is the level for which connections should be open: while the level
// rises quickly that is the one after the present.
func (p *pacer) next() int {
	if !p.fixed && p.phase == ramp {
		return max(p.limit, p.raised())
	}
	return p.limit
}

func (p *pacer) decide(now time.Time, rate float64) {
	here := level{p.limit, rate}
	p.carried = rate
	if p.phase != less {
		p.share = max(p.share, rate/float64(p.limit))
	}
	switch p.phase {
	case ramp:
		switch {
		case p.before.limit == 0 && p.slow(rate):
			p.try(now, less, here)
		case p.gain(here) >= 0.75 && p.raised() > p.limit && now.After(p.calmAfter):
			next := p.raised()
			p.before = here
			p.set(now, next)
		default:
			p.toKnee(now, here)
		}
	case more:
		p.pauseMore = longer(p.pauseMore, here.rate > p.before.rate*1.03)
		p.nextMore = now.Add(p.pauseMore)
		p.toKnee(now, here)
	case less:
		enough := rate >= p.before.rate*0.95
		p.pauseLess = longer(p.pauseLess, enough)
		p.nextLess = now.Add(p.pauseLess)
		if enough {
			p.try(now, less, here)
			return
		}
		p.set(now, p.before.limit)
		p.settle(now, p.before)
	case hold:
		switch {
		case p.limit > p.lowest && !now.Before(p.nextLess):
			p.try(now, less, here)
		case p.limit < p.highest && !now.Before(p.nextMore) && now.After(p.calmAfter):
			p.try(now, more, here)
		default:
			p.settle(now, here)
		}
	}
}

// longer is the pause until a try is repeated: short after one that helped.
func longer(pause time.Duration, helped bool) time.Duration {
	if helped {
		return 0
	}
	return min(max(2*pause, firstPause), longestPause)
}

// raised is the next level of the ramp.
func (p *pacer) raised() int {
	next := p.limit * 2
	if p.before.limit > 0 {
		next = p.limit * 3 / 2
	}
	return p.evenRounds(min(next, p.highest))
}

// evenRounds lowers a level as long as that costs no further round: when 40 parts
// need two rounds anyway, 20 at a time end sooner than 24 and then 16.
func (p *pacer) evenRounds(limit int) int {
	if limit <= 0 || p.left <= limit {
		return limit
	}
	rounds := (p.left + limit - 1) / limit
	return (p.left + rounds - 1) / rounds
}

// gain is how much of what the new connections could have added they did add.
func (p *pacer) gain(here level) float64 {
	if p.before.limit == 0 || p.before.rate <= 0 {
		return 1
	}
	possible := float64(here.limit)/float64(p.before.limit) - 1
	if possible <= 0 {
		return 0
	}
	return (here.rate/p.before.rate - 1) / possible
}

// knee is the fewest connections that carry what the link gives, zero if that
// is not known.
func (p *pacer) knee() int {
	if p.fixed || p.share <= 0 {
		return 0
	}
	return int(math.Ceil(p.carried / p.share * 1.05))
}

// toKnee goes to the level of knee, unless the level before carried as much.
func (p *pacer) toKnee(now time.Time, here level) {
	if here.rate < p.before.rate*1.03 && p.before.limit > 0 {
		p.set(now, p.before.limit)
		p.settle(now, p.before)
		return
	}
	p.set(now, min(max(p.evenRounds(p.knee()), p.before.limit), here.limit))
	p.settle(now, here)
}

// slow reports whether one part takes very long at this rate.
func (p *pacer) slow(rate float64) bool {
	return p.partLength > 0 && rate*slowPart.Seconds() < float64(p.partLength)*float64(p.limit)
}

func (p *pacer) try(now time.Time, direction phase, from level) {
	step := max(1, p.limit/4)
	if direction == less {
		if p.slow(from.rate) {
			step = max(1, p.limit/2)
		}
		step = -step
	}
	if p.limit+step < p.lowest {
		p.settle(now, from)
		return
	}
	p.phase, p.before = direction, from
	p.set(now, p.limit+step)
}

func (p *pacer) settle(now time.Time, at level) {
	p.phase, p.before = hold, at
	p.changed, p.from = now, time.Time{}
}

func (p *pacer) set(now time.Time, limit int) {
	p.limit = min(max(limit, p.lowest), p.highest)
	p.changed, p.from = now, time.Time{}
}

// backOff lowers the level after a failed attempt: to half when the store asked for
// less, and to three quarters when more than a quarter of the parts in flight
// failed within a second. Fewer than that are bad luck, not the link.
func (p *pacer) backOff(now time.Time, slowDown bool) {
	p.troubled = true
	if p.fixed {
		return
	}
	if now.Sub(p.failingSince) > time.Second {
		p.failingSince, p.failures = now, 0
	}
	p.failures++
	if !slowDown && p.failures*4 <= p.limit || now.Sub(p.lastStep) < time.Second {
		return
	}
	p.lastStep, p.calmAfter, p.failures = now, now.Add(calm), 0
	limit := p.limit * 3 / 4
	if slowDown {
		limit = p.limit / 2
	}
	p.set(now, max(limit, min(2, p.limit)))
	p.phase, p.before = hold, level{}
}
