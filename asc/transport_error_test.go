package asc

import (
	"context"
	"crypto/elliptic"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// silent starts a server of TLS that does not write to the test's output.
func silent(t *testing.T, config *tls.Config) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, resourceReply(r)) }))
	server.TLS = config
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// babble is a server that speaks some other protocol.
func babble(t *testing.T, greeting string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { listener.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, greeting)
			_, _ = io.ReadAtLeast(conn, make([]byte, 5), 5) // or the close would be a reset
			conn.Close()
		}
	}()
	return "https://" + listener.Addr().String()
}

func TestAServerThatCanOnlyFailAgainIsAskedOnce(t *testing.T) {
	type setup func(t *testing.T) (address string, config *tls.Config, dialTo string)
	trusting := func(server *httptest.Server) *tls.Config {
		return server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	}
	for name, c := range map[string]struct {
		setup                 setup
		certificate, protocol bool
	}{
		"an unknown issuer": {func(t *testing.T) (string, *tls.Config, string) {
			return silent(t, nil).URL, nil, ""
		}, true, false},
		"another host": {func(t *testing.T) (string, *tls.Config, string) {
			server := silent(t, nil)
			return "https://api.example.org", trusting(server), server.Listener.Addr().String()
		}, true, false},
		"a certificate that ran out": {func(t *testing.T) (string, *tls.Config, string) {
			server := silent(t, nil)
			config := trusting(server)
			config.Time = func() time.Time { return time.Date(2400, 1, 1, 0, 0, 0, 0, time.UTC) }
			return server.URL, config, ""
		}, true, false},
		"a certificate of the client is wanted": {func(t *testing.T) (string, *tls.Config, string) {
			server := silent(t, &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12})
			return server.URL, trusting(server), ""
		}, false, true},
		"no version in common": {func(t *testing.T) (string, *tls.Config, string) {
			server := silent(t, &tls.Config{MinVersion: tls.VersionTLS13})
			config := trusting(server)
			config.MaxVersion = tls.VersionTLS12
			return server.URL, config, ""
		}, false, true},
		"an old version only": {func(t *testing.T) (string, *tls.Config, string) {
			server := silent(t, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
			return server.URL, trusting(server), ""
		}, false, true},
		"plain HTTP": {func(t *testing.T) (string, *tls.Config, string) {
			server := httptest.NewServer(http.NotFoundHandler())
			t.Cleanup(server.Close)
			return strings.Replace(server.URL, "http:", "https:", 1), nil, ""
		}, false, true},
		"another protocol": {func(t *testing.T) (string, *tls.Config, string) {
			return babble(t, "220 mail.example.com ESMTP\r\n"), nil, ""
		}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			address, config, dialTo := c.setup(t)
			var dials atomic.Int32
			transport := &http.Transport{TLSClientConfig: config, DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
				dials.Add(1)
				if dialTo != "" {
					to = dialTo
				}
				return new(net.Dialer).DialContext(ctx, network, to)
			}}
			t.Cleanup(transport.CloseIdleConnections)
			slept := 0
			client, err := NewClient(Options{
				Key: Key{ID: "K", IssuerID: "I", Private: newPrivate(t, elliptic.P256())}, URL: address, Transport: transport,
				Sleep: func(context.Context, time.Duration) error { slept++; return nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, call := range []func() error{
				func() error { _, err := client.App(t.Context(), "1"); return err },
				func() error { _, err := client.CreateBuildUpload(t.Context(), "1", NewBuildUpload{}); return err },
			} {
				err := call()
				var transportErr *TransportError
				if !errors.As(err, &transportErr) || !transportErr.Final || IsTemporary(err) || IsUnclear(err) || slept != 0 {
					t.Errorf("%d pauses, temporary %v, unclear %v: %v", slept, IsTemporary(err), IsUnclear(err), err)
				}
				if IsCertificateError(err) != c.certificate || IsProtocolError(err) != c.protocol {
					t.Errorf("certificate %v, protocol %v: %v", IsCertificateError(err), IsProtocolError(err), err)
				}
			}
			if dials.Load() != 2 {
				t.Errorf("%d connections for two calls", dials.Load())
			}
		})
	}
}

func TestWhatMayPassIsNotFinal(t *testing.T) {
	for name, err := range map[string]error{
		"no such host":       &net.DNSError{Err: "no such host", Name: "api.example.com", IsNotFound: true},
		"refused":            &net.OpError{Op: "dial", Err: errors.New("connection refused")},
		"reset":              &net.OpError{Op: "read", Err: errors.New("connection reset by peer")},
		"an internal error":  &net.OpError{Op: "remote error", Err: errors.New("tls: internal error")},
		"a deadline":         timeoutError{time.Second},
		"a closed handshake": io.EOF,
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			s := serve(t, func(http.ResponseWriter, *http.Request) {})
			s.client.http.Transport = roundTripper(func(*http.Request) (*http.Response, error) {
				if n++; n == 1 {
					return nil, err
				}
				return reply(200, strings.NewReader(appReply)), nil
			})
			if _, err := s.client.App(t.Context(), "1"); err != nil || n != 2 {
				t.Errorf("%d attempts, %v", n, err)
			}
		})
	}
}

func TestAServiceThatAnsweredMayFailToForAMoment(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		works bool
	}{
		"a handshake that fails": {&net.OpError{Op: "remote error", Err: errors.New("tls: handshake failure")}, true},
		"plain HTTP":             {http.ErrSchemeMismatch, true},
		"a wrong certificate":    {&tls.CertificateVerificationError{Err: errors.New("x")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			s := serve(t, func(http.ResponseWriter, *http.Request) {})
			s.client.http.Transport = roundTripper(func(*http.Request) (*http.Response, error) {
				if n++; n == 2 {
					return nil, c.err
				}
				return reply(200, strings.NewReader(appReply)), nil
			})
			for range 2 {
				_, err := s.client.App(t.Context(), "1")
				if wrong := n > 1 && c.works != (err == nil); wrong {
					t.Errorf("%d attempts, %v", n, err)
				}
			}
		})
	}
}
