package term_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/term"
	"github.com/ascend-cli/ascend/upload"
)

// hostile are texts as packages, apps, groups, Apple and stores could have
// them. Each has MARK, so that it is known to have come through.
var hostile = map[string]string{
	"a GitHub command":               "::set-output name=x::MARK",
	"a GitHub command in a line":     "MARK ::error::gone",
	"a GitHub command on a new line": "MARK\n::stop-commands::x",
	"after CR":                       "MARK\r::add-mask::x",
	"an old GitHub command":          "MARK##[set-env name=PATH]x",
	"an Azure command":               "MARK##vso[task.setvariable variable=x]y",
	"an Azure command in capitals":   "MARK ##VSO[task.complete result=Succeeded]",
	"an Azure group":                 "##[group]MARK",
	"a TeamCity message":             "MARK##teamcity[buildStatus status='SUCCESS']",
	"three number signs":             "MARK###vso[task.x]",
	"three colons":                   "MARK:::error:::x",
	"a Buildkite group":              "--- MARK",
	"a Buildkite group, open":        "+++ MARK",
	"a Buildkite group, dim":         "~~~ MARK",
	"a Buildkite group, unfolded":    "^^^ +++ MARK",
	"a Buildkite group on a line":    "MARK\n--- x",
	"a GitLab section":               "MARK\x1b[0Ksection_start:1:x\r\x1b[0Kx",
	"a terminal's sequence":          "MARK\x1b[2J\x1b]0;title\x07",
	"an 8-bit sequence":              "MARK\u009b2J",
	"bytes that are no text":         "MARK\x9b2J\xff",
	"another direction":              "MARK\u202egpj.exe\u2066x\u2069",
	"no width":                       "MARK\u200b\ufeff",
	"ends of lines":                  "MARK\u2028\u2029\u0085\v\fx",
	"an image":                       "![MARK](https://evil.example/x.png)",
	"a link":                         "[MARK](https://evil.example)",
	"a bare address":                 "MARK https://evil.example/x www.evil.example dana@evil.example",
	"a reference":                    "[MARK]: https://evil.example",
	"HTML":                           "<img src=x onerror=alert(1)>MARK<!-- ",
	"an attribute":                   "\" onload=\"alert(1)\" MARK '",
	"a heading":                      "# MARK",
	"a table":                        "MARK | x |\n| --- | --- |",
	"code":                           "`MARK` ``` x",
	"a shell's substitution":         "MARK$(id)`id`;id&&id|id",
	"CI variables":                   "MARK$(SECRET)${{ secrets.X }}%env.SECRET%",
	"an output":                      "MARK\nbuild-id=1",
	"an output with a delimiter":     "MARK<<EOF\nx\nEOF\nbuild-id=1",
	"a variable":                     "MARK\r\nASCEND_BUILD_ID=1",
	"quotes":                         `MARK"',\`,
}

// commandOf is what a CI system could take for a command.
var commandOf = regexp.MustCompile(`##[A-Za-z0-9._-]*\[|::|(?m)(^|[ \t\r])(---|\+\+\+|~~~|\^\^\^)([ \t\r]|$)`)

// own are the commands that ascend writes itself; what is in them is looked at
// on its own.
var own = regexp.MustCompile(`(?m)^(::(error|warning) title=ascend::|::group::ascend (transfer|wait|distribute)$|::endgroup::$|##vso\[task\.logissue type=(error|warning)\]|` +
	`##vso\[task\.setvariable variable=ascend_[a-z_]+;isOutput=true\]|##\[(group\]ascend (transfer|wait|distribute)|endgroup\])$|##teamcity\[(buildProblem description|message text|setParameter name|block(Opened|Closed) name)=|` +
	`--- ascend (transfer|wait|distribute)$|\^\^\^ \+\+\+$|\x1b\[0Ksection_(start|end):[0-9]+:ascend_(transfer|wait|distribute)\r\x1b\[0K(ascend (transfer|wait|distribute))?$)`)

var unseen = regexp.MustCompile(`[\x00-\x08\x0b-\x1f\x7f-\x{9f}\x{200b}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2060}-\x{206f}\x{feff}]`)

// aLogIsSafe looks at everything that a terminal or a log shows.
func aLogIsSafe(t *testing.T, text string) {
	t.Helper()
	rest := own.ReplaceAllString(text, "")
	if command := commandOf.FindString(rest); command != "" {
		t.Errorf("it has the command %q:\n%s", command, rest)
	}
	if r := unseen.FindString(rest); r != "" {
		t.Errorf("it has %q:\n%q", r, rest)
	}
}

// summaryOf has the text in everything that comes from outside.
func summaryOf(text string) release.Summary {
	return release.Summary{
		AppID: text, BundleID: text, Platform: text, Version: text, BuildNumber: text, BuildUploadID: text, BuildID: text, State: text,
		TestFlightURL: "https://appstoreconnect.apple.com/apps/" + text, Groups: []string{text, text}, BetaReviewState: text, Warnings: []string{text},
		Parts: 1, Bytes: 1, Steps: []release.Step{{Name: text, State: release.StepChanged, Detail: text}},
		Stages: map[string]int64{string(release.StageTransfer): 5},
	}
}

func problemOf(text string) *failure.Error {
	return &failure.Error{Kind: failure.Rejected, Message: text, Hint: text, Details: []string{text, text}}
}

// happen is a release in which everything that can carry a text does.
func happen(o release.Observer, text string) {
	failed := errors.New(text)
	info := bundle.Info{Path: text, Name: text, BundleID: text, ShortVersion: text, BuildVersion: text, Platform: bundle.Platform(text)}
	finding := func(s bundle.Severity) release.Found {
		return release.Found{Finding: bundle.Finding{Rule: text, Severity: s, Path: text, Message: text, Remedy: text}}
	}
	for _, e := range []release.Event{
		release.Inspected{Info: info}, finding(bundle.SeverityWarning), finding(bundle.SeverityInfo), finding(bundle.SeverityError), release.StageStarted{Name: release.StageTransfer},
		release.TransferStarted{Bytes: 10, Parts: 1}, release.Part{PartEvent: upload.PartEvent{State: upload.PartStarted, Number: 1}},
		release.Part{PartEvent: upload.PartEvent{State: upload.PartRetry, Number: 1, Err: failed}}, release.StageFinished{Name: release.StageTransfer}, release.StageStarted{Name: release.StageWait},
		release.Waiting{For: text, State: text}, release.Apple{Severity: bundle.SeverityError, Code: text, Description: text}, release.Apple{Severity: bundle.SeverityInfo, Description: text},
		release.StageFinished{Name: release.StageWait, Err: failed}, release.StepDone{Step: release.Step{Name: text, State: release.StepFailed, Detail: text}},
		release.StepDone{Step: release.Step{Name: text, State: release.StepChanged, Detail: text}}, release.Notice{Text: text}, release.Warning{Text: text},
	} {
		o.Observe(e)
	}
}

// An output is a way out for text from outside: it returns what was written.
type output func(t *testing.T, s term.Streams, screen *screen, text string) string

func noon() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

// logs are outputs that a terminal or a log shows.
var logs = map[string]output{
	"narrator": func(_ *testing.T, s term.Streams, screen *screen, text string) string {
		n := term.NewNarrator(s, false, noon)
		happen(n, text)
		n.Retry(asc.Retry{Err: errors.New(text)})
		n.Close()
		return screen.err.String()
	},
	"board": func(_ *testing.T, s term.Streams, screen *screen, text string) string {
		b := term.NewBoard(s, false, noon, []string{text, "x/" + text})
		happen(b.Lane(0), text)
		b.Warn(text)
		b.Notice(text)
		b.Close()
		return screen.err.String()
	},
	"failure": func(_ *testing.T, s term.Streams, screen *screen, text string) string {
		s.Fail(*problemOf(text))
		return screen.err.String()
	},
	"result": func(_ *testing.T, s term.Streams, screen *screen, text string) string {
		s.Summary(summaryOf(text))
		s.Table(text, text, text)
		s.Line(text)
		s.Item(text, text, text)
		s.Columns([][]string{{text, "NAME"}, {"x", text}})
		return screen.out.String()
	},
	"package": func(_ *testing.T, s term.Streams, screen *screen, text string) string {
		info := bundle.Info{Path: text, Name: text, BundleID: text, ShortVersion: text, BuildVersion: text, Platform: bundle.Platform(text), MinimumOS: text, App: text, Kind: bundle.Kind(text)}
		s.Package(info, []bundle.Finding{{Rule: text, Severity: bundle.SeverityWarning, Path: text, Message: text, Remedy: text}})
		return screen.out.String() + screen.err.String()
	},
	"log lines": func(_ *testing.T, s term.Streams, screen *screen, text string) string {
		r := term.NewRecorder(noon, false)
		r.Log(s.Err, false, true)
		happen(r, text)
		r.Finish([]term.Outcome{{Summary: summaryOf(text), Problem: problemOf(text)}, {Summary: summaryOf(text)}})
		return screen.err.String()
	},
	"raw text of the library's": func(_ *testing.T, s term.Streams, screen *screen, text string) string {
		_, _ = io.WriteString(s.Out, strings.Map(func(r rune) rune { // it shows no control characters
			if unseen.MatchString(string(r)) || r == 0xfffd {
				return -1
			}
			return r
		}, text))
		return screen.out.String()
	},
	"outputs, annotations": func(t *testing.T, s term.Streams, screen *screen, text string) string {
		if err := s.Publish([]term.Outcome{{Summary: summaryOf(text), Problem: problemOf(text)}}, func(string) string { return "" }, ""); err != nil {
			t.Error(err)
		}
		return screen.err.String() + "MARK" // GitHub's go to files
	},
}

// TestNothingFromOutsideIsACommandOrASequence is every log × every CI system ×
// every text.
func TestNothingFromOutsideIsACommandOrASequence(t *testing.T) {
	for where, write := range logs {
		for _, ci := range append([]term.CI{""}, term.CIs...) {
			for what, text := range hostile {
				t.Run(where+"/"+string(ci)+"/"+what, func(t *testing.T) {
					var screen screen
					s := screen.streams(false, false, 80)
					s.CI = ci
					got := write(t, s.Guarded(), &screen, text)
					aLogIsSafe(t, got)
					if !strings.Contains(got, "MARK") {
						t.Errorf("the text is lost: %q", got)
					}
				})
			}
		}
	}
}

// documentsOf are the outputs that are JSON, each as a list of documents.
var documentsOf = map[string]output{
	"stdout": func(t *testing.T, s term.Streams, screen *screen, text string) string {
		if err := s.JSON(map[string]any{"summary": summaryOf(text), "error": problemOf(text)}); err != nil {
			t.Error(err)
		}
		if err := s.JSONLine(map[string]any{text: text}); err != nil {
			t.Error(err)
		}
		return screen.out.String()
	},
	"log": func(_ *testing.T, s term.Streams, screen *screen, text string) string {
		r := term.NewRecorder(noon, false)
		r.Log(s.Err, true, true)
		happen(r, text)
		return screen.err.String()
	},
	"events": func(_ *testing.T, _ term.Streams, _ *screen, text string) string {
		var b bytes.Buffer
		r := term.NewRecorder(noon, false)
		r.Stream(&b)
		happen(r, text)
		r.Call(asc.Call{Method: "GET", URL: text, Err: errors.New(text)})
		return b.String()
	},
	"trace": func(t *testing.T, _ term.Streams, _ *screen, text string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, text)
		}))
		defer server.Close()
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		trace := term.NewTrace(transport, noon)
		request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		reply, err := trace.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = reply.Body.Close()
		content, err := trace.Content("1.0")
		if err != nil {
			t.Error(err)
		}
		return string(content)
	},
	"SARIF": func(t *testing.T, _ term.Streams, _ *screen, text string) string {
		content, err := term.SARIF(nil, []term.Scanned{{Path: text, Findings: []bundle.Finding{{Rule: text, Path: text, Message: text, Remedy: text}}}})
		if err != nil {
			t.Error(err)
		}
		return string(content)
	},
}

