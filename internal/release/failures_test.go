package release_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/sandbox"
	"github.com/ascend-cli/ascend/upload"
)

// once answers the first request that matches instead of the sandbox. Requests
// come on several connections at a time.
func once(method, path string, answer http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	var done atomic.Bool
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || !strings.HasPrefix(r.URL.Path, path) || done.Swap(true) {
			return false
		}
		answer(w, r)
		return true
	}
}

// lose lets a request take effect and drops its reply.
func (b *bench) lose(method, path string) func(http.ResponseWriter, *http.Request) bool {
	return once(method, path, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		b.before(nil)
		repeat, err := http.NewRequest(r.Method, b.server.URL()+r.URL.RequestURI(), bytes.NewReader(body))
		if err == nil {
			repeat.Header = r.Header
			var resp *http.Response
			transport := &http.Transport{DisableKeepAlives: true}
			if resp, err = transport.RoundTrip(repeat); err == nil {
				resp.Body.Close()
			}
		}
		if err != nil {
			b.t.Error(err)
		}
		hijack(w)
	})
}

func hijack(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		conn.Close()
	}
}

func TestLostRepliesAreLookedUpNotRepeated(t *testing.T) {
	d := release.Distribution{Groups: []string{"QA", "Beta"}, WhatToTest: ptr("Try it."), UsesNonExemptEncryption: ptr(false), Notify: ptr(false)}
	clean := newBench(t)
	want := clean.upload(release.Plan{Path: pack(t, "1.2.0", "42", undecided), Distribution: d})
	for name, c := range map[string]struct{ method, path string }{
		"the build upload":      {"POST", "/v1/buildUploads"},
		"the build upload file": {"POST", "/v1/buildUploadFiles"},
		"the commit":            {"PATCH", "/v1/buildUploadFiles/"},
		"the note":              {"POST", "/v1/betaBuildLocalizations"},
		"export compliance":     {"PATCH", "/v1/builds/"},
		"automatic notice":      {"PATCH", "/v1/buildBetaDetails/"},
		"the groups":            {"POST", "/v1/builds/"},
		"the review":            {"POST", "/v1/betaAppReviewSubmissions"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.before(b.lose(c.method, c.path))
			got := b.upload(release.Plan{Path: pack(t, "1.2.0", "42", undecided), Distribution: d})
			if got.State != want.State || got.BetaReviewState != want.BetaReviewState || !slices.Equal(got.Groups, want.Groups) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if n := len(b.calls("POST /v1/buildUploads")); n > 2+1 { // one for the file, one that was lost
				t.Errorf("%d reservations:\n%s", n, strings.Join(b.calls("POST"), "\n"))
			}
			if sum, whole := b.server.Object(got.BuildUploadID); !whole || sum == "" {
				t.Error("the object is not whole")
			}
			uploads, err := asc.Collect(b.runner.Client.BuildUploads(t.Context(), got.AppID, asc.BuildUploadFilter{}))
			if err != nil || len(uploads) != 1 {
				t.Errorf("%d build uploads, %v", len(uploads), err)
			}
		})
	}
}

func TestRequestsThatDidNothingAreMadeAgain(t *testing.T) {
	d := release.Distribution{Groups: []string{"Beta"}, WhatToTest: ptr("Try it.")}
	for name, c := range map[string]struct{ method, path string }{
		"the build upload":      {"POST", "/v1/buildUploads"},
		"the build upload file": {"POST", "/v1/buildUploadFiles"},
		"the commit":            {"PATCH", "/v1/buildUploadFiles/"},
		"the note":              {"POST", "/v1/betaBuildLocalizations"},
		"the groups":            {"POST", "/v1/builds/"},
		"the review":            {"POST", "/v1/betaAppReviewSubmissions"},
		"the list of apps":      {"GET", "/v1/apps"},
	} {
		for _, status := range []int{500, 503, 429} {
			t.Run(fmt.Sprintf("%s after %d", name, status), func(t *testing.T) {
				b := newBench(t)
				b.before(once(c.method, c.path, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(status)
					fmt.Fprint(w, `{"errors":[]}`)
				}))
				if sum := b.upload(release.Plan{Path: pack(t, "1.2.0", "42"), Distribution: d}); sum.BetaReviewState != "WAITING_FOR_REVIEW" {
					t.Errorf("%+v", sum)
				}
			})
		}
	}
}

