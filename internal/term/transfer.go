package term

import (
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/upload"
)

// transfer is the transfer that is being shown: as a bar, or as lines now and
// then. The narrator's lock guards it.
type transfer struct {
	bytes, sent   int64
	parts, done   int
	resumed       int
	flying        int  // parts in flight
	retries       int  // attempts that failed
	wide          bool // there is room for these two
	started       time.Time
	bar           *progressbar.ProgressBar
	width         int // of the terminal, when the bar was begun
	looked        time.Time
	stop, stopped chan struct{}
}

func (n *Narrator) startTransfer(e release.TransferStarted) {
	n.endTransfer()
	n.say(release.StageTransfer, fmt.Sprintf("%s in %d %s", Bytes(e.Bytes), e.Parts, plural(e.Parts, "part", "parts")))
	t := &transfer{bytes: e.Bytes, parts: e.Parts, started: n.now()}
	n.transfer = t
	if n.quiet {
		return
	}
	if n.streams.Live {
		n.drawBar(t)
		return
	}
	t.stop, t.stopped = make(chan struct{}), make(chan struct{})
	go n.beat(t)
}

// drawBar begins a bar that fits the terminal: in a narrow one, figures give
// way before the bar does.
func (n *Narrator) drawBar(t *transfer) {
	t.width, t.looked = n.streams.Width(), n.now()
	room := t.width - 26                     // description, percentage, borders
	const bytes, times, flights = 26, 14, 28 // the columns they take
	if t.wide = room >= 20+bytes+times+flights; t.wide {
		room -= flights
	}
	options := []progressbar.Option{
		progressbar.OptionSetWriter(n.streams.Err),
		progressbar.OptionSetDescription(t.title()),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionEnableColorCodes(false),
	}
	if room >= 10+bytes {
		room -= bytes
		options = append(options, progressbar.OptionShowBytes(true), progressbar.OptionShowTotalBytes(true), progressbar.OptionShowCount())
	}
	if predict := room >= 10+times; predict {
		room -= times
	} else {
		options = append(options, progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false))
	}
	t.bar = progressbar.NewOptions64(t.bytes, append(options, progressbar.OptionSetWidth(max(3, min(40, room))))...)
}

func (t *transfer) title() string {
	text := fmt.Sprintf("  transfer   %d/%d", t.done, t.parts)
	if !t.wide {
		return text
	}
	text += fmt.Sprintf(", %d in flight", t.flying)
	if t.retries > 0 {
		text += fmt.Sprintf(", %d %s", t.retries, plural(t.retries, "retry", "retries"))
	}
	return text
}

// fitBar draws a new bar when the terminal has another width.
func (n *Narrator) fitBar(t *transfer) {
	if now := n.now(); t.bar == nil || now.Sub(t.looked) < 50*time.Millisecond {
		return
	}
	t.looked = n.now()
	if n.streams.Width() != t.width {
		// The bar would clear as many columns as it had, which now are lines.
		fmt.Fprint(n.streams.Err, "\r\x1b[K")
		n.drawBar(t)
	}
}

// beat writes a line every 30 seconds while a transfer goes on, also when
// nothing moves.
func (n *Narrator) beat(t *transfer) {
	defer close(t.stopped)
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-t.stop:
			return
		case <-ticker.C:
			n.mu.Lock()
			n.say(release.StageTransfer, t.describe(n.now()))
			n.mu.Unlock()
		}
	}
}

func (t *transfer) add(bytes int64) {
	t.sent += bytes
	if t.bar != nil {
		_ = t.bar.Set64(max(0, min(t.sent, t.bytes))) // it only draws
	}
}

func (t *transfer) part(e release.Part) {
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
	if t.bar != nil {
		t.bar.Describe(t.title())
	}
}

func (t *transfer) describe(now time.Time) string {
	elapsed := max(now.Sub(t.started), time.Millisecond)
	rate := float64(t.sent) / elapsed.Seconds()
	text := fmt.Sprintf("%d %% of %s, %d of %d %s, %s/s", t.sent*100/max(t.bytes, 1), Bytes(t.bytes), t.done, t.parts, plural(t.parts, "part", "parts"), Bytes(int64(rate)))
	if left := t.bytes - t.sent; left > 0 && rate > 0 {
		text += ", about " + Duration(time.Duration(float64(left)/rate*float64(time.Second))) + " left"
	}
	return text
}

// endTransfer stops drawing. It is called with the lock held.
func (n *Narrator) endTransfer() {
	t := n.transfer
	if t == nil {
		return
	}
	n.clear()
	n.transfer = nil
	if t.stop != nil {
		close(t.stop)
		n.mu.Unlock()
		<-t.stopped
		n.mu.Lock()
	}
	text := t.describe(n.now())
	if t.resumed > 0 {
		text += fmt.Sprintf(", %d there already", t.resumed)
	}
	n.say(release.StageTransfer, text)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
