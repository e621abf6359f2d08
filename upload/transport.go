package upload

import (
	"net"
	"net/http"
	"time"
)

const (
	connectTimeout = 15 * time.Second
	writeBuffer    = 128 << 10
	maxConcurrency = 64
)

// NewTransport returns the transport that parts travel by: HTTP/1.1, so that
// each part in flight has a connection, and a congestion window, of its own;
// proxies from the environment; no compression.
func NewTransport() *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	dialer := &net.Dialer{Timeout: connectTimeout, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		Protocols:           protocols,
		TLSHandshakeTimeout: connectTimeout,
		MaxIdleConns:        maxConcurrency,
		MaxIdleConnsPerHost: maxConcurrency,
		IdleConnTimeout:     30 * time.Second,
		DisableCompression:  true,
		WriteBufferSize:     writeBuffer,
		ReadBufferSize:      4 << 10,
	}
}