func TestJSONIsSafeToShowAndKeepsItsValues(t *testing.T) {
	for where, write := range documentsOf {
		for what, text := range hostile {
			t.Run(where+"/"+what, func(t *testing.T) {
				var screen screen
				got := write(t, screen.streams(false, false, 80).Guarded(), &screen, text)
				if strings.Contains(got, "#") || commandOf.MatchString(got) {
					t.Errorf("a log would have a command: %s", got)
				}
				if r := unseen.FindString(got); r != "" {
					t.Errorf("it has %q", r)
				}
				decoder := json.NewDecoder(strings.NewReader(got))
				for decoder.More() {
					var value any
					if err := decoder.Decode(&value); err != nil {
						t.Fatalf("%v: %s", err, got)
					}
					if where == "stdout" && !holds(value, strings.ToValidUTF8(text, "\ufffd")) && !strings.Contains(what, "bytes") {
						t.Errorf("the value is another: %s", got)
					}
				}
			})
		}
	}
}

// holds tells whether a text is one of the values.
func holds(value any, text string) bool {
	switch v := value.(type) {
	case string:
		return v == text
	case []any:
		for _, item := range v {
			if holds(item, text) {
				return true
			}
		}
	case map[string]any:
		for _, item := range v {
			if holds(item, text) {
				return true
			}
		}
	}
	return false
}

