package cli

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/internal/pilot"
)

const (
	// widestHelp keeps lines readable on a wide terminal, narrowestHelp keeps
	// the columns apart on a narrow one.
	widestHelp, narrowestHelp = 110, 56
	// helpColumn is where explanations begin. A longer name has its own line.
	helpColumn = 28
	// variablesNote is said once instead of at every flag.
	variablesNote = "Every flag can come from a variable: --build-number is ASCEND_BUILD_NUMBER."
)

// A helpPage is made of paragraphs and of two columns, within a width.
type helpPage struct {
	strings.Builder
	width int
}

func (p *program) newHelpPage() *helpPage {
	width, _ := p.Streams.Size()
	return &helpPage{width: min(widestHelp, max(narrowestHelp, width))}
}

// template is the page in the form that the library wants.
func (h *helpPage) template() string {
	return strings.ReplaceAll(h.String(), "{{", `{{"{{"}}`)
}

func (h *helpPage) heading(text string) { fmt.Fprintf(h, "\n%s:\n", text) }

// paragraph breaks a text's lines anew.
func (h *helpPage) paragraph(text string) {
	h.WriteByte('\n')
	for _, line := range breakLines(text, h.width) {
		fmt.Fprintln(h, line)
	}
}

// row is a name with its explanation.
func (h *helpPage) row(name, text string) {
	below := strings.Repeat(" ", helpColumn)
	column := fmt.Sprintf("  %-*s", helpColumn-2, name)
	if utf8.RuneCountInString(name) > helpColumn-4 {
		fmt.Fprintf(h, "  %s\n", name)
		column = below
	}
	for _, line := range breakLines(text, h.width-helpColumn) {
		fmt.Fprintf(h, "%s%s\n", column, line)
		column = below
	}
}

// breakLines fills lines with words. A word that is too long keeps its length:
// flags and addresses are copied.
func breakLines(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// helpOf is the help of a command. Its UsageText has the examples.
func (p *program) helpOf(path string, c *cli.Command) string {
	h := p.newHelpPage()
	for _, line := range breakLines(path+" - "+c.Usage, h.width) {
		fmt.Fprintln(h, line)
	}
	h.heading("Usage")
	switch {
	case len(c.Subcommands) > 0:
		path += " COMMAND [flags] [arguments]"
	case len(c.Flags) > 0:
		path += " [flags]"
	}
	fmt.Fprintf(h, "  %s\n", strings.TrimSpace(path+" "+c.ArgsUsage))
	if c.Description != "" {
		h.paragraph(c.Description)
	}
	h.examples(c.UsageText)
	h.commands(c.Subcommands)
	h.flags(c.Flags)
	switch {
	case len(c.Subcommands) > 0:
		h.paragraph("--help behind a command says more.")
	case len(c.Flags) > 0:
		h.paragraph(variablesNote)
	}
	return h.template()
}

// rootHelp is the help of the program.
func (p *program) rootHelp(app *cli.App) string {
	h := p.newHelpPage()
	for _, line := range breakLines(app.Name+" - "+app.Usage, h.width) {
		fmt.Fprintln(h, line)
	}
	h.heading("Usage")
	fmt.Fprintf(h, "  %s\n", app.UsageText)
	h.examples(app.Description)
	h.commands(app.Commands)
	h.heading("Exit codes")
	for _, e := range exitCodes() {
		h.row(strconv.Itoa(e.code), e.meaning)
	}
	h.paragraph("ascend COMMAND --help says more. " + variablesNote + " Results go to stdout, everything else to stderr.")
	return h.template()
}

// pilotHelp is the help of the command lines that are fastlane's.
func (p *program) pilotHelp() string {
	h := p.newHelpPage()
	for _, line := range breakLines("ascend pilot - take the command lines of fastlane pilot", h.width) {
		fmt.Fprintln(h, line)
	}
	h.heading("Usage")
	fmt.Fprintln(h, "  ascend pilot COMMAND [options]")
	h.examples(pilotExample)
	h.list("Commands", pilot.Commands, ", ")
	h.list("Options", pilot.Options(), "  --")
	h.paragraph("--explain shows the same in ascend's own words instead of doing it. docs/moving.md says how to move.")
	return h.String()
}

// list is many short names.
func (h *helpPage) list(title string, names []string, separator string) {
	h.heading(title)
	for _, line := range breakLines(strings.TrimSpace(separator)+strings.Join(names, separator), h.width-2) {
		fmt.Fprintf(h, "  %s\n", strings.TrimPrefix(line, ","))
	}
}

func (h *helpPage) examples(lines string) {
	if lines == "" {
		return
	}
	h.heading("Examples")
	for line := range strings.SplitSeq(lines, "\n") {
		fmt.Fprintf(h, "  %s\n", line)
	}
}

func (h *helpPage) commands(commands []*cli.Command) {
	if len(commands) == 0 {
		return
	}
	h.heading("Commands")
	for _, c := range commands {
		if !c.Hidden && c.Name != "help" {
			h.row(c.Name, c.Usage)
		}
	}
}

// flags are written in their order, below the heading that each group has.
func (h *helpPage) flags(flags []cli.Flag) {
	category, begun := "", false
	for _, flag := range flags {
		f, ok := flag.(documentedFlag)
		if !ok || f.Names()[0] == "help" {
			continue
		}
		if !begun || f.GetCategory() != category {
			category, begun = f.GetCategory(), true
			h.heading(cmp.Or(category, "Flags"))
		}
		name, usage := explain(flag, f)
		h.row(name, usage)
	}
}

// explain is a flag with the name of its value, and what it does with its
// default, where there is one that is worth a word.
func explain(flag cli.Flag, f documentedFlag) (name, usage string) {
	name, usage = "--"+f.Names()[0], f.GetUsage()
	value, byDefault := "VALUE", ""
	switch f := flag.(type) {
	case *cli.StringFlag:
		byDefault = f.Value
	case *cli.IntFlag:
		value = "N"
		if f.Value != 0 {
			byDefault = fmt.Sprint(f.Value)
		}
	case *cli.DurationFlag:
		value = "TIME"
		if f.Value != 0 {
			byDefault = shortDuration(f.Value)
		}
	}
	if before, rest, ok := strings.Cut(usage, "`"); ok {
		var after string
		value, after, _ = strings.Cut(rest, "`")
		usage = before + value + after
	}
	if f.TakesValue() {
		name += " " + value
	}
	if byDefault != "" && !strings.Contains(usage, "(default: ") {
		usage += " (default: " + byDefault + ")"
	}
	return name, usage
}

// shortDuration is a duration without the units that are zero: 1h30m.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
