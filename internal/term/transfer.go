package term

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/upload"
)

// transfer is the transfer that is being shown.
type transfer struct {
	bytes, sent int64
	parts, done int
	resumed     int
	flying      int // parts in flight
	retries     int // attempts that failed
	started     time.Time
	samples     []sample
	bar         bar
}

// sample is how many bytes were sent at a time.
type sample struct {
	at   time.Time
	sent int64
}

// recently is the time whose rate tells when a transfer will be done.
const recently = 15 * time.Second

func newTransfer(e release.TransferStarted, now time.Time) *transfer {
	return &transfer{bytes: e.Bytes, parts: e.Parts, started: now}
}

// observe takes what happens to bytes and parts.
func (t *transfer) observe(event release.Event, now time.Time) {
	switch e := event.(type) {
	case release.BytesSent:
		t.sent += e.Bytes
		t.sample(now)
	case release.Part:
		switch e.State {
		case upload.PartStarted:
			t.flying++
		case upload.PartRetry:
			t.flying--
			t.retries++
		case upload.PartDone:
			t.flying--
			t.done++
		case upload.PartResumed:
			t.done++
			t.resumed++
		}
	}
}

// share is how much of the bytes was sent.
func (t *transfer) share() float64 {
	return float64(max(0, min(t.sent, t.bytes))) / float64(max(t.bytes, 1))
}

// sample remembers the last while, each half second of it.
func (t *transfer) sample(now time.Time) {
	if n := len(t.samples); n > 0 && now.Sub(t.samples[n-1].at) < sampleEvery {
		return
	}
	t.samples = append(t.samples, sample{now, t.sent})
	for len(t.samples) > 2 && now.Sub(t.samples[1].at) > recently {
		t.samples = t.samples[1:]
	}
}

// rate is the number of bytes per second over the whole transfer, or lately.
func (t *transfer) rate(now time.Time, lately bool) float64 {
	from := sample{t.started, 0}
	if lately && len(t.samples) > 0 && now.Sub(t.samples[0].at) > recently/2 {
		from = t.samples[0]
	}
	return float64(t.sent-from.sent) / max(now.Sub(from.at), time.Millisecond).Seconds()
}

// left says how long the rest will take, as it goes at present.
func (t *transfer) left(now time.Time) string {
	left, rate := t.bytes-t.sent, t.rate(now, true)
	if left <= 0 || rate <= 0 {
		return ""
	}
	return ", about " + coarse(time.Duration(float64(left)/rate*float64(time.Second))) + " left"
}

// describe says how far it is, for a log.
func (t *transfer) describe(now time.Time) string {
	return fmt.Sprintf("%d %% of %s, %d of %d %s, %s/s", t.sent*100/max(t.bytes, 1), Bytes(t.bytes), t.done, t.parts, plural(t.parts, "part", "parts"), Bytes(int64(t.rate(now, false)))) + t.left(now)
}

// figures are what the bar does not show.
func (t *transfer) figures() string {
	text := fmt.Sprintf("%d of %d %s, %d in flight", t.done, t.parts, plural(t.parts, "part", "parts"), t.flying)
	if t.resumed > 0 {
		text += fmt.Sprintf(", %d there already", t.resumed)
	}
	if t.retries > 0 {
		text += fmt.Sprintf(", %d %s", t.retries, plural(t.retries, "retry", "retries"))
	}
	return text
}

// rows are the transfer in a terminal.
func (t *transfer) rows(streams Streams, now time.Time, columns int) []row {
	sent := max(0, min(t.sent, t.bytes))
	figures := fmt.Sprintf("%s of %s, %s/s", Bytes(sent), Bytes(t.bytes), Bytes(int64(max(0, t.rate(now, true))))) + t.left(now)
	const indent = "             "
	bar, complete := t.bar.draw(streams, "  transfer   ", sent, t.bytes, columns, figures)
	rows := []row{plainRow(bar)}
	if !complete {
		rows = append(rows, plainRow(indent+figures))
	}
	return append(rows, plainRow(indent+t.figures()))
}

// bar is a progress bar that is drawn into a line of the live view.
type bar struct {
	bar     *progressbar.ProgressBar
	columns int // of the terminal that it was made for
}

// The columns that a bar and its figures take.
const (
	percentColumns = len(" 100% || ")
	figureColumns  = len("100.0 MB of 100.0 MB, 100.0 MB/s, about 10 min 10 s left")
)

// draw returns the bar with figures behind it, and whether there was room for
// them.
func (b *bar) draw(streams Streams, title string, done, total int64, columns int, figures string) (line string, complete bool) {
	room := columns - len(title) - percentColumns
	if complete = room >= 10+figureColumns; complete {
		room -= figureColumns
	} else {
		figures = ""
	}
	if b.bar == nil || b.columns != columns {
		b.columns = columns
		marks := signsOf(streams)
		b.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(io.Discard),
			progressbar.OptionSetDescription(title),
			progressbar.OptionSetTheme(progressbar.Theme{Saucer: marks.full, SaucerPadding: marks.empty, BarStart: "|", BarEnd: "|"}),
			progressbar.OptionEnableColorCodes(false),
			progressbar.OptionSetElapsedTime(false),
			progressbar.OptionSetPredictTime(false),
			progressbar.OptionSetWidth(max(3, min(40, room))),
		)
	}
	_ = b.bar.Set64(min(done, total-1)) // it only draws, and would draw nothing once it is full
	return strings.TrimRight(strings.TrimRight(strings.TrimLeft(b.bar.String(), "\r"), " ")+" "+figures, " "), complete
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