// published runs Publish and returns the files that it writes.
func published(t *testing.T, text string) (outputs, page, dotenv string) {
	t.Helper()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	var screen screen
	s := screen.streams(false, false, 80).Guarded()
	s.CI = term.GitHub
	getenv := func(name string) string { return path(name) }
	outcomes := []term.Outcome{{Summary: summaryOf(text), Problem: problemOf(text)}, {Summary: summaryOf(text)}}
	if err := s.Publish(outcomes, getenv, path("dotenv")); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		content, err := os.ReadFile(path(name))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	return read("GITHUB_OUTPUT"), read("GITHUB_STEP_SUMMARY"), read("dotenv")
}

// TestVariablesAreOneLineWithoutWhatIsExpanded reads them as the systems do.
func TestVariablesAreOneLineWithoutWhatIsExpanded(t *testing.T) {
	const variables = 7
	output := regexp.MustCompile(`^[a-z-]+=[A-Za-z0-9._:/@,=+-]*$`)
	variable := regexp.MustCompile(`^ASCEND_[A-Z_]+=[A-Za-z0-9._:/@,=+-]*$`)
	for what, text := range hostile {
		outputs, _, dotenv := published(t, text)
		for content, form := range map[string]*regexp.Regexp{outputs: output, dotenv: variable} {
			lines := strings.Split(strings.TrimSuffix(content, "\n"), "\n")
			if len(lines) != variables {
				t.Errorf("%s: %d lines: %q", what, len(lines), content)
			}
			for _, line := range lines {
				if !form.MatchString(line) {
					t.Errorf("%s: %q", what, line)
				}
			}
			if !strings.Contains(content, "MARK") || strings.Contains(content, "::") {
				t.Errorf("%s: %q", what, content)
			}
		}
	}
}

