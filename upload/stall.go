package upload

import (
	"slices"
	"time"
)

// stallDetector finds connections that stand still while the others go on. It
// learns how long a good connection stands still from those that went on: the
// pauses between two writes, and the waits for a reply.
type stallDetector struct {
	pauses, replies        [256]time.Duration
	pauseCount, replyCount int
}

const (
	// A connection is suspected when it has stood still several times longer
	// than any other did lately, and for at least a while. The stall timeout
	// holds besides.
	stillFactor   = 4
	stillAtLeast  = 300 * time.Millisecond
	replyFactor   = 8
	replyAtLeast  = 2 * time.Second
	aloneFactor   = 3
	fewestPauses  = 16
	fewestReplies = 4
	// mostPatience is how often a part is given up by comparison at most,
	// counted as [attempt.patience].
	mostPatience = 4
)

// paused notes the pause of a connection that went on.
func (d *stallDetector) paused(pause time.Duration) {
	d.pauses[d.pauseCount%len(d.pauses)] = pause
	d.pauseCount++
}

// replied notes how long a reply took.
func (d *stallDetector) replied(wait time.Duration) {
	d.replies[d.replyCount%len(d.replies)] = wait
	d.replyCount++
}

// suspects reports whether an attempt stands still while the others go on.
func (d *stallDetector) suspects(now time.Time, a *attempt, all map[*attempt]struct{}) bool {
	if a.suspected || a.patience > mostPatience {
		return false
	}
	last, complete, held := a.state()
	still := now.Sub(last)
	if held || still < stillAtLeast { // nearly always, and no bound is lower
		return false
	}
	bound, known := d.bound(complete)
	bound <<= max(0, a.patience-1)
	if !known || still < bound {
		return false
	}
	// When everything stands still it is the link, and a new connection would
	// be no better.
	others, moving := 0, 0
	for other := range all {
		if other == a {
			continue
		}
		others++
		if otherLast, _, _ := other.state(); now.Sub(otherLast) < still/2 {
			moving++
		}
	}
	if others == 0 {
		return still >= aloneFactor*bound
	}
	return moving*2 >= others || still >= aloneFactor*bound && moving > 0
}

// bound is how long a good connection stands still at most, once that is
// known; complete tells that only the reply is missing.
func (d *stallDetector) bound(complete bool) (bound time.Duration, known bool) {
	if complete {
		if d.replyCount < fewestReplies {
			return 0, false
		}
		return max(replyAtLeast, replyFactor*longest(d.replies[:], d.replyCount)), true
	}
	if d.pauseCount < fewestPauses {
		return 0, false
	}
	return max(stillAtLeast, stillFactor*longest(d.pauses[:], d.pauseCount)), true
}

func longest(ring []time.Duration, count int) time.Duration {
	return slices.Max(ring[:min(count, len(ring))])
}
