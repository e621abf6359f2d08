package term

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ascend-cli/ascend/internal/bundle"
)

// Package writes a card of a package, and what Apple would say about it.
func (s Streams) Package(info bundle.Info, findings []bundle.Finding) {
	fmt.Fprintln(s.Out, Clean(info.Path))
	encryption := "undecided"
	if uses := info.UsesNonExemptEncryption; uses != nil {
		encryption = "no"
		if *uses {
			encryption = "yes"
		}
	}
	platform := string(info.Platform)
	if platform == "" {
		platform = "unknown"
	}
	var app bundle.Bundle
	if len(info.Bundles) > 0 {
		app = info.Bundles[0]
	}
	s.rows(
		"name", info.Name,
		"bundle id", info.BundleID,
		"version", info.ShortVersion,
		"build number", info.BuildVersion,
		"platform", platform,
		"minimum OS", info.MinimumOS,
		"encryption", encryption,
		"made with", madeWith(app),
		"program", program(app.Executable),
		"signed by", signer(app.Executable),
		"profile", profile(app.Profile),
		"installer", installer(info.Installer),
		"contains", nested(info.Bundles),
		"format", string(info.Kind),
		"app", info.App,
		"size", Bytes(info.Size),
	)
	var shown cut
	for _, f := range findings {
		if shown.next() {
			s.finding(f)
		}
	}
	if left := shown.left(); left != "" {
		fmt.Fprintln(s.Out, "  "+left)
	}
}

// finding writes one finding: what, where, and what to do.
func (s Streams) finding(f bundle.Finding) {
	label := string(f.Severity) + ":"
	padded := fmt.Sprintf("%-9s", label)
	switch f.Severity {
	case bundle.SeverityError:
		padded = s.red(padded)
	case bundle.SeverityWarning:
		padded = s.bold(padded)
	}
	id := f.Rule
	if len(f.Codes) > 0 {
		id += ", ITMS-" + f.Codes[0]
	}
	fmt.Fprintf(s.Out, "  %s %s [%s]\n", padded, Clean(f.Message), Clean(id))
	if f.Path != "" {
		fmt.Fprintf(s.Out, "            %s %s\n", s.dim("at:"), Clean(f.Path))
	}
	fmt.Fprintf(s.Out, "            %s %s\n", s.dim("do:"), Clean(f.Remedy))
	if f.Severity == bundle.SeverityWarning { // an error is annotated as it makes the command fail
		s.annotate("warning", f.Message+"\nwhat to do: "+f.Remedy)
	}
}

func madeWith(b bundle.Bundle) string {
	if b.SDK == "" && b.Xcode == "" {
		return ""
	}
	text := b.SDK
	if b.XcodeBuild != "" {
		text += ", Xcode " + xcode(b.Xcode) + " (" + b.XcodeBuild + ")"
	}
	return strings.TrimPrefix(text, ", ")
}

// xcode writes DTXcode as people say it: 2601 is 26.0.1.
func xcode(packed string) string {
	n, err := strconv.Atoi(packed)
	if err != nil || n < 100 {
		return packed
	}
	text := fmt.Sprintf("%d.%d", n/100, n/10%10)
	if n%10 != 0 {
		text += fmt.Sprintf(".%d", n%10)
	}
	return text
}

func program(e *bundle.Executable) string {
	if e == nil {
		return ""
	}
	if e.Problem != "" {
		return e.Problem
	}
	var parts []string
	for _, slice := range e.Slices {
		parts = append(parts, strings.TrimSpace(slice.Architecture+" "+slice.Platform))
	}
	return strings.Join(parts, ", ") + ", " + Bytes(e.Bytes)
}

func signer(e *bundle.Executable) string {
	switch {
	case e == nil || e.Signature == nil:
		return ""
	case e.Signature.AdHoc:
		return "nobody (ad hoc)"
	case e.Signature.Certificate == nil:
		return "team " + e.Signature.Team
	}
	return e.Signature.Certificate.Name + until(e.Signature.Certificate.Expires)
}

func until(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return ", until " + t.Format(time.DateOnly)
}

func profile(p *bundle.Profile) string {
	if p == nil {
		return ""
	}
	return p.Name + " (" + string(p.Type) + ")" + until(p.Expires)
}

func installer(i *bundle.Installer) string {
	switch {
	case i == nil:
		return ""
	case !i.Signed:
		return "not signed"
	case i.Certificate == nil:
		return "signed"
	}
	return i.Certificate.Name + until(i.Certificate.Expires)
}

// nested counts what is inside an app.
func nested(bundles []bundle.Bundle) string {
	counts := map[bundle.BundleKind]int{}
	var order []bundle.BundleKind
	for i, b := range bundles {
		if i == 0 {
			continue
		}
		if counts[b.Kind]++; counts[b.Kind] == 1 {
			order = append(order, b.Kind)
		}
	}
	var parts []string
	for _, kind := range order {
		word := strings.ReplaceAll(string(kind), "-", " ")
		switch {
		case counts[kind] == 1:
		case strings.HasSuffix(word, "y"):
			word = strings.TrimSuffix(word, "y") + "ies"
		default:
			word += "s"
		}
		parts = append(parts, fmt.Sprintf("%d %s", counts[kind], word))
	}
	return strings.Join(parts, ", ")
}
