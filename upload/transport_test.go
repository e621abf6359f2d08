package upload

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// secureStore is a store over TLS that counts its connections.
func secureStore(t *testing.T, handle http.HandlerFunc) (*httptest.Server, *x509.CertPool, *atomic.Int64) {
	t.Helper()
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(handle)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateActive {
			connections.Add(1)
		}
	}
	server.EnableHTTP2 = true // offered, and not to be taken
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server, roots, &connections
}

func put(t *testing.T, transport *Transport, to string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, to, bytes.NewReader([]byte("hello")))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	return resp, err
}

func TestPartsTravelOverHTTP1AlsoWhereHTTP2IsOffered(t *testing.T) {
	var protocol atomic.Value
	server, roots, _ := secureStore(t, func(_ http.ResponseWriter, r *http.Request) { protocol.Store(r.Proto) })
	transport := NewTransport(&tls.Config{RootCAs: roots})
	defer transport.CloseIdleConnections()
	if _, err := put(t, transport, server.URL); err != nil {
		t.Fatal(err)
	}
	if protocol.Load() != "HTTP/1.1" {
		t.Errorf("%v", protocol.Load())
	}
}

func TestAStoreWithoutAGoodCertificateGetsNothing(t *testing.T) {
	server, _, _ := secureStore(t, func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") })
	transport := NewTransport(nil)
	defer transport.CloseIdleConnections()
	var unverified *tls.CertificateVerificationError
	if _, err := put(t, transport, server.URL); !errors.As(err, &unverified) {
		t.Errorf("%v", err)
	}
}

func TestConnectionsAreOpenedAheadAndUsed(t *testing.T) {
	server, roots, _ := secureStore(t, func(http.ResponseWriter, *http.Request) {})
	transport := NewTransport(&tls.Config{RootCAs: roots})
	transport.Preconnect(server.URL, 3)
	transport.dialing.Wait()
	if len(transport.spare) != 3 || transport.open != 3 {
		t.Fatalf("%d spare of %d", len(transport.spare), transport.open)
	}
	transport.Preconnect(server.URL, 2) // there are more already
	transport.dialing.Wait()
	if transport.open != 3 {
		t.Errorf("%d are open", transport.open)
	}
	for range 4 {
		if _, err := put(t, transport, server.URL); err != nil {
			t.Fatal(err)
		}
	}
	// One after the other, they all take the same connection.
	if len(transport.spare) != 2 || transport.open != 3 {
		t.Errorf("%d spare of %d after the requests", len(transport.spare), transport.open)
	}
	if transport.RoundTripTime() <= 0 {
		t.Error("the round trip is not known")
	}
	transport.CloseIdleConnections()
	if len(transport.spare) != 0 || transport.open != 0 {
		t.Errorf("%d spare of %d at the end", len(transport.spare), transport.open)
	}
}

func TestAHostThatIsNotThereIsNoTroubleAhead(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := "https://" + listener.Addr().String()
	listener.Close()
	transport := NewTransport(nil)
	defer transport.CloseIdleConnections()
	for _, url := range []string{gone, "::no URL", "https://" + listener.Addr().String() + "/path?query"} {
		transport.Preconnect(url, 2)
	}
	transport.dialing.Wait()
	if transport.open != 0 {
		t.Errorf("%d are open", transport.open)
	}
	if _, err := put(t, transport, gone); err == nil {
		t.Error("no error")
	}
}

func TestPartsGoThroughAProxy(t *testing.T) {
	server, roots, _ := secureStore(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("ETag", "x") })
	var asked atomic.Value
	var tunnels sync.WaitGroup
	open := make(chan struct{}, 1)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Method + " " + r.Host)
		far, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		near, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n")
		tunnels.Go(func() { _, _ = io.Copy(far, near); far.Close() })
		tunnels.Go(func() { _, _ = io.Copy(near, far); near.Close() })
		open <- struct{}{}
	}))
	defer tunnels.Wait()
	defer proxy.Close()
	address, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := NewTransport(&tls.Config{RootCAs: roots})
	defer transport.CloseIdleConnections()
	transport.inner.Proxy = http.ProxyURL(address) // the environment's is read once per process
	resp, err := put(t, transport, server.URL)
	if err != nil || resp.Header.Get("ETag") != "x" {
		t.Fatalf("%v", err)
	}
	<-open
	if want := "CONNECT " + server.Listener.Addr().String(); asked.Load() != want {
		t.Errorf("the proxy was asked for %v, want %s", asked.Load(), want)
	}
}