func TestAnInterruptedUploadGoesOnWhereItStopped(t *testing.T) {
	b := newBench(t)
	path := pack(t, "1.2.0", "42")
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := &stopper{Observer: b, after: 4, cancel: func() { cancel(failure.ErrInterrupted) }}
	b.runner.Observer, b.runner.Pool = stop, upload.NewPool(1, 0)
	first, err := b.runner.Upload(ctx, release.Plan{Path: path})
	wantError(t, err, failure.Interrupted)
	if first.BuildUploadID == "" {
		t.Fatal("the summary lacks the build upload")
	}
	sent := b.puts()
	b.runner.Observer = b
	second := b.upload(release.Plan{Path: path})
	if second.BuildUploadID != first.BuildUploadID || second.ResumedParts < 4 || second.ResumedParts+b.puts()-sent < second.Parts {
		t.Errorf("first %+v\nsecond %+v, %d parts sent", first, second, b.puts()-sent)
	}
	if again := b.puts() - sent; again > second.Parts-4 {
		t.Errorf("%d of %d parts were sent again", again, second.Parts)
	}
}

// stopper ends a run after some parts.
type stopper struct {
	release.Observer
	after  int
	cancel func()
}

func (s *stopper) Observe(e release.Event) {
	if part, ok := e.(release.Part); ok && part.State == "done" {
		if s.after--; s.after == 0 {
			s.cancel()
		}
	}
	s.Observer.Observe(e)
}

func TestALeftoverThatDoesNotFitIsReplaced(t *testing.T) {
	b := newBench(t)
	app, _, err := b.runner.Client.AppByBundleID(t.Context(), bundleID)
	if err != nil {
		t.Fatal(err)
	}
	reserve := func(number string, size int64) asc.BuildUpload {
		u, err := b.runner.Client.CreateBuildUpload(t.Context(), app.ID, asc.NewBuildUpload{CFBundleShortVersionString: "1.2.0", CFBundleVersion: number, Platform: asc.IOS})
		if err == nil && size > 0 {
			_, err = b.runner.Client.CreateBuildUploadFile(t.Context(), u.ID, asc.NewBuildUploadFile{AssetType: asc.AssetPackage, FileName: "x.ipa", FileSize: size, UTI: asc.UTIIpa})
		}
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	bare, start := reserve("42", 0), b.clock.Now()
	if sum := b.upload(release.Plan{Path: pack(t, "1.2.0", "42"), NoWait: true}); sum.BuildUploadID != bare.ID || b.clock.Now().Sub(start) < 30*time.Second {
		t.Errorf("a reservation without a file was not used, or not watched: %+v", sum)
	}
	other := reserve("43", 5)
	b.fails(release.Plan{Path: pack(t, "1.2.0", "43")}, failure.Conflict, "another run is uploading", "uploads cancel "+other.ID)
	b.clock.pass(6 * time.Minute)
	if sum := b.upload(release.Plan{Path: pack(t, "1.2.0", "43")}); sum.BuildUploadID == other.ID {
		t.Error("a reservation for another file was used")
	}
	if _, err := b.runner.Client.BuildUpload(t.Context(), other.ID); !asc.IsNotFound(err) {
		t.Errorf("it was not removed: %v", err)
	}
}

func TestExpiredOperations(t *testing.T) {
	t.Run("are read again", func(t *testing.T) {
		b := newBench(t, func(o *sandbox.Options) { o.OperationLife = time.Hour })
		b.before(once("PUT", "/", func(w http.ResponseWriter, r *http.Request) {
			b.clock.mu.Lock()
			b.clock.now = b.clock.now.Add(2 * time.Hour)
			b.clock.mu.Unlock()
			w.WriteHeader(403)
		}))
		b.runner.Pool = upload.NewPool(1, 0)
		sum := b.upload(release.Plan{Path: pack(t, "1.2.0", "42")})
		if n := len(b.calls("POST /v1/buildUploads")); sum.State != "VALID" || n != 1 {
			t.Errorf("%d reservations, %+v", n, sum)
		}
	})
	t.Run("are reserved anew where the service has no fresh ones", func(t *testing.T) {
		b := newBench(t, func(o *sandbox.Options) { o.OperationLife, o.KeepExpired = time.Hour, true })
		b.before(once("PUT", "/", func(w http.ResponseWriter, r *http.Request) {
			b.clock.mu.Lock()
			b.clock.now = b.clock.now.Add(2 * time.Hour)
			b.clock.mu.Unlock()
			w.WriteHeader(403)
		}))
		b.runner.Pool = upload.NewPool(1, 0)
		sum := b.upload(release.Plan{Path: pack(t, "1.2.0", "42")})
		uploads, err := asc.Collect(b.runner.Client.BuildUploads(t.Context(), sum.AppID, asc.BuildUploadFilter{}))
		if err != nil || len(uploads) != 1 || sum.State != "VALID" {
			t.Errorf("%d build uploads, %v, %+v", len(uploads), err, sum)
		}
	})
}

func TestAFileThatChangesIsNotCommitted(t *testing.T) {
	b := newBench(t)
	path := pack(t, "1.2.0", "42")
	b.before(once("PUT", "/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(500)
		if err := os.WriteFile(path, bundletest.IPA(bundletest.IOS(bundleID, "1.2.0", "42")), 0o600); err != nil {
			t.Error(err)
		}
	}))
	b.fails(release.Plan{Path: path}, failure.InvalidPackage, "changed")
	if len(b.calls("PATCH")) != 0 || len(b.calls("DELETE")) != 1 {
		t.Errorf("%v", b.calls(""))
	}
}

