package term

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/release"
)

// A Board tells on stderr what several releases do at the same time: lines
// with the name of each in front, and on a terminal a live view below them with
// a line for each.
type Board struct {
	streams Streams
	now     func() time.Time
	quiet   bool
	ticking ticking

	mu    sync.Mutex
	live  live
	lanes []*lane
	spoke time.Time // the last line that stays
}

// fewLanes is how many releases tell of themselves after a silence. More are
// counted.
const fewLanes = 4

// lane is one release on a board.
type lane struct {
	board    *Board
	label    string
	narrator *Narrator

	status   string
	busy     bool // begun, and not done
	transfer *transfer
	waiting  *waiting
}

// NewBoard returns a board for packages.
func NewBoard(streams Streams, quiet bool, now func() time.Time, paths []string) *Board {
	b := &Board{streams: streams, now: now, quiet: quiet, spoke: now(), live: live{out: streams.Err, size: streams.Size}}
	labels, width := labelsOf(paths), 0
	for _, label := range labels {
		width = max(width, runewidth.StringWidth(label))
	}
	for _, label := range labels {
		l := &lane{board: b, label: runewidth.FillRight(label, width), status: notBegun}
		plain := streams
		plain.Live, plain.Err = false, l
		l.narrator = NewNarrator(plain, quiet, now)
		b.lanes = append(b.lanes, l)
	}
	return b
}

// labelsOf are the names of the files, each with as many of its folders as it
// takes to tell them apart.
func labelsOf(paths []string) []string {
	labels := make([]string, len(paths))
	folders := make([]string, len(paths))
	for i, path := range paths {
		folders[i], labels[i] = filepath.Dir(filepath.Clean(path)), filepath.Base(path)
	}
	for range 8 { // deeper ones stay alike
		count := map[string]int{}
		for _, label := range labels {
			count[label]++
		}
		if len(count) == len(labels) {
			break
		}
		for i, label := range labels {
			if name := filepath.Base(folders[i]); count[label] > 1 && name != "." && name != string(filepath.Separator) {
				labels[i], folders[i] = name+"/"+label, filepath.Dir(folders[i])
			}
		}
	}
	for i, label := range labels {
		labels[i] = Clean(label)
	}
	return labels
}

// Start has the board tell that time goes by, until it is closed.
func (b *Board) Start() {
	b.ticking.start(b.streams.Live, b.Tick)
}

// Tick draws the live view again or, where there is none, breaks a silence
// that has lasted too long.
func (b *Board) Tick() {
	if b.streams.Live {
		b.print("")
		return
	}
	if b.quiet {
		return
	}
	b.mu.Lock()
	silent := b.now().Sub(b.spoke) >= heartbeat
	var busy []*lane
	for _, l := range b.lanes {
		if l.busy {
			busy = append(busy, l)
		}
	}
	summary := b.count()
	b.mu.Unlock()
	switch {
	case !silent || len(busy) == 0:
	case len(busy) > fewLanes:
		b.print(summary + "\n")
	default:
		for _, l := range busy {
			l.narrator.Beat()
		}
	}
}

// count says how many releases are where.
func (b *Board) count() string {
	at := map[string]int{}
	for _, l := range b.lanes {
		status, _, _ := strings.Cut(l.status, " during ")
		at[status]++
	}
	var counts []string
	for _, status := range []string{
		done, strings.TrimSuffix(failed, " during "), string(release.StageDistribute), string(release.StageWait), string(release.StageCommit), string(release.StageTransfer),
		string(release.StageReserve), string(release.StageResolve), string(release.StagePreflight), string(release.StageInspect), notBegun,
	} {
		if at[status] > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", at[status], status))
		}
	}
	return fmt.Sprintf("%d packages: %s", len(b.lanes), strings.Join(counts, ", "))
}

// Lane is the observer of one release.
func (b *Board) Lane(i int) release.Observer { return b.lanes[i] }

// Notice writes a line that is about all of them.
func (b *Board) Notice(text string) {
	if !b.quiet {
		b.print(b.streams.dim("note  ") + Clean(text) + "\n")
	}
}

// Warn writes a warning that is about all of them.
func (b *Board) Warn(text string) {
	b.print(b.streams.yellow("warning  ") + Clean(text) + "\n")
	b.streams.annotate("warning", text)
}

