package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/outfile"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/term"
)

// recordFlags write down what happens, for machines and for later.
func recordFlags() []cli.Flag {
	return under(outputCategory,
		&cli.StringFlag{Name: "report", Usage: "write a page with stages, parts, requests and findings to a `FILE` (HTML)"},
		&cli.StringFlag{Name: "events", Usage: "write every event to a `FILE` as it happens, a line of JSON each (docs/events.schema.json)"},
		&cli.StringFlag{Name: "trace-http", Usage: "write the API requests to a `FILE` (HAR), without tokens and bodies"},
		&cli.BoolFlag{Name: "verbose", Usage: "log API requests and parts as well"},
		&cli.StringFlag{Name: "log-format", Usage: "`FORMAT` of what goes to stderr: text, or json for machines", Value: logText},
	)
}

const (
	logText = "text"
	logJSON = "json"
)

// A recording is what one run writes down besides its output.
type recording struct {
	recorder *term.Recorder
	trace    *term.Trace
	events   io.WriteCloser
	// report and har are files, or empty.
	report, har string
	// json tells that stderr is a log of JSON lines and nothing else.
	json     bool
	outcomes []term.Outcome
	ended    bool
}

// record begins a recording, if the flags ask for one. Without any it records
// nothing.
func (p *program) record(c *cli.Context) error {
	r := &recording{report: c.String("report"), har: c.String("trace-http"), json: c.String("log-format") == logJSON}
	if format := c.String("log-format"); format != "" && format != logText && format != logJSON {
		return usagef("text or json", "--log-format %q is not known", format)
	}
	verbose, events := c.Bool("verbose"), c.String("events")
	if err := p.Streams.CheckFile(c.String("dotenv"), outfile.Shared); err != nil {
		return cannotWrite("dotenv", err)
	}
	if r.report == "" && r.har == "" && events == "" && !verbose && !r.json {
		return nil
	}
	r.recorder = term.NewRecorder(p.Now, r.report != "")
	if events != "" {
		file, err := p.Streams.Create(events, outfile.Shared)
		if err != nil {
			return cannotWrite("events", err)
		}
		r.events = file
		r.recorder.Stream(file)
	}
	for _, file := range []struct {
		name, path string
		access     outfile.Access
	}{{"report", r.report, outfile.Shared}, {"trace-http", r.har, outfile.Private}} {
		// Found out now, not after an hour.
		if err := p.Streams.CheckFile(file.path, file.access); err != nil {
			return cannotWrite(file.name, err)
		}
	}
	switch {
	case r.json:
		r.recorder.Log(p.Streams.Err, true, verbose)
		p.Streams.Err, p.Streams.Live, p.Streams.CI = io.Discard, false, term.NoCI
	case verbose:
		p.Streams.Live = false // a log scrolls
		r.recorder.Log(p.Streams.Err, false, true)
	}
	p.recording = r
	return nil
}

func cannotWrite(flag string, err error) error {
	return usagef("is the folder there, and can it be written?", "--%s: %v", flag, err)
}

// through puts the recording between a client and its transport.
func (r *recording) through(options *asc.Options, now func() time.Time) {
	if r == nil {
		return
	}
	options.OnCall = r.recorder.Call
	if r.har != "" {
		r.trace = term.NewTrace(options.Transport, now)
		options.Transport = r.trace
	}
}

// observe has an observer's events recorded as well.
func (r *recording) observe(observer release.Observer) release.Observer {
	if r == nil {
		return observer
	}
	return both{observer, r.recorder}
}

// observeAs does for one of several packages.
func (r *recording) observeAs(observer release.Observer, path string) release.Observer {
	if r == nil {
		return observer
	}
	return both{observer, r.recorder.For(path)}
}

type both [2]release.Observer

// Observe implements [release.Observer].
func (b both) Observe(e release.Event) {
	b[0].Observe(e)
	b[1].Observe(e)
}

// end writes down what came of it, and everything that is written at the end.
// The problem is that of a run that came to no outcome. The error joins what
// could not be written.
func (r *recording) end(streams term.Streams, version string, problem *failure.Error) error {
	if r == nil || r.ended {
		return nil
	}
	r.ended = true
	if len(r.outcomes) == 0 && problem != nil {
		r.outcomes = []term.Outcome{{Problem: problem}}
	}
	r.recorder.Finish(r.outcomes)
	var errs []error
	if r.events != nil {
		closeErr := r.events.Close()
		if err := r.recorder.StreamError(); err != nil {
			errs = append(errs, err)
		} else if closeErr != nil {
			errs = append(errs, fmt.Errorf("the events (--events) could not be written: %w", closeErr))
		}
	}
	if r.trace != nil {
		content, err := r.trace.Content(version)
		if err == nil {
			err = streams.WriteFile("the trace (--trace-http)", r.har, content, outfile.Private)
		}
		errs = append(errs, err)
	}
	if r.report != "" {
		errs = append(errs, r.writeReport(streams, version))
	}
	return errors.Join(errs...)
}

// logUnwritten puts what could not be written into the log, where that is the
// only thing on stderr.
func (r *recording) logUnwritten(err error) {
	if r == nil || !r.json {
		return
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		r.recorder.Observe(release.Warning{Text: line})
	}
}

func (r *recording) writeReport(streams term.Streams, version string) error {
	var page bytes.Buffer
	if err := term.WritePage(&page, version, r.recorder.Records(), r.outcomes); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return streams.WriteFile("the report (--report)", r.report, page.Bytes(), outfile.Shared)
}
