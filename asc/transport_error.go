package asc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// A TransportError says that no usable reply came back: the connection could
// not be made or broke, or what came back was not the API speaking, or not the
// document that was asked for.
type TransportError struct {
	// Method and URL are the request's; the URL has no query.
	Method, URL string
	// Sent tells whether the request may have reached the service, so that it
	// may have taken effect.
	Sent bool
	// Attempts is how often the request was tried.
	Attempts int
	// Final tells that repeating the request cannot help: the server's
	// certificate is wrong, or it does not speak the protocol and never did; see
	// [IsCertificateError] and [IsProtocolError].
	Final bool
	// Status is the HTTP status of a reply that could not be used, or zero if
	// there was none.
	Status int
	// RequestID is Apple's name for the request, where the reply had one.
	RequestID string
	// Err is what went wrong last.
	Err error
}

func (e *TransportError) Error() string {
	text := fmt.Sprintf("%s %s: %v", e.Method, e.URL, e.Err)
	if e.RequestID != "" {
		text += " (request id " + e.RequestID + ")"
	}
	if e.Attempts > 1 {
		text += fmt.Sprintf(" (%d attempts)", e.Attempts)
	}
	return text
}

func (e *TransportError) Unwrap() error { return e.Err }

// A LinkError says that a reply has a link which cannot be followed, as no
// reply of App Store Connect has.
type LinkError struct {
	// Reason goes on from "the service sent a link".
	Reason string
	// Err is why it could not be read, or nil.
	Err error
}

func (e *LinkError) Error() string {
	text := "the service sent a link " + e.Reason
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *LinkError) Unwrap() error { return e.Err }

// IsCertificateError tells whether the server's certificate could not be
// verified: it is for another host, from an unknown issuer, or not valid at the
// time of this machine's clock. A proxy that opens TLS and an address with a
// typing error both look like this. It is never repeated.
func IsCertificateError(err error) bool {
	return is[*tls.CertificateVerificationError](err) || is[x509.HostnameError](err) ||
		is[x509.UnknownAuthorityError](err) || is[x509.CertificateInvalidError](err) ||
		is[x509.ConstraintViolationError](err) || is[x509.InsecureAlgorithmError](err) ||
		is[x509.UnhandledCriticalExtension](err) || is[x509.SystemRootsError](err) || isAlert(err, certificateAlerts())
}

// IsProtocolError tells whether the server does not speak HTTPS as this client
// does: it answers in plain HTTP, not in TLS, or in no version of TLS that both
// know. It is repeated only if the service has answered before: a load balancer
// may fail like this for a moment.
func IsProtocolError(err error) bool {
	return errors.Is(err, http.ErrSchemeMismatch) || is[tls.RecordHeaderError](err) ||
		isAlert(err, protocolAlerts()) || strings.Contains(text(err), "tls: server selected unsupported protocol version")
}

// isFinal decides about TransportError.Final; reached tells that the service
// has answered before.
func isFinal(err error, reached bool) bool {
	return IsCertificateError(err) || !reached && IsProtocolError(err)
}

func is[T error](err error) bool {
	var target T
	return errors.As(err, &target)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// certificateAlerts and protocolAlerts are TLS alerts by which a server ends a
// handshake that can only fail again. crypto/tls has no exported values for
// them. Others, such as an internal error, may pass.
func certificateAlerts() []string {
	return []string{
		"tls: bad certificate", "tls: unsupported certificate", "tls: unknown certificate authority",
		"tls: certificate required", "tls: access denied", "tls: unrecognized name",
	}
}

func protocolAlerts() []string {
	return []string{
		"tls: handshake failure", "tls: protocol version not supported", "tls: insufficient security level",
		"tls: no application protocol", "tls: missing extension", "tls: unsupported extension",
	}
}

func isAlert(err error, alerts []string) bool {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return false
	}
	for _, alert := range alerts {
		if text(op.Err) == alert {
			return true
		}
	}
	return false
}

// isTimeout tells whether a deadline or the network's patience ended an attempt.
func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// notSent tells whether an error of the HTTP transport came before any byte of
// the request could leave.
func notSent(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var op *net.OpError
	if errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") {
		return true
	}
	return is[*net.DNSError](err) || IsCertificateError(err) || IsProtocolError(err)
}

// StatusOf returns the HTTP status of an [*Error] in err's chain, or zero.
func StatusOf(err error) int {
	var apiErr *Error
	if errors.As(err, &apiErr) {
		return apiErr.HTTPStatus
	}
	return 0
}

// IsNotFound tells whether the service said that a resource does not exist or
// is not visible to the key. It also says so now and then of what exists; see
// [IsFlakyNotFound].
func IsNotFound(err error) bool { return StatusOf(err) == http.StatusNotFound }

// IsConflict tells whether a body conflicts with a rule or with a state (409).
func IsConflict(err error) bool { return StatusOf(err) == http.StatusConflict }

// IsUnprocessable tells whether a well-formed request was refused (422).
func IsUnprocessable(err error) bool { return StatusOf(err) == http.StatusUnprocessableEntity }

// IsUnauthorized tells whether the token was refused (401).
func IsUnauthorized(err error) bool { return StatusOf(err) == http.StatusUnauthorized }

// IsForbidden tells whether the key's role, or a missing agreement, forbids the
// request (403).
func IsForbidden(err error) bool { return StatusOf(err) == http.StatusForbidden }

// IsTemporary tells whether the same request may succeed later: the rate limit,
// a server's hiccup, a broken connection, a reply of the wrong shape, a 404 that
// proves nothing.
func IsTemporary(err error) bool {
	var transport *TransportError
	if errors.As(err, &transport) {
		return !transport.Final
	}
	return isTemporaryStatus(StatusOf(err)) || IsFlakyNotFound(err)
}

// IsUnclear tells whether the request may have taken effect although it
// failed. Whoever created or committed something must look before trying
// again.
func IsUnclear(err error) bool {
	var transport *TransportError
	if errors.As(err, &transport) {
		return transport.Sent
	}
	return StatusOf(err) >= 500
}

func isTemporaryStatus(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500
}
