package release_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/sandbox"
)

const forwarded = "Test-Forwarded"

// rewrite changes what the sandbox answers to requests of a method and path.
func (b *bench) rewrite(method, path string, change func(document map[string]any) (status int)) {
	b.before(func(w http.ResponseWriter, r *http.Request) bool {
		if method != "" && r.Method != method || !strings.Contains(r.URL.Path, path) || r.Header.Get(forwarded) != "" {
			return false
		}
		body, _ := io.ReadAll(r.Body)
		repeat, err := http.NewRequest(r.Method, b.server.URL()+r.URL.RequestURI(), bytes.NewReader(body))
		if err != nil {
			b.t.Error(err)
			return false
		}
		repeat.Header = r.Header.Clone()
		repeat.Header.Set(forwarded, "yes")
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(repeat)
		if err != nil {
			b.t.Error(err)
			return false
		}
		defer resp.Body.Close()
		document := map[string]any{}
		_ = json.NewDecoder(resp.Body).Decode(&document)
		status := resp.StatusCode
		if changed := change(document); changed != 0 {
			status = changed
		}
		for name, values := range resp.Header {
			if name != "Content-Length" {
				w.Header()[name] = values
			}
		}
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(document)
		return true
	})
}

// attributes returns those of a document's resource, or of an included one.
func attributes(document map[string]any, kind string) map[string]any {
	look := func(v any) map[string]any {
		r, _ := v.(map[string]any)
		if r["type"] == kind {
			a, _ := r["attributes"].(map[string]any)
			return a
		}
		return nil
	}
	if a := look(document["data"]); a != nil {
		return a
	}
	list, _ := document["included"].([]any)
	for _, item := range list {
		if a := look(item); a != nil {
			return a
		}
	}
	return map[string]any{}
}

func errorDocument(document map[string]any, status, code, detail string) {
	clear(document)
	document["errors"] = []any{map[string]any{"status": status, "code": code, "title": "Refused.", "detail": detail}}
}

func TestStatesThatEndAWait(t *testing.T) {
	for name, c := range map[string]struct {
		path   string
		change func(map[string]any) int
		kind   failure.Kind
		want   string
	}{
		"an INVALID build": {"/v1/builds/", func(d map[string]any) int {
			attributes(d, "builds")["processingState"] = "INVALID"
			return 0
		}, failure.Rejected, "is INVALID"},
		"a build that failed": {"/v1/builds/", func(d map[string]any) int {
			attributes(d, "builds")["processingState"] = "FAILED"
			return 0
		}, failure.Rejected, "e-mail"},
		"an exception at TestFlight": {"/v1/builds/", func(d map[string]any) int {
			attributes(d, "buildBetaDetails")["internalBuildState"] = "PROCESSING_EXCEPTION"
			return 0
		}, failure.Rejected, "PROCESSING_EXCEPTION"},
		"a build that never becomes visible": {"/v1/builds/", func(d map[string]any) int {
			errorDocument(d, "404", "NOT_FOUND", "x")
			return 404
		}, failure.NotFound, "there is no build"},
		"a build upload that vanishes": {"/v1/buildUploads/", func(d map[string]any) int {
			errorDocument(d, "404", "NOT_FOUND", "x")
			return 404
		}, failure.NotFound, "cancelled"},
		"a key that is revoked on the way": {"/v1/buildUploads/", func(d map[string]any) int {
			errorDocument(d, "401", "NOT_AUTHORIZED", "x")
			return 401
		}, failure.Auth, "revoked"},
		"a build upload that never moves": {"/v1/buildUploads/", func(d map[string]any) int {
			attributes(d, "buildUploads")["state"] = map[string]any{"state": "AWAITING_UPLOAD"}
			return 0
		}, failure.Timeout, "AWAITING_UPLOAD"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, func(o *sandbox.Options) {
				if c.path == "/v1/buildUploads/" {
					o.UploadProcessing = 100 * time.Hour // so that there is no build either
				}
			})
			b.rewrite(http.MethodGet, c.path, c.change)
			b.fails(release.Plan{Path: pack(t, "1.2.0", "42")}, c.kind, c.want)
		})
	}
}

func TestOdditiesThatAWaitLivesWith(t *testing.T) {
	t.Run("a build upload that never names its build", func(t *testing.T) {
		b := newBench(t)
		b.rewrite(http.MethodGet, "/v1/buildUploads/", func(d map[string]any) int {
			data, _ := d["data"].(map[string]any)
			delete(data, "relationships")
			delete(d, "included")
			return 0
		})
		if sum := b.upload(release.Plan{Path: pack(t, "1.2", "42")}); sum.BuildID == "" || sum.State != "VALID" {
			t.Errorf("%+v", sum)
		}
	})
	t.Run("a beta detail that never comes", func(t *testing.T) {
		b := newBench(t, func(o *sandbox.Options) { o.Settle = time.Hour })
		sum := b.upload(release.Plan{Path: pack(t, "1.2", "42")})
		if sum.State != "VALID" || len(sum.Warnings) != 1 || !strings.Contains(sum.Warnings[0], "no beta detail") {
			t.Errorf("%+v", sum)
		}
	})
	t.Run("a low allowance makes it look less often", func(t *testing.T) {
		b := newBench(t, func(o *sandbox.Options) { o.HourlyLimit = 200; o.BuildProcessing = 50 * time.Minute })
		b.upload(release.Plan{Path: pack(t, "1.2", "42")})
		if n := len(b.calls("GET /v1/builds/")); n > 60 {
			t.Errorf("%d polls", n)
		}
	})
}

