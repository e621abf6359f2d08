package sandbox

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// A Link emulates the network link between a client and the object store.
// Connecting costs a round trip, and so does the turn from a reply to the next
// request. Congestion control is not emulated: a connection has its full rate at once.
type Link struct {
	RoundTrip time.Duration
	// PerConnection and Total are bytes per second towards the store; zero
	// means no limit.
	PerConnection, Total int64
}

// chunk is what a shaped connection reads at a time: small, so that many
// connections share a link evenly.
const chunk = 16 << 10

func newBucket(bytesPerSecond int64) *rate.Limiter {
	if bytesPerSecond <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(bytesPerSecond), max(4*chunk, int(bytesPerSecond/100)))
}

// A shapedListener numbers connections, shapes them, and can be shut for a
// while.
type shapedListener struct {
	net.Listener
	link    Link
	total   *rate.Limiter
	refuses func(connection int64) bool
	count   atomic.Int64

	mu        sync.Mutex
	open      map[*shapedConn]bool
	shutUntil time.Time
}

func newShapedListener(listener net.Listener, link Link, refuses func(int64) bool) *shapedListener {
	return &shapedListener{
		Listener: listener, link: link, total: newBucket(link.Total), refuses: refuses, open: map[*shapedConn]bool{},
	}
}

func (l *shapedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		number := l.count.Add(1)
		l.mu.Lock()
		shut := time.Now().Before(l.shutUntil)
		l.mu.Unlock()
		if shut || l.refuses(number) {
			resetOnClose(conn)
			_ = conn.Close() // that it ends is all that is wanted
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		shaped := &shapedConn{
			Conn: conn, listener: l, number: number, ctx: ctx, cancel: cancel,
			perConnection: newBucket(l.link.PerConnection), delay: l.link.RoundTrip * 3 / 2,
		}
		l.mu.Lock()
		l.open[shaped] = true
		l.mu.Unlock()
		return shaped, nil
	}
}

// shut resets every connection, and new ones for a while.
func (l *shapedListener) shut(duration time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shutUntil = time.Now().Add(duration)
	for c := range l.open {
		resetOnClose(c.Conn)
		_ = c.Conn.Close()
	}
}

// A shapedConn is one connection of a shapedListener.
type shapedConn struct {
	net.Conn
	listener      *shapedListener
	number        int64
	ctx           context.Context
	cancel        context.CancelFunc
	perConnection *rate.Limiter

	mu    sync.Mutex
	delay time.Duration // before the next read returns
}

// NetConn is the connection underneath, as at tls.Conn.
func (c *shapedConn) NetConn() net.Conn { return c.Conn }

func (c *shapedConn) Read(p []byte) (int, error) {
	if c.listener.link == (Link{}) {
		return c.Conn.Read(p)
	}
	n, err := c.Conn.Read(p[:min(len(p), chunk)])
	c.mu.Lock()
	delay := c.delay
	c.delay = 0
	c.mu.Unlock()
	if n > 0 && delay > 0 {
		c.sleep(delay)
	}
	for _, bucket := range []*rate.Limiter{c.perConnection, c.listener.total} {
		if bucket != nil && n > 0 {
			_ = bucket.WaitN(c.ctx, n) // fails when the connection is closed
		}
	}
	return n, err
}

func (c *shapedConn) Write(p []byte) (int, error) {
	if half := c.listener.link.RoundTrip / 2; half > 0 {
		c.sleep(half)
		c.mu.Lock()
		c.delay = half
		c.mu.Unlock()
	}
	return c.Conn.Write(p)
}

func (c *shapedConn) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ctx.Done():
	}
}

func (c *shapedConn) Close() error {
	c.cancel()
	c.listener.mu.Lock()
	delete(c.listener.open, c)
	c.listener.mu.Unlock()
	return c.Conn.Close()
}

// connectionNumber finds the number of a connection under its wrappers.
func connectionNumber(conn net.Conn) int64 {
	for {
		if shaped, ok := conn.(*shapedConn); ok {
			return shaped.number
		}
		wrapper, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			return 0
		}
		conn = wrapper.NetConn()
	}
}
