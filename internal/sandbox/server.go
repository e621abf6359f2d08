package sandbox

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/ascend-cli/ascend/internal/sandbox/contract"
)

// A Server is a running sandbox.
type Server struct {
	options   Options
	contract  *contract.Contract
	secret    []byte
	apiURL    string
	storeURL  string
	dir       string
	ownDir    bool
	servers   []*http.Server
	serving   sync.WaitGroup
	handling  sync.WaitGroup // requests; begun under the lock, while not ended
	closing   chan struct{}
	closed    sync.Once
	watching  sync.Once
	faults    *faults
	listeners map[string]*shapedListener
	tls       *tls.Config
	rootPEM   []byte

	mu    sync.Mutex
	db    *database
	ended bool                   // nothing is started any more
	spent map[string][]time.Time // requests per key in the last hour
	parts map[string]*part       // file id and part number
}

// Start starts a server. Close must be called.
func Start(options Options) (*Server, error) {
	s := &Server{
		options: options, contract: contract.Load(), secret: make([]byte, 32),
		spent: map[string][]time.Time{}, parts: map[string]*part{},
		closing: make(chan struct{}), faults: newFaults(options.Faults), listeners: map[string]*shapedListener{},
	}
	_, _ = rand.Read(s.secret) // never fails
	if err := s.setDefaults(); err != nil {
		return nil, err
	}
	s.db = newDatabase(s.contract)
	for _, app := range options.Apps {
		if err := s.addApp(app); err != nil {
			return nil, err
		}
	}
	if err := s.begin(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// begin makes what has to be closed again.
func (s *Server) begin() error {
	if s.dir = s.options.Dir; s.dir == "" {
		dir, err := os.MkdirTemp("", "ascend-sandbox-")
		if err != nil {
			return fmt.Errorf("make a folder for parts: %w", err)
		}
		s.dir, s.ownDir = dir, true
	}
	scheme := "http://"
	if s.options.TLS {
		certificate, root, err := newCertificate(s.options.Addr, s.options.StoreAddr)
		if err != nil {
			return err
		}
		s.tls = &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1"}}
		s.rootPEM, scheme = root, "https://"
	}
	api, err := s.listen("api", s.options.Addr, Link{})
	if err != nil {
		return err
	}
	store, err := s.listen("store", s.options.StoreAddr, s.options.Link)
	if err != nil {
		return errors.Join(err, api.Close())
	}
	s.apiURL, s.storeURL = urlOf(scheme, s.options.Addr, api), urlOf(scheme, s.options.StoreAddr, store)
	// What a request reads is not written after this line except under the
	// lock: one may come at once.
	s.serve(api, s.serveAPI)
	s.serve(store, s.serveStore)
	return nil
}

type connectionKey struct{}

func (s *Server) listen(host, addr string, link Link) (net.Listener, error) {
	config := net.ListenConfig{}
	if link != (Link{}) {
		config.Control = smallWindow
	}
	listen := func(string) (net.Listener, error) { return config.Listen(context.Background(), "tcp", addr) }
	if s.options.Listen != nil {
		listen = s.options.Listen
	}
	inner, err := listen(host)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	listener := newShapedListener(inner, link, func(connection int64) bool { return s.faults.refuses(host, connection) })
	s.listeners[host] = listener
	if s.tls != nil {
		return tls.NewListener(listener, s.tls), nil
	}
	return listener, nil
}

func (s *Server) serve(listener net.Listener, handler http.HandlerFunc) {
	server := &http.Server{
		Handler: s.counting(handler), ReadHeaderTimeout: 30 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, connectionKey{}, connectionNumber(conn))
		},
	}
	s.servers = append(s.servers, server)
	s.serving.Go(func() {
		_ = server.Serve(listener) // ends with ErrServerClosed
	})
}

// counting lets Close wait for the requests under way, and begins none after it.
func (s *Server) counting(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		ended := s.ended
		if !ended {
			s.handling.Add(1)
		}
		s.mu.Unlock()
		if ended {
			panic(http.ErrAbortHandler) // its connection is closed
		}
		defer s.handling.Done()
		handler(w, r)
	}
}

// Close stops the server, waits for the requests under way, which it cuts off,
// and removes what it stored.
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
	s.handling.Wait()
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
