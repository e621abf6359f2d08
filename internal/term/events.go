package term

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/upload"
)

// A Record is one event with its time, as it is in the event stream
// (docs/events.schema.json) and in a report.
type Record struct {
	Time  time.Time
	Type  string
	Attrs map[string]any
}

func (r Record) text(name string) string {
	s, _ := r.Attrs[name].(string)
	return s
}

func (r Record) number(name string) int64 {
	n, _ := r.Attrs[name].(int64)
	return n
}

// sampleEvery is how often the bytes that were sent are recorded.
const sampleEvery = 500 * time.Millisecond

// A Recorder turns everything that happens into records: for a stream of
// events, for a log, and for a report at the end. It holds no secrets: neither
// tokens nor the URLs of upload operations come to it.
type Recorder struct {
	now func() time.Time

	mu      sync.Mutex
	sinks   []slog.Handler
	stream  *jsonLines // of events, or nil
	keep    bool
	records []Record
	sent    int64 // bytes, in total
	flying  int   // parts in flight
	sampled time.Time
}

// NewRecorder returns a recorder. A keeping one has its records for a report.
func NewRecorder(now func() time.Time, keep bool) *Recorder {
	return &Recorder{now: now, keep: keep}
}

// Stream writes every record to w, as a line of JSON.
func (r *Recorder) Stream(w io.Writer) {
	r.stream = &jsonLines{out: w}
	r.sinks = append(r.sinks, slog.NewJSONHandler(r.stream, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		switch {
		case len(groups) > 0:
		case a.Key == slog.LevelKey:
			return slog.Attr{}
		case a.Key == slog.MessageKey:
			a.Key = "type"
		}
		return a
	}}))
}

// Log writes records to w as log lines: text or JSON, with calls and parts only
// if it is verbose.
func (r *Recorder) Log(w io.Writer, json, verbose bool) {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if verbose {
		options.Level = slog.LevelDebug
	}
	if json {
		r.sinks = append(r.sinks, slog.NewJSONHandler(&jsonLines{out: unguarded(w)}, options))
		return
	}
	r.sinks = append(r.sinks, slog.NewTextHandler(w, options))
}

// StreamError is the first error of writing the stream of events.
func (r *Recorder) StreamError() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stream == nil {
		return nil
	}
	return notWritten("the events (--events)", r.stream.err)
}

// jsonLines writes lines of JSON that a log may show, and remembers the first
// error.
type jsonLines struct {
	out io.Writer
	err error
}

// Write implements [io.Writer].
func (l *jsonLines) Write(p []byte) (int, error) {
	if _, err := l.out.Write(escapeJSON(p)); err != nil {
		if l.err == nil {
			l.err = err
		}
		return 0, err
	}
	return len(p), nil
}

// Records are what was kept.
func (r *Recorder) Records() []Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.records)
}

// record writes one event down. The caller holds the lock.
func (r *Recorder) record(level slog.Level, kind string, attrs map[string]any) {
	now := r.now()
	if r.keep {
		r.records = append(r.records, Record{now, kind, attrs})
	}
	line := slog.NewRecord(now, level, kind, 0)
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		line.AddAttrs(slog.Any(name, attrs[name]))
	}
	for _, sink := range r.sinks {
		if sink.Enabled(context.Background(), level) {
			_ = sink.Handle(context.Background(), line) // a log that cannot be written stops nothing
		}
	}
}

// For is an observer whose records name a package, where there are several.
func (r *Recorder) For(path string) release.Observer { return recorderFor{r, path} }

type recorderFor struct {
	*Recorder
	path string
}

// Observe implements [release.Observer].
func (f recorderFor) Observe(event release.Event) { f.observe(event, f.path) }

// Observe implements [release.Observer].
func (r *Recorder) Observe(event release.Event) { r.observe(event, "") }

func (r *Recorder) observe(event release.Event, path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := event.(release.BytesSent); ok {
		r.bytes(e.Bytes)
		return
	}
	level, kind, attrs := describeEvent(event)
	if kind == "" {
		return
	}
	if e, ok := event.(release.Part); ok {
		if e.State == upload.PartStarted {
			r.flying++
		} else if e.State != upload.PartResumed {
			r.flying--
		}
	}
	if path != "" {
		attrs["package"] = path
	}
	r.record(level, kind, attrs)
}

// bytes counts, and records now and then.
func (r *Recorder) bytes(n int64) {
	r.sent += n
	if now := r.now(); now.Sub(r.sampled) >= sampleEvery {
		r.sampled = now
		r.record(slog.LevelDebug, "sent", map[string]any{"bytes": r.sent, "in_flight": int64(r.flying)})
	}
}

