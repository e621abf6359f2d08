package memnet_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ascend-cli/ascend/internal/memnet"
)

// connect returns both ends of a connection.
func connect(t *testing.T) (near, far net.Conn) {
	t.Helper()
	network := &memnet.Network{}
	l := network.Listen()
	accepted := make(chan net.Conn, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- conn
	}()
	near, err := network.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far = <-accepted
	t.Cleanup(func() {
		near.Close()
		far.Close()
		l.Close()
	})
	return near, far
}

func TestWhatIsWrittenIsReadInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := connect(t)
		sent := make([]byte, 1<<20) // far more than is buffered
		for i := range sent {
			sent[i] = byte(i * i)
		}
		go func() {
			if n, err := near.Write(sent); n != len(sent) || err != nil {
				t.Errorf("%d bytes, %v", n, err)
			}
			near.Close()
		}()
		got, err := io.ReadAll(far)
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if _, err := far.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("a write to nobody: %v", err)
		}
	})
}

func TestAWriterWaitsForItsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _ := connect(t)
		if err := near.SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		n, err := near.Write(make([]byte, 1<<20))
		if n == 0 || n == 1<<20 || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("%d bytes, %v, after %s", n, err, time.Since(start))
		}
	})
}

func TestDeadlinesPassAndAreMoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := connect(t)
		start := time.Now()
		for _, after := range []time.Duration{time.Second, 0, time.Hour} {
			if err := near.SetReadDeadline(start.Add(after)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Hour {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		if err := near.SetDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(time.Hour)
			_, _ = far.Write([]byte("x")) // read below
		}()
		if n, err := near.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}

func TestConnectionsEndAsWithTCP(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(far net.Conn)
		want error
	}{
		"closed":             {func(far net.Conn) { far.Close() }, io.EOF},
		"closed with a rest": {func(far net.Conn) { _, _ = far.Read(make([]byte, 1)); far.Close() }, syscall.ECONNRESET},
		"reset": {func(far net.Conn) {
			_, _ = io.ReadFull(far, make([]byte, 5)) // all of it
			_ = far.(interface{ SetLinger(int) error }).SetLinger(0)
			far.Close()
		}, syscall.ECONNRESET},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := connect(t)
				if name != "closed" {
					if _, err := near.Write([]byte("hello")); err != nil {
						t.Fatal(err)
					}
				}
				c.end(far)
				if _, err := near.Read(make([]byte, 1)); !errors.Is(err, c.want) {
					t.Errorf("%v, want %v", err, c.want)
				}
				near.Close()
				if _, err := near.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
					t.Errorf("after its own end: %v", err)
				}
			})
		})
	}
}

func TestWhereNobodyListensConnectionsAreRefused(t *testing.T) {
	network := &memnet.Network{}
	l := network.Listen()
	l.Close()
	for _, to := range []string{l.Addr().String(), "127.0.0.1:99"} {
		if _, err := network.DialContext(t.Context(), "tcp", to); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s: %v", to, err)
		}
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v", err)
	}
}
