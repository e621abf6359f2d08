package term

import (
	"io"
	"sync"
)

// A guard writes to a log and breaks what a CI system could take for a command.
// It is the last defence: text from outside is cleaned where it is put into a
// line. It also remembers that a write failed.
type guard struct {
	out io.Writer

	mu   sync.Mutex
	last byte
	err  error
}

func newGuard(out io.Writer) *guard { return &guard{out: out, last: '\n'} }

// Write implements [io.Writer].
func (g *guard) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var text string
	text, g.last = breakAfter(g.last, string(p))
	return g.keep(len(p), text)
}

// pass writes as it is.
func (g *guard) pass(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(p) > 0 {
		g.last = p[len(p)-1]
	}
	return g.keep(len(p), string(p))
}

func (g *guard) keep(n int, text string) (int, error) {
	if _, err := io.WriteString(g.out, text); err != nil {
		if g.err == nil {
			g.err = err
		}
		return 0, err
	}
	return n, nil
}

// passing writes through a guard.
type passing struct{ *guard }

// Write implements [io.Writer].
func (p passing) Write(b []byte) (int, error) { return p.pass(b) }

// Guarded returns streams on which nothing from outside is a command of a CI
// system.
func (s Streams) Guarded() Streams {
	s.Out, s.Err = newGuard(s.Out), newGuard(s.Err)
	return s
}

// unguarded is a stream for what is ascend's own, or escaped already.
func unguarded(w io.Writer) io.Writer {
	if g, ok := w.(*guard); ok {
		return passing{g}
	}
	return w
}

// Verbatim writes ascend's own text to stdout, such as a script.
func (s Streams) Verbatim(text string) error {
	_, err := io.WriteString(unguarded(s.Out), text)
	return err
}

// Failed returns the first error of writing to stdout, if there was one.
func (s Streams) Failed() error {
	g, ok := s.Out.(*guard)
	if !ok {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}