func TestAPlanThatCannotBeCarriedOutSendsNothing(t *testing.T) {
	b := newBench(t)
	path := pack(t, "1.2.0", "42")
	stat, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	b.before(once("POST", "/v1/buildUploadFiles", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Rate-Limit", "user-hour-lim:3600;user-hour-rem:3600;")
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]any{"links": map[string]any{"self": "https://example.com"}, "data": map[string]any{"type": "buildUploadFiles", "id": "f", "attributes": map[string]any{"uploadOperations": []any{
			map[string]any{"method": "PUT", "url": "http://store.example/", "offset": 0, "length": stat.Size()},
		}}}})
	}))
	sum, _ := b.fails(release.Plan{Path: path}, failure.Transfer, "plain http", "nothing was sent")
	if b.puts() != 0 || sum.BuildUploadID != "" || len(b.calls("DELETE")) != 1 {
		t.Errorf("%+v, %v", sum, b.calls(""))
	}
}

func TestServersThatAreNotTheAPI(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter)
		kind   failure.Kind
		want   string
	}{
		"HTML":            {func(w http.ResponseWriter) { fmt.Fprint(w, "<html>Log in</html>") }, failure.Transfer, "not JSON"},
		"nothing":         {func(w http.ResponseWriter) {}, failure.Transfer, "empty reply"},
		"half a document": {func(w http.ResponseWriter) { fmt.Fprint(w, `{"data":[`) }, failure.Transfer, "not JSON"},
		"another shape":   {func(w http.ResponseWriter) { fmt.Fprint(w, `{"data":"hello"}`) }, failure.Transfer, "shape"},
		"a login page":    {func(w http.ResponseWriter) { w.Header().Set("Location", "/login"); w.WriteHeader(302) }, failure.Transfer, "302"},
		"a refusal":       {func(w http.ResponseWriter) { w.WriteHeader(403); fmt.Fprint(w, "<html>no") }, failure.Auth, "403"},
		"an agreement": {func(w http.ResponseWriter) {
			w.WriteHeader(403)
			fmt.Fprint(w, `{"errors":[{"status":"403","code":"FORBIDDEN.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED","title":"t","detail":"d"}]}`)
		}, failure.Auth, "Account Holder"},
		"a clock that is wrong": {func(w http.ResponseWriter) {
			w.Header().Set("Date", time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC).Format(http.TimeFormat))
			w.WriteHeader(401)
		}, failure.Auth, "clock is"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { c.answer(w) }))
			defer server.Close()
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			client, err := asc.NewClient(asc.Options{Key: b.key, URL: server.URL, Transport: transport, Now: b.clock.Now, Sleep: b.clock.Sleep})
			if err != nil {
				t.Fatal(err)
			}
			b.runner.Client = client
			b.fails(release.Plan{Path: pack(t, "1.2.0", "42")}, c.kind, c.want)
		})
	}
}

