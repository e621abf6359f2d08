package sandbox

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ascend-cli/ascend/internal/sandbox/contract"
)

// Options make a [Server]. The zero value is a small world on free loopback
// ports.
type Options struct {
	// Addr and StoreAddr are where the API and the object store listen;
	// 127.0.0.1:0 if empty. They are two hosts, as at Apple.
	Addr, StoreAddr string
	// Keys are the keys that are accepted; one team key is made if empty.
	Keys []Key
	// Apps are the app records there are at the start.
	Apps []App
	// PartSize is the length of a part in bytes; 5 MiB if zero.
	PartSize int64
	// OperationLife is how long a presigned URL works; 7 days if zero.
	OperationLife time.Duration
	// KeepExpired makes reading a file again return its old URLs even when
	// they have expired, instead of fresh ones.
	KeepExpired bool
	// UploadProcessing is the time from the commit to the end of the build
	// upload, BuildProcessing from there to a VALID build. Settle is how long
	// after that the service still answers 404 and 422 for the new build.
	UploadProcessing, BuildProcessing, Settle time.Duration
	// ReviewTime is how long a beta review takes; zero means for ever.
	ReviewTime time.Duration
	// FailWith are the errors, and WarnWith the warnings, of every processing.
	FailWith, WarnWith []Detail
	// HourlyLimit is the number of requests per key and hour; 3600 if zero.
	HourlyLimit int
	// Dir is where parts are kept; a temporary folder if empty.
	Dir string
	// Now is the clock.
	Now func() time.Time
	// Faults are rules of what goes wrong.
	Faults []Fault
	// Link shapes what reaches the object store.
	Link Link
	// TLS serves both hosts over TLS with a certificate of their own, which
	// [Server.CertificatePEM] hands out.
	TLS bool
	// Intercept, if set, sees every request first and answers it itself if it
	// returns true.
	Intercept func(http.ResponseWriter, *http.Request) bool
	// OnRequest, if set, is told of every answered request.
	OnRequest func(Request)
}

// A Detail is a finding of the processing: a code without "ITMS-", and a text.
type Detail struct{ Code, Description string }

// A Request is one answered request.
type Request struct {
	// Host is "api" or "store".
	Host, Method, Path, Query string
	// Part is the number of the part that was sent, Bytes how much of the body
	// was read, Connection the number of the host's connection.
	Part, Bytes, Connection int64
	// Status is that of the reply, zero if none was sent.
	Status   int
	Start    time.Time
	Duration time.Duration
}

// Defaults of a server that is run by hand.
const (
	DefaultPartSize      = 5 << 20
	defaultOperationLife = 7 * 24 * time.Hour
	defaultHourlyLimit   = 3600
)

// A Server is a running sandbox.
type Server struct {
	options  Options
	contract *contract.Contract
	secret   []byte
	apiURL   string
	storeURL string
	dir      string
	ownDir   bool
	servers  []*http.Server
	serving  sync.WaitGroup
	closing  chan struct{}
	closed   sync.Once
	watching sync.Once
	faults   *faults
	doors    map[string]*door
	tls      *tls.Config
	rootPEM  []byte

	mu    sync.Mutex
	world *world
	ended bool                   // nothing new is begun
	spent map[string][]time.Time // requests per key in the last hour
	parts map[string]*part       // file id and part number
}

// Start starts a server. Close must be called.
func Start(options Options) (*Server, error) {
	s := &Server{
		options: options, contract: contract.Load(), secret: make([]byte, 32),
		spent: map[string][]time.Time{}, parts: map[string]*part{},
		closing: make(chan struct{}), faults: newFaults(options.Faults), doors: map[string]*door{},
	}
	_, _ = rand.Read(s.secret) // never fails
	if err := s.setDefaults(); err != nil {
		return nil, err
	}
	s.world = newWorld(s.contract)
	for _, app := range options.Apps {
		if err := s.addApp(app); err != nil {
			return nil, err
		}
	}
	if s.dir = options.Dir; s.dir == "" {
		dir, err := os.MkdirTemp("", "ascend-sandbox-")
		if err != nil {
			return nil, fmt.Errorf("make a folder for parts: %w", err)
		}
		s.dir, s.ownDir = dir, true
	}
	scheme := "http://"
	if options.TLS {
		certificate, root, err := newCertificate(s.options.Addr, s.options.StoreAddr)
		if err != nil {
			return nil, err
		}
		s.tls, s.rootPEM, scheme = &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1"}}, root, "https://"
	}
	api, err := s.listen("api", s.options.Addr, Link{})
	if err != nil {
		s.Close()
		return nil, err
	}
	store, err := s.listen("store", s.options.StoreAddr, options.Link)
	if err != nil {
		_ = api.Close()
		s.Close()
		return nil, err
	}
	s.apiURL, s.storeURL = urlOf(scheme, s.options.Addr, api), urlOf(scheme, s.options.StoreAddr, store)
	// What a request reads is not written after this line except under the
	// lock: one may come at once.
	s.serve(api, s.serveAPI)
	s.serve(store, s.serveStore)
	return s, nil
}

