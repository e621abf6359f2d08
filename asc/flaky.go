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

// flakyRepeats is how often such a request is repeated; the pauses double.
const flakyRepeats = 3

// flakiness is what the attempts of one request have shown about such replies.
type flakiness struct {
	repeats int
	// appSeen tells that the app of the path was read since.
	appSeen bool
}

// IsFlakyNotFound tells whether err is a 404 of a request for build uploads or
// their files that names an app, which the service sends at times for an app
// that exists. It proves neither that the app nor that a build upload is
// missing, and IsTemporary holds. Reads are repeated a few times before they end
// with it, on an app's own path only while the app can be read; if the app is
// missing as well, this reports false. A create that ends with it made nothing,
// as far as is known: look at the app, list what is there, then create again.
func IsFlakyNotFound(err error) bool {
	var apiErr *Error
	if !errors.As(err, &apiErr) || apiErr.HTTPStatus != http.StatusNotFound || apiErr.appMissing {
		return false
	}
	if named, _ := buildUploadPath(apiErr.Path); !named {
		return false
	}
	for _, detail := range apiErr.Details {
		if detail.Is("NOT_FOUND") && strings.Contains(strings.ToLower(detail.Detail), "no resource of type 'apps'") {
			return true
		}
	}
	return false
}

// buildUploadPath tells whether a path is one of build uploads, and of which
// app if it has one in it.
func buildUploadPath(path string) (is bool, appID string) {
	_, rest, ok := strings.Cut(path, "/v1/")
	if !ok {
		return false, ""
	}
	parts := strings.Split(rest, "/")
	switch {
	case parts[0] == "buildUploads", parts[0] == "buildUploadFiles":
		return true, ""
	case len(parts) == 3 && parts[0] == "apps" && parts[2] == "buildUploads":
		return true, parts[1]
	}
	return false, ""
}

// afterFlakyNotFound decides about the attempt after such a reply. A create is
// not repeated here, since it is not known for certain that nothing was made.
func (c *Client) afterFlakyNotFound(ctx context.Context, x *exchange, err error) (wait time.Duration, again bool) {
	switch x.method {
	case http.MethodGet, http.MethodHead, http.MethodDelete:
	default:
		return 0, false
	}
	f := &x.flaky
	if c.retryFor < 0 || f.repeats >= flakyRepeats {
		return 0, false
	}
	if _, appID := buildUploadPath(x.target.Path); appID != "" && !f.appSeen {
		if _, appErr := c.App(ctx, appID); appErr != nil {
			var apiErr *Error
			if errors.As(err, &apiErr) {
				apiErr.appMissing = IsNotFound(appErr)
			}
			return 0, false
		}
		f.appSeen = true
	}
	wait = firstWait << f.repeats
	f.repeats++
	return wait + time.Duration(c.random()*float64(wait)/4), true
}
