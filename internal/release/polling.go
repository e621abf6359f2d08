package release

import "time"

const (
	// firstPoll is the pause at first, for eagerFor.
	firstPoll = 2 * time.Second
	eagerFor  = 6 * time.Second
	// densePoll is the pause while something may happen soon: for denseFor after
	// a wait has begun or, if earlier builds tell when it will end, for
	// denseAtFirst and then around that time.
	densePoll    = 5 * time.Second
	denseFor     = 40 * time.Second
	denseAtFirst = 15 * time.Second
	// longestPoll is the pause once a wait has become long: 30 looks an hour of
	// the 3500 a key has.
	longestPoll = 2 * time.Minute
	// In between, a pause is a part of the time that a state has lasted: what
	// has just changed may change again soon, and what takes an hour can be
	// known a little later. A state after the first is looked at as if it had
	// lasted for a while. Two states of ten minutes take less than 40 looks.
	// That part is larger where earlier builds tell when to look.
	pausePart         = 3
	pausePartExpected = 2
	laterStart        = 4 * time.Second
	// The end is expected from windowPart before the shortest to windowPart
	// after the longest of earlier processing times, and looked for
	// windowLooks times in between.
	windowPart  = 10
	windowLooks = 12
	// listeningPoll is the pause while a webhook tells of changes.
	listeningPoll = time.Minute
	// lowBudget is the remaining hourly allowance at which a wait leaves the
	// rest to others, by looking once a minute.
	lowBudget     = 300
	lowBudgetPoll = time.Minute
)

// pauseAfter is the pause before the next look at a state that has lasted for
// a while, of something that was uploaded a while ago.
func pauseAfter(lasted, age time.Duration, e Expectation) time.Duration {
	dense, part := denseFor, time.Duration(pausePart)
	if e.Known() {
		dense, part = denseAtFirst, pausePartExpected
	}
	pause := densePoll
	switch {
	case lasted < eagerFor:
		pause = firstPoll
	case lasted >= dense:
		pause = min(longestPoll, max(densePoll, lasted/part))
	}
	if !e.Known() {
		return pause
	}
	from := e.Shortest - e.Shortest/windowPart
	to := e.Longest + e.Longest/windowPart
	switch {
	case age < from:
		return min(pause, max(densePoll, from-age))
	case age < to:
		return min(pause, max(densePoll, (to-from)/windowLooks))
	}
	return pause
}
