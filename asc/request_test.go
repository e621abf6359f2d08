package asc

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestRequestsAreThoseOfTheContract looks at method, path, query and body of
// every call that changes something or asks for people. The contract test of
// internal/release checks the same against Apple's own description.
func TestRequestsAreThoseOfTheContract(t *testing.T) {
	text := func(s string) *string { return &s }
	no := false
	for name, c := range map[string]struct {
		call func(context.Context, *Client) error
		want string // METHOD path?query body
	}{
		"make a group": {func(ctx context.Context, c *Client) error {
			_, err := c.CreateBetaGroup(ctx, "9", NewBetaGroup{Name: "QA", IsInternalGroup: true, HasAccessToAllBuilds: &no})
			return err
		}, `POST /v1/betaGroups {"data":{"type":"betaGroups","attributes":{"name":"QA","isInternalGroup":true,"hasAccessToAllBuilds":false},"relationships":{"app":{"data":{"type":"apps","id":"9"}}}}}`},
		"make a webhook": {func(ctx context.Context, c *Client) error {
			_, err := c.CreateWebhook(ctx, "9", NewWebhook{Name: "n", URL: "https://e.com", Secret: "s", EventTypes: []string{EventBuildUploadState}, Enabled: true})
			return err
		}, `POST /v1/webhooks {"data":{"type":"webhooks","attributes":{"name":"n","url":"https://e.com","secret":"s","eventTypes":["BUILD_UPLOAD_STATE_UPDATED"],"enabled":true},"relationships":{"app":{"data":{"type":"apps","id":"9"}}}}}`},
		"remove a webhook": {func(ctx context.Context, c *Client) error { return c.DeleteWebhook(ctx, "w") }, `DELETE /v1/webhooks/w `},
		"list webhooks": {func(ctx context.Context, c *Client) error {
			_, err := Collect(c.Webhooks(ctx, "9"))
			return err
		}, `GET /v1/apps/9/webhooks?limit=200 `},
		"remove a group": {func(ctx context.Context, c *Client) error { return c.DeleteBetaGroup(ctx, "g") }, `DELETE /v1/betaGroups/g `},
		"add testers to a group": {func(ctx context.Context, c *Client) error {
			return c.AddTestersToBetaGroup(ctx, "g", []string{"a", "b"})
		}, `POST /v1/betaGroups/g/relationships/betaTesters {"data":[{"type":"betaTesters","id":"a"},{"type":"betaTesters","id":"b"}]}`},
		"take testers out of one": {func(ctx context.Context, c *Client) error {
			return c.RemoveTestersFromBetaGroup(ctx, "g", []string{"a"})
		}, `DELETE /v1/betaGroups/g/relationships/betaTesters {"data":[{"type":"betaTesters","id":"a"}]}`},
		"take testers off an app": {func(ctx context.Context, c *Client) error { return c.RemoveTestersFromApp(ctx, "9", []string{"a"}) }, `DELETE /v1/apps/9/relationships/betaTesters {"data":[{"type":"betaTesters","id":"a"}]}`},
		"give a build to testers": {func(ctx context.Context, c *Client) error { return c.AddTestersToBuild(ctx, "b", []string{"a"}) }, `POST /v1/builds/b/relationships/individualTesters {"data":[{"type":"betaTesters","id":"a"}]}`},
		"use a declaration":       {func(ctx context.Context, c *Client) error { return c.AssignEncryptionDeclaration(ctx, "b", "d") }, `PATCH /v1/builds/b/relationships/appEncryptionDeclaration {"data":{"type":"appEncryptionDeclarations","id":"d"}}`},
		"expire a build":          {func(ctx context.Context, c *Client) error { _, err := c.ExpireBuild(ctx, "b"); return err }, `PATCH /v1/builds/b {"data":{"type":"builds","id":"b","attributes":{"expired":true}}}`},
		"invite a tester": {func(ctx context.Context, c *Client) error {
			_, err := c.CreateBetaTester(ctx, NewBetaTester{Email: "a@b.c", FirstName: "A"}, []string{"g"})
			return err
		}, `POST /v1/betaTesters {"data":{"type":"betaTesters","attributes":{"email":"a@b.c","firstName":"A"},"relationships":{"betaGroups":{"data":[{"type":"betaGroups","id":"g"}]}}}}`},
		"list testers": {func(ctx context.Context, c *Client) error {
			_, err := Collect(c.BetaTesters(ctx, BetaTesterFilter{AppID: "9", Email: "a@b.c"}))
			return err
		}, `GET /v1/betaTesters?filter[apps]=9&filter[email]=a@b.c&include=betaGroups&limit=200&limit[betaGroups]=50 `},
		"list a build's testers": {func(ctx context.Context, c *Client) error {
			_, err := Collect(c.IndividualTesters(ctx, "b"))
			return err
		}, `GET /v1/builds/b/individualTesters?limit=200 `},
		"list declarations": {func(ctx context.Context, c *Client) error {
			_, err := Collect(c.AppEncryptionDeclarations(ctx, "9"))
			return err
		}, `GET /v1/appEncryptionDeclarations?filter[app]=9&limit=200 `},
		"list App Store versions": {func(ctx context.Context, c *Client) error {
			_, err := Collect(c.AppStoreVersions(ctx, "9", IOS, []string{"A", "B"}))
			return err
		}, `GET /v1/apps/9/appStoreVersions?filter[appVersionState]=A,B&filter[platform]=IOS&include=build&limit=200 `},
		"list beta information": {func(ctx context.Context, c *Client) error {
			_, err := Collect(c.BetaAppLocalizations(ctx, "9"))
			return err
		}, `GET /v1/betaAppLocalizations?filter[app]=9&limit=200 `},
		"write beta information": {func(ctx context.Context, c *Client) error {
			_, err := c.CreateBetaAppLocalization(ctx, "9", "de-DE", BetaAppInfo{Description: text("D")})
			return err
		}, `POST /v1/betaAppLocalizations {"data":{"type":"betaAppLocalizations","attributes":{"locale":"de-DE","description":"D"},"relationships":{"app":{"data":{"type":"apps","id":"9"}}}}}`},
		"change beta information": {func(ctx context.Context, c *Client) error {
			_, err := c.UpdateBetaAppLocalization(ctx, "l", BetaAppInfo{MarketingURL: text("https://e.com")})
			return err
		}, `PATCH /v1/betaAppLocalizations/l {"data":{"type":"betaAppLocalizations","id":"l","attributes":{"marketingUrl":"https://e.com"}}}`},
		"read review information": {func(ctx context.Context, c *Client) error { _, err := c.BetaAppReviewDetail(ctx, "9"); return err }, `GET /v1/apps/9/betaAppReviewDetail `},
		"change review information": {func(ctx context.Context, c *Client) error {
			_, err := c.UpdateBetaAppReviewDetail(ctx, "9", BetaAppReviewInfo{DemoAccountRequired: &no})
			return err
		}, `PATCH /v1/betaAppReviewDetails/9 {"data":{"type":"betaAppReviewDetails","id":"9","attributes":{"demoAccountRequired":false}}}`},
		"read a build's bundles": {func(ctx context.Context, c *Client) error { _, err := c.BuildBundles(ctx, "b"); return err }, `GET /v1/builds/b?include=buildBundles&limit[buildBundles]=50 `},
		"list invocations": {func(ctx context.Context, c *Client) error {
			_, err := Collect(c.BetaAppClipInvocations(ctx, "x"))
			return err
		}, `GET /v1/buildBundles/x/betaAppClipInvocations?include=betaAppClipInvocationLocalizations&limit=200&limit[betaAppClipInvocationLocalizations]=50 `},
		"make an invocation": {func(ctx context.Context, c *Client) error {
			_, err := c.CreateBetaAppClipInvocation(ctx, "x", "https://e.com", map[string]string{"en-US": "Go"})
			return err
		}, `POST /v1/betaAppClipInvocations {"data":{"type":"betaAppClipInvocations","attributes":{"url":"https://e.com"},"relationships":{"betaAppClipInvocationLocalizations":{"data":[{"type":"betaAppClipInvocationLocalizations","id":"${title-0}"}]},"buildBundle":{"data":{"type":"buildBundles","id":"x"}}}},"included":[{"type":"betaAppClipInvocationLocalizations","id":"${title-0}","attributes":{"locale":"en-US","title":"Go"}}]}`},
		"remove an invocation": {func(ctx context.Context, c *Client) error { return c.DeleteBetaAppClipInvocation(ctx, "i") }, `DELETE /v1/betaAppClipInvocations/i `},
		"write a title":        {func(ctx context.Context, c *Client) error { return c.CreateBetaAppClipTitle(ctx, "i", "en-US", "Go") }, `POST /v1/betaAppClipInvocationLocalizations {"data":{"type":"betaAppClipInvocationLocalizations","attributes":{"locale":"en-US","title":"Go"},"relationships":{"betaAppClipInvocation":{"data":{"type":"betaAppClipInvocations","id":"i"}}}}}`},
		"change a title":       {func(ctx context.Context, c *Client) error { return c.UpdateBetaAppClipTitle(ctx, "t", "Go") }, `PATCH /v1/betaAppClipInvocationLocalizations/t {"data":{"type":"betaAppClipInvocationLocalizations","id":"t","attributes":{"title":"Go"}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(c.want, "GET") && strings.Contains(c.want, "limit=") {
					fmt.Fprint(w, `{"data":[]}`)
					return
				}
				fmt.Fprint(w, resourceReply(r))
			})
			if err := c.call(t.Context(), s.client); err != nil {
				t.Fatal(err)
			}
			path, err := url.QueryUnescape(s.paths[0])
			if err != nil {
				t.Fatal(err)
			}
			if got := path + " " + strings.TrimSpace(s.bodies[0]); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestPeopleAndClipsAreRead(t *testing.T) {
	replies := map[string]string{
		"/v1/betaTesters":                           `{"data":[{"type":"betaTesters","id":"t","attributes":{"email":"a@b.c","firstName":"A","lastName":null,"state":"INVITED","inviteType":"EMAIL"},"relationships":{"betaGroups":{"data":[{"type":"betaGroups","id":"g"}]}}}]}`,
		"/v1/apps/9/appStoreVersions":               `{"data":[{"type":"appStoreVersions","id":"v","attributes":{"versionString":"1.0","platform":"IOS","appVersionState":"READY_FOR_DISTRIBUTION"},"relationships":{"build":{"data":{"type":"builds","id":"b"}}}}],"included":[{"type":"builds","id":"b","attributes":{"version":"42"}}]}`,
		"/v1/appEncryptionDeclarations":             `{"data":[{"type":"appEncryptionDeclarations","id":"d","attributes":{"appEncryptionDeclarationState":"APPROVED"}}]}`,
		"/v1/builds/b":                              `{"data":{"type":"builds","id":"b","relationships":{"buildBundles":{"data":[{"type":"buildBundles","id":"x"},{"type":"buildBundles","id":"gone"}]}}},"included":[{"type":"buildBundles","id":"x","attributes":{"bundleId":"com.example.Clip","bundleType":"APP_CLIP"}}]}`,
		"/v1/buildBundles/x/betaAppClipInvocations": `{"data":[{"type":"betaAppClipInvocations","id":"i","attributes":{"url":"https://e.com"},"relationships":{"betaAppClipInvocationLocalizations":{"data":[{"type":"betaAppClipInvocationLocalizations","id":"l"}]}}}],"included":[{"type":"betaAppClipInvocationLocalizations","id":"l","attributes":{"locale":"en-US","title":"Go"}}]}`,
	}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, replies[r.URL.Path]) })
	c, ctx := s.client, t.Context()
	testers, err := Collect(c.BetaTesters(ctx, BetaTesterFilter{}))
	if err != nil || len(testers) != 1 || testers[0].Email != "a@b.c" || testers[0].LastName != "" || testers[0].BetaGroupIDs[0] != "g" {
		t.Errorf("%+v, %v", testers, err)
	}
	versions, err := Collect(c.AppStoreVersions(ctx, "9", "", nil))
	if err != nil || len(versions) != 1 || versions[0].BuildNumber != "42" || versions[0].VersionString != "1.0" {
		t.Errorf("%+v, %v", versions, err)
	}
	declarations, err := Collect(c.AppEncryptionDeclarations(ctx, "9"))
	if err != nil || len(declarations) != 1 || declarations[0].State != DeclarationApproved {
		t.Errorf("%+v, %v", declarations, err)
	}
	bundles, err := c.BuildBundles(ctx, "b")
	if err != nil || len(bundles) != 1 || bundles[0].BundleType != BundleAppClip {
		t.Errorf("%+v, %v", bundles, err)
	}
	invocations, err := Collect(c.BetaAppClipInvocations(ctx, "x"))
	if err != nil || len(invocations) != 1 || len(invocations[0].Titles) != 1 || invocations[0].Titles[0].Title != "Go" {
		t.Errorf("%+v, %v", invocations, err)
	}
}

// TestSignaturesOfNotifications has the vector of Apple's documentation.
func TestSignaturesOfNotifications(t *testing.T) {
	const secret, good = "This is my secret", "hmacsha256=7f062172b01cb00b53ca068614674a3d982a34062a0f5d37687d5e3377e54657"
	body := []byte("Hello, World!")
	if !VerifySignature(secret, body, good) {
		t.Error("the good one is refused")
	}
	for name, header := range map[string]string{"none": "", "another algorithm": "hmacsha1=" + good[11:], "not hex": "hmacsha256=xyz", "cut off": good[:40], "another": "hmacsha256=" + strings.Repeat("00", 32)} {
		if VerifySignature(secret, body, header) {
			t.Errorf("%s is taken", name)
		}
	}
	if VerifySignature("another secret", body, good) || VerifySignature(secret, []byte("Hello"), good) {
		t.Error("another secret or body is taken")
	}
}
