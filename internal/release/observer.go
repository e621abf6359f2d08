package release

import (
	"time"

	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/upload"
)

// A StageName names a stage, as in summaries and logs.
type StageName string

// The stages, in their order.
const (
	StageInspect    StageName = "inspect"
	StagePreflight  StageName = "preflight"
	StageResolve    StageName = "resolve"
	StageReserve    StageName = "reserve"
	StageTransfer   StageName = "transfer"
	StageCommit     StageName = "commit"
	StageWait       StageName = "wait"
	StageDistribute StageName = "distribute"
)

// An Observer is told what happens. It may be called from several goroutines
// at once and must not block.
type Observer interface{ Observe(Event) }

// An Event is one of the types below.
type Event interface{ event() }

type (
	// Planned comes first: the stages of this release.
	Planned struct{ Stages []StageName }
	// Ended comes last.
	Ended struct{ Err error }
	// StageStarted and StageFinished frame a stage.
	StageStarted struct{ Name StageName }
	// StageFinished carries the stage's error, if it failed.
	StageFinished struct {
		Name     StageName
		Duration time.Duration
		Err      error
	}
	// Inspected is what the package says.
	Inspected struct{ Info bundle.Info }
	// Found is a finding of preflight.
	Found struct{ Finding bundle.Finding }
	// TransferStarted comes before the first part.
	TransferStarted struct {
		Bytes int64
		Parts int
	}
	// BytesSent are bytes handed to a connection; negative ones take back
	// those of a part that starts again.
	BytesSent struct{ Bytes int64 }
	// Part is something that happened to a part.
	Part struct{ upload.PartEvent }
	// Waiting is one look at a state that is not final yet.
	Waiting struct {
		// For says what is waited for, and State what it is in Apple's words.
		For, State string
		// Elapsed is the time since the wait began, Next the pause before the
		// next look.
		Elapsed, Next time.Duration
		// Age is the time since the upload ended, as far as that is known, and
		// Expected what it usually is at the end.
		Age      time.Duration
		Expected Expectation
	}
	// Apple is a finding of Apple's processing.
	Apple struct {
		Severity          bundle.Severity
		Code, Description string
	}
	// Progress is how far a command about many things is.
	Progress struct {
		What        string
		Done, Total int
	}
	// StepDone is a finished step of the distribution.
	StepDone struct{ Step Step }
	// Notice is something worth knowing, Warning something worth mending.
	Notice struct{ Text string }
	// Warning is also part of the summary.
	Warning struct{ Text string }
)

func (Planned) event()         {}
func (Ended) event()           {}
func (StageStarted) event()    {}
func (StageFinished) event()   {}
func (Inspected) event()       {}
func (Found) event()           {}
func (TransferStarted) event() {}
func (BytesSent) event()       {}
func (Part) event()            {}
func (Waiting) event()         {}
func (Apple) event()           {}
func (StepDone) event()        {}
func (Progress) event()        {}
func (Notice) event()          {}
func (Warning) event()         {}

type nobody struct{}

func (nobody) Observe(Event) {}

// parts translates the uploader's observer, and has parts remembered.
type parts struct {
	Observer
	memory *memory
}

// Progress implements [upload.Observer].
func (p parts) Progress(bytes int64) { p.Observe(BytesSent{Bytes: bytes}) }

// Part implements [upload.Observer].
func (p parts) Part(e upload.PartEvent) {
	if e.State == upload.PartDone || e.State == upload.PartResumed {
		p.memory.part(upload.Part{Offset: e.Offset, Length: e.Length, Sum: e.Sum})
	}
	p.Observe(Part{e})
}
