package term

import (
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/upload"
)

// heartbeat is the longest silence without a terminal.
const heartbeat = 30 * time.Second

// A Narrator tells on stderr what a release does: a live bar on a terminal,
// plain lines elsewhere. It is a [release.Observer].
type Narrator struct {
	streams Streams
	quiet   bool
	now     func() time.Time

	mu        sync.Mutex
	transfer  *transfer
	waiting   string
	lastWait  time.Time
	liveLine  bool
	lastRetry time.Time
	many      *progressbar.ProgressBar
	group     string // the part of the log that is open
}

// NewNarrator returns a narrator. A quiet one tells warnings and errors only.
func NewNarrator(streams Streams, quiet bool, now func() time.Time) *Narrator {
	return &Narrator{streams: streams, quiet: quiet, now: now}
}

// Close ends whatever is being drawn.
func (n *Narrator) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.endTransfer()
	n.clear()
	n.closeGroup()
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
			n.fitBar(n.transfer)
			n.transfer.add(e.Bytes)
		}
	case release.Inspected:
		n.say(release.StageInspect, describePackage(e.Info))
	case release.Found:
		n.found(e.Finding)
	case release.TransferStarted:
		n.startTransfer(e)
	case release.Part:
		n.part(e)
	case release.StageStarted:
		n.openGroup(e.Name)
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
		n.Warn(e.Text)
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
		return fmt.Sprintf("%v; trying again", err)
	}
	return fmt.Sprintf("%v; next try in %s", err, Duration(wait))
}

// Warn writes a warning. The caller holds the lock or is alone.
func (n *Narrator) Warn(text string) {
	n.alarm(n.streams.yellow("  warning    ") + Clean(text))
	n.streams.annotate("warning", text)
}

// line writes one line, above the live one if there is one.
func (n *Narrator) line(text string) {
	if !n.quiet {
		n.alarm(text)
	}
}

// alarm writes a line that a quiet run tells as well.
func (n *Narrator) alarm(text string) {
	n.clear()
	fmt.Fprintln(n.streams.Err, text)
}

func (n *Narrator) say(stage release.StageName, text string) {
	n.line(fmt.Sprintf("  %-10s %s", stage, Clean(text)))
}

// clear removes the live line.
func (n *Narrator) clear() {
	if n.transfer != nil && n.transfer.bar != nil {
		_ = n.transfer.bar.Clear() // a line that stays is harmless
	}
	if n.many != nil {
		_ = n.many.Clear() // a line that stays is harmless
	}
	if n.liveLine {
		fmt.Fprint(n.streams.Err, "\r\x1b[K")
		n.liveLine = false
	}
}

func describePackage(info bundle.Info) string {
	return fmt.Sprintf("%s: %s %s (%s), %s for %s, %s", filepath.Base(info.Path), info.Name, info.ShortVersion, info.BuildVersion, info.BundleID, info.Platform, Bytes(info.Size))
}

func (n *Narrator) found(f bundle.Finding) {
	text := fmt.Sprintf("%s [%s]: %s", f.Message, f.Rule, f.Remedy)
	switch f.Severity {
	case bundle.SeverityWarning:
		n.Warn(text)
	case bundle.SeverityInfo:
		n.say(release.StagePreflight, text)
	}
}

func (n *Narrator) finished(e release.StageFinished) {
	if e.Name == release.StageTransfer {
		n.endTransfer()
	}
	n.closeGroup()
	if e.Err != nil {
		return // the error itself is written at the end
	}
	switch e.Name {
	case release.StageReserve, release.StageCommit:
		n.say(e.Name, "done in "+Duration(e.Duration))
	case release.StageWait:
		n.say(e.Name, "ready after "+Duration(e.Duration))
	}
}

func (n *Narrator) part(e release.Part) {
	if n.transfer == nil {
		return
	}
	n.fitBar(n.transfer)
	n.transfer.part(e)
	if e.State != upload.PartRetry {
		return
	}
	// Many parts fail together; one line a second is enough to read.
	if now := n.now(); now.Sub(n.lastRetry) >= time.Second {
		n.lastRetry = now
		n.line(n.streams.yellow("  retry      ") + Clean(again(e.Err, e.Wait)))
	}
}

func (n *Narrator) wait(e release.Waiting) {
	text := Clean(fmt.Sprintf("%s: %s (%s)", e.For, e.State, Duration(e.Elapsed)))
	key := e.For + e.State
	now := n.now()
	changed := key != n.waiting
	if n.streams.Live && !n.quiet {
		n.clear()
		fmt.Fprintf(n.streams.Err, "\r\x1b[K%s", fit("  wait       "+text, n.streams.Width()))
		n.liveLine = true
		n.waiting = key
		return
	}
	if changed || now.Sub(n.lastWait) >= heartbeat {
		n.waiting, n.lastWait = key, now
		n.say(release.StageWait, text)
	}
}

// fit cuts a live line to the terminal, so that it can be redrawn.
func fit(s string, width int) string {
	if runes := []rune(s); len(runes) >= width && width > 1 {
		return string(runes[:width-1])
	}
	return s
}

// progress shows how far a command about many things is: a bar on a terminal,
// a line now and then elsewhere.
func (n *Narrator) progress(e release.Progress) {
	if n.quiet || e.Total < 2 {
		return
	}
	if n.streams.Live {
		if n.many == nil {
			n.many = progressbar.NewOptions(e.Total, progressbar.OptionSetWriter(n.streams.Err), progressbar.OptionSetDescription("  "+e.What+"  "),
				progressbar.OptionShowCount(), progressbar.OptionSetWidth(max(5, min(40, n.streams.Width()-50))), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
		}
		_ = n.many.Set(e.Done) // it only draws
		if e.Done == e.Total {
			n.many = nil
		}
		return
	}
	now := n.now()
	if e.Done == 0 {
		n.lastWait = now
	} else if now.Sub(n.lastWait) >= heartbeat {
		n.lastWait = now
		n.line(fmt.Sprintf("  %-10s %d of %d", e.What, e.Done, e.Total))
	}
}

func (n *Narrator) apple(e release.Apple) {
	text := Clean(e.Description)
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
