package term

import (
	"fmt"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/ascend-cli/ascend/internal/release"
)

// waiting is the wait that is being shown.
type waiting struct {
	last release.Waiting
	at   time.Time // when that was told
}

// key tells two states apart.
func (w *waiting) key() string { return w.last.For + " " + w.last.State }

// lasted is how long it has been waited; where an end is expected, since the
// upload.
func (w *waiting) lasted(now time.Time) time.Duration {
	since := now.Sub(w.at)
	if w.last.Expected.Known() {
		return w.last.Age + since
	}
	return w.last.Elapsed + since
}

// describe says what is waited for, for how long, and how long it usually
// takes.
func (w *waiting) describe(now time.Time) string {
	return Clean(fmt.Sprintf("%s: %s (%s)", w.last.For, w.last.State, w.duration(now)))
}

func (w *waiting) duration(now time.Time) string {
	text, e := seconds(w.lasted(now)), w.last.Expected
	switch {
	case !e.Known():
		return text
	case w.lasted(now) > e.Longest:
		return text + ", longer than the " + plural(e.Builds, "build", "builds") + " before"
	}
	return text + " of about " + coarse(e.Typical)
}

// seconds is a duration in whole seconds: waits are looked at no closer.
func seconds(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return Duration(d)
}

// share is how much of the usual time has passed, less than one.
func (w *waiting) share(now time.Time) float64 {
	return min(0.99, float64(w.lasted(now))/float64(max(w.last.Expected.Typical, time.Second)))
}

// row is the wait in a terminal: without the id, which does not fit beside what
// changes.
func (w *waiting) row(streams Streams, now time.Time, columns int) row {
	what := w.last.For
	if at := strings.LastIndexByte(what, ' '); at > 0 {
		what = what[:at]
	}
	text := Clean(fmt.Sprintf("  wait       %s: %s, %s", what, w.last.State, w.duration(now)))
	const cells = 20
	if w.last.Expected.Known() && runewidth.StringWidth(text)+cells+5 < columns {
		text += "  " + signsOf(streams).gauge(w.share(now), cells)
	}
	return plainRow(text)
}

// describeExpectation says what an expectation rests on.
func describeExpectation(e release.Expectation) string {
	span := coarse(e.Shortest)
	if longest := coarse(e.Longest); longest != span {
		span += " to " + longest
	}
	if e.Reviewed {
		return fmt.Sprintf("the last %s went to review %s after the upload", builds(e.Builds), span)
	}
	return fmt.Sprintf("the last %s took %s", builds(e.Builds), span)
}

func builds(n int) string {
	if n == 1 {
		return "build"
	}
	return fmt.Sprintf("%d builds", n)
}

// coarse is a duration that is only known roughly.
func coarse(d time.Duration) string {
	switch {
	case d < 90*time.Second:
		return fmt.Sprintf("%d s", int(d.Round(time.Second).Seconds()))
	case d < 10*time.Minute:
		d = d.Round(10 * time.Second)
		if text := fmt.Sprintf("%d min", int(d.Minutes())); d%time.Minute == 0 {
			return text
		}
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 90*time.Minute:
		return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}
