package memnet

import (
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// buffer is how many bytes one direction of a connection holds.
const buffer = 64 << 10

// stream is one direction of a connection.
type stream struct {
	mu      sync.Mutex
	changed *sync.Cond
	data    []byte
	// unwritten and unread tell which end was closed, reset that what was on its
	// way is lost.
	unwritten, unread, reset bool
	readBy, writeBy          deadline
}

// A deadline wakes a stream when it has passed.
type deadline struct {
	timer  *time.Timer
	passed bool
}

func newStream() *stream {
	s := &stream{}
	s.changed = sync.NewCond(&s.mu)
	return s
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.unread:
			return 0, net.ErrClosed
		case s.readBy.passed:
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case len(s.data) > 0:
			n := copy(p, s.data)
			s.data = append(s.data[:0], s.data[n:]...)
			s.changed.Broadcast()
			return n, nil
		case s.reset:
			return 0, &net.OpError{Op: "read", Net: "memory", Err: syscall.ECONNRESET}
		case s.unwritten:
			return 0, io.EOF
		}
		s.changed.Wait()
	}
}

func (s *stream) write(p []byte) (written int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch room := buffer - len(s.data); {
		case s.unwritten:
			return written, net.ErrClosed
		case s.unread:
			return written, &net.OpError{Op: "write", Net: "memory", Err: syscall.EPIPE}
		case s.writeBy.passed:
			return written, os.ErrDeadlineExceeded
		case room > 0:
			n := min(room, len(p)-written)
			s.data = append(s.data, p[written:written+n]...)
			s.changed.Broadcast()
			if written += n; written == len(p) {
				return written, nil
			}
		default:
			s.changed.Wait()
		}
	}
}

// change changes a stream and wakes who waits for it.
func (s *stream) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
	s.changed.Broadcast()
}

// set makes a deadline of the stream pass at a time; zero means never.
func (s *stream) set(d *deadline, at time.Time) {
	s.change(func() {
		if d.timer != nil {
			d.timer.Stop()
		}
		d.timer, d.passed = nil, !at.IsZero() && !at.After(time.Now())
		if at.IsZero() || d.passed {
			return
		}
		var timer *time.Timer
		timer = time.AfterFunc(time.Until(at), func() {
			s.change(func() { d.passed = d.passed || d.timer == timer })
		})
		d.timer = timer
	})
}

// conn is one end of a connection.
type conn struct {
	in, out *stream
	address net.Addr
	abort   atomic.Bool
}

func pipe(at net.Addr) (near, far *conn) {
	a, b := newStream(), newStream()
	return &conn{in: a, out: b, address: at}, &conn{in: b, out: a, address: at}
}

func (c *conn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *conn) Write(p []byte) (int, error) { return c.out.write(p) }

// Close closes both directions. As with TCP, the other end learns of a reset if
// this one has not read everything, or if SetLinger asked for it.
func (c *conn) Close() error {
	reset := c.abort.Load()
	c.in.change(func() {
		reset = reset || len(c.in.data) > 0
		c.in.unread = true
	})
	c.out.change(func() {
		if !c.out.unwritten && reset {
			c.out.reset = true
		}
		c.out.unwritten = true
	})
	c.setDeadlines(time.Time{})
	return nil
}

// SetLinger makes Close a reset, if seconds is zero.
func (c *conn) SetLinger(seconds int) error {
	c.abort.Store(seconds == 0)
	return nil
}

func (c *conn) setDeadlines(at time.Time) {
	c.in.set(&c.in.readBy, at)
	c.out.set(&c.out.writeBy, at)
}

// SetDeadline implements [net.Conn].
func (c *conn) SetDeadline(at time.Time) error {
	c.setDeadlines(at)
	return nil
}

// SetReadDeadline implements [net.Conn].
func (c *conn) SetReadDeadline(at time.Time) error {
	c.in.set(&c.in.readBy, at)
	return nil
}

// SetWriteDeadline implements [net.Conn].
func (c *conn) SetWriteDeadline(at time.Time) error {
	c.out.set(&c.out.writeBy, at)
	return nil
}

// LocalAddr implements [net.Conn].
func (c *conn) LocalAddr() net.Addr { return c.address }

// RemoteAddr implements [net.Conn].
func (c *conn) RemoteAddr() net.Addr { return c.address }
