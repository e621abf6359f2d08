package sandbox

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"golang.org/x/time/rate"
)

// inject makes a fault happen to a request.
func (s *Server) inject(f *Fault, host string, w http.ResponseWriter, r *http.Request, handle http.HandlerFunc) {
	switch f.Do {
	case FaultSlow:
		limit := rate.NewLimiter(rate.Limit(f.Rate), int(max(f.Rate/20, 1)))
		r.Body = &slowBody{ReadCloser: r.Body, ctx: r.Context(), limit: limit}
		handle(w, r)
		return
	case FaultWait:
		if s.pause(r.Context(), f.For) {
			handle(w, r)
		}
		return
	case FaultLose:
		lost := &unsent{header: http.Header{}}
		handle(lost, r)
		if rec, ok := w.(*recorder); ok {
			rec.status = lost.status // what was done is what is reported
		}
		s.cut(w, false)
		return
	case FaultWrongETag:
		handle(&retagged{ResponseWriter: w, tag: `"00000000000000000000000000000000"`}, r)
		return
	case FaultNoETag:
		handle(&retagged{ResponseWriter: w}, r)
		return
	case FaultDown:
		if rec, ok := w.(*recorder); ok {
			rec.told() // its connection ends as well
		}
		s.listeners[host].shut(f.For)
		return
	}
	swallow(r.Body, f.After.of(r.ContentLength))
	switch f.Do {
	case FaultStatus:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		code := f.Code
		if host == "store" {
			if code == "" {
				code = "InternalError"
			}
			storeError(w, f.Status, code, "This is a fault that was asked for.")
			return
		}
		if code == "" {
			code = "UNEXPECTED_ERROR"
		}
		writeRefusals(w, knownRefusal(f.Status, code))
	case FaultHTML:
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<html><title>Welcome to the network</title><body>Please log in.</body></html>")
	case FaultEmpty:
		w.WriteHeader(http.StatusOK)
	case FaultReset:
		s.cut(w, true)
	case FaultClose:
		s.cut(w, false)
	case FaultStall:
		s.stall(w, f.For)
	}
}

// swallow reads n bytes, or whatever arrives, in pieces as large as those of a
// part that is stored: on an emulated link, small reads would get less of the rate.
func swallow(r io.Reader, n int64) {
	buffer := make([]byte, 64<<10)
	for n > 0 {
		read, err := r.Read(buffer[:min(n, int64(len(buffer)))])
		n -= int64(read)
		if err != nil {
			return
		}
	}
}

// pause waits, and tells whether the request is still wanted.
func (s *Server) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-s.closing:
	}
	return false
}

// cut ends a connection, by a reset or in order.
func (s *Server) cut(w http.ResponseWriter, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if reset {
		resetOnClose(conn)
	}
	_ = conn.Close() // that it ends is all that is wanted
}

// stall keeps a connection open and does nothing with it.
func (s *Server) stall(w http.ResponseWriter, d time.Duration) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	if d <= 0 {
		<-s.closing
		return
	}
	s.pause(context.Background(), d)
}

// resetOnClose makes closing a connection a reset.
func resetOnClose(conn net.Conn) {
	for {
		if tcp, ok := conn.(interface{ SetLinger(seconds int) error }); ok {
			_ = tcp.SetLinger(0)
			return
		}
		wrapper, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			return
		}
		conn = wrapper.NetConn()
	}
}

// slowBody reads at a limited rate.
type slowBody struct {
	io.ReadCloser
	ctx   context.Context
	limit *rate.Limiter
}

func (b *slowBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(len(p), b.limit.Burst())])
	if waitErr := b.limit.WaitN(b.ctx, n); waitErr != nil {
		return n, waitErr
	}
	return n, err
}

// unsent takes a reply that nobody gets.
type unsent struct {
	header http.Header
	status int
}

func (u *unsent) Header() http.Header         { return u.header }
func (u *unsent) Write(p []byte) (int, error) { return len(p), nil }
func (u *unsent) WriteHeader(status int)      { u.status = status }

// retagged changes the ETag of a reply.
type retagged struct {
	http.ResponseWriter
	tag string
}

func (t *retagged) WriteHeader(status int) {
	t.Header().Del("ETag")
	if t.tag != "" {
		t.Header().Set("ETag", t.tag)
	}
	t.ResponseWriter.WriteHeader(status)
}
