package sandbox_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ascend-cli/ascend/internal/sandbox"
)

// The tests of this file hold the sandbox to what the service was seen to do.

// linksOf are the links of a resource's relationships, as "self related".
func linksOf(o object) map[string]string {
	out := map[string]string{}
	for name, r := range o.Relationships {
		out[name] = strings.Join(slices.Sorted(maps.Keys(r.Links)), " ")
	}
	return out
}

// Recorded: a list of apps and one of builds.
func TestRelationshipsHaveTheLinksThatTheServiceShows(t *testing.T) {
	v := start(t)
	const both = "related self"
	build := v.build("1.0", "7", demo("1.0", "7"))
	app := linksOf(v.must(200, "GET", "/v1/apps/"+appID, "").object(t))
	for name, want := range map[string]string{"betaTesters": "self", "betaGroups": both, "builds": both} {
		if app[name] != want {
			t.Errorf("apps.%s has the links %q, not %q", name, app[name], want)
		}
	}
	links := linksOf(v.must(200, "GET", "/v1/builds/"+build, "").object(t))
	for name, want := range map[string]string{"betaGroups": "self", "app": both, "individualTesters": both} {
		if links[name] != want {
			t.Errorf("builds.%s has the links %q, not %q", name, links[name], want)
		}
	}
	if got := linksOf(v.must(200, "GET", "/v1/apps/"+appID+"?fields[apps]=bundleId", "").object(t)); len(got) != 0 {
		t.Errorf("asking for attributes gave the relationships %v", got)
	}
}

// Recorded: GET /v1/apps?fields[apps]=bundleId,name repeats the query escaped,
// and links name the host that was asked.
func TestLinksNameTheHostThatWasAskedAndAreEscaped(t *testing.T) {
	v := start(t)
	ask := func(path string, header ...string) reply {
		t.Helper()
		return v.must(200, "GET", path, "", func(r *http.Request) {
			r.Host = "api.example.com"
			for i := 0; i+1 < len(header); i += 2 {
				r.Header.Set(header[i], header[i+1])
			}
		})
	}
	const host = "http://api.example.com"
	r := ask("/v1/apps?limit=1&fields[apps]=name,bundleId&sort=-name")
	if want := host + "/v1/apps?limit=1&fields%5Bapps%5D=name%2CbundleId&sort=-name"; r.Links.Self != want {
		t.Errorf("self is %s, not %s", r.Links.Self, want)
	}
	next := r.Links.Next
	if !strings.HasPrefix(next, host+"/v1/apps?") || !strings.Contains(next, "fields%5Bapps%5D=name%2CbundleId") {
		t.Errorf("next is %s", r.Links.Next)
	}
	app := ask("/v1/betaGroups/qa?include=app").object(t)
	if want := host + "/v1/betaGroups/qa/relationships/app"; app.Relationships["app"].Links["self"] != want {
		t.Errorf("%v, not %s", app.Relationships["app"], want)
	}
	if r := ask("/v1/betaGroups/qa/relationships/app"); r.Links.Self != host+"/v1/betaGroups/qa/relationships/app" {
		t.Errorf("self of the linkage is %s", r.Links.Self)
	}
	// A proxy in front of it that ends TLS.
	if r := ask("/v1/apps", "X-Forwarded-Proto", "https"); r.Links.Self != "https://api.example.com/v1/apps" {
		t.Errorf("self behind a proxy is %s", r.Links.Self)
	}
	elsewhere := func(r *http.Request) { r.Host = "api.example.com" }
	made := v.must(201, "POST", "/v1/buildUploads", upload("1.0", "1", appID), elsewhere)
	if location := made.header.Get("Location"); !strings.HasPrefix(location, host+"/v1/buildUploads/") {
		t.Errorf("Location is %s", location)
	}
}

func TestAPageHasFiftyWithoutALimit(t *testing.T) {
	v := start(t, func(o *sandbox.Options) {
		for i := range 60 {
			o.Apps = append(o.Apps, sandbox.App{BundleID: fmt.Sprintf("com.example.more%d", i)})
		}
	})
	if ids := v.must(200, "GET", "/v1/apps", "").ids(t); len(ids) != 50 {
		t.Errorf("a page has %d", len(ids))
	}
}