// TestTheSummaryPageHasNoLinksFromOutside takes code out of the page, and looks
// for what Markdown would make of the rest.
func TestTheSummaryPageHasNoLinksFromOutside(t *testing.T) {
	code := regexp.MustCompile("```text\n[^`]*```|`[^`\n]*`")
	escapes := regexp.MustCompile(`\\[!-/:-@\[-` + "`" + `{-~]`)
	active := regexp.MustCompile(`\]\(|\]:|!\[|<|://|www\.|@|(?m)^#{1,2} `)
	for what, text := range hostile {
		_, page, _ := published(t, text)
		rest := escapes.ReplaceAllString(code.ReplaceAllString(page, ""), "")
		if found := active.FindString(rest); found != "" {
			t.Errorf("%s: it has %q:\n%s", what, found, page)
		}
		if !strings.Contains(page, "MARK") || strings.Contains(page, "::") || unseen.MatchString(page) {
			t.Errorf("%s: %q", what, page)
		}
		for _, line := range strings.Split(page, "\n") { // a cell stays a cell
			if strings.HasPrefix(line, "| ") && strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") != 3 {
				t.Errorf("%s: %q", what, line)
			}
		}
	}
	_, page, _ := published(t, "1.0")
	if !strings.Contains(page, "[open](https://appstoreconnect.apple.com/apps/1.0)") {
		t.Errorf("ascend's own link is gone: %s", page)
	}
}

