package term

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/ascend-cli/ascend/internal/failure"
)

// A service or a package can bring thousands of errors, which nobody reads and
// which bury what matters.
const (
	maxShown = 50    // lines of one kind
	maxText  = 8_000 // bytes of one text
)

// cut counts lines of which not all are shown.
type cut struct{ seen int }

// next tells whether one more is shown.
func (c *cut) next() bool {
	c.seen++
	return c.seen <= maxShown
}

// left says how many were not shown, or nothing.
func (c *cut) left() string {
	if c.seen <= maxShown {
		return ""
	}
	return moreOf(c.seen - maxShown)
}

func moreOf(n int) string { return fmt.Sprintf("and %d more", n) }

// First are the elements of a list that are shown.
func First[T any](list []T) []T { return list[:min(len(list), maxShown)] }

// Shorten cuts a text that is too long to be read.
func Shorten(text string) string {
	if len(text) <= maxText {
		return text
	}
	end := maxText
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + fmt.Sprintf(" … (%d bytes more)", len(text)-end)
}

// Cut is a problem without the lines and the text that nobody would read.
func Cut(p failure.Error) failure.Error {
	p.Message, p.Hint = Shorten(p.Message), Shorten(p.Hint)
	if n := len(p.Details) - maxShown; n > 0 {
		p.Details = append(slices.Clone(p.Details[:maxShown]), moreOf(n))
	}
	p.Details = slices.Clone(p.Details)
	for i := range p.Details {
		p.Details[i] = Shorten(p.Details[i])
	}
	return p
}
