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
	started       time.Time
	bar           *progressbar.ProgressBar
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
		t.bar = progressbar.NewOptions64(e.Bytes,
			progressbar.OptionSetWriter(n.streams.Err),
			progressbar.OptionSetDescription("  transfer  "),
			progressbar.OptionShowBytes(true),
			progressbar.OptionShowTotalBytes(true),
			progressbar.OptionShowCount(),
			progressbar.OptionSetWidth(barWidth(n.streams.Width())),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionEnableColorCodes(false),
		)
		return
	}
	t.stop, t.stopped = make(chan struct{}), make(chan struct{})
	go n.beat(t)
}

// barWidth leaves room for the figures beside the bar.
func barWidth(terminal int) int { return max(5, min(40, terminal-60)) }

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
	case upload.PartDone:
		t.done++
	case upload.PartResumed:
		t.done++
		t.resumed++
	}
	if t.bar != nil {
		t.bar.Describe(fmt.Sprintf("  transfer   %d/%d", t.done, t.parts))
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