// Recorded: 400-bagbutik-illegal, 400-eddies-field, 400-fastlane-sort,
// 404-fastlane-path.
func TestUnknownNamesAreRefusedInTheWordsOfTheService(t *testing.T) {
	v := start(t)
	const invalid, notValid = "A parameter has an invalid value", "The URL path is not valid"
	for path, want := range map[string]struct {
		status              int
		code, title, detail string
	}{
		"/v1/builds/x/betaGroups?limit=1": {404, "NOT_FOUND", notValid, "The relationship 'betaGroups' does not exist"},
		"/v1/bulkBetaTesterAssignments": {
			404, "NOT_FOUND", notValid, "The resource 'bulkBetaTesterAssignments' does not exist",
		},
		"/v1/colours/7/relationships/apps": {404, "NOT_FOUND", notValid, "The resource 'colours' does not exist"},
		"/v2/apps":                         {404, "NOT_FOUND", notValid, "The resource 'apps' does not exist"},
		"/v1/apps/" + appID + "/relationships/colours": {
			404, "NOT_FOUND", notValid, "The relationship 'colours' does not exist",
		},
		"/v1/apps/" + appID + "?limit=1": {
			400, "PARAMETER_ERROR.ILLEGAL", "A given parameter is not allowed for this request",
			"The parameter 'limit' can not be used with this request",
		},
		"/v1/builds?sort=-uploadedDate3": {
			400, "PARAMETER_ERROR.INVALID", invalid, "'uploadedDate3' is not a valid field name",
		},
		"/v1/builds?fields[builds]=version,submitted": {
			400, "PARAMETER_ERROR.INVALID", invalid, "'submitted' is not a valid field name",
		},
		"/v1/builds?include=app,betaBuildMetrics": {
			400, "PARAMETER_ERROR.INVALID", invalid, "'betaBuildMetrics' is not a valid relationship name",
		},
		"/v1/builds?include=app.betaGroups": {
			400, "PARAMETER_ERROR.INVALID", invalid, "'app.betaGroups' is not a valid relationship name",
		},
	} {
		r := v.must(want.status, "GET", path, "")
		if e := r.Errors[0]; e.Code != want.code || e.Title != want.title || e.Detail != want.detail {
			t.Errorf("%s: %+v", path, e)
		}
	}
}

// Recorded: 403-code-payments-operation; POST /v1/apps was answered with what
// is allowed for apps.
func TestAMethodThatAResourceDoesNotOfferIsForbidden(t *testing.T) {
	v := start(t)
	for request, want := range map[string]string{
		"POST /v1/apps":                                          "The resource 'apps' does not allow 'CREATE'. Allowed operations are: GET_COLLECTION, GET_INSTANCE, UPDATE",
		"DELETE /v1/apps/" + appID:                               "The resource 'apps' does not allow 'DELETE'. Allowed operations are: GET_COLLECTION, GET_INSTANCE, UPDATE",
		"GET /v1/betaTesterInvitations":                          "The resource 'betaTesterInvitations' does not allow 'GET_COLLECTION'. Allowed operation is: CREATE",
		"GET /v1/buildBetaNotifications/7":                       "The resource 'buildBetaNotifications' does not allow 'GET_INSTANCE'. Allowed operation is: CREATE",
		"PATCH /v1/apps/" + appID + "/relationships/betaTesters": "The relationship 'betaTesters' does not allow 'REPLACE'. Allowed operation is: DELETE",
		"POST /v1/apps/" + appID + "/builds":                     "The relationship 'builds' does not allow 'CREATE'. Allowed operation is: GET_RELATIONSHIP",
	} {
		method, path, _ := strings.Cut(request, " ")
		r := v.must(403, method, path, "")
		e := r.Errors[0]
		if e.Code != "FORBIDDEN_ERROR" || e.Title != "The given operation is not allowed" || e.Detail != want {
			t.Errorf("%s: %+v", request, e)
		}
		if r.header.Get("Allow") != "" {
			t.Errorf("%s: Allow is %s", request, r.header.Get("Allow"))
		}
	}
}

// Seen in ten projects: the answer is written once, also when it came with the
// package.
func TestExportComplianceIsWrittenOnce(t *testing.T) {
	v := start(t)
	answered := v.build("1.0", "7", demo("1.0", "7"))
	open := v.build("1.0", "8", demo("1.0", "8").With("ITSAppUsesNonExemptEncryption", nil))
	set := func(status int, build string, uses bool) reply {
		t.Helper()
		body := resource("builds", build, map[string]any{"usesNonExemptEncryption": uses})
		return v.must(status, "PATCH", "/v1/builds/"+build, body)
	}
	set(200, open, true)
	for _, build := range []string{answered, open} {
		for _, uses := range []bool{false, true} {
			e := set(409, build, uses).Errors[0]
			if e.Code != "ENTITY_ERROR.ATTRIBUTE.INVALID" || e.Detail != "You cannot update when the value is already set." ||
				e.Title != "The provided entity includes an attribute with an invalid value" ||
				e.Source.Pointer != "/data/attributes/usesNonExemptEncryption" {
				t.Errorf("%v: %+v", uses, e)
			}
		}
	}
}