func TestReviewStates(t *testing.T) {
	for state, c := range map[string]struct {
		kind failure.Kind
		want string
	}{
		"BETA_REJECTED":               {failure.Rejected, "rejected"},
		"IN_EXPORT_COMPLIANCE_REVIEW": {failure.Rejected, "cannot be submitted"},
		"NOT_APPLICABLE":              {failure.Rejected, "internal testing only"},
		"EXPIRED":                     {failure.Rejected, "expired"},
		"PROCESSING":                  {failure.Timeout, "ascend distribute --build"},
		"IN_BETA_REVIEW":              {"", "IN_BETA_REVIEW"},
		"BETA_APPROVED":               {"", "BETA_APPROVED"},
		"READY_FOR_BETA_TESTING":      {"", "READY_FOR_BETA_TESTING"},
	} {
		t.Run(state, func(t *testing.T) {
			b := newBench(t)
			b.rewrite(http.MethodGet, "/v1/builds/", func(d map[string]any) int {
				attributes(d, "buildBetaDetails")["externalBuildState"] = state
				return 0
			})
			plan := release.Plan{Path: pack(t, "1.2.0", "42"), Distribution: release.Distribution{SubmitReview: ptr(true)}}
			if c.kind != "" {
				b.fails(plan, c.kind, c.want)
				return
			}
			sum := b.upload(plan)
			if i := slices.IndexFunc(sum.Steps, func(s release.Step) bool { return s.Name == "review" }); i < 0 || sum.Steps[i].State != release.StepAlready || !strings.Contains(sum.Steps[i].Detail, c.want) {
				t.Errorf("%+v", sum.Steps)
			}
		})
	}
}

func TestASecondBuildOfAVersionInReview(t *testing.T) {
	b := newBench(t)
	d := release.Distribution{Groups: []string{"Beta"}}
	b.upload(release.Plan{Path: pack(t, "1.2.0", "42"), Distribution: d})
	// The service says it for good: it must not be waited out.
	second := b.upload(release.Plan{Path: pack(t, "1.2.0", "43")})
	_, err := b.runner.Distribute(t.Context(), release.Plan{BuildID: second.BuildID, Distribution: d})
	wantError(t, err, failure.Rejected, "Another build is in review")
	if n := len(b.calls("POST /v1/betaAppReviewSubmissions")); n != 2 {
		t.Errorf("%d submissions", n)
	}
}

func TestInternalOnlyBuildsCannotGoOutside(t *testing.T) {
	b := newBench(t)
	b.rewrite(http.MethodGet, "/v1/builds/", func(d map[string]any) int {
		attributes(d, "builds")["buildAudienceType"] = "INTERNAL_ONLY"
		return 0
	})
	b.fails(release.Plan{Path: pack(t, "1.2.0", "42"), Distribution: release.Distribution{Groups: []string{"Beta"}}}, failure.Rejected, "internal testing only")
}

func TestAnExpiredBuildIsNotDistributed(t *testing.T) {
	b := newBench(t)
	sum := b.upload(release.Plan{Path: pack(t, "1.2.0", "42")})
	b.rewrite(http.MethodGet, "/v1/builds/", func(d map[string]any) int {
		attributes(d, "builds")["expired"] = true
		return 0
	})
	_, err := b.runner.Distribute(t.Context(), release.Plan{BuildID: sum.BuildID, Distribution: release.Distribution{Groups: []string{"QA"}}})
	wantError(t, err, failure.Rejected, "expired")
}

func TestTheCommitTellsOfAFailedFile(t *testing.T) {
	b := newBench(t)
	b.rewrite(http.MethodPatch, "/v1/buildUploadFiles/", func(d map[string]any) int {
		attributes(d, "buildUploadFiles")["assetDeliveryState"] = map[string]any{
			"state": "FAILED", "errors": []any{map[string]any{"code": "90046", "description": "Bad."}}, "warnings": []any{map[string]any{"code": "X", "description": "Careful."}},
		}
		return 0
	})
	sum, _ := b.fails(release.Plan{Path: pack(t, "1.2.0", "42")}, failure.Rejected, "ITMS-90046: Bad.")
	if !slices.Contains(sum.Warnings, "X: Careful.") {
		t.Errorf("%v", sum.Warnings)
	}
}

