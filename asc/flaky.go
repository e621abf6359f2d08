package asc

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
)

// App Store Connect says now and then, most often shortly after an app was
// created, that an app of a request for build uploads does not exist although
// it does: 404 NOT_FOUND, "There is no resource of type 'apps' with id '…'".
// Repeated after a second or two the request works. Seen by several clients in
// 2026 (docs/API_NOTES.md of rorkai/App-Store-Connect-CLI, fastlane/fastlane#29908).

const codeNotFound = "NOT_FOUND"

// flakyRepeats is how often such a request is repeated; the pauses double.
const flakyRepeats = 3

// flakiness is what the attempts of one request have shown about such replies.
type flakiness struct {
	repeats int
	// appSeen tells that the app of the path was read since.
	appSeen bool
}

// IsFlakyNotFound tells whether err is a 404 that proves nothing, so that
// [IsTemporary] holds. There are two of them.
//
// A request for build uploads or their files was refused with the name of an
// app, as the service does at times for an app that exists. On an app's own path
// this reports false once the app was looked for, and is missing.
//
// Or the missing resource was made, or changed, by the same client within
// the last minute: not every server of the service may know it yet.
//
// Reads are repeated a few times before they end with such an error. A create or
// a commit is not: as far as is known it did nothing, so look at what is there,
// then try again.
func IsFlakyNotFound(err error) bool {
	var apiErr *Error
	if !errors.As(err, &apiErr) || apiErr.HTTPStatus != http.StatusNotFound || apiErr.appMissing {
		return false
	}
	if apiErr.justMade {
		return true
	}
	if named, _ := buildUploadPath(apiErr.Path); !named {
		return false
	}
	for _, detail := range apiErr.Details {
		if detail.Is(codeNotFound) && strings.Contains(strings.ToLower(detail.Detail), "no resource of type 'apps'") {
			return true
		}
	}
	return false
}

// buildUploadPath tells whether a path is one of build uploads, and of which
// app if it has one in it.
func buildUploadPath(path string) (is bool, appID string) {
	parts := pathParts(path)
	switch {
	case len(parts) == 0:
		return false, ""
	case parts[0] == "buildUploads", parts[0] == "buildUploadFiles":
		return true, ""
	case len(parts) == 3 && parts[0] == "apps" && parts[2] == "buildUploads":
		return true, parts[1]
	}
	return false, ""
}

// pathParts are those of a path below its version, which may follow the path of
// a proxy.
func pathParts(path string) []string {
	i := strings.LastIndex(path, "/v1/")
	if i < 0 {
		return nil
	}
	return strings.Split(path[i+len("/v1/"):], "/")
}

// afterFlakyNotFound decides about the attempt after such a reply. A create and
// a commit are not repeated here, since it is not known for certain that nothing
// happened.
func (c *Client) afterFlakyNotFound(ctx context.Context, x *exchange, refusal *Error) (wait time.Duration, again bool) {
	f, most := &x.flaky, flakyRepeats
	if refusal.justMade {
		most = madeRepeats
	}
	if !x.harmless(refusal.justMade) || c.retryFor < 0 || f.repeats >= most {
		return 0, false
	}
	if _, appID := buildUploadPath(x.target.Path); appID != "" && !refusal.justMade && !f.appSeen {
		if _, err := c.App(ctx, appID); err != nil {
			refusal.appMissing = IsNotFound(err)
			return 0, false
		}
		f.appSeen = true
	}
	wait = firstWait << f.repeats
	f.repeats++
	return wait + time.Duration(c.random()*float64(wait)/4), true
}

// harmless tells whether a request may be sent again after a 404 that proves
// nothing. Updates and new members of a relationship have the same effect twice.
func (x *exchange) harmless(justMade bool) bool {
	switch x.method {
	case http.MethodGet, http.MethodHead, http.MethodDelete:
		return true
	case http.MethodPatch:
		return justMade && !x.once
	}
	return justMade && strings.Contains(x.target.Path, "/relationships/")
}
