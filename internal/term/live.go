package term

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"
)

// redrawEvery is the pause between two drawings of what is live.
const redrawEvery = 100 * time.Millisecond

// A row is a line of the live view: what it says, and how that is coloured
// where it fits.
type row struct{ text, styled string }

// plainRow is a row without colours.
func plainRow(text string) row { return row{text: text} }

// live are the lines at the bottom of a terminal that are drawn again and
// again. What is written meanwhile goes above them.
type live struct {
	out  io.Writer
	size func() (columns, rows int)
	// drawn are the columns that each line on the screen takes, and last is what
	// was drawn, in a terminal of a width.
	drawn []int
	last  []row
	width int
}

// show writes lines that stay, and below them the rows.
func (l *live) show(above string, rows []row) {
	columns, height := l.size()
	if most := max(1, height-2); len(rows) > most {
		rows = rows[len(rows)-most:]
	}
	if above == "" && columns == l.width && slices.Equal(rows, l.last) {
		return // as it is, which also leaves a selection alone
	}
	l.last, l.width = slices.Clone(rows), columns
	var b strings.Builder
	l.erase(&b, columns)
	b.WriteString(above)
	for _, r := range rows {
		text := r.styled
		if text == "" || runewidth.StringWidth(r.text) >= columns {
			text = fit(r.text, columns)
		}
		l.drawn = append(l.drawn, min(runewidth.StringWidth(r.text), columns-1))
		b.WriteString(text + "\n")
	}
	if b.Len() > 0 {
		_, _ = io.WriteString(l.out, b.String()) // the terminal is gone if this fails
	}
}

// erase removes the rows. A terminal that has become narrower has broken them
// into more lines.
func (l *live) erase(b *strings.Builder, columns int) {
	lines := 0
	for _, width := range l.drawn {
		lines += max(1, (width+columns-1)/columns)
	}
	if lines > 0 {
		fmt.Fprintf(b, "\r\x1b[%dA\x1b[J", lines)
	}
	l.drawn = l.drawn[:0]
}

// fit cuts a line to the terminal, so that it can be drawn again.
func fit(s string, columns int) string {
	if columns <= 1 {
		return ""
	}
	return runewidth.Truncate(s, columns-1, "")
}
