// Package sandboxtest starts a sandbox for tests, measurements and pictures,
// and has what their clients need to reach it.
package sandboxtest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/sandbox"
)

const (
	// KeyID and IssuerID are those of the key that a server has by default.
	KeyID    = "TESTKEY001"
	IssuerID = "57246542-96fe-1a63-e053-0824d011072a"
	// BundleID is that of the app that a server has by default, AppID the id of
	// a server's first app.
	BundleID = "com.example.demo"
	AppID    = "6700000001"
)

// A Sandbox is a running server.
type Sandbox struct {
	*sandbox.Server
	// Key is the first key that the server accepts.
	Key sandbox.Key

	mu       sync.Mutex
	requests []sandbox.Request
	watchers []func(sandbox.Request)
}

// Start starts a server, which the caller closes. It has an administrator's
// team key and one app, unless the options say otherwise.
func Start(options sandbox.Options) (*Sandbox, error) {
	if len(options.Keys) == 0 {
		key, err := sandbox.NewKey(KeyID, IssuerID, sandbox.Admin)
		if err != nil {
			return nil, err
		}
		options.Keys = []sandbox.Key{key}
	}
	if len(options.Apps) == 0 {
		options.Apps = []sandbox.App{{BundleID: BundleID, Name: "Demo"}}
	}
	s := &Sandbox{Key: options.Keys[0]}
	if options.OnRequest != nil {
		s.watchers = append(s.watchers, options.OnRequest)
	}
	options.OnRequest = s.record
	var err error
	if s.Server, err = sandbox.Start(options); err != nil {
		return nil, err
	}
	return s, nil
}

// New starts a server for a test, and closes it when the test ends.
func New(t testing.TB, options sandbox.Options) *Sandbox {
	t.Helper()
	if options.Dir == "" {
		options.Dir = t.TempDir()
	}
	s, err := Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the sandbox: %v", err)
		}
	})
	return s
}

// NewKey makes a key of a role for a test.
func NewKey(t testing.TB, id, issuerID string, role sandbox.Role) sandbox.Key {
	t.Helper()
	key, err := sandbox.NewKey(id, issuerID, role)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (s *Sandbox) record(r sandbox.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, r)
	watchers := s.watchers
	s.mu.Unlock()
	for _, watch := range watchers {
		watch(r)
	}
}

// Requests are the answered requests so far.
func (s *Sandbox) Requests() []sandbox.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]sandbox.Request(nil), s.requests...)
}

// OnRequest has a function called with every request answered from now on.
func (s *Sandbox) OnRequest(watch func(sandbox.Request)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers = append(s.watchers[:len(s.watchers):len(s.watchers)], watch)
}

// Environment leads the program to the server, with its key.
func (s *Sandbox) Environment() []string {
	return []string{
		"ASCEND_API_URL=" + s.URL(), "ASCEND_KEY_ID=" + s.Key.ID, "ASCEND_ISSUER_ID=" + s.Key.IssuerID,
		"ASCEND_KEY=" + base64.StdEncoding.EncodeToString([]byte(s.Key.PEM())),
	}
}

// ClientKey is the key as clients have it.
func (s *Sandbox) ClientKey() asc.Key {
	return asc.Key{ID: s.Key.ID, IssuerID: s.Key.IssuerID, Private: s.Key.Private}
}

// TLS is how clients trust a server that uses TLS; nil for one that does not.
func (s *Sandbox) TLS() *tls.Config {
	certificate := s.CertificatePEM()
	if certificate == nil {
		return nil
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	return &tls.Config{RootCAs: roots}
}

// Transport is a new transport to the server. Its idle connections are to be
// closed.
func (s *Sandbox) Transport() *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = s.TLS()
	return transport
}

// A Clock is a time that passes when a test says so. It starts at noon of
// 23 November 2026.
type Clock struct {
	mu     sync.Mutex
	passed time.Duration
}

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC).Add(c.passed)
}

// Advance lets time pass.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passed += d
}
