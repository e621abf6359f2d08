package asc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRepliesAreRead(t *testing.T) {
	yes := true
	replies := map[string]string{
		"/v1/builds/1": `{"data":{"type":"builds","id":"1","attributes":{"version":"42","processingState":"VALID","usesNonExemptEncryption":true,"buildAudienceType":"INTERNAL_ONLY","uploadedDate":"2026-02-07T02:00:38.5-08:00","iconAssetToken":null},
		  "relationships":{"app":{"data":{"type":"apps","id":"9"}},"preReleaseVersion":{"data":{"type":"preReleaseVersions","id":"p"}},"buildBetaDetail":{"data":{"type":"buildBetaDetails","id":"1"}},
		   "betaGroups":{"data":[{"type":"betaGroups","id":"a"},{"type":"betaGroups","id":"b"}]},"betaAppReviewSubmission":{"data":{"type":"betaAppReviewSubmissions","id":"1"}}}},
		 "included":[{"type":"preReleaseVersions","id":"p","attributes":{"version":"1.2","platform":"IOS"}},{"type":"buildBetaDetails","id":"1","attributes":{"autoNotifyEnabled":true,"internalBuildState":"IN_BETA_TESTING","externalBuildState":"IN_BETA_REVIEW"}},
		  {"type":"betaAppReviewSubmissions","id":"1","attributes":{"betaReviewState":"IN_REVIEW"}},{"type":"apps","id":"9"}]}`,
		"/v1/builds/bare":       `{"data":{"type":"builds","id":"bare","relationships":{"app":{"links":{}},"buildBetaDetail":{"data":null},"betaGroups":{"data":null}}}}`,
		"/v1/buildUploads/1":    `{"data":{"type":"buildUploads","id":"1","attributes":{"cfBundleShortVersionString":"1.2","cfBundleVersion":"42","platform":"IOS","createdDate":"2026-02-07T02:00:38-08:00","uploadedDate":null,"state":{"state":"COMPLETE","errors":[],"warnings":[{"code":"1","description":"w"}],"infos":null}},"relationships":{"build":{"data":{"type":"builds","id":"b"}},"assetFile":{"data":{"type":"buildUploadFiles","id":"f"}}}},"included":[{"type":"buildUploadFiles","id":"f","attributes":{"fileSize":5,"fileName":"D.ipa","assetType":"ASSET","uti":"com.apple.ipa","assetDeliveryState":{"state":"COMPLETE"}}}]}`,
		"/v1/buildUploads/bare": `{"data":{"type":"buildUploads","id":"bare","relationships":{"build":{"data":null},"assetFile":{"data":{"type":"buildUploadFiles","id":"f"}}}}}`,
		"/v1/buildUploadFiles/1": `{"data":{"type":"buildUploadFiles","id":"1","attributes":{"fileSize":10,"assetDeliveryState":{"state":"AWAITING_UPLOAD","errors":[],"warnings":null},"sourceFileChecksums":null,
		  "uploadOperations":[{"method":"PUT","url":"https://x/","offset":5,"length":5,"partNumber":2,"entityTag":null,"expiration":"2026-02-13T18:01:00.033-08:00","requestHeaders":null},
		   {"method":"PUT","url":"https://y/","offset":0,"length":5,"partNumber":1,"entityTag":"ABC","requestHeaders":[{"name":"Content-Type","value":"application/octet-stream"}]}]}}}`,
		"/v1/betaGroups":                      `{"data":[{"type":"betaGroups","id":"g","attributes":{"name":"QA","isInternalGroup":true,"hasAccessToAllBuilds":true,"publicLink":null}}]}`,
		"/v1/builds/1/betaBuildLocalizations": `{"data":[{"type":"betaBuildLocalizations","id":"l","attributes":{"locale":"en-US","whatsNew":null}}]}`,
		"/v1/apps/9/buildUploads":             `{"data":[]}`,
		"/v1/builds":                          `{"data":[{"type":"builds","id":"1"}]}`,
		"/v1/preReleaseVersions":              `{"data":[{"type":"preReleaseVersions","id":"p","attributes":{"version":"1.2","platform":"TV_OS"}}]}`,
		"/v1/buildUploads/not-a-resource":     `{"data":null}`,
		"/v1/builds/1/buildBetaDetail":        `{"data":{"type":"buildBetaDetails","id":"1"}}`,
	}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, replies[r.URL.Path]) })
	c, ctx := s.client, context.Background()
	check := func(name string, got, want any, err error) {
		t.Helper()
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
	build, err := c.Build(ctx, "1")
	check("a build", build, Build{
		ID: "1", Version: "42", ProcessingState: "VALID", UsesNonExemptEncryption: &yes, BuildAudienceType: "INTERNAL_ONLY", AppID: "9", UploadedDate: time.Date(2026, 2, 7, 10, 0, 38, 5e8, time.UTC),
		PreReleaseVersion: PreReleaseVersion{"p", "1.2", IOS}, BetaDetail: &BuildBetaDetail{"1", true, "IN_BETA_TESTING", "IN_BETA_REVIEW"}, BetaGroupIDs: []string{"a", "b"}, ReviewState: "IN_REVIEW",
	}, err)
	build, err = c.Build(ctx, "bare")
	check("a build without anything", build, Build{ID: "bare", BetaGroupIDs: []string{}}, err)
	upload, err := c.BuildUpload(ctx, "1")
	check("a build upload", upload, BuildUpload{
		ID: "1", CFBundleShortVersionString: "1.2", CFBundleVersion: "42", Platform: IOS, CreatedDate: time.Date(2026, 2, 7, 10, 0, 38, 0, time.UTC), BuildID: "b",
		State:     BuildUploadState{State: "COMPLETE", Errors: []StateDetail{}, Warnings: []StateDetail{{"1", "w"}}},
		AssetFile: &BuildUploadFile{ID: "f", AssetType: "ASSET", FileName: "D.ipa", FileSize: 5, UTI: UTIIpa, DeliveryState: "COMPLETE"},
	}, err)
	upload, err = c.BuildUpload(ctx, "bare")
	check("a build upload without anything", upload, BuildUpload{ID: "bare", AssetFile: &BuildUploadFile{ID: "f"}}, err)
	file, err := c.BuildUploadFile(ctx, "1")
	check("a file", file, BuildUploadFile{ID: "1", FileSize: 10, DeliveryState: "AWAITING_UPLOAD", DeliveryErrors: []StateDetail{}, UploadOperations: []UploadOperation{
		{Method: "PUT", URL: "https://x/", Offset: 5, Length: 5, PartNumber: 2, Expiration: time.Date(2026, 2, 14, 2, 1, 0, 33e6, time.UTC)},
		{Method: "PUT", URL: "https://y/", Length: 5, PartNumber: 1, EntityTag: "ABC", Headers: []Header{{"Content-Type", "application/octet-stream"}}},
	}}, err)
	groups, err := Collect(c.BetaGroups(ctx, "9"))
	check("groups", groups, []BetaGroup{{ID: "g", Name: "QA", Internal: true, HasAccessToAllBuilds: true}}, err)
	notes, err := Collect(c.BetaBuildLocalizations(ctx, "1"))
	check("notes", notes, []BetaBuildLocalization{{ID: "l", Locale: "en-US"}}, err)
	versions, err := Collect(c.PreReleaseVersions(ctx, "9", ""))
	check("versions", versions, []PreReleaseVersion{{"p", "1.2", TVOS}}, err)
	uploads, err := Collect(c.BuildUploads(ctx, "9", BuildUploadFilter{States: []string{"PROCESSING", "COMPLETE"}}))
	check("no build uploads", uploads, []BuildUpload(nil), err)
	if _, err := Collect(c.Builds(ctx, BuildFilter{AppID: "9", Limit: "1"})); err != nil {
		t.Error(err)
	}
	if last := s.paths[len(s.paths)-1]; last != "GET /v1/builds?filter%5Bapp%5D=9&include=app%2CpreReleaseVersion%2CbuildBetaDetail%2CbetaGroups%2CbetaAppReviewSubmission&limit=1&limit%5BbetaGroups%5D=50&sort=-uploadedDate" {
		t.Error(last)
	}
	var transport *TransportError
	if _, err := c.BuildUpload(ctx, "not-a-resource"); !errors.As(err, &transport) {
		t.Errorf("a reply without a resource: %v", err)
	}
	if c.BaseURL() != s.URL {
		t.Error(c.BaseURL())
	}
	c.CloseIdleConnections()
}

func TestAClientNeedsAKeyAndAnAddress(t *testing.T) {
	if _, err := NewClient(Options{}); err == nil {
		t.Error("no key")
	}
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	if _, err := NewClient(Options{Key: s.client.tokens.key, URL: "http://example.com"}); err == nil {
		t.Error("a token in clear text")
	}
	c, err := NewClient(Options{Key: s.client.tokens.key})
	if err != nil || c.BaseURL() != DefaultURL {
		t.Error(err)
	}
}

func TestSleepingEndsWithTheContext(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if err := sleep(ctx, time.Hour); !errors.Is(err, cause) {
		t.Error(err)
	}
	if err := sleep(t.Context(), time.Nanosecond); err != nil {
		t.Error(err)
	}
}
