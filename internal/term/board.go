package term

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/upload"
)

// A Board tells on stderr what several releases do at the same time: lines
// with the name of each in front, and on a terminal one line each below them
// that is redrawn.
type Board struct {
	streams Streams
	now     func() time.Time
	quiet   bool

	mu    sync.Mutex
	lanes []*lane
	drawn int // lines of lanes on the screen
	last  time.Time
}

// lane is one release on a board.
type lane struct {
	board    *Board
	label    string
	narrator *Narrator

	status                string
	bytes, sent           int64
	parts, arrived, tries int
	started               time.Time
}

// redrawEvery is the shortest pause between two drawings.
const redrawEvery = 100 * time.Millisecond

// NewBoard returns a board for packages.
func NewBoard(streams Streams, quiet bool, now func() time.Time, paths []string) *Board {
	b := &Board{streams: streams, now: now, quiet: quiet}
	width := 0
	for _, path := range paths {
		width = max(width, len(filepath.Base(path)))
	}
	for _, path := range paths {
		l := &lane{board: b, label: fmt.Sprintf("%-*s", width, Clean(filepath.Base(path))), status: "waiting"}
		plain := streams
		plain.Live, plain.Err = false, l
		l.narrator = NewNarrator(plain, quiet, now)
		b.lanes = append(b.lanes, l)
	}
	return b
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
	for _, l := range b.lanes {
		l.narrator.Close()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clear()
	b.lanes = nil
}

func (b *Board) print(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clear()
	fmt.Fprint(b.streams.Err, text)
	b.draw()
}

// clear removes the lanes from the screen.
func (b *Board) clear() {
	if b.drawn > 0 {
		fmt.Fprintf(b.streams.Err, "\r\x1b[%dA\x1b[J", b.drawn)
		b.drawn = 0
	}
}

func (b *Board) draw() {
	if !b.streams.Live || b.quiet || len(b.lanes) == 0 {
		return
	}
	b.last = b.now()
	width := b.streams.Width()
	for _, l := range b.lanes {
		fmt.Fprintln(b.streams.Err, fit("  "+l.label+"  "+l.describe(b.last, width), width))
	}
	b.drawn = len(b.lanes)
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

// Observe implements [release.Observer].
func (l *lane) Observe(event release.Event) {
	l.note(event)
	l.narrator.Observe(event)
}

// note keeps the lane's line up to date.
func (l *lane) note(event release.Event) {
	b := l.board
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case release.StageStarted:
		l.status = string(e.Name)
	case release.StageFinished:
		if e.Err != nil {
			l.status = "failed during " + string(e.Name)
		} else if e.Name == release.StageWait || e.Name == release.StageDistribute {
			l.status = "done"
		}
	case release.TransferStarted:
		l.bytes, l.parts, l.sent, l.arrived, l.started = e.Bytes, e.Parts, 0, 0, b.now()
	case release.BytesSent:
		l.sent += e.Bytes
	case release.Part:
		switch e.State {
		case upload.PartDone, upload.PartResumed:
			l.arrived++
		case upload.PartRetry:
			l.tries++
		}
	case release.Waiting:
		l.status = "wait: " + e.State + " (" + Duration(e.Elapsed) + ")"
	default:
		return
	}
	if b.streams.Live && b.now().Sub(b.last) >= redrawEvery {
		b.clear()
		b.draw()
	}
}

// describe is the lane's line: a bar while there is a transfer.
func (l *lane) describe(now time.Time, width int) string {
	if l.status != string(release.StageTransfer) || l.bytes == 0 {
		return Clean(l.status)
	}
	share := float64(max(0, min(l.sent, l.bytes))) / float64(l.bytes)
	rate := float64(l.sent) / max(now.Sub(l.started), time.Millisecond).Seconds()
	cells := max(5, min(30, width-len(l.label)-50))
	full := int(share * float64(cells))
	text := fmt.Sprintf("[%s%s] %3.0f %% of %s, %s/s, %d/%d", strings.Repeat("#", full), strings.Repeat(".", cells-full), 100*share, Bytes(l.bytes), Bytes(int64(rate)), l.arrived, l.parts)
	if l.tries > 0 {
		text += fmt.Sprintf(", %d %s", l.tries, plural(l.tries, "retry", "retries"))
	}
	return text
}
