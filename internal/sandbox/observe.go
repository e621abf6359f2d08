package sandbox

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// recorder keeps the status of a reply.
type recorder struct {
	http.ResponseWriter
	status int
	// told reports the request, once.
	told func()
}

// Hijack reports the request before its connection can end.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	r.told()
	return http.NewResponseController(r.ResponseWriter).Hijack()
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// counted counts what is read of a body.
type counted struct {
	io.ReadCloser
	bytes atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

func (s *Server) observe(host string, w http.ResponseWriter, r *http.Request, handle http.HandlerFunc) {
	start := time.Now()
	rec := &recorder{ResponseWriter: w, told: func() {}}
	body := &counted{ReadCloser: r.Body}
	r.Body = body
	connection, _ := r.Context().Value(connectionKey{}).(int64)
	if s.options.OnRequest != nil {
		rec.told = sync.OnceFunc(func() {
			query, part := r.URL.RawQuery, int64(0)
			if host == "store" {
				part, _ = strconv.ParseInt(r.URL.Query().Get("partNumber"), 10, 64)
				query = "" // presigned
			}
			s.options.OnRequest(Request{
				Host: host, Method: r.Method, Path: r.URL.Path, Query: query, Part: part, Bytes: body.bytes.Load(),
				Connection: connection, Status: rec.status, Start: start, Duration: time.Since(start),
			})
		})
		defer func() { rec.told() }()
	}
	if s.options.Intercept != nil && s.options.Intercept(rec, r) {
		return
	}
	if fault := s.faults.strike(host, connection, r); fault != nil {
		s.inject(fault, host, rec, r, handle)
		return
	}
	handle(rec, r)
}
