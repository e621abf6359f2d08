package upload

import (
	"math"
	"testing"
	"time"
)

// link is an imagined link that a pacer is tried on. It is its gauge.
type link struct {
	perConnection, total float64 // bytes per second
	carried              float64
	active               int
}

func (l *link) speed() float64   { return math.Min(l.perConnection*float64(l.active), l.total) }
func (l *link) delivered() int64 { return int64(l.carried) }
func (l *link) steady() bool     { return true }
func (l *link) mark()            {}
func (l *link) rate() float64    { return l.speed() }

// drive lets time pass on a link of which there is always enough to send.
func drive(p *pacer, l *link, start time.Time, d time.Duration) time.Time {
	now := start
	for ; now.Sub(start) < d; now = now.Add(tickInterval) {
		l.active = p.limit
		l.carried += l.speed() * tickInterval.Seconds()
		p.tick(now, true, l)
	}
	return now
}

var epoch = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newTestPacer(parts int) *pacer {
	p := newPacer(0, 48)
	p.left, p.partLength = parts, 5<<20
	return &p
}

func TestThePaceFindsWhatALinkNeeds(t *testing.T) {
	const mbit = 1e6 / 8
	for name, c := range map[string]struct {
		link        link
		low, high   int
		after       time.Duration
		leastOfRate float64
	}{
		"twenty connections fill it":   {link{perConnection: 20 * mbit, total: 400 * mbit}, 18, 26, time.Minute, 0.9},
		"it is never full":             {link{perConnection: 20 * mbit, total: 1e12}, 40, 48, time.Minute, 0.8},
		"a single connection fills it": {link{perConnection: 5 * mbit, total: 5 * mbit}, 1, 2, 2 * time.Minute, 1},
		"two connections fill it":      {link{perConnection: 50 * mbit, total: 100 * mbit}, 2, 4, 2 * time.Minute, 0.9},
		"found within a second":        {link{perConnection: 20 * mbit, total: 400 * mbit}, 18, 30, time.Second, 0.9},
	} {
		t.Run(name, func(t *testing.T) {
			p := newTestPacer(100_000)
			drive(p, &c.link, epoch, c.after)
			c.link.active = p.limit
			if p.limit < c.low || p.limit > c.high || c.link.speed() < c.leastOfRate*math.Min(c.link.total, 48*c.link.perConnection) {
				t.Errorf("%d in flight carry %.0f Mbit/s, want %d to %d", p.limit, c.link.speed()/mbit, c.low, c.high)
			}
		})
	}
}

func TestThePaceEvensOutTheRounds(t *testing.T) {
	for _, c := range []struct{ left, limit, want int }{
		{40, 24, 20}, {40, 20, 20}, {40, 40, 40}, {40, 48, 48}, {41, 24, 21}, {100, 30, 25}, {0, 10, 10}, {1, 10, 10}, {7, 3, 3},
	} {
		p := newTestPacer(c.left)
		if got := p.evenRounds(c.limit); got != c.want {
			t.Errorf("%d parts, %d at a time: %d, want %d", c.left, c.limit, got, c.want)
		}
	}
}

func TestThePaceStepsBackWhenManyFail(t *testing.T) {
	p := newTestPacer(1000)
	p.limit = 20
	now := epoch.Add(time.Hour)
	for range 5 {
		p.backOff(now, false)
	}
	if p.limit != 20 {
		t.Errorf("%d after a quarter failed", p.limit)
	}
	p.backOff(now, false)
	if p.limit != 15 {
		t.Errorf("%d after more than a quarter failed", p.limit)
	}
	for range 20 {
		p.backOff(now.Add(time.Millisecond), false)
	}
	if p.limit != 15 {
		t.Errorf("%d: failures at the same time counted more than once", p.limit)
	}
	p.backOff(now.Add(2*time.Second), true)
	if p.limit != 7 {
		t.Errorf("%d after the store asked for less", p.limit)
	}
	for i := range 20 {
		p.backOff(now.Add(time.Duration(10+2*i)*time.Second), true)
	}
	if p.limit < 1 {
		t.Errorf("%d: nothing may be sent any more", p.limit)
	}
}

func TestAFixedPaceStaysFixed(t *testing.T) {
	p := newPacer(7, 48)
	drive(&p, &link{perConnection: 1e6, total: 1e9}, epoch, time.Minute)
	p.backOff(epoch, true)
	if p.limit != 7 {
		t.Errorf("%d, want 7", p.limit)
	}
}
