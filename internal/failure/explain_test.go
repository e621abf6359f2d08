package failure_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/upload"
)

// refusal is one of the API with a status and a code.
func refusal(status int, code string) *asc.Error {
	detail := asc.ErrorDetail{Code: code, Title: "Refused.", Detail: "No."}
	return &asc.Error{ErrorDetail: detail, Method: "GET", Path: "/v1/apps", HTTPStatus: status, Details: []asc.ErrorDetail{detail}}
}

func TestEveryErrorHasAKindAndMostAHint(t *testing.T) {
	skewed := refusal(401, "NOT_AUTHORIZED")
	skewed.ClockSkew = -10 * time.Minute
	for name, c := range map[string]struct {
		err  error
		kind failure.Kind
		hint string // a part of it; empty for none
	}{
		"a failure that was decided on": {&failure.Error{Kind: failure.Conflict, Message: "m", Hint: "do this"}, failure.Conflict, "do this"},
		"the user's signal":             {failure.ErrInterrupted, failure.Interrupted, ""},
		"a context that was cancelled":  {context.Canceled, failure.Interrupted, ""},
		"a deadline":                    {context.DeadlineExceeded, failure.Timeout, ""},
		"a package":                     {&bundle.Error{Path: "a.ipa", Reason: "cut off", Hint: "fetch it again"}, failure.InvalidPackage, "fetch it again"},
		"a file that changed":           {fmt.Errorf("a.ipa: %w", upload.ErrFileChanged), failure.InvalidPackage, "nothing writes the package"},
		"a key":                         {&asc.KeyError{Reason: "no key given", Hint: "give one"}, failure.Auth, "give one"},
		"an enterprise key":             {asc.ErrEnterpriseKey, failure.Auth, ""},
		"a refused token":               {refusal(401, "NOT_AUTHORIZED"), failure.Auth, "was not revoked"},
		"a refused token and a clock":   {skewed, failure.Auth, "clock is 10m0s behind"},
		"a role":                        {refusal(403, "FORBIDDEN_ERROR"), failure.Auth, "role does not allow this"},
		"an agreement":                  {refusal(403, "FORBIDDEN.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED"), failure.Auth, "Account Holder"},
		"something that is not there":   {refusal(404, "NOT_FOUND"), failure.NotFound, "another team"},
		"a number that is used":         {refusal(409, failure.CodeDuplicate), failure.Conflict, "raise the build number"},
		"another refusal":               {refusal(409, failure.CodeState), failure.Rejected, "state that is in the way"},
		"the allowance":                 {refusal(429, "RATE_LIMIT_EXCEEDED"), failure.Transfer, "allowance"},
		"a daily limit":                 {refusal(422, "ENTITY_UNPROCESSABLE.SUBMISSION_LIMIT_REACHED"), failure.Rejected, "in some hours"},
		"a contract":                    {refusal(422, "ENTITY_UNPROCESSABLE.BETA_CONTRACT_MISSING"), failure.Rejected, "Apple's support (https://developer.apple.com/contact/)"},
		"a processing number":           {refusal(409, "STATE_ERROR.VALIDATION_ERROR.90382"), failure.Rejected, "in a day"},
		"an outage":                     {refusal(503, ""), failure.Transfer, "system-status"},
		"a redirect":                    {refusal(302, ""), failure.Transfer, "does not redirect"},
		"a broken connection":           {&asc.TransportError{Method: "GET", URL: "https://x", Err: errors.New("reset")}, failure.Transfer, "check the network"},
		"a link to another host":        {&asc.LinkError{Reason: "elsewhere"}, failure.Transfer, "does not answer like this"},
		"a part that is refused":        {&upload.PartError{Status: 400}, failure.Transfer, "refused the part for good"},
		"a part that breaks":            {&upload.PartError{Err: errors.New("reset")}, failure.Transfer, "check the network"},
		"operations that do not fit":    {&upload.PlanError{Reason: "gap"}, failure.Transfer, ""},
		"anything else":                 {errors.New("oh"), failure.Internal, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := failure.Explain(fmt.Errorf("while trying: %w", c.err))
			if e.Kind != c.kind || !strings.HasPrefix(e.Message, "while trying: ") || !strings.Contains(e.Hint, c.hint) || c.hint == "" && e.Hint != "" {
				t.Errorf("%+v", e)
			}
			if e.Details == nil {
				t.Error("the details are null in JSON")
			}
		})
	}
	if failure.KindOf(nil) != "" {
		t.Error("no error has a kind")
	}
}

func TestSeveralRefusalsAreDetails(t *testing.T) {
	err := refusal(409, "A")
	err.Details = append(err.Details, asc.ErrorDetail{Code: "B", Detail: "Also no."})
	if e := failure.Explain(err); len(e.Details) != 2 || !strings.Contains(e.Details[1], "Also no. [B]") {
		t.Errorf("%q", e.Details)
	}
}
