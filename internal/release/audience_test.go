package release_test

import (
	"strings"
	"testing"

	"github.com/ascend-cli/ascend/internal/release"
)

// steps are the names and states of a summary's steps.
func steps(sum release.Summary) string {
	var out []string
	for _, s := range sum.Steps {
		out = append(out, s.Name+"="+string(s.State))
	}
	return strings.Join(out, " ")
}

// twice distributes a build twice: the first time to do it, the second to
// change nothing.
func (b *bench) twice(plan release.Plan, first, second string) release.Summary {
	b.t.Helper()
	sum, err := b.runner.Distribute(b.t.Context(), plan)
	if err != nil || steps(sum) != first {
		b.t.Fatalf("%v\n got %s\nwant %s", err, steps(sum), first)
	}
	again, err := b.runner.Distribute(b.t.Context(), plan)
	if err != nil || steps(again) != second {
		b.t.Errorf("the second time: %v\n got %s\nwant %s", err, steps(again), second)
	}
	return sum
}

func TestGroupsAreMadeOnDemand(t *testing.T) {
	b := newBench(t, stocked)
	plan := release.Plan{BuildID: "newer", Distribution: release.Distribution{Groups: []string{"QA", "New ones"}}}
	_, err := b.runner.Distribute(t.Context(), plan)
	wantError(t, err, release.NotFound, `no beta group named "New ones"`)
	plan.Distribution.CreateGroups = true
	sum := b.twice(plan, "create-groups=changed groups=changed review=changed", "groups=already review=already")
	if strings.Join(sum.Groups, ",") != "QA,New ones" || b.made("/v1/betaGroups") != 1 {
		t.Errorf("%+v", sum)
	}
}

func TestSingleTestersGetABuild(t *testing.T) {
	b := newBench(t, stocked)
	if _, err := b.runner.AddTesters(t.Context(), bundleID, persons("QA", "a@example.com", "b@example.com"), false); err != nil {
		t.Fatal(err)
	}
	plan := release.Plan{BuildID: "newer", Distribution: release.Distribution{Testers: []string{"A@example.com", "b@example.com"}}}
	b.twice(plan, "testers=changed", "testers=already")
	plan.Distribution.Testers = append(plan.Distribution.Testers, "nobody@example.com")
	_, err := b.runner.Distribute(t.Context(), plan)
	wantError(t, err, release.NotFound, "no tester of com.example.demo: nobody@example.com", "testers add")
}

func TestEachLocaleCanHaveItsNote(t *testing.T) {
	b := newBench(t, stocked)
	plan := release.Plan{BuildID: "newer", Distribution: release.Distribution{WhatToTest: ptr("For all"), Notes: map[string]string{"de-DE": "Für alle <b>", "fr-FR": "Pour tous"}}}
	sum := b.twice(plan, "notes=changed", "notes=already")
	if len(sum.Warnings) != 1 || !strings.Contains(sum.Warnings[0], "what to test in de-DE: characters that TestFlight refuses were removed: <") {
		t.Errorf("%q", sum.Warnings)
	}
	notes := map[string]string{}
	for n, err := range b.runner.Client.BetaBuildLocalizations(t.Context(), "newer") {
		if err != nil {
			t.Fatal(err)
		}
		notes[n.Locale] = n.WhatsNew
	}
	if len(notes) != 3 || notes["en-US"] != "For all" || notes["de-DE"] != "Für alle b>" || notes["fr-FR"] != "Pour tous" {
		t.Errorf("%q", notes)
	}
}

func TestOtherBuildsExpire(t *testing.T) {
	b := newBench(t, stocked)
	plan := release.Plan{BuildID: "newer", Distribution: release.Distribution{ExpirePrevious: true, Keep: 1}}
	sum := b.twice(plan, "expire-previous=changed", "expire-previous=already")
	if sum.Steps[0].Detail != "expired: 1.0 (9)" {
		t.Errorf("%q", sum.Steps[0].Detail)
	}
	// One that waits for review stands in the way of another of its version.
	_, err := b.runner.Distribute(t.Context(), release.Plan{BuildID: "new", Distribution: release.Distribution{Groups: []string{"Beta"}}})
	if err != nil {
		t.Fatal(err)
	}
	plan = release.Plan{BuildID: "newer", Distribution: release.Distribution{Groups: []string{"Beta"}}}
	_, err = b.runner.Distribute(t.Context(), plan)
	wantError(t, err, release.Rejected, "in beta review")
	plan.Distribution.ExpireWaiting = true
	b.twice(plan, "groups=already expire-waiting=changed review=changed", "groups=already expire-waiting=already review=already")
}
