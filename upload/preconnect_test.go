package upload

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"testing"
	"time"
)

// recorder is a round tripper that wraps another, as one that traces does, and
// passes on that it can preconnect.
type recorder struct {
	http.RoundTripper
	preconnector Preconnector
	asked        []int
}

func (r *recorder) Preconnect(url string, total int) {
	r.asked = append(r.asked, total)
	r.preconnector.Preconnect(url, total)
}

func (r *recorder) RoundTripTime() time.Duration { return r.preconnector.RoundTripTime() }

func TestAWrappedTransportOpensConnectionsAhead(t *testing.T) {
	const size, part = 40 << 10, 10 << 10
	upload := func(t *testing.T, wrapped http.RoundTripper) {
		s := newStore(t, size)
		file := content(size)
		options := s.options()
		options.Transport, options.Pool = wrapped, NewPool(4, 0)
		options.StallTimeout, options.ReplyTimeout = time.Minute, time.Minute
		result, err := Upload(t.Context(), bytes.NewReader(file), size, s.operations(size, part, "1"), options)
		if err != nil || result.Retries != 0 || !bytes.Equal(s.object, file) {
			t.Errorf("%+v, %v", result, err)
		}
	}
	transport := NewTransport(nil)
	defer transport.CloseIdleConnections()
	t.Run("by its own methods", func(t *testing.T) {
		r := &recorder{RoundTripper: transport, preconnector: transport}
		upload(t, r)
		if len(r.asked) != 1 || r.asked[0] != 4 {
			t.Errorf("asked for %v, want once for 4", r.asked)
		}
	})
	t.Run("by embedding", func(t *testing.T) {
		r := struct{ *Transport }{transport}
		if _, ok := http.RoundTripper(r).(Preconnector); !ok {
			t.Fatal("it is no Preconnector")
		}
		upload(t, r)
	})
	t.Run("without them it sends all the same", func(t *testing.T) {
		upload(t, struct{ http.RoundTripper }{transport})
	})
}

func TestConnectionsAreOpenedForEachLevelOnce(t *testing.T) {
	transport := &recorder{preconnector: NewTransport(nil)}
	s := spares{dialer: hostDialer{connector: transport, url: "::no URL"}}
	for _, total := range []int{4, 4, 3, 10, 5} {
		s.ensure(total)
	}
	if len(transport.asked) != 2 || transport.asked[0] != 4 || transport.asked[1] != 10 {
		t.Errorf("%v", transport.asked)
	}
	none := spares{dialer: newHostDialer(http.DefaultTransport, "https://store.example")}
	none.ensure(5)
	if none.opened != 0 || none.dialer.roundTrip() != 0 {
		t.Errorf("%+v", none)
	}
}

func TestASpareConnectionAges(t *testing.T) {
	transport := NewTransport(nil)
	now := epoch
	transport.now = func() time.Time { return now }
	near, far := net.Pipe()
	defer far.Close()
	defer near.Close()
	transport.spare = []spare{{near, "store:443", true, now}}
	for _, c := range []struct {
		address string
		secure  bool
	}{{"store:443", false}, {"other:443", true}} {
		if transport.takeSpare(c.address, c.secure) != nil {
			t.Errorf("it is used for %+v", c)
		}
	}
	now = now.Add(spareLife)
	if transport.takeSpare("store:443", true) != nil {
		t.Error("it is used when it is too old")
	}
	now = now.Add(-time.Millisecond)
	if transport.takeSpare("store:443", true) == nil || transport.takeSpare("store:443", true) != nil {
		t.Error("it is not used once")
	}
}

func TestClosingEndsTheOpeningOfConnections(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // never says a word of TLS
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	transport := NewTransport(nil)
	transport.Preconnect("https://"+listener.Addr().String(), 3)
	done, cancel := context.WithTimeout(t.Context(), connectTimeout/2)
	defer cancel()
	closed := make(chan struct{})
	go func() { transport.CloseIdleConnections(); close(closed) }()
	select {
	case <-closed:
	case <-done.Done():
		t.Error("it waits for handshakes")
		<-closed
	}
	if transport.open != 0 || len(transport.spare) != 0 || len(transport.pending) != 0 {
		t.Errorf("%d open, %d spare, %d pending", transport.open, len(transport.spare), len(transport.pending))
	}
}
