package sandbox

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

// Options make a [Server]. The zero value is a server without apps on free
// loopback ports.
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
	// Listen, if set, makes the listeners of the hosts "api" and "store" instead
	// of the system, and Addr and StoreAddr are not used.
	Listen func(host string) (net.Listener, error)
	// Intercept, if set, sees every request first and answers it itself if it
	// returns true.
	Intercept func(http.ResponseWriter, *http.Request) bool
	// OnRequest, if set, is told of every answered request, before the client can
	// know of the reply or of the end of its connection.
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
