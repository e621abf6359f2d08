package term

import (
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/upload"
)

// heartbeat is the longest silence without a terminal.
const heartbeat = 30 * time.Second

// A Narrator tells on stderr what a release does: lines that stay, and on a
// terminal a live view below them with the stages and what the one under way
// does. It is a [release.Observer].
type Narrator struct {
	streams Streams
	quiet   bool
	now     func() time.Time
	ticking ticking

	mu        sync.Mutex
	live      live
	strip     strip
	underWay  release.StageName // the stage, or none
	begun     time.Time         // that stage
	transfer  *transfer
	waiting   *waiting
	many      *many
	spoke     time.Time // the last line that stays
	lastRetry time.Time
	told      bool   // what is expected of the wait
	group     string // the part of the log that is open
	closed    bool
	findings  cut // of the preflight and of Apple
}

// many is a command about many things.
type many struct {
	what        string
	done, total int
	bar         bar
}

// NewNarrator returns a narrator. A quiet one tells warnings and errors only.
func NewNarrator(streams Streams, quiet bool, now func() time.Time) *Narrator {
	return &Narrator{streams: streams, quiet: quiet, now: now, spoke: now(), live: live{out: streams.Err, size: streams.Size}}
}

// Start has the narrator tell that time goes by, until it is closed.
func (n *Narrator) Start() {
	n.ticking.start(n.streams.Live, n.Tick)
}

// Tick draws the live view again or, where there is none, breaks a silence
// that has lasted too long.
func (n *Narrator) Tick() {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.closed || n.quiet:
	case n.streams.Live:
		n.draw("")
	case n.now().Sub(n.spoke) >= heartbeat:
		n.beat()
	}
}

// Beat says what is under way, if anything is, for those who have a silence of
// their own to break.
func (n *Narrator) Beat() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.closed && !n.quiet {
		n.beat()
	}
}

func (n *Narrator) beat() {
	now := n.now()
	switch {
	case n.transfer != nil:
		n.say(release.StageTransfer, n.transfer.describe(now))
	case n.waiting != nil:
		n.say(release.StageWait, n.waiting.describe(now))
	case n.many != nil:
		n.line(fmt.Sprintf("  %-10s %d of %d", n.many.what, n.many.done, n.many.total))
	case n.underWay != "":
		n.say(n.underWay, "still at it after "+Duration(now.Sub(n.begun)))
	}
}

// Close ends whatever is being drawn.
func (n *Narrator) Close() {
	n.ticking.end()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.endTransfer()
	n.waiting, n.many = nil, nil
	if left := n.findings.left(); left != "" && !n.closed {
		n.alarm("  note       " + left)
	}
	n.closed = true
	n.draw("")
	n.closeGroup()
}

// draw writes lines that stay, and the live view below them.
func (n *Narrator) draw(above string) {
	if !n.streams.Live || n.quiet {
		if above != "" {
			fmt.Fprint(n.streams.Err, above)
		}
		return
	}
	n.live.show(above, n.rows())
}

// rows are the live view.
func (n *Narrator) rows() []row {
	if n.closed {
		return nil
	}
	columns, _ := n.streams.Size()
	now := n.now()
	var rows []row
	if stages, ok := n.strip.row(n.streams, columns); ok {
		rows = append(rows, stages)
	}
	switch {
	case n.transfer != nil:
		rows = append(rows, n.transfer.rows(n.streams, now, columns)...)
	case n.waiting != nil:
		rows = append(rows, n.waiting.row(n.streams, now, columns))
	case n.many != nil:
		count := fmt.Sprintf("%d of %d", n.many.done, n.many.total)
		line, _ := n.many.bar.draw(n.streams, fmt.Sprintf("  %-10s ", n.many.what), int64(n.many.done), int64(n.many.total), columns, "")
		rows = append(rows, plainRow(line+" "+count))
	}
	return rows
}

// openGroup folds what the long stages write.
func (n *Narrator) openGroup(stage release.StageName) {
	if n.quiet || stage != release.StageTransfer && stage != release.StageWait && stage != release.StageDistribute {
		return
	}
	n.group = string(stage)
	n.streams.openGroup(n.group, n.now())
}

func (n *Narrator) closeGroup() {
	if n.group != "" {
		n.streams.closeGroup(n.group, n.now())
		n.group = ""
	}
}

// Observe implements [release.Observer].
func (n *Narrator) Observe(event release.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch e := event.(type) {
	case release.BytesSent:
		if n.transfer != nil {
			n.transfer.observe(e, n.now())
		}
	case release.Planned:
		n.strip.plan(e.Stages)
	case release.Inspected:
		n.say(release.StageInspect, describePackage(e.Info))
	case release.Found:
		n.found(e.Finding)
	case release.TransferStarted:
		n.startTransfer(e)
	case release.Part:
		n.part(e)
	case release.StageStarted:
		n.started(e)
	case release.StageFinished:
		n.finished(e)
	case release.Waiting:
		n.wait(e)
	case release.Apple:
		n.apple(e)
	case release.Progress:
		n.progress(e)
	case release.StepDone:
		n.step(e.Step)
	case release.Notice:
		n.line(n.streams.dim("  note       ") + Clean(e.Text))
	case release.Warning:
		n.warn(e.Text)
	}
}

// Notice writes something worth knowing.
func (n *Narrator) Notice(text string) { n.Observe(release.Notice{Text: text}) }

// Retry tells of an API request that is made again.
func (n *Narrator) Retry(r asc.Retry) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.line(n.streams.yellow("  retry      ") + Clean(again(r.Err, r.Wait)))
}

