package release

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/upload"
)

// A Kind says what sort of failure ended a run. Each has its exit code.
type Kind string

// The kinds of failure.
const (
	Internal       Kind = "internal"
	Usage          Kind = "usage"
	Auth           Kind = "auth"
	NotFound       Kind = "not_found"
	InvalidPackage Kind = "invalid_package"
	Transfer       Kind = "transfer"
	Rejected       Kind = "rejected"
	Timeout        Kind = "timeout"
	Conflict       Kind = "conflict"
	Interrupted    Kind = "interrupted"
)

// An Error is a failure that a stage decided on, with what to do about it.
type Error struct {
	Kind Kind
	// Message says what was attempted and what came of it.
	Message string
	// Hint says what to do next. It may be empty.
	Hint string
	// Details are more lines, such as Apple's findings or existing names.
	Details []string
	Err     error
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// A StageError says in which stage an error came up.
type StageError struct {
	Stage StageName
	Err   error
}

func (e *StageError) Error() string { return e.Err.Error() }

func (e *StageError) Unwrap() error { return e.Err }

// ErrInterrupted is the cause of a context that the user ended.
var ErrInterrupted = errors.New("stopped by the user")

// KindOf classifies an error. It is the one place that does.
func KindOf(err error) Kind {
	var own *Error
	var apiErr *asc.Error
	var transport *asc.TransportError
	var link *asc.LinkError
	var part *upload.PartError
	var plan *upload.PlanError
	var pkg *bundle.Error
	var key *asc.KeyError
	var notSent *NotSentError
	switch {
	case errors.Is(err, ErrInterrupted), errors.Is(err, context.Canceled):
		return Interrupted
	case errors.Is(err, errTimeUp):
		return Timeout
	case errors.As(err, &own):
		return own.Kind
	case errors.As(err, &pkg), errors.As(err, &notSent), errors.Is(err, upload.ErrFileChanged):
		return InvalidPackage
	case errors.As(err, &key), errors.Is(err, asc.ErrEnterpriseKey):
		return Auth
	case errors.As(err, &apiErr):
		return kindOfStatus(apiErr)
	case errors.As(err, &transport), errors.As(err, &link), errors.As(err, &part), errors.As(err, &plan):
		return Transfer
	case errors.Is(err, context.DeadlineExceeded):
		return Timeout
	}
	return Internal
}

func kindOfStatus(err *asc.Error) Kind {
	switch {
	case err.HTTPStatus == 401 || err.HTTPStatus == 403:
		return Auth
	case asc.IsFlakyNotFound(err):
		return Transfer
	case err.HTTPStatus == 404:
		return NotFound
	case err.HTTPStatus == 429 || err.HTTPStatus >= 500 || err.HTTPStatus/100 == 3:
		return Transfer
	case err.Has(codeDuplicate):
		return Conflict
	}
	return Rejected
}

// Apple's codes that this package decides by.
const (
	codeDuplicate  = "ENTITY_ERROR.ATTRIBUTE.INVALID.DUPLICATE"
	codeState      = "STATE_ERROR"
	codeValidation = "STATE_ERROR.VALIDATION_ERROR"
	codeAgreements = "FORBIDDEN.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED"
)

// HintOf says what to do about an error, or nothing.
func HintOf(err error) string {
	var own *Error
	var pkg *bundle.Error
	var key *asc.KeyError
	var apiErr *asc.Error
	var notSent *NotSentError
	switch {
	case errors.As(err, &notSent):
		return "mend or leave out the other package, then run the same command again"
	case errors.As(err, &own) && own.Hint != "":
		return own.Hint
	case errors.As(err, &pkg):
		return pkg.Hint
	case errors.As(err, &key):
		return key.Hint
	case errors.As(err, &apiErr):
		return hintOfStatus(apiErr)
	case errors.Is(err, upload.ErrFileChanged):
		return "make sure that nothing writes the package while it is uploaded, then run the same command again"
	}
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

func hintOfStatus(err *asc.Error) string {
	switch {
	case err.HTTPStatus == 401:
		hint := "check that key id, issuer id and key belong together, and that the key was not revoked (App Store Connect, Users and Access, Integrations); an individual key has no issuer id"
		if skew := err.ClockSkew.Abs(); skew.Minutes() >= 2 {
			hint = fmt.Sprintf("this machine's clock is %s %s the service's: set it right; if that does not help, %s", skew, aheadOrBehind(err), hint)
		}
		return hint
	case err.Has(codeAgreements):
		return "the team's agreement is unsigned or has expired: only the Account Holder can accept it, in App Store Connect under Business"
	case err.HTTPStatus == 403:
		return "the key's role does not allow this: uploading needs Developer or higher; testers, groups, notes and review need App Manager or Admin"
	case asc.IsFlakyNotFound(err):
		return "App Store Connect does not find what is there, as it does at times: run the same command again"
	case err.HTTPStatus == 429:
		return "the key's hourly allowance is used up; wait, or use a key of its own for this pipeline"
	case err.HTTPStatus/100 == 3:
		return "App Store Connect does not redirect: look at --api-url, and for a proxy that wants a login (HTTPS_PROXY)"
	case err.HTTPStatus >= 500:
		return "App Store Connect has a problem: https://developer.apple.com/system-status/; run the same command again later"
	}
	return ""
}

func aheadOrBehind(err *asc.Error) string {
	if err.ClockSkew > 0 {
		return "ahead of"
	}
	return "behind"
}

// DetailsOf returns the further lines of an error.
func DetailsOf(err error) []string {
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

func listOr(items []string, none string) string {
	if len(items) == 0 {
		return none
	}
	return strings.Join(items, ", ")
}
