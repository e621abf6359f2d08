package sandbox_test

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ascend-cli/ascend/internal/sandbox"
)

func TestRequestsAreRefusedWhereTheContractSaysNo(t *testing.T) {
	v := start(t)
	whole := map[string]any{"cfBundleShortVersionString": "1.0", "cfBundleVersion": "1", "platform": "IOS"}
	with := func(name string, value any) map[string]any {
		out := map[string]any{}
		for k, x := range whole {
			out[k] = x
		}
		if out[name] = value; value == nil {
			delete(out, name)
		}
		return out
	}
	create := func(attributes map[string]any) string {
		return resource("buildUploads", "", attributes, "app", "apps", appID)
	}
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		code, at           string
	}{
		"an unknown parameter":            {"GET", "/v1/apps?filter[color]=red", "", 400, "PARAMETER_ERROR.ILLEGAL", "filter[color]"},
		"a parameter of another resource": {"GET", "/v1/apps?filter[processingState]=VALID", "", 400, "PARAMETER_ERROR.ILLEGAL", "filter[processingState]"},
		"an unknown field":                {"GET", "/v1/apps?fields[apps]=nme", "", 400, "PARAMETER_ERROR.INVALID", "fields[apps]"},
		"fields of a foreign type":        {"GET", "/v1/apps?fields[users]=email", "", 400, "PARAMETER_ERROR.ILLEGAL", "fields[users]"},
		"a limit above the maximum":       {"GET", "/v1/apps?limit=201", "", 400, "PARAMETER_ERROR.INVALID", "limit"},
		"a limit of zero":                 {"GET", "/v1/apps?limit=0", "", 400, "PARAMETER_ERROR.INVALID", "limit"},
		"an unknown sort key":             {"GET", "/v1/builds?sort=colour", "", 400, "PARAMETER_ERROR.INVALID", "sort"},
		"an unknown include":              {"GET", "/v1/builds?include=colour", "", 400, "PARAMETER_ERROR.INVALID", "include"},
		"an unknown enum value":           {"GET", "/v1/builds?filter[processingState]=DONE", "", 400, "PARAMETER_ERROR.INVALID", "filter[processingState]"},
		"a broken cursor":                 {"GET", "/v1/apps?cursor=x", "", 400, "PARAMETER_ERROR.INVALID", "cursor"},
		"an unknown path":                 {"GET", "/v1/colours", "", 404, "NOT_FOUND", ""},
		"an unknown id":                   {"GET", "/v1/builds/nope", "", 404, "NOT_FOUND", ""},
		"a method that is not there":      {"DELETE", "/v1/apps/" + appID, "", 403, "FORBIDDEN_ERROR", ""},
		"no JSON":                         {"POST", "/v1/buildUploads", "hello", 409, "ENTITY_ERROR.INVALID", "/data"},
		"an unknown attribute":            {"POST", "/v1/buildUploads", create(with("colour", "red")), 409, "ENTITY_ERROR.ATTRIBUTE.UNKNOWN", "/data/attributes/colour"},
		"a missing attribute":             {"POST", "/v1/buildUploads", create(with("cfBundleVersion", nil)), 409, "ENTITY_ERROR.ATTRIBUTE.REQUIRED", "/data/attributes/cfBundleVersion"},
		"an attribute of another type":    {"POST", "/v1/buildUploads", create(with("cfBundleVersion", 42)), 409, "ENTITY_ERROR.ATTRIBUTE.TYPE", "/data/attributes/cfBundleVersion"},
		"a platform nobody has":           {"POST", "/v1/buildUploads", create(with("platform", "WATCH_OS")), 409, "ENTITY_ERROR.ATTRIBUTE.INVALID", "/data/attributes/platform"},
		"letters in the build number":     {"POST", "/v1/buildUploads", create(with("cfBundleVersion", "42a")), 409, "ENTITY_ERROR.ATTRIBUTE.INVALID", "/data/attributes/cfBundleVersion"},
		"four parts in the version":       {"POST", "/v1/buildUploads", create(with("cfBundleShortVersionString", "1.2.3.4")), 409, "ENTITY_ERROR.ATTRIBUTE.INVALID", "/data/attributes/cfBundleShortVersionString"},
		"no app":                          {"POST", "/v1/buildUploads", resource("buildUploads", "", whole), 409, "ENTITY_ERROR.RELATIONSHIP.REQUIRED", "/data/relationships/app"},
		"an app that is not there":        {"POST", "/v1/buildUploads", upload("1.0", "1", "99"), 409, "ENTITY_ERROR.RELATIONSHIP.INVALID", "/data/relationships/app/data/id"},
		"another type":                    {"POST", "/v1/buildUploads", strings.Replace(upload("1.0", "1", appID), `"buildUploads"`, `"builds"`, 1), 409, "ENTITY_ERROR.TYPE_MISMATCH", "/data/type"},
		"an id on a create":               {"POST", "/v1/buildUploads", resource("buildUploads", "mine", whole, "app", "apps", appID), 409, "ENTITY_ERROR.UNEXPECTED_ID", "/data/id"},
		"another id than the path's":      {"PATCH", "/v1/betaGroups/qa", resource("betaGroups", "7", nil), 409, "ENTITY_ERROR.ID_MISMATCH", "/data/id"},
	} {
		t.Run(name, func(t *testing.T) {
			r := v.ask(c.method, c.path, c.body)
			if r.status != c.status || r.code() != c.code {
				t.Fatalf("%d %+v, want %d %s", r.status, r.Errors, c.status, c.code)
			}
			if source := r.Errors[0].Source; cmp.Or(source.Pointer, source.Parameter) != c.at {
				t.Errorf("it points at %+v, want %s", source, c.at)
			}
			if r.Errors[0].Status != strconv.Itoa(c.status) {
				t.Errorf("the status in the body is %q", r.Errors[0].Status)
			}
		})
	}
	if ids := v.must(200, "GET", "/v1/apps/"+appID+"/buildUploads", "").ids(t); len(ids) != 0 {
		t.Errorf("refused requests left %v", ids)
	}
}