func (s *Server) setDefaults() error {
	o := &s.options
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.StoreAddr == "" {
		o.StoreAddr = "127.0.0.1:0"
	}
	if o.PartSize == 0 {
		o.PartSize = DefaultPartSize
	}
	if o.OperationLife == 0 {
		o.OperationLife = defaultOperationLife
	}
	if o.HourlyLimit == 0 {
		o.HourlyLimit = defaultHourlyLimit
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if len(o.Keys) == 0 {
		key, err := NewKey("SANDBOX001", newID(), Admin)
		if err != nil {
			return fmt.Errorf("make a key: %w", err)
		}
		o.Keys = []Key{key}
	}
	return nil
}

type connectionKey struct{}

func (s *Server) listen(host, addr string, link Link) (net.Listener, error) {
	config := net.ListenConfig{}
	if link != (Link{}) {
		config.Control = smallWindow
	}
	inner, err := config.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	door := newDoor(inner, link, func(connection int64) bool { return s.faults.refuses(host, connection) })
	s.doors[host] = door
	if s.tls != nil {
		return tls.NewListener(door, s.tls), nil
	}
	return door, nil
}

func (s *Server) serve(listener net.Listener, handler http.HandlerFunc) {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 30 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, connectionKey{}, connectionNumber(conn))
		},
	}
	s.servers = append(s.servers, server)
	s.serving.Go(func() {
		_ = server.Serve(listener) // ends with ErrServerClosed
	})
}

// Close stops the server and removes what it stored.
func (s *Server) Close() error {
	s.closed.Do(func() { close(s.closing) })
	var errs []error
	for _, server := range s.servers {
		errs = append(errs, server.Close())
	}
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.serving.Wait()
	if s.ownDir {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

// Shutdown is Close after requests under way have had until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	s.closed.Do(func() { close(s.closing) })
	for _, server := range s.servers {
		_ = server.Shutdown(ctx) // what is left is cut off by Close
	}
	return s.Close()
}

// URL is the address of the API, StoreURL that of the object store.
func (s *Server) URL() string { return s.apiURL }

// StoreURL is the address of the object store.
func (s *Server) StoreURL() string { return s.storeURL }

// CertificatePEM is what a client has to trust, if the server uses TLS.
func (s *Server) CertificatePEM() []byte { return s.rootPEM }

// Keys are the keys that are accepted.
func (s *Server) Keys() []Key { return s.options.Keys }

// recorder keeps the status of a reply.
type recorder struct {
	http.ResponseWriter
	status int
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
	rec := &recorder{ResponseWriter: w}
	body := &counted{ReadCloser: r.Body}
	r.Body = body
	connection, _ := r.Context().Value(connectionKey{}).(int64)
	if s.options.OnRequest != nil {
		defer func() {
			query, part := r.URL.RawQuery, int64(0)
			if host == "store" {
				part, _ = strconv.ParseInt(r.URL.Query().Get("partNumber"), 10, 64)
				query = "" // presigned
			}
			s.options.OnRequest(Request{
				Host: host, Method: r.Method, Path: r.URL.Path, Query: query, Part: part, Bytes: body.bytes.Load(), Connection: connection,
				Status: rec.status, Start: start, Duration: time.Since(start),
			})
		}()
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

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	s.observe("api", w, r, s.answer)
}

// answer is one API request: token, allowance, operation, parameters, body.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	now := s.options.Now()
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	key, refused := s.authenticate(r, now)
	if refused != nil {
		writeRefusals(w, refused)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	remaining := s.spend(key.ID, now)
	w.Header().Set("X-Rate-Limit", fmt.Sprintf("user-hour-lim:%d;user-hour-rem:%d;", s.options.HourlyLimit, max(remaining, 0)))
	if remaining < 0 {
		writeRefusals(w, &refusal{status: http.StatusTooManyRequests, code: "RATE_LIMIT_EXCEEDED", title: "The request rate limit has been reached.", detail: "We've received too many requests for this API. Please wait and try again or slow down your request rate."})
		return
	}
	route := s.contract.Match(r.URL.Path)
	call := route.Methods[r.Method]
	if call == nil {
		writeRefusals(w, noOperation(w, r, route))
		return
	}
	if refused := authorize(key, r.Method, r.URL.Path); refused != nil {
		writeRefusals(w, refused)
		return
	}
	s.advance(now)
	q, refusals := checkQuery(call, s.contract, r.URL.RawQuery)
	if len(refusals) > 0 {
		writeRefusals(w, refusals...)
		return
	}
	s.dispatch(w, r, call, route, q)
	s.announce()
}

// spend counts a request against the key's rolling hour and returns what is
// left.
func (s *Server) spend(key string, now time.Time) int {
	spent := s.spent[key]
	for len(spent) > 0 && now.Sub(spent[0]) >= time.Hour {
		spent = spent[1:]
	}
	if len(spent) < s.options.HourlyLimit {
		spent = append(spent, now)
		s.spent[key] = spent
		return s.options.HourlyLimit - len(spent)
	}
	s.spent[key] = spent
	return -1
}

// noOperation refuses a path that does not exist, or a method that it does not
// have.
func noOperation(w http.ResponseWriter, r *http.Request, route contract.Route) *refusal {
	if route.Template == "" {
		return &refusal{
			status: http.StatusNotFound, code: "NOT_FOUND", title: "The specified resource does not exist",
			detail: "The path provided does not match a defined resource type.",
		}
	}
	allowed := strings.Join(slices.Sorted(maps.Keys(route.Methods)), ", ")
	w.Header().Set("Allow", allowed)
	return &refusal{
		status: http.StatusMethodNotAllowed, code: "METHOD_NOT_ALLOWED", title: "The request method is not supported",
		detail: fmt.Sprintf("%s is not allowed here: use %s", r.Method, allowed),
	}
}
