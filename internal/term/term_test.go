package term_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/term"
	"github.com/ascend-cli/ascend/upload"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(m)
}

// golden compares with a file of testdata, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (run with -update to write it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (run with -update to accept)\n%s", path, diff)
	}
}

// screen is a pair of streams to look at.
type screen struct{ out, err bytes.Buffer }

func (s *screen) streams(live, color bool, width int) term.Streams {
	return term.Streams{In: strings.NewReader(""), Out: &s.out, Err: &s.err, Live: live, Color: color, Size: func() (int, int) { return width, 24 }}
}

// visible shows control sequences as text.
func visible(s string) string {
	return strings.NewReplacer("\x1b", "<ESC>", "\r", "<CR>").Replace(s)
}

// clock moves on by what it is told.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func (c *clock) pass(d time.Duration) { c.now = c.now.Add(d) }

// tell narrates one release in which everything happens once. At some moments
// it is looked at.
func tell(n *term.Narrator, c *clock, look func(moment string)) {
	info := bundle.Info{Path: "build/Demo.ipa", Name: "Demo", BundleID: "com.example.demo", ShortVersion: "1.2.0", BuildVersion: "42", Platform: bundle.IOS, Size: 12_582_912}
	start := func(stage release.StageName) { n.Observe(release.StageStarted{Name: stage}) }
	finish := func(stage release.StageName, took time.Duration) {
		n.Observe(release.StageFinished{Name: stage, Duration: took})
	}
	n.Observe(release.Planned{Stages: []release.StageName{
		release.StageInspect, release.StagePreflight, release.StageResolve, release.StageReserve, release.StageTransfer, release.StageCommit, release.StageWait, release.StageDistribute,
	}})
	start(release.StageInspect)
	n.Observe(release.Inspected{Info: info})
	finish(release.StageInspect, time.Millisecond)
	start(release.StagePreflight)
	n.Observe(release.Found{Finding: bundle.Finding{Rule: "some-rule", Severity: bundle.SeverityWarning, Message: "something is odd", Remedy: "mend it"}})
	n.Observe(release.Found{Finding: bundle.Finding{Rule: "other-rule", Severity: bundle.SeverityInfo, Message: "something to know", Remedy: "or not"}})
	finish(release.StagePreflight, time.Millisecond)
	start(release.StageResolve)
	for range 40 { // a service that does not answer
		c.pass(time.Second)
		n.Tick()
	}
	finish(release.StageResolve, 40*time.Second)
	start(release.StageReserve)
	look("reserve")
	finish(release.StageReserve, 120*time.Millisecond)
	n.Observe(release.Notice{Text: "an earlier run left\x1b[2J something"})
	start(release.StageTransfer)
	n.Observe(release.TransferStarted{Bytes: 12_582_912, Parts: 3})
	for part, length := range []int64{5_242_880, 5_242_880, 2_097_152} {
		e := upload.PartEvent{Number: part + 1, Parts: 3, Length: length, Attempt: 1}
		e.State = upload.PartStarted
		n.Observe(release.Part{PartEvent: e})
		if part == 1 {
			e.State, e.Wait, e.Err = upload.PartRetry, 2*time.Second, errors.New("part 2: the connection stalled")
			n.Observe(release.Part{PartEvent: e})
			e.State, e.Wait, e.Err = upload.PartStarted, 0, nil
			n.Observe(release.Part{PartEvent: e})
		}
		c.pass(2 * time.Second)
		n.Observe(release.BytesSent{Bytes: length})
		n.Tick()
		if part == 1 {
			look("transfer")
		}
		e.State = upload.PartDone
		n.Observe(release.Part{PartEvent: e})
	}
	finish(release.StageTransfer, 6*time.Second)
	start(release.StageCommit)
	finish(release.StageCommit, 80*time.Millisecond)
	n.Retry(asc.Retry{Err: errors.New("GET /v1/buildUploads/u: HTTP 503"), Wait: time.Second})
	start(release.StageWait)
	usual := release.Expectation{Builds: 4, Shortest: 80 * time.Second, Typical: 2 * time.Minute, Longest: 150 * time.Second}
	waiting := func(state string, elapsed time.Duration) {
		n.Observe(release.Waiting{For: "build upload u", State: state, Elapsed: elapsed, Next: time.Second, Age: elapsed, Expected: usual})
	}
	waiting("PROCESSING", 0)
	for range 50 {
		c.pass(time.Second)
		n.Tick()
	}
	look("wait")
	n.Observe(release.Apple{Severity: bundle.SeverityWarning, Code: "ITMS-90683", Description: "Missing purpose string."})
	n.Observe(release.Apple{Severity: bundle.SeverityError, Description: "An error without a code."})
	waiting("COMPLETE", 51*time.Second)
	c.pass(2 * time.Minute)
	n.Tick()
	look("a long wait")
	finish(release.StageWait, 171*time.Second)
	start(release.StageDistribute)
	n.Observe(release.StepDone{Step: release.Step{Name: "groups", State: release.StepChanged, Detail: "groups: QA"}})
	n.Observe(release.StepDone{Step: release.Step{Name: "notes", State: release.StepAlready, Detail: "notes in en-US"}})
	n.Observe(release.StepDone{Step: release.Step{Name: "review", State: release.StepFailed, Detail: "refused"}})
	n.Observe(release.StepDone{Step: release.Step{Name: "notify", State: release.StepSkipped, Detail: "no review"}})
	n.Observe(release.Warning{Text: "look\nhere"})
	finish(release.StageDistribute, time.Second)
	n.Close()
	look("end")
}

