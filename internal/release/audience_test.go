package release_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/sandbox"
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
	wantError(t, err, failure.NotFound, `no beta group named "New ones"`)
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
	wantError(t, err, failure.NotFound, "no tester of com.example.demo: nobody@example.com", "testers add")
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
	wantError(t, err, failure.Rejected, "in beta review")
	plan.Distribution.ExpireWaiting = true
	b.twice(plan, "groups=already expire-waiting=changed review=changed", "groups=already expire-waiting=already review=already")
}

func TestTestersAndReviewersAreToldAboutTheApp(t *testing.T) {
	b := newBench(t, stocked)
	plan := release.Plan{BuildID: "newer", Distribution: release.Distribution{
		AppInfo: map[string]asc.BetaAppInfo{
			release.DefaultLocale: {FeedbackEmail: ptr("beta@example.com")},
			"de-de":               {Description: ptr("Eine App."), MarketingURL: ptr("https://example.com/de")},
		},
		ReviewInfo: &asc.BetaAppReviewInfo{ContactEmail: ptr("dana@example.com"), Notes: ptr("Hello"), DemoAccountRequired: ptr(false)},
	}}
	plan.Distribution.AppInfo["de-DE"] = plan.Distribution.AppInfo["de-de"]
	delete(plan.Distribution.AppInfo, "de-de")
	b.twice(plan, "review-info=changed app-info=changed", "review-info=already app-info=already")
	plan.Distribution.AppInfo = map[string]asc.BetaAppInfo{"DE-de": {Description: ptr("Noch eine App.")}}
	plan.Distribution.ReviewInfo = nil
	b.twice(plan, "app-info=changed", "app-info=already")
	infos := map[string]asc.BetaAppInfo{}
	for l, err := range b.runner.Client.BetaAppLocalizations(t.Context(), "6700000002") {
		if err != nil {
			t.Fatal(err)
		}
		infos[l.Locale] = l.BetaAppInfo
	}
	if len(infos) != 2 || *infos["en-US"].FeedbackEmail != "beta@example.com" || *infos["de-DE"].Description != "Noch eine App." || *infos["de-DE"].MarketingURL != "https://example.com/de" {
		t.Errorf("%+v", infos)
	}
	detail, err := b.runner.Client.BetaAppReviewDetail(t.Context(), "6700000002")
	if err != nil || *detail.Notes != "Hello" || detail.ContactPhone == nil {
		t.Errorf("%+v, %v", detail, err)
	}
}

// TestADistributionSurvivesFaults lets every kind of request of a distribution
// fail once, in every way: a second run must reach what one clean run does.
func TestADistributionSurvivesFaults(t *testing.T) {
	plan := release.Plan{BuildID: "newer", Distribution: release.Distribution{
		Groups: []string{"QA", "Beta", "Fresh"}, CreateGroups: true, Testers: []string{"a@example.com"}, WhatToTest: ptr("Hello"), Notes: map[string]string{"de-DE": "Hallo"},
		AppInfo: map[string]asc.BetaAppInfo{"de-DE": {Description: ptr("Eine App.")}}, ReviewInfo: &asc.BetaAppReviewInfo{Notes: ptr("Hello")},
		ExpireWaiting: true, ExpirePrevious: true, Notify: ptr(false),
	}}
	for _, request := range []string{
		"method=GET path=/v1/betaGroups", "method=GET path=/v1/betaTesters", "method=GET path=/v1/builds/*", "method=GET path=/v1/builds", "method=POST path=/v1/betaGroups", "method=POST path=/v1/betaBuildLocalizations",
		"method=GET path=/v1/builds/*/betaBuildLocalizations", "method=POST path=/v1/betaAppLocalizations", "method=PATCH path=/v1/betaAppReviewDetails/*", "method=PATCH path=/v1/buildBetaDetails/*",
		"method=POST path=/v1/builds/*/relationships/betaGroups", "method=POST path=/v1/builds/*/relationships/individualTesters", "method=POST path=/v1/betaAppReviewSubmissions", "method=PATCH path=/v1/builds/*",
	} {
		for _, fault := range []string{"do=lose", "do=close", "status=500", "status=503"} {
			t.Run(request+" "+fault, func(t *testing.T) {
				b := newBench(t, stocked)
				if _, err := b.runner.AddTesters(t.Context(), bundleID, persons("QA", "a@example.com"), false); err != nil {
					t.Fatal(err)
				}
				fault, err := sandbox.ParseFault("on=api nth=1 " + request + " " + fault)
				if err != nil {
					t.Fatal(err)
				}
				b.server.AddFault(fault)
				_, _ = b.runner.Distribute(t.Context(), plan) // it may fail, and say so
				sum, err := b.runner.Distribute(t.Context(), plan)
				if err != nil {
					t.Fatalf("%v: %s", err, steps(sum))
				}
				again, err := b.runner.Distribute(t.Context(), plan)
				want := "review-info=already app-info=already notes=already auto-notify=already groups=already testers=already expire-waiting=already review=already expire-previous=already"
				if err != nil || steps(again) != want {
					t.Errorf("%v\n got %s\nwant %s", err, steps(again), want)
				}
				if n := b.made("/v1/betaGroups"); n != 1 {
					t.Errorf("%d groups were made", n)
				}
			})
		}
	}
}

