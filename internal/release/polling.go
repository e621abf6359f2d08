package release

import (
	"time"

	"github.com/ascend-cli/ascend/asc"
)

const (
	// firstPoll is the pause at first, for eagerFor.
	firstPoll = 2 * time.Second
	eagerFor  = 6 * time.Second
	// densePoll is the pause while something may happen soon: for denseFor after
	// a state has begun or, if earlier builds tell when the wait will end, for
	// denseAtFirst, and then around that time and for denseOverdue behind it.
	// It grows to a densePart of the time since the upload: who has waited for
	// ten minutes does not mind half of one.
	densePoll    = 5 * time.Second
	densePart    = 15
	denseFor     = 75 * time.Second
	denseAtFirst = 30 * time.Second
	denseOverdue = 60 * time.Second
	// longestPoll is the pause once a wait has become long: 40 looks an hour of
	// the 3500 a key has.
	longestPoll = 90 * time.Second
	// A wait that has looked often, since its states changed often or earlier
	// builds took otherwise, leaves what is left of looksAtFirst for the rest
	// of the first atFirst, one each sparePoll. Then it earns one each
	// looksLater.
	looksAtFirst = 38
	atFirst      = 20 * time.Minute
	sparePoll    = 2 * time.Minute
	looksLater   = time.Minute
	// In between, a pause is a part of the time that a state has lasted: what
	// has just changed may change again soon, and what takes an hour can be
	// known a little later. A state after the first is looked at as if it had
	// lasted for a while. That part is larger where earlier builds tell when to
	// look.
	pausePart         = 3
	pausePartExpected = 2
	laterStart        = 4 * time.Second
	// The end is expected from windowPart before the shortest to windowPart
	// after the longest of earlier processing times, and looked for
	// windowLooks times in between.
	windowPart  = 10
	windowLooks = 12
	// listeningPoll is the pause once a webhook has told of a change.
	listeningPoll = time.Minute
	// lowBudget is the remaining hourly allowance, or lowPart of a small one, at
	// which a wait leaves the rest to others, by looking once a minute.
	lowBudget     = 300
	lowPart       = 10
	lowBudgetPoll = time.Minute
)

// A pace is what the pause before the next look depends on.
type pace struct {
	// lasted is how long the state has, age how long ago the package was
	// uploaded, and waited how long the wait has.
	lasted, age, waited time.Duration
	// looks counts those so far.
	looks    int
	expected Expectation
}

func (p pace) pause() time.Duration {
	pause := p.byState()
	if p.expected.Known() {
		pause = min(pause, p.byExpectation())
	}
	if p.looks >= p.allowed() {
		return sparePoll
	}
	return pause
}

// byState is the pause that follows from how long the state has lasted.
func (p pace) byState() time.Duration {
	dense, part := denseFor, time.Duration(pausePart)
	if p.expected.Known() {
		dense, part = denseAtFirst, pausePartExpected
	}
	often := max(densePoll, p.age/densePart)
	switch {
	case p.lasted < eagerFor:
		return firstPoll
	case p.lasted < dense:
		return often
	}
	return min(longestPoll, max(often, p.lasted/part))
}

// byExpectation is the pause until the end is expected, or while it is.
func (p pace) byExpectation() time.Duration {
	from := p.expected.Shortest - p.expected.Shortest/windowPart
	to := p.expected.Longest + p.expected.Longest/windowPart
	switch {
	case p.age < from:
		return max(densePoll, from-p.age)
	case p.age < to:
		return max(densePoll, (to-from)/windowLooks)
	case p.age < to+denseOverdue:
		return densePoll
	}
	return max(densePoll, (p.age-to)/pausePart)
}

// allowed is how many looks a wait may have had by now.
func (p pace) allowed() int {
	if p.waited < atFirst {
		return looksAtFirst - int((atFirst-p.waited)/sparePoll)
	}
	return looksAtFirst + int((p.waited-atFirst)/looksLater)
}

// scarce tells whether what is left of the hour is for others.
func scarce(limit asc.RateLimit) bool {
	return limit.Known() && limit.Remaining < min(lowBudget, limit.Limit/lowPart)
}
