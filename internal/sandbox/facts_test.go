package sandbox_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
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
	build := v.build("1.0", "7", demo("1.0", "7"))
	app := linksOf(v.must(200, "GET", "/v1/apps/"+appID, "").object(t))
	for name, want := range map[string]string{"betaTesters": "self", "betaGroups": "related self", "builds": "related self"} {
		if app[name] != want {
			t.Errorf("apps.%s has the links %q, not %q", name, app[name], want)
		}
	}
	links := linksOf(v.must(200, "GET", "/v1/builds/"+build, "").object(t))
	for name, want := range map[string]string{"betaGroups": "self", "app": "related self", "individualTesters": "related self"} {
		if links[name] != want {
			t.Errorf("builds.%s has the links %q, not %q", name, links[name], want)
		}
	}
	if got := linksOf(v.must(200, "GET", "/v1/apps/"+appID+"?fields[apps]=bundleId", "").object(t)); len(got) != 0 {
		t.Errorf("asking for attributes gave the relationships %v", got)
	}
}
