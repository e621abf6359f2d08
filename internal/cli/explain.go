package cli

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/internal/failure"
)

func (p *program) explainCommand() *cli.Command {
	return &cli.Command{
		Name:      "explain",
		Usage:     "say what a code of App Store Connect means, offline",
		ArgsUsage: "CODE…|-",
		UsageText: "ascend explain ENTITY_UNPROCESSABLE.SUBMISSION_LIMIT_REACHED\nascend explain ITMS-90683",
		Description: "Takes codes of the API, numbers of ITMS messages, or a log on stdin with -. Says what each means, whether it\n" +
			"passes by itself, and what to do. docs/errors.md has them all.",
		Flags:  outputFlags()[:1],
		Action: p.explain,
	}
}

// codeInText finds codes of the API and numbers of ITMS messages in a log.
var codeInText = regexp.MustCompile(`\b(?:ITMS-9\d{4}|(?:ENTITY|STATE|FORBIDDEN|PARAMETER|PATH|UNEXPECTED)_[A-Z]+(?:\.[A-Z0-9_]+)*|FORBIDDEN(?:\.[A-Z0-9_]+)+|NOT_AUTHORIZED|NOT_FOUND|RATE_LIMIT_EXCEEDED|9[01]\d{3})\b`)

func (p *program) explain(c *cli.Context) error {
	if !c.Args().Present() {
		return usagef("ascend explain ITMS-90683, or a log on stdin: ascend explain -", "which code?")
	}
	var entries []failure.Entry
	var unknown []string
	seen := map[failure.Entry]bool{}
	add := func(found []failure.Entry) {
		for _, e := range found {
			if !seen[e] {
				seen[e] = true
				entries = append(entries, e)
			}
		}
	}
	for _, arg := range c.Args().Slice() {
		if arg != "-" {
			found := failure.ByCode(arg)
			if add(found); len(found) == 0 {
				unknown = append(unknown, arg)
			}
			continue
		}
		content, err := readAll(c.Context, io.LimitReader(p.Streams.In, maxText))
		if err != nil {
			return usagef("", "stdin cannot be read: %v", err)
		}
		add(inLog(string(content)))
	}
	if len(entries) == 0 {
		return &failure.Error{
			Kind: failure.NotFound, Message: "no code that is known" + orNone(": ", strings.Join(unknown, ", ")),
			Hint: "a code is such as ENTITY_ERROR.ATTRIBUTE.INVALID or ITMS-90683; docs/errors.md has those that are known",
		}
	}
	if c.Bool("json") {
		return p.Streams.JSON(struct {
			Results []failure.Entry `json:"results"`
			Unknown []string        `json:"unknown"`
		}{entries, append([]string{}, unknown...)})
	}
	for _, e := range entries {
		p.Streams.Table(heading(e), "meaning", e.Meaning, "passes", string(e.Passes), "what to do", e.Hint, "page", e.Link)
	}
	for _, code := range unknown {
		fmt.Fprintf(p.Streams.Err, "ascend: %s is not known\n", code)
	}
	return nil
}

// inLog explains the codes of a log. Where a code says different things, the
// text of its line decides.
func inLog(text string) (entries []failure.Entry) {
	for line := range strings.Lines(text) {
		for _, code := range codeInText.FindAllString(line, -1) {
			found := failure.ByCode(code)
			if e, ok := failure.Lookup(0, strings.TrimPrefix(code, "ITMS-"), line); ok && len(found) > 1 {
				found = []failure.Entry{e}
			}
			entries = append(entries, found...)
		}
	}
	return entries
}

// heading names an entry by its code and status, and by its text where the code
// does not tell.
func heading(e failure.Entry) string {
	text := e.Code
	if e.Status == 0 {
		text = "ITMS-" + e.Code
	} else {
		text += fmt.Sprintf(" (HTTP %d)", e.Status)
	}
	if e.Text != "" {
		text += fmt.Sprintf(" with %q", e.Text)
	}
	return text
}

func orNone(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}