func nobodyLooks(string) {}

func TestALogHasALineForEveryChangeAndABeatInBetween(t *testing.T) {
	var s screen
	c := &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	tell(term.NewNarrator(s.streams(false, false, 80), false, c.Now), c, nobodyLooks)
	if strings.ContainsAny(s.err.String(), "\r\x1b") {
		t.Errorf("control characters in a log: %q", s.err.String())
	}
	if s.out.Len() != 0 {
		t.Errorf("on stdout: %s", s.out.String())
	}
	golden(t, "log", s.err.String())
}

func TestAQuietRunTellsWarningsOnly(t *testing.T) {
	var s screen
	c := &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	tell(term.NewNarrator(s.streams(true, false, 80), true, c.Now), c, nobodyLooks)
	golden(t, "quiet", s.err.String())
}

func TestResultsAreWrittenToStdout(t *testing.T) {
	yes := true
	for name, write := range map[string]func(term.Streams){
		"summary": func(s term.Streams) {
			s.Summary(release.Summary{
				AppID: "6700000001", BundleID: "com.example.demo", Platform: "IOS", Version: "1.2.0", BuildNumber: "42", BuildUploadID: "u", BuildID: "b",
				State: "VALID", Groups: []string{"QA", "Beta"}, BetaReviewState: "WAITING_FOR_REVIEW", Bytes: 12_582_912, Parts: 3, Retries: 1, ResumedParts: 2, DurationMS: 61_500,
			})
		},
		"summary-no-wait": func(s term.Streams) {
			s.Summary(release.Summary{BundleID: "com.example.demo", Version: "1.2.0", BuildNumber: "42", BuildUploadID: "u", Bytes: 10, Parts: 1})
		},
		"package": func(s term.Streams) {
			s.Package(bundle.Info{Path: "Demo\x07.ipa", Name: "Demo", BundleID: "com.example.demo", ShortVersion: "1.2.0", BuildVersion: "42", MinimumOS: "16.0", UsesNonExemptEncryption: &yes, Kind: bundle.IPA, App: "Payload/Demo.app", Size: 1234},
				[]bundle.Finding{{Rule: "platform-unknown", Severity: bundle.SeverityError, Message: "no platform", Remedy: "give --platform"}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			var s screen
			write(s.streams(true, true, 80))
			if s.err.Len() != 0 {
				t.Errorf("on stderr: %s", s.err.String())
			}
			golden(t, name, s.out.String())
		})
	}
}

func TestAFailureIsOnStderrWithAppleAndTheWayOut(t *testing.T) {
	var s screen
	problem := failure.Error{Kind: failure.Rejected, Message: "Apple refused", Hint: "mend it", Details: []string{"ITMS-90683: Missing\npurpose string"}}
	s.streams(false, false, 80).Fail(problem)
	golden(t, "failure", s.err.String())
	if err := s.streams(false, false, 80).JSON(map[string]any{"error": problem}); err != nil {
		t.Fatal(err)
	}
	golden(t, "failure-json", s.out.String())
}

func TestFiguresAreReadable(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 12_582_912: "12.6 MB", 4 << 30: "4.3 GB", 5e12: "5.0 TB", 5e15: "5000.0 TB"} {
		if got := term.Bytes(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{0: "0 ms", 999 * time.Millisecond: "999 ms", 61 * time.Second: "1 min 01 s", 1500 * time.Millisecond: "1.5 s", 125 * time.Minute: "2 h 05 min"} {
		if got := term.Duration(d); got != want {
			t.Errorf("%d is %q, want %q", d, got, want)
		}
	}
}

func TestAPipeIsNoTerminal(t *testing.T) {
	s := term.System(func(string) string { return "" })
	if columns, rows := s.Size(); s.Live || s.Color || columns < 20 || rows < 20 {
		t.Errorf("%+v", s)
	}
}