func TestAnInternalGroupTheServiceServesByItselfIsNoFailure(t *testing.T) {
	b := newBench(t)
	b.before(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != "POST" || !strings.HasSuffix(r.URL.Path, "/relationships/betaGroups") {
			return false
		}
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !bytes.Contains(body, []byte(`"qa"`)) {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Rate-Limit", "user-hour-lim:3600;user-hour-rem:3600;")
		w.WriteHeader(422)
		fmt.Fprint(w, `{"errors":[{"status":"422","code":"ENTITY_UNPROCESSABLE","title":"Builds cannot be assigned to this internal group.","detail":"Cannot add internal group to a build."}]}`)
		return true
	})
	sum := b.upload(release.Plan{Path: pack(t, "1.2.0", "42"), Distribution: release.Distribution{Groups: []string{"QA", "Beta"}}})
	if step := sum.Steps[0]; !strings.Contains(step.Detail, "added to Beta") || !strings.Contains(step.Detail, "by itself: QA") {
		t.Errorf("%+v", step)
	}
}

func TestNotification(t *testing.T) {
	b := newBench(t, func(o *sandbox.Options) { o.ReviewTime = time.Minute })
	sum := b.upload(release.Plan{Path: pack(t, "1.2.0", "42"), Distribution: release.Distribution{Groups: []string{"Beta"}, Notify: ptr(false)}})
	b.clock.now = b.clock.now.Add(time.Hour)
	after, err := b.runner.Distribute(t.Context(), release.Plan{BuildID: sum.BuildID, Distribution: release.Distribution{Notify: ptr(true)}})
	if err != nil || after.Steps[0].State != release.StepChanged || len(b.calls("POST /v1/buildBetaNotifications")) != 1 {
		t.Errorf("%v, %+v", err, after.Steps)
	}
	automatic := b.upload(release.Plan{Path: pack(t, "1.2.0", "43"), Distribution: release.Distribution{Groups: []string{"Beta"}, Notify: ptr(true)}})
	if step := automatic.Steps[len(automatic.Steps)-1]; step.State != release.StepAlready {
		t.Errorf("%+v", step)
	}
}

