package main

import (
	"fmt"
	"html"
	"strings"

	"github.com/hinshun/vt10x"
)

// The measures of a picture, in its units.
const (
	cellWidth, lineHeight = 8.4, 18.0
	margin                = 16.0
)

// Colours as on a dark terminal; they can be read on it.
const (
	ground = "#14171a"
	ink    = "#e8eaed"
)

var palette = map[vt10x.Color]string{1: "#ff9b94", 3: "#f1c27a", 8: "#a9b0b8", 9: "#ff9b94", 11: "#f1c27a", 15: "#ffffff"}

// bold is the bit of a glyph's mode.
const bold = 4

// picture draws what a terminal shows, below the command line.
func picture(terminal vt10x.Terminal, command, title string) []byte {
	lines := [][]run{{{text: "$ " + command, colour: ink, bold: true}}}
	for y := range rows {
		lines = append(lines, runs(terminal, y))
	}
	for len(lines[len(lines)-1]) == 0 {
		lines = lines[:len(lines)-1]
	}
	width, height := columns*cellWidth+2*margin, float64(len(lines))*lineHeight+2*margin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" role="img" aria-labelledby="title" font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14">`+"\n", width, height)
	fmt.Fprintf(&b, `<title id="title">%s</title>`+"\n"+`<rect width="%g" height="%g" rx="8" fill="%s"/>`+"\n", html.EscapeString(title), width, height, ground)
	for y, line := range lines {
		for _, r := range line {
			weight := ""
			if r.bold {
				weight = ` font-weight="bold"`
			}
			fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" textLength="%.1f" fill="%s"%s xml:space="preserve">%s</text>`+"\n",
				margin+float64(r.column)*cellWidth, margin+float64(y)*lineHeight+13, float64(len([]rune(r.text)))*cellWidth, r.colour, weight, html.EscapeString(r.text))
		}
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

// run is text of one look.
type run struct {
	column int
	text   string
	colour string
	bold   bool
}

// runs are those of a line, without the empty end.
func runs(terminal vt10x.Terminal, y int) []run {
	var line []run
	for x := range columns {
		g := terminal.Cell(x, y)
		char := g.Char
		if char == 0 {
			char = ' '
		}
		next := run{x, string(char), colour(g.FG), g.Mode&bold != 0}
		if n := len(line); n > 0 && line[n-1].colour == next.colour && line[n-1].bold == next.bold {
			line[n-1].text += next.text
			continue
		}
		line = append(line, next)
	}
	var kept []run
	for i, r := range line {
		if i == len(line)-1 {
			r.text = strings.TrimRight(r.text, " ")
		}
		if strings.TrimSpace(r.text) != "" {
			kept = append(kept, r)
		}
	}
	return kept
}

func colour(c vt10x.Color) string {
	if named, ok := palette[c]; ok {
		return named
	}
	return ink
}
