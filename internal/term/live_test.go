package term_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hinshun/vt10x"
	"github.com/mattn/go-runewidth"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/term"
	"github.com/ascend-cli/ascend/upload"
)

// drawn is what a terminal shows after it was written to.
func drawn(t *testing.T, columns, rows int, written string) []string {
	t.Helper()
	terminal := vt10x.New(vt10x.WithSize(columns, rows))
	if _, err := terminal.Write([]byte(strings.ReplaceAll(written, "\n", "\r\n"))); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.SplitSeq(terminal.String(), "\n") {
		lines = append(lines, strings.TrimRight(line, " "))
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

func TestATerminalShowsTheStagesAndWhatIsUnderWay(t *testing.T) {
	for name, c := range map[string]struct {
		columns       int
		ascii, colour bool
	}{"live": {100, false, false}, "live-ascii": {100, true, false}, "live-narrow": {40, false, false}, "live-colour": {100, false, true}} {
		t.Run(name, func(t *testing.T) {
			var s screen
			clock := &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
			streams := s.streams(true, c.colour, c.columns)
			streams.ASCII = c.ascii
			var seen strings.Builder
			tell(term.NewNarrator(streams, false, clock.Now), clock, func(moment string) {
				lines := drawn(t, c.columns, 60, s.err.String())
				from := 0
				if moment != "end" {
					from = max(0, len(lines)-4)
				}
				fmt.Fprintf(&seen, "== %s\n%s\n", moment, strings.Join(lines[from:], "\n"))
				for _, line := range lines {
					if moment == "end" && strings.ContainsAny(line, "▸█░") {
						t.Errorf("the live view is left behind: %q", line)
					}
				}
			})
			if c.colour && !strings.Contains(s.err.String(), "\x1b[33m  warning    \x1b[0mlook here\n") || !c.colour && strings.Contains(s.err.String(), "\x1b[33m") {
				t.Errorf("colours: %s", visible(s.err.String()))
			}
			golden(t, name, seen.String())
		})
	}
}

// TestATerminalThatChangesIsFollowed makes it narrower and wider, and lower than
// what is drawn.
func TestATerminalThatChangesIsFollowed(t *testing.T) {
	var s screen
	c := &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	columns, rows := 100, 24
	streams := s.streams(true, false, 100)
	streams.Size = func() (int, int) { return columns, rows }
	n := term.NewNarrator(streams, false, c.Now)
	n.Observe(release.Planned{Stages: []release.StageName{release.StageTransfer, release.StageWait}})
	n.Observe(release.StageStarted{Name: release.StageTransfer})
	n.Observe(release.TransferStarted{Bytes: 1 << 20, Parts: 4})
	for _, size := range [][2]int{{100, 24}, {30, 24}, {12, 24}, {3, 2}, {1, 1}, {80, 3}, {200, 50}} {
		columns, rows = size[0], size[1]
		n.Tick() // removes what had another width
		before := s.err.Len()
		n.Observe(release.BytesSent{Bytes: 1000})
		n.Tick()
		if s.err.Len() == before {
			continue // what fits is the same
		}
		for line := range strings.SplitSeq(control.ReplaceAllString(s.err.String()[before:], ""), "\n") {
			if width := len([]rune(line)); width >= max(columns, 2) {
				t.Errorf("%d columns of %d: %q", width, columns, line)
			}
		}
		if up := regexp.MustCompile(`\x1b\[(\d+)A`).FindStringSubmatch(s.err.String()[before:]); up == nil || len(up[1]) > 1 {
			t.Errorf("%v: it goes up %v lines", size, up)
		}
	}
	n.Close()
}

var control = regexp.MustCompile(`\r|\x1b\[[0-9;]*[A-Za-z]`)

func TestWideCharactersAreCountedAsTheyAreDrawn(t *testing.T) {
	var s screen
	c := &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	b := term.NewBoard(s.streams(true, false, 40), false, c.Now, []string{"アプリ.ipa", "b.ipa"})
	b.Lane(0).Observe(release.StageStarted{Name: release.StageTransfer})
	b.Lane(0).Observe(release.Waiting{For: "x", State: strings.Repeat("処理中", 20)})
	b.Tick()
	lines := strings.Split(strings.TrimRight(s.err.String(), "\n"), "\n")
	lines = lines[len(lines)-2:]
	if width := runewidth.StringWidth(control.ReplaceAllString(lines[0], "")); width > 39 || width < 36 || !strings.HasPrefix(lines[1], "  b.ipa       not begun") {
		t.Errorf("%q", lines)
	}
	b.Close()
}

func TestSeveralReleasesAtATime(t *testing.T) {
	for name, live := range map[string]bool{"board-log": false, "board-live": true} {
		t.Run(name, func(t *testing.T) {
			var s screen
			var seen strings.Builder
			c := &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
			look := func(moment string) {
				if live {
					fmt.Fprintf(&seen, "== %s\n%s\n", moment, strings.Join(drawn(t, 80, 60, s.err.String()), "\n"))
				}
			}
			b := term.NewBoard(s.streams(live, false, 80), false, c.Now, []string{"build/ios.ipa", "build/mac-app.pkg"})
			b.Warn("the key file can be read by others")
			one, two := b.Lane(0), b.Lane(1)
			look("begin")
			for i, lane := range []release.Observer{one, two} {
				lane.Observe(release.StageStarted{Name: release.StageTransfer})
				lane.Observe(release.TransferStarted{Bytes: 10_000_000, Parts: 2})
				c.pass(time.Second)
				lane.Observe(release.BytesSent{Bytes: int64(i+1) * 2_500_000})
			}
			c.pass(time.Second)
			one.Observe(release.Part{PartEvent: upload.PartEvent{State: upload.PartRetry, Number: 1, Err: errors.New("the connection broke")}})
			b.Tick()
			look("transfer")
			one.Observe(release.BytesSent{Bytes: 5_000_000})
			one.Observe(release.Part{PartEvent: upload.PartEvent{State: upload.PartDone, Number: 1}})
			one.Observe(release.StageFinished{Name: release.StageTransfer, Err: errors.New("refused")})
			one.Observe(release.Ended{Err: errors.New("refused")})
			two.Observe(release.Part{PartEvent: upload.PartEvent{State: upload.PartDone, Number: 1}})
			two.Observe(release.BytesSent{Bytes: 5_000_000})
			two.Observe(release.Part{PartEvent: upload.PartEvent{State: upload.PartDone, Number: 2}})
			two.Observe(release.StageFinished{Name: release.StageTransfer})
			two.Observe(release.StageStarted{Name: release.StageWait})
			two.Observe(release.Waiting{For: "build upload u", State: "PROCESSING", Elapsed: time.Second})
			for range 35 {
				c.pass(time.Second)
				b.Tick()
			}
			b.Retry(asc.Retry{Err: errors.New("GET /v1/buildUploads/u: HTTP 503"), Wait: time.Second})
			look("wait")
			two.Observe(release.StageFinished{Name: release.StageWait, Duration: 37 * time.Second})
			two.Observe(release.Ended{})
			b.Tick()
			look("end")
			b.Close()
			if !live && strings.ContainsAny(s.err.String(), "\r\x1b") {
				t.Errorf("control characters in a log: %q", s.err.String())
			}
			if seen.Len() == 0 {
				seen.WriteString(s.err.String())
			}
			golden(t, name, seen.String())
		})
	}
}

func TestPackagesOfTheSameNameAreToldApart(t *testing.T) {
	for name, c := range map[string]struct{ paths, want []string }{
		"other names":         {[]string{"build/a.ipa", "build/b.ipa"}, []string{"a.ipa", "b.ipa"}},
		"other folders":       {[]string{"north/App.ipa", "./south/App.ipa", "c.ipa"}, []string{"north/App.ipa", "south/App.ipa", "c.ipa        "}},
		"other folders above": {[]string{"north/out/App.ipa", "south/out/App.ipa"}, []string{"north/out/App.ipa", "south/out/App.ipa"}},
		"no folder":           {[]string{"App.ipa", "x/App.ipa"}, []string{"App.ipa  ", "x/App.ipa"}},
		"the same twice":      {[]string{"/App.ipa", "/App.ipa"}, []string{"App.ipa", "App.ipa"}},
	} {
		t.Run(name, func(t *testing.T) {
			var s screen
			clock := &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
			b := term.NewBoard(s.streams(false, false, 80), false, clock.Now, c.paths)
			var want string
			for i, label := range c.want {
				b.Lane(i).Observe(release.Notice{Text: "x"})
				want += label + "   note       x\n"
			}
			b.Close()
			if s.err.String() != want {
				t.Errorf("%s, want\n%s", s.err.String(), want)
			}
		})
	}
}

// TestManyReleasesBreakASilenceTogether has one line for all where there are
// many, and one for each that is under way where there are few.
func TestManyReleasesBreakASilenceTogether(t *testing.T) {
	var s screen
	c := &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	var paths []string
	for i := range 300 {
		paths = append(paths, fmt.Sprintf("app-%03d.ipa", i))
	}
	b := term.NewBoard(s.streams(false, false, 80), false, c.Now, paths)
	for i := range 100 {
		b.Lane(i).Observe(release.StageStarted{Name: release.StageTransfer})
		if i >= 10 {
			b.Lane(i).Observe(release.StageFinished{Name: release.StageTransfer, Err: errors.New("refused")})
			b.Lane(i).Observe(release.Ended{Err: errors.New("refused")})
		}
	}
	for range 90 {
		c.pass(time.Second)
		b.Tick()
	}
	for i := range 7 {
		b.Lane(i).Observe(release.Ended{})
	}
	for range 60 {
		c.pass(time.Second)
		b.Tick()
	}
	b.Close()
	want := strings.Repeat("300 packages: 90 failed, 10 transfer, 200 not begun\n", 3)
	for _, lasted := range []string{"2 min 00 s", "2 min 30 s"} {
		for i := 7; i < 10; i++ {
			want += fmt.Sprintf("app-%03d.ipa   transfer   still at it after %s\n", i, lasted)
		}
	}
	if s.err.String() != want {
		t.Errorf("%s\nwant\n%s", s.err.String(), want)
	}
}

// TestMoreReleasesThanLinesFit shows those under way and counts the others.
func TestMoreReleasesThanLinesFit(t *testing.T) {
	var s screen
	c := &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	var paths []string
	for i := range 300 {
		paths = append(paths, fmt.Sprintf("app-%03d.ipa", i))
	}
	b := term.NewBoard(s.streams(true, false, 80), false, c.Now, paths)
	for i := range 100 {
		b.Lane(i).Observe(release.StageStarted{Name: release.StageWait})
		if i%2 == 0 {
			b.Lane(i).Observe(release.Ended{})
		}
	}
	b.Tick()
	lines := drawn(t, 80, 24, s.err.String())
	if len(lines) > 22 || !strings.Contains(lines[0], "app-001.ipa  wait") || lines[len(lines)-1] != "  and 280 more; 50 of 300 are done" {
		t.Errorf("%s", strings.Join(lines, "\n"))
	}
	b.Close()
}