func TestTheReportHasNoMarkupFromOutside(t *testing.T) {
	tag := regexp.MustCompile(`(?i)<img|onerror=[^&]*>|<!-- |" onload="`)
	for what, text := range hostile {
		r := term.NewRecorder(noon, true)
		happen(r, text)
		r.Call(asc.Call{Method: "GET", URL: text, Err: errors.New(text)})
		var b bytes.Buffer
		err := term.WritePage(&b, "1.0", r.Records(), []term.Outcome{{Summary: summaryOf(text), Problem: problemOf(text)}, {Summary: summaryOf(text)}})
		_, body, _ := strings.Cut(b.String(), "</style>")
		if found := tag.FindString(body); err != nil || found != "" {
			t.Errorf("%s: %v, it has %q", what, err, found)
		}
		if !strings.Contains(body, "MARK") || strings.Contains(body, "::") || unseen.MatchString(body) {
			t.Errorf("%s is as it was: %s", what, body)
		}
	}
}

// TestWhatIsNoCommandStaysAsItIs has text that only looks alike.
func TestWhatIsNoCommandStaysAsItIs(t *testing.T) {
	for _, text := range []string{
		"https://[::1]:8080/v1", "[fe80::1%eth0]:80", "## heading", "#1", "a:b", "12:30:00", "-----BEGIN PRIVATE KEY-----", "--flag", "a --- b"[:3], "[####....]", "C#", "👩\u200d💻 Team", "Grüße", "نام\u200cها",
	} {
		if got := term.Clean(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// TestAGuardKnowsWhatWasWrittenBefore has commands in two pieces.
func TestAGuardKnowsWhatWasWrittenBefore(t *testing.T) {
	for _, pieces := range [][2]string{{":", ":error::x"}, {"#", "#vso[x]"}, {"#", "#[group]"}, {"x\n", "--- x"}, {"x ", "--- x"}} {
		var screen screen
		s := screen.streams(false, false, 80).Guarded()
		for _, piece := range pieces {
			if n, err := io.WriteString(s.Out, piece); err != nil || n != len(piece) {
				t.Errorf("%d bytes written, %v", n, err)
			}
		}
		aLogIsSafe(t, screen.out.String())
	}
}

func TestThousandsOfErrorsAreCut(t *testing.T) {
	var screen screen
	n := term.NewNarrator(screen.streams(false, false, 80), false, noon)
	problem := failure.Error{Message: strings.Repeat("é", 100_000), Details: []string{}}
	for range 5000 {
		n.Observe(release.Apple{Severity: bundle.SeverityError, Code: "ITMS-90683", Description: "Missing purpose string."})
		problem.Details = append(problem.Details, "Missing purpose string.")
	}
	n.Close()
	if lines := strings.Count(screen.err.String(), "\n"); lines > 60 || !strings.Contains(screen.err.String(), "and 4950 more") {
		t.Errorf("%d lines:\n%s", lines, screen.err.String())
	}
	short := term.Cut(problem)
	if len(short.Details) != 51 || short.Details[50] != "and 4950 more" || len(short.Message) > 9000 || !strings.Contains(short.Message, "bytes more)") || strings.ContainsRune(short.Message, 0xfffd) {
		t.Errorf("%d details, a message of %d bytes", len(short.Details), len(short.Message))
	}
}
