package failure

import (
	"context"
	"errors"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/upload"
)

// Explain puts an error into words: its kind, the whole message, what to do
// next, and more lines. It is the only place that knows the typed errors of
// asc, upload and bundle.
func Explain(err error) Error {
	e := Error{Kind: KindOf(err), Message: err.Error(), Hint: hintOf(err), Details: detailsOf(err)}
	if e.Details == nil {
		e.Details = []string{}
	}
	return e
}

// KindOf classifies an error. Nil has no kind.
func KindOf(err error) Kind {
	var own *Error
	var apiErr *asc.Error
	var transport *asc.TransportError
	var link *asc.LinkError
	var part *upload.PartError
	var plan *upload.PlanError
	var pkg *bundle.Error
	var key *asc.KeyError
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrInterrupted), errors.Is(err, context.Canceled):
		return Interrupted
	case errors.As(err, &own):
		return own.Kind
	case errors.As(err, &pkg), errors.Is(err, upload.ErrFileChanged):
		return InvalidPackage
	case errors.As(err, &key), errors.Is(err, asc.ErrEnterpriseKey):
		return Auth
	case errors.As(err, &apiErr):
		return kindOfRefusal(apiErr)
	case errors.As(err, &transport), errors.As(err, &link), errors.As(err, &part), errors.As(err, &plan):
		return Transfer
	case errors.Is(err, context.DeadlineExceeded):
		return Timeout
	}
	return Internal
}

// hintOf says what to do about an error, or nothing.
func hintOf(err error) string {
	var own *Error
	var pkg *bundle.Error
	var key *asc.KeyError
	var apiErr *asc.Error
	switch {
	case errors.As(err, &own) && own.Hint != "":
		return own.Hint
	case errors.As(err, &pkg):
		return pkg.Hint
	case errors.As(err, &key):
		return key.Hint
	case errors.As(err, &apiErr):
		return hintOfRefusal(apiErr)
	case errors.Is(err, upload.ErrFileChanged):
		return "make sure that nothing writes the package while it is uploaded, then run the same command again"
	}
	return hintOfConnection(err)
}

// hintOfConnection says what to do about a service or an object store that
// cannot be talked to.
func hintOfConnection(err error) string {
	var transport *asc.TransportError
	var link *asc.LinkError
	var part *upload.PartError
	switch {
	case errors.As(err, &link):
		return "App Store Connect does not answer like this: look at --api-url, and for a proxy that changes replies"
	case errors.As(err, &part) && part.Status/100 == 4:
		return "the object store refused the part for good; run the same command again, and if it repeats, look for a proxy that changes requests"
	case asc.IsCertificateError(err):
		return "the certificate is not trusted: look for a proxy that opens TLS connections (its certificate authority goes into SSL_CERT_FILE) and at this machine's clock"
	case asc.IsProtocolError(err):
		return "something other than App Store Connect answers there: look at --api-url and for a proxy (HTTPS_PROXY)"
	case errors.As(err, &transport), errors.As(err, &part):
		return "check the network and the proxy settings (HTTPS_PROXY), then run the same command again"
	}
	return ""
}

// detailsOf returns the further lines of an error.
func detailsOf(err error) []string {
	var own *Error
	if errors.As(err, &own) && len(own.Details) > 0 {
		return own.Details
	}
	var apiErr *asc.Error
	if errors.As(err, &apiErr) && len(apiErr.Details) > 1 {
		var lines []string
		for _, detail := range apiErr.Details {
			lines = append(lines, detail.String())
		}
		return lines
	}
	return nil
}