// describeEvent puts an event into names and values.
func describeEvent(event release.Event) (slog.Level, string, map[string]any) {
	switch e := event.(type) {
	case release.Inspected:
		return slog.LevelInfo, "inspected", map[string]any{
			"path": e.Info.Path, "bundle_id": e.Info.BundleID, "version": e.Info.ShortVersion, "build_number": e.Info.BuildVersion, "platform": string(e.Info.Platform), "bytes": e.Info.Size,
		}
	case release.Found:
		f := e.Finding
		return levelOf(string(f.Severity)), "finding", map[string]any{"rule": f.Rule, "severity": string(f.Severity), "path": f.Path, "message": visible(f.Message), "remedy": f.Remedy}
	case release.StageStarted:
		return slog.LevelInfo, "stage_started", map[string]any{"stage": string(e.Name)}
	case release.StageFinished:
		attrs := map[string]any{"stage": string(e.Name), "duration_ms": e.Duration.Milliseconds()}
		if e.Err != nil {
			attrs["error"] = visible(Shorten(e.Err.Error()))
		}
		return slog.LevelInfo, "stage_finished", attrs
	case release.TransferStarted:
		return slog.LevelInfo, "transfer_started", map[string]any{"bytes": e.Bytes, "parts": int64(e.Parts)}
	case release.Part:
		return describePart(e.PartEvent)
	case release.Waiting:
		attrs := map[string]any{"for": e.For, "state": e.State, "elapsed_ms": e.Elapsed.Milliseconds(), "next_ms": e.Next.Milliseconds(), "age_ms": e.Age.Milliseconds()}
		if e.Expected.Known() {
			attrs["expected_ms"] = e.Expected.Typical.Milliseconds()
		}
		return slog.LevelInfo, "waiting", attrs
	case release.Planned:
		return slog.LevelInfo, "planned", map[string]any{"stages": e.Stages}
	case release.Apple:
		return levelOf(string(e.Severity)), "apple", map[string]any{"severity": string(e.Severity), "code": e.Code, "description": visible(e.Description)}
	case release.Progress:
		return slog.LevelDebug, "progress", map[string]any{"what": e.What, "done": int64(e.Done), "total": int64(e.Total)}
	case release.StepDone:
		return slog.LevelInfo, "step", map[string]any{"name": e.Step.Name, "state": string(e.Step.State), "detail": visible(e.Step.Detail)}
	case release.Notice:
		return slog.LevelInfo, "notice", map[string]any{"text": visible(e.Text)}
	case release.Warning:
		return slog.LevelWarn, "warning", map[string]any{"text": visible(e.Text)}
	}
	return 0, "", nil
}

func describePart(e upload.PartEvent) (slog.Level, string, map[string]any) {
	attrs := map[string]any{"part": int64(e.Number), "parts": int64(e.Parts), "offset": e.Offset, "length": e.Length, "attempt": int64(e.Attempt)}
	if e.State == upload.PartDone || e.State == upload.PartRetry {
		attrs["duration_ms"] = e.Duration.Milliseconds()
	}
	level := slog.LevelDebug
	if e.State == upload.PartRetry {
		level = slog.LevelWarn
		attrs["wait_ms"] = e.Wait.Milliseconds()
		if e.Err != nil {
			attrs["error"] = visible(Shorten(e.Err.Error()))
		}
	}
	return level, "part_" + string(e.State), attrs
}

func levelOf(severity string) slog.Level {
	switch severity {
	case "error":
		return slog.LevelError
	case "warning":
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// Call records an attempt of an API request.
func (r *Recorder) Call(c asc.Call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	address, _, _ := strings.Cut(c.URL, "?")
	attrs := map[string]any{"method": c.Method, "url": address, "status": int64(c.Status), "duration_ms": c.Duration.Milliseconds()}
	level := slog.LevelDebug
	if c.Err != nil && !errors.Is(c.Err, context.Canceled) {
		attrs["error"] = visible(Shorten(c.Err.Error()))
	}
	r.record(level, "call", attrs)
}

// Finish records what came of it.
func (r *Recorder) Finish(outcomes []Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range outcomes {
		s := o.Summary
		if p := o.Problem; p != nil {
			r.record(slog.LevelError, "failed", map[string]any{"kind": string(p.Kind), "message": visible(p.Message), "hint": visible(p.Hint), "build_id": s.BuildID, "build_upload_id": s.BuildUploadID})
			continue
		}
		r.record(slog.LevelInfo, "finished", map[string]any{
			"app_id": s.AppID, "bundle_id": s.BundleID, "platform": s.Platform, "version": s.Version, "build_number": s.BuildNumber, "build_id": s.BuildID,
			"build_upload_id": s.BuildUploadID, "state": s.State, "duration_ms": s.DurationMS,
		})
	}
}