func TestFindingABuild(t *testing.T) {
	b := newBench(t)
	first := b.upload(release.Plan{Path: pack(t, "1.2.0", "42")})
	second := b.upload(release.Plan{Path: pack(t, "1.3", "1")})
	third := b.upload(release.Plan{Path: pack(t, "1.3", "2"), NoWait: true})
	for name, c := range map[string]struct {
		plan  release.Plan
		build string
	}{
		"by id":                        {release.Plan{BuildID: first.BuildID}, first.BuildID},
		"by number":                    {release.Plan{App: bundleID, BuildNumber: "42"}, first.BuildID},
		"by the app's Apple ID":        {release.Plan{App: first.AppID, BuildNumber: "042"}, first.BuildID},
		"by version in other spelling": {release.Plan{App: bundleID, Version: "1.3.0", BuildNumber: "1"}, second.BuildID},
	} {
		t.Run(name, func(t *testing.T) {
			sum, err := b.runner.Wait(t.Context(), c.plan)
			if err != nil || sum.BuildID != c.build || sum.State != "VALID" {
				t.Errorf("%v, %+v", err, sum)
			}
		})
	}
	sum, err := b.runner.Wait(t.Context(), release.Plan{App: bundleID})
	if err != nil || sum.BuildUploadID != third.BuildUploadID || sum.BuildNumber != "2" {
		t.Errorf("the latest, still processing: %v, %+v", err, sum)
	}
	again, err := b.runner.Wait(t.Context(), release.Plan{BuildUploadID: third.BuildUploadID})
	if err != nil || again.BuildID != sum.BuildID {
		t.Errorf("by build upload: %v, %+v", err, again)
	}
	for name, c := range map[string]struct {
		plan release.Plan
		kind failure.Kind
		want string
	}{
		"no app":                   {release.Plan{}, failure.Usage, "--app"},
		"no such build":            {release.Plan{BuildID: "nothing"}, failure.NotFound, "--build-number"},
		"no such number":           {release.Plan{App: bundleID, BuildNumber: "77"}, failure.NotFound, "number 77"},
		"no such build upload":     {release.Plan{BuildUploadID: "nothing"}, failure.NotFound, "cancelled"},
		"another app's build":      {release.Plan{BuildID: first.BuildID, App: bundleID + ".other"}, failure.Conflict, "leave --app out"},
		"no such Apple ID":         {release.Plan{App: "123"}, failure.NotFound, "Apple ID 123"},
		"groups without their app": {release.Plan{BuildUploadID: third.BuildUploadID, Distribution: release.Distribution{Groups: []string{"QA"}}}, failure.Usage, "--app"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.runner.Distribute(t.Context(), c.plan)
			wantError(t, err, c.kind, c.want)
		})
	}
}

func TestKindsOfErrors(t *testing.T) {
	for kind, err := range map[failure.Kind]error{
		failure.Interrupted: fmt.Errorf("x: %w", failure.ErrInterrupted),
		failure.Timeout:     fmt.Errorf("x: %w", context.DeadlineExceeded),
		failure.Internal:    errors.New("x"),
		failure.Auth:        asc.ErrEnterpriseKey,
		failure.Transfer:    fmt.Errorf("x: %w", &asc.LinkError{Reason: "that is not a URL"}),
	} {
		if got := failure.KindOf(err); got != kind {
			t.Errorf("%v: %s, want %s", err, got, kind)
		}
	}
}

func TestNotesAreCleanedAndCut(t *testing.T) {
	for name, c := range map[string]struct {
		in, want string
		changes  int
	}{
		"short":                    {"abcd", "abcd", 0},
		"exactly the limit":        {strings.Repeat("a", 4000), strings.Repeat("a", 4000), 0},
		"too long":                 {strings.Repeat("a", 4200), strings.Repeat("a", 3997) + "...", 1},
		"too long in two bytes":    {strings.Repeat("ü", 4000), strings.Repeat("ü", 1998) + "...", 1},
		"too long in three bytes":  {strings.Repeat("漢", 3000), strings.Repeat("漢", 1332) + "...", 1},
		"emoji":                    {"a😀b⚠️c✔d", "abcd", 1},
		"a family and a flag":      {"x👨‍👩‍👧y🇩🇪z", "xyz", 1},
		"a keycap keeps its digit": {"1️⃣ first", "1 first", 1},
		"angle brackets":           {"<b>bold</b>", "b>bold/b>", 1},
		"lines and tabs":           {"a\n\tb", "a\n\tb", 0},
		"accents":                  {"héllo – “quoted” …", "héllo – “quoted” …", 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, changes := release.CleanNote(c.in)
			if got != c.want || len(changes) != c.changes {
				t.Errorf("%q (%d bytes), %v", got, len(got), changes)
			}
		})
	}
}
