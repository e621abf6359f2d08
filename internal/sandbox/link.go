package sandbox

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// A Link emulates the line between a client and the object store. Connecting
// costs a round trip, and so does the turn from a reply to the next request.
// Congestion control is not emulated: a connection has its full rate at once.
type Link struct {
	RoundTrip time.Duration
	// PerConnection and Total are bytes per second towards the store; zero
	// means no limit.
	PerConnection, Total int64
}

// chunk is what a shaped connection reads at a time: small, so that many
// connections share a line evenly.
const chunk = 16 << 10

func newBucket(bytesPerSecond int64) *rate.Limiter {
	if bytesPerSecond <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(bytesPerSecond), max(4*chunk, int(bytesPerSecond/100)))
}

// A door is a listener that numbers connections, shapes them, and can be shut.
type door struct {
	net.Listener
	link    Link
	total   *rate.Limiter
	refuses func(connection int64) bool
	count   atomic.Int64

	mu        sync.Mutex
	open      map[*line]bool
	shutUntil time.Time
}

func newDoor(listener net.Listener, link Link, refuses func(int64) bool) *door {
	return &door{Listener: listener, link: link, total: newBucket(link.Total), refuses: refuses, open: map[*line]bool{}}
}

func (d *door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		number := d.count.Add(1)
		d.mu.Lock()
		shut := time.Now().Before(d.shutUntil)
		d.mu.Unlock()
		if shut || d.refuses(number) {
			resetOnClose(conn)
			_ = conn.Close() // that it ends is all that is wanted
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		l := &line{Conn: conn, door: d, number: number, ctx: ctx, cancel: cancel, each: newBucket(d.link.PerConnection), turn: d.link.RoundTrip * 3 / 2}
		d.mu.Lock()
		d.open[l] = true
		d.mu.Unlock()
		return l, nil
	}
}

// shut resets every connection, and new ones for a while.
func (d *door) shut(duration time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shutUntil = time.Now().Add(duration)
	for l := range d.open {
		resetOnClose(l.Conn)
		_ = l.Conn.Close()
	}
}

// A line is one connection through a door.
type line struct {
	net.Conn
	door   *door
	number int64
	ctx    context.Context
	cancel context.CancelFunc
	each   *rate.Limiter

	mu   sync.Mutex
	turn time.Duration // what the next read waits for first
}

// NetConn is the connection underneath, as at tls.Conn.
func (l *line) NetConn() net.Conn { return l.Conn }

func (l *line) Read(p []byte) (int, error) {
	if l.door.link == (Link{}) {
		return l.Conn.Read(p)
	}
	n, err := l.Conn.Read(p[:min(len(p), chunk)])
	l.mu.Lock()
	turn := l.turn
	l.turn = 0
	l.mu.Unlock()
	if n > 0 && turn > 0 {
		l.sleep(turn)
	}
	for _, bucket := range []*rate.Limiter{l.each, l.door.total} {
		if bucket != nil && n > 0 {
			_ = bucket.WaitN(l.ctx, n) // fails when the connection is closed
		}
	}
	return n, err
}

func (l *line) Write(p []byte) (int, error) {
	if half := l.door.link.RoundTrip / 2; half > 0 {
		l.sleep(half)
		l.mu.Lock()
		l.turn = half
		l.mu.Unlock()
	}
	return l.Conn.Write(p)
}

func (l *line) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.ctx.Done():
	}
}

func (l *line) Close() error {
	l.cancel()
	l.door.mu.Lock()
	delete(l.door.open, l)
	l.door.mu.Unlock()
	return l.Conn.Close()
}

// connectionNumber finds the number of a connection under its wrappers.
func connectionNumber(conn net.Conn) int64 {
	for {
		if l, ok := conn.(*line); ok {
			return l.number
		}
		wrapper, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			return 0
		}
		conn = wrapper.NetConn()
	}
}
