package release

import (
	"slices"
	"testing"
	"time"

	"github.com/ascend-cli/ascend/asc"
)

// look goes through a wait whose states last for some time each, and returns
// how often it looked and how late it saw the end.
func look(e Expectation, states ...time.Duration) (looks int, late time.Duration) {
	var age, end, changed time.Duration
	for _, s := range states {
		end += s
	}
	last := -1
	for {
		looks++
		state, ends := 0, time.Duration(0)
		for _, s := range states {
			if ends += s; age >= ends {
				state++
			}
		}
		if state == len(states) {
			return looks, age - end
		}
		if state != last {
			if changed = age; last >= 0 {
				changed -= laterStart
			}
			last = state
		}
		age += pace{lasted: age - changed, age: age, waited: age, looks: looks, expected: e}.pause()
	}
}

func TestAWaitOfTwentyMinutesTakesFortyLooks(t *testing.T) {
	usual := expectation([]time.Duration{18 * time.Minute, 19 * time.Minute, 20 * time.Minute, 20 * time.Minute, 21 * time.Minute, 22 * time.Minute})
	wrong := expectation([]time.Duration{5 * time.Minute, 6 * time.Minute, 7 * time.Minute})
	for name, e := range map[string]Expectation{"nothing expected": {}, "as expected": usual, "expected far sooner": wrong} {
		for _, states := range [][]time.Duration{
			{20 * time.Minute}, {10 * time.Minute, 10 * time.Minute}, {time.Minute, 19 * time.Minute}, {19*time.Minute + 40*time.Second, 20 * time.Second},
			{400 * time.Second, 400 * time.Second, 400 * time.Second}, slices.Repeat([]time.Duration{time.Minute}, 20), slices.Repeat([]time.Duration{10 * time.Second}, 120),
		} {
			looks, late := look(e, states...)
			if looks > 40 || late > sparePoll {
				t.Errorf("%s: %d looks for %v, %s late", name, looks, states, late)
			}
		}
	}
}

// TestTheEndOfAShortWaitIsSeenSoon also where earlier builds took far less or
// far more.
func TestTheEndOfAShortWaitIsSeenSoon(t *testing.T) {
	for _, e := range []Expectation{{}, expectation([]time.Duration{8 * time.Second, 9 * time.Second}), expectation([]time.Duration{20 * time.Minute})} {
		longest := 75 * time.Second
		if e.Known() {
			longest = 30 * time.Second
		}
		for wait := time.Duration(0); wait <= longest; wait += 200 * time.Millisecond {
			if _, late := look(e, wait); late > 5*time.Second {
				t.Errorf("%s after the end of %s, expecting %d builds", late, wait, e.Builds)
			}
			if _, late := look(e, wait/2, wait/2); late > 5*time.Second {
				t.Errorf("%s after the end of twice %s, expecting %d builds", late, wait/2, e.Builds)
			}
		}
	}
}

func TestTheEndIsLookedForWhenItIsExpected(t *testing.T) {
	for _, typical := range []time.Duration{time.Minute, 2 * time.Minute, 8 * time.Minute, 20 * time.Minute, time.Hour} {
		e := expectation([]time.Duration{typical, typical, typical})
		for percent := range 20 {
			wait := typical * time.Duration(91+percent) / 100
			if looks, late := look(e, wait); late > max(5*time.Second, typical/60) {
				t.Errorf("%s after the end of %s, where %s was expected (%d looks)", late, wait, typical, looks)
			}
		}
	}
}

func TestAnExpectationLeavesTheOddOneOut(t *testing.T) {
	minutes := func(n ...int) (out []time.Duration) {
		for _, m := range n {
			out = append(out, time.Duration(m)*time.Minute)
		}
		return out
	}
	for name, c := range map[string]struct {
		took                       []time.Duration
		shortest, typical, longest int
	}{
		"none":               {nil, 0, 0, 0},
		"one":                {minutes(7), 7, 7, 7},
		"some, in any order": {minutes(9, 7, 8), 7, 8, 9},
		"one far too long":   {minutes(9, 7, 8, 240, 8), 8, 8, 9},
	} {
		e := expectation(c.took)
		if want := minutes(c.shortest, c.typical, c.longest); e.Builds != len(c.took) || e.Shortest != want[0] || e.Typical != want[1] || e.Longest != want[2] {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestManyWaitsShareTheAllowance(t *testing.T) {
	var alone *fleet
	if got := alone.stretch(time.Minute); got != time.Minute {
		t.Errorf("alone, %s", got)
	}
	alone.wait()()
	shared := &fleet{}
	for waits, want := range map[int64]time.Duration{1: 5 * time.Second, 20: 5 * time.Second, 40: 10 * time.Second, 300: 75 * time.Second} {
		shared.waits.Store(waits)
		if got := shared.stretch(5 * time.Second); got != want {
			t.Errorf("with %d, %s", waits, got)
		}
	}
	shared.waits.Store(300)
	if got := shared.stretch(2 * time.Minute); got != stretchedPoll {
		t.Errorf("the longest is %s", got)
	}
	end := shared.wait()
	if end(); shared.waits.Load() != 300 {
		t.Errorf("%d are left", shared.waits.Load())
	}
}

func TestSomeOfTheAllowanceIsLeftToOthers(t *testing.T) {
	for name, c := range map[string]struct {
		limit  asc.RateLimit
		scarce bool
	}{
		"nothing was told":          {asc.RateLimit{}, false},
		"enough is left":            {asc.RateLimit{Limit: 3500, Remaining: 300}, false},
		"little is left":            {asc.RateLimit{Limit: 3500, Remaining: 299}, true},
		"nothing is left":           {asc.RateLimit{Limit: 3500}, true},
		"it was never much":         {asc.RateLimit{Limit: 200, Remaining: 150}, false},
		"it was never much, and is": {asc.RateLimit{Limit: 200, Remaining: 19}, true},
	} {
		if got := scarce(c.limit); got != c.scarce {
			t.Errorf("%s: %v", name, got)
		}
	}
}
