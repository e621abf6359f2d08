package upload

import (
	"testing"
	"time"
)

func TestOnlyWhatCrossedTheLinkCounts(t *testing.T) {
	g := newLinkGauge()
	a := &attempt{}
	g.start(a, epoch)
	move := func(n int64, complete bool) {
		crossed, _, _ := a.moved(n, epoch.Add(time.Second), complete)
		g.crossed.Add(crossed)
	}
	move(bufferAllowance, false)
	if g.delivered() != 0 {
		t.Errorf("%d bytes, and all may still be in buffers", g.delivered())
	}
	move(1000, true)
	if g.delivered() != 1000 {
		t.Errorf("%d bytes, want 1000", g.delivered())
	}
	if wait := g.end(a, epoch.Add(3*time.Second), true); wait != 2*time.Second {
		t.Errorf("the reply took %s", wait)
	}
	if g.delivered() != bufferAllowance+1000 || len(g.attempts) != 0 {
		t.Errorf("%d bytes after the end", g.delivered())
	}
	short := &attempt{}
	g.start(short, epoch)
	short.moved(10, epoch, false)
	if g.end(short, epoch, false); g.delivered() != bufferAllowance+1000 {
		t.Errorf("%d bytes: a part that did not arrive counts", g.delivered())
	}
}

func TestTheGaugeIsSteadyWhenMostArePastTheBuffers(t *testing.T) {
	g := newLinkGauge()
	for i := range 10 {
		a := &attempt{sent: bufferAllowance}
		g.start(a, epoch)
		switch {
		case i < 7:
			a.sent++
		case i == 7:
			a.complete = true
		}
	}
	if !g.steady() {
		t.Error("eight of ten are past the buffers")
	}
	g.start(&attempt{}, epoch)
	if g.steady() {
		t.Error("eight of eleven are not nearly all")
	}
}

func TestTheRateIsThatOfAllAttempts(t *testing.T) {
	g := newLinkGauge()
	if g.rate() != 0 {
		t.Errorf("%v without attempts", g.rate())
	}
	attempts := []*attempt{{sent: 1 << 20}, {sent: 1 << 20}, {}}
	for _, a := range attempts {
		g.start(a, epoch)
	}
	g.mark()
	for _, a := range attempts[:2] {
		a.moved(1000, epoch.Add(2*time.Second), false)
	}
	if got := g.rate(); got != 1500 {
		t.Errorf("%v bytes per second, want 500 for each of three", got)
	}
}

func TestTheLinkMovesWhenMostAttemptsDo(t *testing.T) {
	now := epoch.Add(time.Minute)
	for _, c := range []struct {
		moving, still int
		want          bool
	}{{0, 0, false}, {1, 0, false}, {2, 0, true}, {2, 1, true}, {2, 2, false}, {0, 3, false}} {
		g := newLinkGauge()
		for i := range c.moving + c.still {
			last := now.Add(-stillAtLeast)
			if i < c.moving {
				last = last.Add(time.Millisecond)
			}
			g.start(&attempt{}, last)
		}
		if got := g.moving(now); got != c.want {
			t.Errorf("%d move and %d do not: %v", c.moving, c.still, got)
		}
	}
}

func TestAnAttemptKnowsItsPauses(t *testing.T) {
	a := &attempt{last: epoch}
	if _, _, first := a.moved(10, epoch.Add(time.Second), false); !first {
		t.Error("the first bytes have a pause before them")
	}
	a.hold(epoch.Add(5*time.Second), false)
	if _, pause, first := a.moved(10, epoch.Add(6*time.Second), false); first || pause != time.Second {
		t.Errorf("%s: the wait for the rate limit counts", pause)
	}
}
