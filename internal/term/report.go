package term

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/release"
)

// JSON writes one object to stdout, on lines of its own.
func (s Streams) JSON(v any) error {
	return s.encode(v, "  ")
}

// JSONLine writes one object to stdout, on one line.
func (s Streams) JSONLine(v any) error { return s.encode(v, "") }

func (s Streams) encode(v any, indent string) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetIndent("", indent)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err
	}
	_, err := unguarded(s.Out).Write(escapeJSON(b.Bytes()))
	return err
}

// Fail writes a failure to stderr: what happened, Apple's words, what to do.
func (s Streams) Fail(p failure.Error) {
	fmt.Fprintln(s.Err, s.red("ascend: ")+Clean(p.Message))
	for _, detail := range p.Details {
		fmt.Fprintln(s.Err, "  - "+Clean(detail))
	}
	if p.Hint != "" {
		fmt.Fprintln(s.Err, s.bold("  what to do: ")+Clean(p.Hint))
	}
	text := p.Message
	if p.Hint != "" {
		text += "\nwhat to do: " + p.Hint
	}
	s.annotate("error", text)
}

// rows writes an aligned table of labels and values, without empty ones.
func (s Streams) rows(pairs ...string) {
	width := 0
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			width = max(width, len(pairs[i]))
		}
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(s.Out, "  %-*s  %s\n", width, Clean(pairs[i]), Clean(pairs[i+1]))
		}
	}
}

// Table writes a heading and aligned rows of labels and values to stdout.
func (s Streams) Table(heading string, pairs ...string) {
	fmt.Fprintln(s.Out, Clean(heading))
	s.rows(pairs...)
}

// Line writes one line to stdout.
func (s Streams) Line(text string) { fmt.Fprintln(s.Out, Clean(text)) }

// Item writes one finding of Apple's to stdout.
func (s Streams) Item(kind, code, text string) {
	if code != "" {
		text = code + ": " + text
	}
	fmt.Fprintf(s.Out, "  %-9s %s\n", Clean(kind)+":", Clean(text))
}

// Columns writes an aligned table to stdout. The first row is its heading.
func (s Streams) Columns(rows [][]string) {
	w := tabwriter.NewWriter(s.Out, 0, 8, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, Clean(cell))
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush() // stdout is gone if this fails
}

// Summary writes the result of a release to stdout.
func (s Streams) Summary(sum release.Summary) {
	fmt.Fprintf(s.Out, "%s is %s\n", Clean(subjectOf(sum)), Clean(stateOf(sum)))
	s.rows(
		"app", sum.AppID,
		"platform", sum.Platform,
		"build upload", sum.BuildUploadID,
		"build", sum.BuildID,
		"groups", strings.Join(sum.Groups, ", "),
		"beta review", sum.BetaReviewState,
		"transfer", transferOf(sum),
		"time", Duration(time.Duration(sum.DurationMS)*time.Millisecond),
	)
}

// subjectOf names what a release is about.
func subjectOf(sum release.Summary) string {
	subject := strings.TrimSpace(sum.BundleID + " " + sum.Version)
	if sum.BuildNumber != "" {
		subject += " (" + sum.BuildNumber + ")"
	}
	return subject
}

// stateOf is the build's state, as far as it is known.
func stateOf(sum release.Summary) string {
	if sum.State == "" {
		return "UPLOADED"
	}
	return sum.State
}

// transferOf says what a transfer took, or nothing if there was none.
func transferOf(sum release.Summary) string {
	if sum.Parts == 0 {
		return ""
	}
	text := fmt.Sprintf("%s in %d %s, %d %s", Bytes(sum.Bytes), sum.Parts, plural(sum.Parts, "part", "parts"), sum.Retries, plural(sum.Retries, "retry", "retries"))
	if sum.ResumedParts > 0 {
		text += fmt.Sprintf(", %d there already", sum.ResumedParts)
	}
	return text
}
