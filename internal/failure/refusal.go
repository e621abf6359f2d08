package failure

import (
	"fmt"

	"github.com/ascend-cli/ascend/asc"
)

// Apple's codes that failures are decided by.
const (
	CodeDuplicate  = "ENTITY_ERROR.ATTRIBUTE.INVALID.DUPLICATE"
	CodeState      = "STATE_ERROR"
	CodeValidation = "STATE_ERROR.VALIDATION_ERROR"
)

// kindOfRefusal classifies a refusal of the API.
func kindOfRefusal(err *asc.Error) Kind {
	switch {
	case err.HTTPStatus == 401:
		return Auth
	case err.HTTPStatus == 403:
		if e, ok := entryOf(err); ok {
			return e.Kind
		}
		return Auth
	case asc.IsFlakyNotFound(err):
		return Transfer
	case err.HTTPStatus == 404:
		return NotFound
	case err.HTTPStatus == 429 || err.HTTPStatus >= 500 || err.HTTPStatus/100 == 3:
		return Transfer
	}
	if e, ok := entryOf(err); ok {
		return e.Kind
	}
	return Rejected
}

// hintOfRefusal says what to do about a refusal of the API, or nothing. What the
// service links to is where it is done.
func hintOfRefusal(err *asc.Error) string {
	hint, link := "", ""
	if e, ok := entryOf(err); ok {
		hint, link = e.Hint, e.Link
	}
	switch {
	case err.HTTPStatus == 401:
		hint = "check that key id, issuer id and key belong together, and that the key was not revoked (App Store Connect, Users and Access, Integrations); an individual key has no issuer id"
		if skew := err.ClockSkew.Abs(); skew.Minutes() >= 2 {
			hint = fmt.Sprintf("this machine's clock is %s %s the service's: set it right; if that does not help, %s", skew, aheadOrBehind(err), hint)
		}
		return hint
	case asc.IsFlakyNotFound(err):
		return "App Store Connect does not find what is there, as it does at times: run the same command again"
	case hint != "":
	case err.HTTPStatus == 403:
		hint = roleHint
	case err.HTTPStatus == 429:
		hint = "the key's hourly allowance is used up; wait, or use a key of its own for this pipeline"
	case err.HTTPStatus/100 == 3:
		hint = "App Store Connect does not redirect: look at --api-url, and for a proxy that wants a login (HTTPS_PROXY)"
	case err.HTTPStatus >= 500:
		return "App Store Connect has a problem: " + statusPage + "; run the same command again later"
	}
	for _, d := range err.Details {
		if see := d.See(); see != "" {
			link = see
			break
		}
	}
	if link != "" && hint != "" {
		hint += " (" + link + ")"
	}
	return hint
}

func aheadOrBehind(err *asc.Error) string {
	if err.ClockSkew > 0 {
		return "ahead of"
	}
	return "behind"
}