func TestABundleIDFilterMatchesByPrefix(t *testing.T) {
	v := start(t)
	if ids := v.must(200, "GET", "/v1/apps?filter[bundleId]="+bundleID, "").ids(t); len(ids) != 2 {
		t.Errorf("%v, want the app and the one whose bundle id begins like it", ids)
	}
	if ids := v.must(200, "GET", "/v1/apps?filter%5BbundleId%5D="+bundleID+".lite", "").ids(t); len(ids) != 1 {
		t.Errorf("%v with encoded brackets", ids)
	}
}

func TestListsArePagedByCursor(t *testing.T) {
	v := start(t, func(o *sandbox.Options) {
		for i := range 5 {
			o.Apps = append(o.Apps, sandbox.App{BundleID: fmt.Sprintf("com.example.more%d", i)})
		}
	})
	var all []string
	next, pages := "/v1/apps?limit=3", 0
	for next != "" {
		r := v.must(200, "GET", next, "")
		all = append(all, r.ids(t)...)
		next = r.Links.Next
		pages++
	}
	slices.Sort(all)
	if pages != 3 || len(all) != 7 || len(slices.Compact(all)) != 7 {
		t.Errorf("%d pages with %v", pages, all)
	}
}

func TestEveryReplySaysWhatIsLeftOfTheHour(t *testing.T) {
	v := start(t, func(o *sandbox.Options) { o.HourlyLimit = 3 })
	for left := 2; left >= 0; left-- {
		if got := v.must(200, "GET", "/v1/apps", "").header.Get("X-Rate-Limit"); got != fmt.Sprintf("user-hour-lim:3;user-hour-rem:%d;", left) {
			t.Errorf("%q", got)
		}
	}
	if r := v.must(429, "GET", "/v1/apps", ""); r.code() != "RATE_LIMIT_EXCEEDED" {
		t.Errorf("%+v", r.Errors)
	}
	v.Advance(time.Hour)
	v.must(200, "GET", "/v1/apps", "")
}
