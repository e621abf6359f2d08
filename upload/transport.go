package upload

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	connectTimeout = 15 * time.Second
	// writeBuffer is how much one write hands to the system: large, so that
	// system calls do not dominate, and small enough for dozens of them.
	writeBuffer = 64 << 10
	// unsentMark is how much the system may hold of a connection beyond what
	// is on its way. It keeps reported progress close to what has arrived.
	unsentMark = 128 << 10
	// spareLife is how long a connection opened ahead is used.
	spareLife = 5 * time.Second
)

// A Transport carries parts over HTTP/1.1, so that each part in flight has a
// connection, and a congestion window, of its own. It takes proxies from the
// environment, does not compress, and is a [Preconnector].
type Transport struct {
	// Dial, if set before the first use, opens connections instead of the
	// system.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	inner  *http.Transport
	dialer net.Dialer
	tls    *tls.Config
	now    func() time.Time

	mu      sync.Mutex
	open    int           // connections in use, idle or spare
	fastest time.Duration // the shortest time that connecting took
	spare   []spare
	pending map[*pendingDial]struct{}
	dialing sync.WaitGroup
}

// spare is a connection that was opened ahead.
type spare struct {
	net.Conn
	address string
	secure  bool
	opened  time.Time
}

// pendingDial is a connection that is being opened ahead.
type pendingDial struct {
	cancel    context.CancelFunc
	cancelled bool // guarded by the transport
}

// NewTransport returns a transport that trusts the roots of config; nil means
// the system's.
func NewTransport(config *tls.Config) *Transport {
	if config == nil {
		config = &tls.Config{}
	}
	config = config.Clone()
	config.NextProtos = []string{"http/1.1"}
	if config.ClientSessionCache == nil {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(maxConcurrency)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	t := &Transport{
		dialer:  net.Dialer{Timeout: connectTimeout, KeepAlive: 15 * time.Second, Control: tuneSocket},
		tls:     config,
		now:     time.Now,
		pending: map[*pendingDial]struct{}{},
	}
	t.inner = &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return t.dial(ctx, network, address, false)
		},
		DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return t.dial(ctx, network, address, true)
		},
		TLSClientConfig:     config, // for hosts behind a proxy
		Protocols:           protocols,
		TLSHandshakeTimeout: connectTimeout,
		MaxIdleConns:        maxConcurrency,
		MaxIdleConnsPerHost: maxConcurrency,
		IdleConnTimeout:     30 * time.Second,
		DisableCompression:  true,
		WriteBufferSize:     writeBuffer,
		ReadBufferSize:      4 << 10,
	}
	return t
}

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	return t.inner.RoundTrip(req)
}

// CloseIdleConnections closes the connections that no part uses, and ends the
// opening of new ones.
func (t *Transport) CloseIdleConnections() {
	t.mu.Lock()
	for dial := range t.pending {
		dial.cancelled = true
		dial.cancel()
	}
	t.mu.Unlock()
	t.dialing.Wait()
	t.mu.Lock()
	spares := t.spare
	t.spare = nil
	t.mu.Unlock()
	for _, s := range spares {
		_ = s.Close() // it was never used
	}
	t.inner.CloseIdleConnections()
}

// Preconnect implements [Preconnector]. It does nothing where a proxy is used,
// and failures show when a part needs a connection.
func (t *Transport) Preconnect(rawURL string, total int) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return
	}
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u}); err != nil || proxy != nil {
		return
	}
	secure := u.Scheme == "https"
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), map[bool]string{true: "443", false: "80"}[secure])
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for missing := min(total, maxConcurrency) - t.open; missing > 0; missing-- {
		t.open++
		t.dialSpare(address, secure)
	}
}

// RoundTripTime implements [Preconnector].
func (t *Transport) RoundTripTime() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.fastest
}

// dialSpare opens a connection ahead, which is counted already. The transport
// is locked.
func (t *Transport) dialSpare(address string, secure bool) {
	ctx, cancel := context.WithCancel(context.Background())
	dial := &pendingDial{cancel: cancel}
	t.pending[dial] = struct{}{}
	t.dialing.Go(func() {
		defer cancel()
		conn, err := t.connect(ctx, "tcp", address, secure)
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.pending, dial)
		switch {
		case err != nil:
			t.open--
		case dial.cancelled:
			t.open--
			_ = conn.Close() // it is no longer needed
		default:
			t.spare = append(t.spare, spare{&countedConn{Conn: conn, transport: t}, address, secure, t.now()})
		}
	})
}

// dial hands out a spare connection, or opens one.
func (t *Transport) dial(ctx context.Context, network, address string, secure bool) (net.Conn, error) {
	if conn := t.takeSpare(address, secure); conn != nil {
		return conn, nil
	}
	conn, err := t.connect(ctx, network, address, secure)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open++
	return &countedConn{Conn: conn, transport: t}, nil
}

func (t *Transport) takeSpare(address string, secure bool) net.Conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, s := range t.spare {
		if s.address == address && s.secure == secure && t.now().Sub(s.opened) < spareLife {
			t.spare = append(t.spare[:i:i], t.spare[i+1:]...)
			return s.Conn
		}
	}
	return nil
}

func (t *Transport) connect(ctx context.Context, network, address string, secure bool) (net.Conn, error) {
	start := t.now()
	dial := t.dialer.DialContext
	if t.Dial != nil {
		dial = t.Dial
	}
	conn, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	if took := t.now().Sub(start); t.fastest == 0 || took < t.fastest {
		t.fastest = took
	}
	t.mu.Unlock()
	if !secure {
		return conn, nil
	}
	config := t.tls
	if config.ServerName == "" {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			conn.Close()
			return nil, err
		}
		config = config.Clone()
		config.ServerName = host
	}
	secured := tls.Client(conn, config)
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secured, nil
}

// countedConn is a connection that the transport counts until it is closed.
type countedConn struct {
	net.Conn
	transport *Transport
	once      sync.Once
}

func (c *countedConn) Close() error {
	c.once.Do(func() {
		c.transport.mu.Lock()
		defer c.transport.mu.Unlock()
		c.transport.open--
	})
	return c.Conn.Close()
}
