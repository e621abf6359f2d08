package upload

import "time"

// An Observer is told what happens to parts. Its methods are called from
// several goroutines at once and must not block.
type Observer interface {
	// Progress reports bytes handed to a connection; a negative number takes
	// back those of a part that has to start again.
	Progress(bytes int64)
	// Part reports the start, the end or the failure of an attempt.
	Part(PartEvent)
}

type silent struct{}

func (silent) Progress(int64) {}
func (silent) Part(PartEvent) {}

// A PartState is what a [PartEvent] is about.
type PartState string

// The states of a part.
const (
	PartStarted PartState = "started"
	PartDone    PartState = "done"
	// PartResumed is a part that the store has already.
	PartResumed PartState = "resumed"
	// PartRetry is an attempt that failed and will be followed by another.
	PartRetry PartState = "retry"
)

// A PartEvent is something that happened to one part.
type PartEvent struct {
	State PartState
	// Number is the part's place in the file, from 1; Parts is how many there
	// are.
	Number, Parts int
	// Offset and Length are in bytes.
	Offset, Length int64
	// Sum is the part's MD5 in hex, once it is done or resumed.
	Sum     string
	Attempt int
	// Duration is that of the attempt.
	Duration time.Duration
	// Wait is the pause before the next attempt, and Err why it is needed.
	Wait time.Duration
	Err  error
}