// Recorded or quoted: 422-codemagic-processing, 422-msime-internal-group, and
// the codes and texts of refused reviews.
func TestReviewsAndGroupsAreRefusedAsTheServiceDoes(t *testing.T) {
	v := start(t)
	refused := func(what, path, body, code, title, detail string) {
		t.Helper()
		e := v.must(422, "POST", path, body).Errors[0]
		if e.Code != code || e.Title != title || e.Detail != detail {
			t.Errorf("%s: %+v", what, e)
		}
	}
	const reviews, bare = "/v1/betaAppReviewSubmissions", "ENTITY_UNPROCESSABLE"
	review := func(build string) string {
		return resource("betaAppReviewSubmissions", "", nil, "build", "builds", build)
	}
	groups := func(build string) string { return "/v1/builds/" + build + "/relationships/betaGroups" }

	sent := v.uploaded("1.0", "7", demo("1.0", "7"))
	v.Advance(2 * time.Minute) // VALID, but not settled
	build := v.buildOf(sent)
	const unsettled = "The build is not in a valid processing state for this operation."
	refused("a review too early", reviews, review(build), bare, unsettled, unsettled)
	refused("a group too early", groups(build), linkage("betaGroups", "qa"), bare, unsettled, unsettled)
	v.Advance(time.Minute)
	refused("a group with all builds", groups(build), linkage("betaGroups", "team"), bare,
		"Builds cannot be assigned to this internal group.", "Cannot add internal group to a build.")

	v.must(201, "POST", reviews, review(build))
	if e := v.must(422, "POST", reviews, review(build)).Errors[0]; e.Code != bare+".INVALID_QC_STATE" {
		t.Errorf("a second submission: %+v", e)
	}
	refused("another build of the version", reviews, review(v.build("1.0", "8", demo("1.0", "8"))),
		bare+".ANOTHER_BUILD_IN_REVIEW", "Another build is in review.",
		"Another build in the same train is already in beta review. Please submit it again once it gets completed.")
}

func TestAReviewNeedsADescriptionOfTheApp(t *testing.T) {
	v := start(t, func(o *sandbox.Options) { o.Apps[0].NoTestInformation = true })
	build := v.build("1.0", "7", demo("1.0", "7"))
	body := resource("betaAppReviewSubmissions", "", nil, "build", "builds", build)
	e := v.must(422, "POST", "/v1/betaAppReviewSubmissions", body).Errors[0]
	if e.Code != "ENTITY_UNPROCESSABLE" || e.Title != "Beta App Description is missing." ||
		e.Detail != "Beta App Description is required to submit a build for external testing." {
		t.Errorf("%+v", e)
	}
	var found []object
	path := "/v1/apps/" + appID + "/betaAppLocalizations"
	if err := json.Unmarshal(v.must(200, "GET", path, "").Data, &found); err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	described := resource("betaAppLocalizations", found[0].ID, map[string]any{"description": "A demo."})
	v.must(200, "PATCH", "/v1/betaAppLocalizations/"+found[0].ID, described)
	v.must(201, "POST", "/v1/betaAppReviewSubmissions", body)
}

// Faults with a code of the service come with the service's text.
func TestFaultsOfTheServiceHaveItsTexts(t *testing.T) {
	v := broken(t, "status=422 nth=1 code=ENTITY_UNPROCESSABLE.SUBMISSION_LIMIT_REACHED",
		"status=403 nth=2 code=FORBIDDEN_ERROR.CONTRACT_NOT_VALID", "status=400 nth=3 code=SOMETHING_ELSE")
	for _, want := range []string{
		"Submission limit has been reached.", "You do not have required contracts to perform an operation",
		"A fault that was asked for",
	} {
		if e := v.ask("GET", "/v1/apps", "").Errors[0]; e.Title != want {
			t.Errorf("%+v, not %s", e, want)
		}
	}
}

// Recorded: 409-rorkai-notify-auto.
func TestANotificationIsRefusedWhileAutomaticOnesAreOn(t *testing.T) {
	v := start(t, func(o *sandbox.Options) { o.ReviewTime = time.Second })
	build := v.build("1.0", "7", demo("1.0", "7"))
	review := resource("betaAppReviewSubmissions", "", nil, "build", "builds", build)
	v.must(201, "POST", "/v1/betaAppReviewSubmissions", review)
	v.Advance(time.Minute)
	body := resource("buildBetaNotifications", "", nil, "build", "builds", build)
	e := v.must(409, "POST", "/v1/buildBetaNotifications", body).Errors[0]
	if e.Code != "STATE_ERROR.ENTITY_STATE_INVALID" || e.Title != "" || e.Detail != "Auto-notify already enabled" {
		t.Errorf("%+v", e)
	}
	off := resource("buildBetaDetails", build, map[string]any{"autoNotifyEnabled": false})
	v.must(200, "PATCH", "/v1/buildBetaDetails/"+build, off)
	v.must(201, "POST", "/v1/buildBetaNotifications", body)
}