// Retry tells of an API request that is made again.
func (b *Board) Retry(r asc.Retry) {
	b.Notice(again(r.Err, r.Wait))
}

// Close ends what is being drawn.
func (b *Board) Close() {
	b.ticking.end()
	for _, l := range b.lanes {
		l.narrator.Close()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lanes = nil
	b.draw("")
}

// print writes lines above the live view.
func (b *Board) print(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.draw(text)
}

// draw is called with the lock held.
func (b *Board) draw(above string) {
	if above != "" {
		b.spoke = b.now()
	}
	if b.streams.Live && !b.quiet {
		b.live.show(above, b.rows())
	} else if above != "" {
		fmt.Fprint(b.streams.Err, above)
	}
}

// rows are the live view: a line for each release or, where the terminal is too
// low for all, for those under way and one for the others.
func (b *Board) rows() []row {
	columns, height := b.streams.Size()
	now := b.now()
	shown, left := b.lanes, 0
	if room := max(2, height-3); len(b.lanes) > room {
		shown = nil
		for _, l := range b.lanes {
			if l.busy && len(shown) < room-1 {
				shown = append(shown, l)
			}
		}
		left = len(b.lanes) - len(shown)
	}
	var rows []row
	for _, l := range shown {
		rows = append(rows, plainRow("  "+l.label+"  "+l.describe(b.streams, now, columns)))
	}
	if left > 0 {
		ended := 0
		for _, l := range b.lanes {
			if l.status == done || strings.HasPrefix(l.status, failed) {
				ended++
			}
		}
		rows = append(rows, plainRow(fmt.Sprintf("  and %d more; %d of %d are done", left, ended, len(b.lanes))))
	}
	return rows
}

// Write takes the narrator's lines and puts the name of the lane in front.
func (l *lane) Write(p []byte) (int, error) {
	var text strings.Builder
	for line := range strings.Lines(string(p)) {
		text.WriteString(l.label + " " + line)
	}
	l.board.print(text.String())
	return len(p), nil
}

// command writes a line that the log's system is to act upon: without a name in
// front, and not broken.
func (l *lane) command(text string) {
	l.board.mu.Lock()
	defer l.board.mu.Unlock()
	fmt.Fprint(unguarded(l.board.streams.Err), text)
}

// Observe implements [release.Observer].
func (l *lane) Observe(event release.Event) {
	l.note(event)
	l.narrator.Observe(event)
}

// How a lane begins and ends.
const (
	notBegun = "not begun"
	done     = "done"
	failed   = "failed during "
)

// note keeps the lane's line up to date.
func (l *lane) note(event release.Event) {
	l.board.mu.Lock()
	defer l.board.mu.Unlock()
	if l.transfer != nil {
		l.transfer.observe(event, l.board.now())
	}
	switch e := event.(type) {
	case release.StageStarted:
		l.status, l.busy = string(e.Name), true
	case release.StageFinished:
		l.transfer, l.waiting = nil, nil
		if e.Err != nil {
			l.status, l.busy = failed+string(e.Name), false
		}
	case release.Ended:
		if e.Err == nil {
			l.status = done
		}
		l.busy = false
	case release.TransferStarted:
		l.transfer = newTransfer(e, l.board.now())
	case release.Waiting:
		l.waiting = &waiting{last: e, at: l.board.now()}
	}
}

// describe is the lane's line: a bar while there is a transfer.
func (l *lane) describe(streams Streams, now time.Time, columns int) string {
	marks := signsOf(streams)
	switch {
	case l.transfer != nil:
		t := l.transfer
		cells := max(5, min(30, columns-runewidth.StringWidth(l.label)-50))
		text := fmt.Sprintf("%s %3.0f %% of %s, %s/s, %d/%d", marks.gauge(t.share(), cells), 100*t.share(), Bytes(t.bytes), Bytes(int64(max(0, t.rate(now, true)))), t.done, t.parts)
		if t.retries > 0 {
			text += fmt.Sprintf(", %d %s", t.retries, plural(t.retries, "retry", "retries"))
		}
		return text
	case l.waiting != nil:
		return Clean("wait: " + l.waiting.last.State + " (" + l.waiting.duration(now) + ")")
	}
	return Clean(l.status)
}
