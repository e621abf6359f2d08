package release_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/sandbox"
)

// TestWhatTheServiceSaysAboutAPackage has a case for every rule that needs the
// service and is checked before the upload.
func TestWhatTheServiceSaysAboutAPackage(t *testing.T) {
	builds := func(o *sandbox.Options) {
		o.Apps[1].Builds = []sandbox.Build{{ID: "live", Version: "1.0", Number: "5", Live: true}, {ID: "new", Version: "1.2", Number: "41"}}
	}
	developer := func(o *sandbox.Options) {
		key, err := sandbox.NewKey("TESTKEY002", "issuer", sandbox.Developer)
		if err != nil {
			t.Fatal(err)
		}
		o.Keys = []sandbox.Key{key}
	}
	bare := func(o *sandbox.Options) { o.Apps[1].NoTestInformation = true }
	for name, c := range map[string]struct {
		version, number string
		app             string
		groups          string
		options         func(*sandbox.Options)
		want            string
	}{
		"nothing in the way":     {"1.2", "42", "", "QA,Beta", builds, ""},
		"another app":            {"1.2", "42", bundleID + ".nothing", "", builds, "app-missing"},
		"a version of the store": {"1.0", "42", "", "", builds, "version-closed"},
		"a lower version":        {"0.9", "42", "", "", builds, "version-closed"},
		"a number that is used":  {"1.2", "41", "", "", builds, "build-number-used"},
		"a lower number":         {"1.2", "40", "", "", builds, "build-number-lower"},
		"no such group":          {"1.2", "42", "", "Nope", builds, "group-missing"},
		"two groups of a name":   {"1.2", "42", "", "Twin", builds, "group-missing"},
		"a role that is too low": {"1.2", "42", "", "QA", developer, "role-too-low"},
		"no test information":    {"1.2", "42", "", "Beta", bare, "review-not-ready"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, c.options)
			info := bundle.Info{App: "Payload/Demo.app", BundleID: bundleID, ShortVersion: c.version, BuildVersion: c.number, Platform: bundle.IOS}
			if c.app != "" {
				info.BundleID = c.app
			}
			plan := release.Plan{}
			if c.groups != "" {
				plan.Distribution.Groups = strings.Split(c.groups, ",")
			}
			findings, err := b.runner.Check(t.Context(), info, plan)
			var rules []string
			for _, f := range findings {
				rules = append(rules, f.Rule)
				if rule, ok := bundle.RuleByID(f.Rule); !ok || !rule.Online || f.Remedy == "" || f.Message == "" {
					t.Errorf("%+v", f)
				}
			}
			if err != nil || strings.Join(rules, " ") != c.want {
				t.Errorf("%v, %v, want %s", rules, err, c.want)
			}
			if changes := slices.DeleteFunc(b.calls(""), func(call string) bool {
				return strings.HasPrefix(call, "GET ") || call == "PATCH /v1/builds/00000000-0000-4000-8000-000000000000"
			}); len(changes) > 0 {
				t.Errorf("it changes something: %v", changes)
			}
		})
	}
}
