package upload

import (
	"net/http"
	"time"
)

// A Preconnector opens connections before they are needed, so that raising the
// number of parts in flight does not wait for handshakes. [Upload] uses it if
// Options.Transport implements it, as [Transport] does. A round tripper that
// wraps a Transport should forward both methods, or embed the Transport.
// Without them parts are sent all the same, each later by a handshake.
type Preconnector interface {
	// Preconnect opens connections to the host of a URL until there are total
	// of them. It does not wait for them.
	Preconnect(url string, total int)
	// RoundTripTime is the shortest time that a connection took to open, or
	// zero if none has.
	RoundTripTime() time.Duration
}

// hostDialer opens connections to one host ahead of need. Its zero value does
// nothing.
type hostDialer struct {
	connector Preconnector
	url       string
}

// newHostDialer returns the dialer for the host of a URL, which does nothing
// if the transport is no [Preconnector].
func newHostDialer(transport http.RoundTripper, url string) hostDialer {
	connector, _ := transport.(Preconnector)
	return hostDialer{connector, url}
}

func (d hostDialer) open(total int) {
	if d.connector != nil {
		d.connector.Preconnect(d.url, total)
	}
}

func (d hostDialer) roundTrip() time.Duration {
	if d.connector == nil {
		return 0
	}
	return d.connector.RoundTripTime()
}

// spares keeps as many connections open as the pool will need next.
type spares struct {
	dialer hostDialer
	opened int
}

// ensure opens connections until there are total.
func (s *spares) ensure(total int) {
	if s.dialer.connector != nil && total > s.opened {
		s.opened = total
		s.dialer.open(total)
	}
}