func TestAStoreWithoutETagsIsCheckedByReadingBack(t *testing.T) {
	noTags := func(b *bench, corrupt bool) {
		forward := &http.Transport{DisableKeepAlives: true}
		b.before(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPut || r.Header.Get(forwarded) != "" {
				return false
			}
			body, _ := io.ReadAll(r.Body)
			if corrupt {
				body[0]++
			}
			repeat, err := http.NewRequest(r.Method, b.server.StoreURL()+r.URL.RequestURI(), bytes.NewReader(body))
			if err != nil {
				b.t.Error(err)
				return false
			}
			repeat.Header.Set(forwarded, "yes")
			resp, err := forward.RoundTrip(repeat)
			if err != nil {
				b.t.Error(err)
				return false
			}
			resp.Body.Close()
			w.WriteHeader(resp.StatusCode) // without the ETag
			return true
		})
	}
	good := newBench(t)
	noTags(good, false)
	good.upload(release.Plan{Path: pack(t, "1.2.0", "42")})
	bad := newBench(t)
	noTags(bad, true)
	bad.fails(release.Plan{Path: pack(t, "1.2.0", "42")}, failure.Transfer, "11 of the 11 parts at the service are not this package's")
	if len(bad.calls("PATCH")) != 0 {
		t.Error("it was committed")
	}
}

func TestANoteTheServiceDoesNotKeepIsAnError(t *testing.T) {
	b := newBench(t)
	b.rewrite(http.MethodGet, "/betaBuildLocalizations", func(d map[string]any) int {
		list, _ := d["data"].([]any)
		for _, item := range list {
			item.(map[string]any)["attributes"].(map[string]any)["whatsNew"] = "something else"
		}
		return 0
	})
	b.fails(release.Plan{Path: pack(t, "1.2.0", "42"), Distribution: release.Distribution{WhatToTest: ptr("Try it.")}}, failure.Rejected, "the service does not show the note in en-US")
}

func TestNotesInSeveralLocales(t *testing.T) {
	b := newBench(t)
	first := b.upload(release.Plan{Path: pack(t, "1.2.0", "42"), Distribution: release.Distribution{WhatToTest: ptr("Hallo 😀"), Locales: []string{"de-DE", "fr-FR"}}})
	if len(first.Warnings) != 1 || !strings.Contains(first.Steps[0].Detail, "de-DE, fr-FR") {
		t.Errorf("%+v", first)
	}
	// Without a locale: those that are there, and no other.
	again, err := b.runner.Distribute(t.Context(), release.Plan{BuildID: first.BuildID, Distribution: release.Distribution{WhatToTest: ptr("Neu")}})
	if err != nil || !strings.Contains(again.Steps[0].Detail, "de-DE, fr-FR") || strings.Contains(again.Steps[0].Detail, "en-US") {
		t.Errorf("%v, %+v", err, again.Steps)
	}
	// A locale in another spelling is the same one.
	third, err := b.runner.Distribute(t.Context(), release.Plan{BuildID: first.BuildID, Distribution: release.Distribution{WhatToTest: ptr("Neu"), Locales: []string{"de-de"}}})
	if err != nil || third.Steps[0].State != release.StepAlready {
		t.Errorf("%v, %+v", err, third.Steps)
	}
	_, err = b.runner.Distribute(t.Context(), release.Plan{BuildID: first.BuildID, Distribution: release.Distribution{WhatToTest: ptr("Neu"), Locales: []string{"xx-XX"}}})
	wantError(t, err, failure.Rejected, "xx-XX")
}

func TestPlatformsAndFormats(t *testing.T) {
	b := newBench(t)
	unknown := func(p bundletest.Plist) bundletest.Plist {
		return p.With("DTPlatformName", nil).With("CFBundleSupportedPlatforms", nil)
	}
	b.fails(release.Plan{Path: pack(t, "1", "1", unknown)}, failure.InvalidPackage, "--platform")
	b.fails(release.Plan{Path: pack(t, "1", "1", unknown), SkipPreflight: true}, failure.InvalidPackage, "--platform")
	if sum := b.upload(release.Plan{Path: pack(t, "1", "1", unknown), Platform: "TV_OS", NoWait: true}); sum.Platform != "TV_OS" || sum.State != "PROCESSING" {
		t.Errorf("%+v", sum)
	}
	sum, _ := b.fails(release.Plan{Path: pack(t, "1", "2"), Platform: "TV_OS"}, failure.Rejected, "PLATFORM")
	if len(sum.Warnings) == 0 {
		t.Error("a platform against the package's word needs a warning")
	}
	_, err := b.runner.Upload(t.Context(), release.Plan{Path: pack(t, "1", "3x"), SkipPreflight: true})
	wantError(t, err, failure.Rejected, "cfBundleVersion")
}
