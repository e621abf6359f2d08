package sandbox_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ascend-cli/ascend/internal/sandbox"
)

func TestTestFlightHasRules(t *testing.T) {
	v := start(t)
	build := v.build("1.0", "7", demo("1.0", "7").With("ITSAppUsesNonExemptEncryption", nil))
	groups := "/v1/builds/" + build + "/relationships/betaGroups"
	unprocessable := func(what, method, path, body string) {
		t.Helper()
		if r := v.ask(method, path, body); r.status != 422 || !strings.HasPrefix(r.code(), "ENTITY_UNPROCESSABLE") {
			t.Errorf("%s: %d %+v", what, r.status, r.Errors)
		}
	}
	review := resource("betaAppReviewSubmissions", "", nil, "build", "builds", build)
	answer := resource("builds", build, map[string]any{"usesNonExemptEncryption": false})
	unprocessable("a group before export compliance", "POST", groups, linkage("betaGroups", "qa"))
	unprocessable("a review before export compliance", "POST", "/v1/betaAppReviewSubmissions", review)
	v.must(200, "PATCH", "/v1/builds/"+build, answer)
	if r := v.ask("PATCH", "/v1/builds/"+build, answer); r.status != 409 {
		t.Errorf("the same answer twice: %d", r.status)
	}
	unprocessable("an internal group with all builds", "POST", groups, linkage("betaGroups", "team"))
	v.must(204, "POST", groups, linkage("betaGroups", "qa", "beta"))
	v.must(204, "POST", groups, linkage("betaGroups", "qa"))
	if ids := v.must(200, "GET", "/v1/builds?filter[betaGroups]=qa", "").ids(t); !slices.Equal(ids, []string{build}) {
		t.Errorf("builds of the group: %v", ids)
	}
	note := resource("betaBuildLocalizations", "", map[string]any{"locale": "en-US", "whatsNew": "Hello"}, "build", "builds", build)
	v.must(201, "POST", "/v1/betaBuildLocalizations", note)
	if r := v.ask("POST", "/v1/betaBuildLocalizations", note); r.status != 409 {
		t.Errorf("a second note in the same locale: %d", r.status)
	}
	for what, attributes := range map[string]map[string]any{
		"emoji":            {"locale": "de-DE", "whatsNew": "Hello 🚀"},
		"an angle bracket": {"locale": "de-DE", "whatsNew": "a < b"},
		"too much":         {"locale": "de-DE", "whatsNew": strings.Repeat("x", 4001)},
		"no such locale":   {"locale": "xx-XX", "whatsNew": "Hello"},
	} {
		if r := v.ask("POST", "/v1/betaBuildLocalizations", resource("betaBuildLocalizations", "", attributes, "build", "builds", build)); r.status != 409 {
			t.Errorf("%s: %d", what, r.status)
		}
	}
	notification := resource("buildBetaNotifications", "", nil, "build", "builds", build)
	if r := v.ask("POST", "/v1/buildBetaNotifications", notification); r.status != 409 {
		t.Errorf("a notification while automatic ones are on: %d", r.status)
	}
	v.must(201, "POST", "/v1/betaAppReviewSubmissions", review)
	unprocessable("a second submission", "POST", "/v1/betaAppReviewSubmissions", review)
	second := v.build("1.0", "8", demo("1.0", "8"))
	unprocessable("a second build of the version in review", "POST", "/v1/betaAppReviewSubmissions", resource("betaAppReviewSubmissions", "", nil, "build", "builds", second))
	v.must(200, "PATCH", "/v1/builds/"+second, resource("builds", second, map[string]any{"expired": true}))
	unprocessable("a group for an expired build", "POST", "/v1/builds/"+second+"/relationships/betaGroups", linkage("betaGroups", "qa"))
	if r := v.ask("PATCH", "/v1/builds/"+second, resource("builds", second, map[string]any{"expired": false})); r.status != 409 {
		t.Errorf("an expired build was brought back: %d", r.status)
	}
}

func TestAReviewEndsAfterItsTime(t *testing.T) {
	v := start(t, func(o *sandbox.Options) { o.ReviewTime = time.Hour })
	build := v.build("1.0", "7", demo("1.0", "7"))
	v.must(204, "POST", "/v1/builds/"+build+"/relationships/betaGroups", linkage("betaGroups", "beta"))
	v.must(201, "POST", "/v1/betaAppReviewSubmissions", resource("betaAppReviewSubmissions", "", nil, "build", "builds", build))
	external := func() any {
		return v.must(200, "GET", "/v1/builds/"+build+"/buildBetaDetail", "").object(t).Attributes["externalBuildState"]
	}
	if external() != "WAITING_FOR_BETA_REVIEW" {
		t.Errorf("%v", external())
	}
	v.Advance(time.Hour)
	if external() != "IN_BETA_TESTING" {
		t.Errorf("%v an hour later", external())
	}
}

func TestTwoServersDoNotShareAnAddress(t *testing.T) {
	v := start(t)
	other, err := sandbox.Start(sandbox.Options{Addr: strings.TrimPrefix(v.server.URL(), "http://")})
	if err == nil {
		other.Close()
		t.Fatal("the address was taken twice")
	}
	if v.server.URL() == v.server.StoreURL() {
		t.Error("API and store are one host")
	}
}