// again says that something is tried once more, and when.
func again(err error, wait time.Duration) string {
	if wait < time.Millisecond {
		return Shorten(err.Error()) + "; trying again"
	}
	return Shorten(err.Error()) + "; next try in " + Duration(wait)
}

// Warn writes a warning.
func (n *Narrator) Warn(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.warn(text)
}

func (n *Narrator) warn(text string) {
	n.alarm(n.streams.yellow("  warning    ") + Clean(text))
	n.streams.annotate("warning", text)
}

// line writes one line, above the live view if there is one.
func (n *Narrator) line(text string) {
	if !n.quiet {
		n.alarm(text)
	}
}

// alarm writes a line that a quiet run tells as well.
func (n *Narrator) alarm(text string) {
	n.spoke = n.now()
	n.draw(text + "\n")
}

func (n *Narrator) say(stage release.StageName, text string) {
	n.line(fmt.Sprintf("  %-10s %s", stage, Clean(text)))
}

func describePackage(info bundle.Info) string {
	return fmt.Sprintf("%s: %s %s (%s), %s for %s, %s", filepath.Base(info.Path), info.Name, info.ShortVersion, info.BuildVersion, info.BundleID, info.Platform, Bytes(info.Size))
}

func (n *Narrator) found(f bundle.Finding) {
	if !n.findings.next() {
		return
	}
	text := fmt.Sprintf("%s [%s]: %s", f.Message, f.Rule, f.Remedy)
	switch f.Severity {
	case bundle.SeverityWarning:
		n.warn(text)
	case bundle.SeverityInfo:
		n.say(release.StagePreflight, text)
	}
}

func (n *Narrator) started(e release.StageStarted) {
	n.strip.start(e.Name)
	n.underWay, n.begun = e.Name, n.now()
	n.openGroup(e.Name)
	n.draw("")
}

func (n *Narrator) finished(e release.StageFinished) {
	n.strip.finish(e.Name, e.Err)
	n.underWay = ""
	if e.Name == release.StageTransfer {
		n.endTransfer()
	}
	n.waiting = nil
	n.closeGroup()
	if e.Err != nil {
		n.draw("")
		return // the error itself is written at the end
	}
	switch e.Name {
	case release.StageReserve, release.StageCommit:
		n.say(e.Name, "done in "+Duration(e.Duration))
	case release.StageWait:
		n.say(e.Name, "ready after "+Duration(e.Duration))
	}
}

func (n *Narrator) startTransfer(e release.TransferStarted) {
	n.endTransfer()
	n.say(release.StageTransfer, fmt.Sprintf("%s in %d %s", Bytes(e.Bytes), e.Parts, plural(e.Parts, "part", "parts")))
	n.transfer = newTransfer(e, n.now())
	n.draw("")
}

// endTransfer says what the transfer was.
func (n *Narrator) endTransfer() {
	t := n.transfer
	if t == nil {
		return
	}
	n.transfer = nil
	text := t.describe(n.now())
	if t.resumed > 0 {
		text += fmt.Sprintf(", %d there already", t.resumed)
	}
	n.say(release.StageTransfer, text)
}

func (n *Narrator) part(e release.Part) {
	if n.transfer == nil {
		return
	}
	n.transfer.observe(e, n.now())
	if e.State != upload.PartRetry {
		return
	}
	// Many parts fail together; one line a second is enough to read.
	if now := n.now(); now.Sub(n.lastRetry) >= time.Second {
		n.lastRetry = now
		n.line(n.streams.yellow("  retry      ") + Clean(again(e.Err, e.Wait)))
	}
}

// wait tells of a state that is new, and once what is expected.
func (n *Narrator) wait(e release.Waiting) {
	before := n.waiting
	n.waiting = &waiting{last: e, at: n.now()}
	if e.Expected.Known() && !n.told {
		n.told = true
		n.say(release.StageWait, describeExpectation(e.Expected))
	}
	if !n.streams.Live && (before == nil || before.key() != n.waiting.key()) {
		n.say(release.StageWait, n.waiting.describe(n.now()))
		return
	}
	n.draw("")
}

// progress shows how far a command about many things is.
func (n *Narrator) progress(e release.Progress) {
	if e.Total < 2 {
		return
	}
	if n.many == nil {
		n.many = &many{}
	}
	n.many.what, n.many.done, n.many.total = e.What, e.Done, e.Total
	if e.Done == e.Total {
		n.many = nil
	}
	n.draw("")
}

func (n *Narrator) apple(e release.Apple) {
	if !n.findings.next() {
		return
	}
	text := Clean(Shorten(e.Description))
	if e.Code != "" {
		text = Clean(e.Code) + ": " + text
	}
	switch e.Severity {
	case bundle.SeverityError:
		n.alarm(n.streams.red("  apple      ") + text)
	case bundle.SeverityWarning:
		n.alarm(n.streams.yellow("  apple      ") + text)
	default:
		n.line("  apple      " + text)
	}
}

func (n *Narrator) step(s release.Step) {
	switch s.State {
	case release.StepChanged:
		n.say(release.StageDistribute, s.Detail)
	case release.StepAlready:
		n.say(release.StageDistribute, s.Detail+" (nothing to do)")
	case release.StepFailed:
		n.alarm(n.streams.red("  distribute ") + Clean(s.Name+" failed: "+s.Detail))
	case release.StepSkipped:
		n.alarm(n.streams.yellow("  distribute ") + Clean(s.Name+" was not done: "+s.Detail))
	}
}