func TestAWaitCanEndWhenTheBuildAppears(t *testing.T) {
	b := newBench(t)
	path := pack(t, "1.2.0", "42")
	distribution := release.Distribution{WhatToTest: ptr("Hello"), Groups: []string{"QA"}, Notify: ptr(false)}
	sum := b.upload(release.Plan{Path: path, UntilAppears: true, Distribution: distribution})
	if sum.State != asc.BuildProcessing || steps(sum) != "notes=changed auto-notify=skipped groups=skipped" || !strings.Contains(sum.Steps[2].Detail, "ascend distribute --build "+sum.BuildID) {
		t.Errorf("%s: %+v", steps(sum), sum)
	}
	after, err := b.runner.Distribute(t.Context(), release.Plan{BuildID: sum.BuildID, Distribution: distribution})
	if err != nil || steps(after) != "notes=already auto-notify=changed groups=changed" {
		t.Errorf("%v: %s", err, steps(after))
	}
}

func TestCharactersThatAppleRefusesAreRemovedOnce(t *testing.T) {
	b := newBench(t, stocked)
	refusals := 0
	b.before(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/v1/betaBuildLocalizations" {
			return false
		}
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !bytes.ContainsAny(body, "™±") {
			return false
		}
		refusals++
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"errors":[{"status":"409","code":"ENTITY_ERROR.ATTRIBUTE.INVALID.INVALID_CHARACTERS","title":"Invalid","detail":"The attribute 'whatsNew' contains invalid characters: ™, ±"}]}`)
		return true
	})
	sum, err := b.runner.Distribute(t.Context(), release.Plan{BuildID: "newer", Distribution: release.Distribution{WhatToTest: ptr("Ünser™ App ± alles")}})
	if err != nil || refusals != 1 || len(sum.Warnings) != 1 || !strings.Contains(sum.Warnings[0], "were removed: ™±") {
		t.Fatalf("%v, %d refusals, %q", err, refusals, sum.Warnings)
	}
	for n, err := range b.runner.Client.BetaBuildLocalizations(t.Context(), "newer") {
		if err != nil || n.WhatsNew != "Ünser App  alles" {
			t.Errorf("%q, %v", n.WhatsNew, err)
		}
	}
}

func TestAnEncryptionDeclarationIsUsed(t *testing.T) {
	for name, c := range map[string]struct {
		state  string
		answer *bool
		want   string // steps, or an error after !
	}{
		"approved, and nothing said": {"APPROVED", nil, "compliance=changed groups=changed"},
		"approved, and yes":          {"APPROVED", ptr(true), "compliance=changed groups=changed"},
		"approved, but no":           {"APPROVED", ptr(false), "compliance=changed groups=changed"},
		"in review, and yes":         {"IN_REVIEW", ptr(true), "!encryption declaration"},
		"in review, and nothing":     {"IN_REVIEW", nil, "!is undecided"},
		"none, and nothing":          {"", nil, "!is undecided"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, func(o *sandbox.Options) { o.Apps[1].Declaration = c.state })
			plan := release.Plan{Path: pack(t, "1.2.0", "42", undecided), SkipPreflight: true, Distribution: release.Distribution{Groups: []string{"QA"}, UsesNonExemptEncryption: c.answer}}
			if words, fails := strings.CutPrefix(c.want, "!"); fails {
				b.fails(plan, failure.Rejected, words)
				return
			}
			if sum := b.upload(plan); steps(sum) != c.want {
				t.Errorf("%s, want %s", steps(sum), c.want)
			}
		})
	}
}

func TestAppClipInvocationsAreBroughtUpToDate(t *testing.T) {
	b := newBench(t, func(o *sandbox.Options) {
		o.Apps[1].Builds = []sandbox.Build{{ID: "plain", Version: "1.0", Number: "1"}, {ID: "clip", Version: "1.0", Number: "2", Clip: true}}
	}, faulty(t, "on=api nth=1 method=POST path=/v1/betaAppClipInvocations do=lose"))
	one := release.AppClip{URL: "https://example.com/one", Title: map[string]string{"en-US": "Order", "de-DE": "Bestellen"}}
	two := release.AppClip{URL: "https://example.com/two", Title: map[string]string{"en-US": "Pay"}}
	plan := release.Plan{BuildID: "clip", Distribution: release.Distribution{AppClips: []release.AppClip{one, two}}}
	b.twice(plan, "app-clips=changed", "app-clips=already")
	one.Title = map[string]string{"en-US": "Order now", "fr-FR": "Commander"}
	plan.Distribution.AppClips, plan.Distribution.OverwriteAppClips = []release.AppClip{one}, true
	b.twice(plan, "app-clips=changed", "app-clips=already")
	bundles, err := b.runner.Client.BuildBundles(t.Context(), "clip")
	if err != nil || len(bundles) != 2 || bundles[1].BundleType != asc.BundleAppClip {
		t.Fatalf("%+v, %v", bundles, err)
	}
	invocations, err := asc.Collect(b.runner.Client.BetaAppClipInvocations(t.Context(), bundles[1].ID))
	if err != nil || len(invocations) != 1 || len(invocations[0].Titles) != 3 || b.made("/v1/betaAppClipInvocations") != 2 {
		t.Errorf("%+v, %v", invocations, err)
	}
	sum, err := b.runner.Distribute(t.Context(), release.Plan{BuildID: "plain", Distribution: plan.Distribution})
	if err != nil || steps(sum) != "app-clips=skipped" || len(sum.Warnings) != 1 {
		t.Errorf("%v: %s %q", err, steps(sum), sum.Warnings)
	}
}
