package asc

import (
	"context"
	"crypto/elliptic"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service is a server that answers with what a test scripts, and a client in
// time of its own.
type service struct {
	*httptest.Server
	client *Client
	slept  []time.Duration
	now    time.Time
	mu     sync.Mutex
	bodies []string
	paths  []string
	auths  []string
}

func serve(t *testing.T, handler http.HandlerFunc) *service {
	t.Helper()
	s := &service{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.bodies = append(s.bodies, string(body))
		s.paths = append(s.paths, r.Method+" "+r.URL.RequestURI())
		s.auths = append(s.auths, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		s.mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := NewClient(Options{
		Key: Key{ID: "K", IssuerID: "I", Private: newPrivate(t, elliptic.P256())}, URL: s.URL, Transport: transport, UserAgent: "test",
		Now: func() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.now },
		Sleep: func(ctx context.Context, d time.Duration) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.slept = append(s.slept, d)
			s.now = s.now.Add(d)
			return ctx.Err()
		},
		Random: func() float64 { return 0.5 },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.client = client
	return s
}

// resourceReply is the resource that a request is about: that of its path, or a
// new one.
func resourceReply(r *http.Request) string {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/"), "/")
	kind, id := parts[0], "1"
	switch len(parts) {
	case 2:
		id = parts[1]
	case 3:
		kind = parts[2] + "s"
	}
	return fmt.Sprintf(`{"data":{"type":%q,"id":%q}}`, kind, id)
}

func (s *service) count() int { s.mu.Lock(); defer s.mu.Unlock(); return len(s.paths) }

const appReply = `{"data":{"type":"apps","id":"1","attributes":{"name":"Demo","bundleId":"com.example.demo","sku":null,"primaryLocale":"en-US"}}}`

func TestPassingFailuresAreRetriedWhereThatIsSafe(t *testing.T) {
	fail := func(status int, header ...string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
		}
	}
	drop := func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			conn.Close()
		}
	}
	text := func(status int, body string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	read := func(c *Client) error { _, err := c.App(context.Background(), "1"); return err }
	create := func(c *Client) error {
		_, err := c.CreateBuildUpload(context.Background(), "1", NewBuildUpload{})
		return err
	}
	commit := func(c *Client) error {
		_, err := c.CommitBuildUploadFile(context.Background(), "1")
		return err
	}
	update := func(c *Client) error {
		_, err := c.UpdateBetaBuildLocalization(context.Background(), "1", "x")
		return err
	}
	for name, c := range map[string]struct {
		first   func(http.ResponseWriter, *http.Request)
		call    func(*Client) error
		retried bool
		unclear bool
	}{
		"a read after 500":                      {fail(500), read, true, false},
		"a read after 503 with HTML":            {text(503, "<html>"), read, true, false},
		"a read after 429":                      {fail(429), read, true, false},
		"a read after a dropped connection":     {drop, read, true, false},
		"a read after an empty success":         {text(200, ""), read, true, false},
		"a read after half a JSON document":     {text(200, `{"data":`), read, true, false},
		"a read after 404":                      {text(404, `{"errors":[{"status":"404","code":"NOT_FOUND","title":"t"}]}`), read, false, false},
		"a read after 403":                      {fail(403), read, false, false},
		"a create after 429, which did nothing": {fail(429), create, true, false},
		"a create after 500":                    {fail(500), create, false, true},
		"a create after a dropped connection":   {drop, create, false, true},
		"a create after HTML":                   {text(200, "<html>"), create, false, true},
		"a create after 409":                    {fail(409), create, false, false},
		"a commit after 502":                    {fail(502), commit, false, true},
		"a commit after 429":                    {fail(429), commit, true, false},
		"an update after 502":                   {fail(502), update, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			first := true
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if first {
					first = false
					c.first(w, r)
					return
				}
				fmt.Fprint(w, resourceReply(r))
			})
			err := c.call(s.client)
			if c.retried != (err == nil) || c.retried != (s.count() == 2) {
				t.Errorf("%d requests, error %v", s.count(), err)
			}
			if err != nil && IsUnclear(err) != c.unclear {
				t.Errorf("unclear is %v: %v", IsUnclear(err), err)
			}
		})
	}
}

func TestRetryAfterIsKept(t *testing.T) {
	first := true
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if first {
			first = false
			w.Header().Set("Retry-After", "42")
			w.WriteHeader(429)
			return
		}
		fmt.Fprint(w, appReply)
	})
	if _, err := s.client.App(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	if len(s.slept) != 1 || s.slept[0] < 42*time.Second || s.slept[0] > 44*time.Second {
		t.Errorf("slept %v", s.slept)
	}
}

func TestRetriesEndWithTheirTime(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	start := s.now
	_, err := s.client.App(t.Context(), "1")
	if StatusOf(err) != 500 {
		t.Fatal(err)
	}
	if took := s.now.Sub(start); took > defaultRetryFor || took < defaultRetryFor/2 {
		t.Errorf("tried for %s", took)
	}
}

func TestAnAddressThatNeverAnsweredIsGivenUpSooner(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	s.Close()
	start := s.now
	_, err := s.client.App(t.Context(), "1")
	var transport *TransportError
	if !errors.As(err, &transport) || transport.Sent || transport.Attempts < 2 {
		t.Fatalf("%v", err)
	}
	if took := s.now.Sub(start); took > firstContact {
		t.Errorf("tried for %s", took)
	}
}

func TestADeletionWhoseReplyWasLostIsDone(t *testing.T) {
	first := true
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if first {
			first = false
			w.WriteHeader(502)
			return
		}
		w.WriteHeader(404)
	})
	if err := s.client.DeleteBuildUpload(t.Context(), "1"); err != nil {
		t.Error(err)
	}
	if err := s.client.DeleteBuildUpload(t.Context(), "1"); !IsNotFound(err) {
		t.Errorf("deleting what was never there: %v", err)
	}
}

func TestTokensAreReusedRenewedAndReplacedOnce(t *testing.T) {
	refuse := false
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if refuse {
			w.Header()["Date"] = nil // the test's clock is not the server's
			w.WriteHeader(401)
			return
		}
		fmt.Fprint(w, appReply)
	})
	get := func() error { _, err := s.client.App(t.Context(), "1"); return err }
	for _, step := range []struct {
		wait   time.Duration
		tokens int
	}{{0, 1}, {10 * time.Minute, 1}, {4 * time.Minute, 2}, {3 * time.Hour, 3}} {
		s.now = s.now.Add(step.wait)
		if err := get(); err != nil {
			t.Fatal(err)
		}
		distinct := map[string]bool{}
		for _, a := range s.auths {
			distinct[a] = true
		}
		if len(distinct) != step.tokens {
			t.Errorf("%d tokens, want %d", len(distinct), step.tokens)
		}
	}
	for _, a := range s.auths {
		claims := jwt.MapClaims{}
		if _, _, err := jwt.NewParser().ParseUnverified(a, claims); err != nil {
			t.Fatal(err)
		}
	}
	refuse = true
	before := s.count()
	if err := get(); !IsUnauthorized(err) {
		t.Errorf("refused for good: %v", err)
	}
	if n := s.count() - before; n != 3 {
		t.Errorf("%d requests, want three attempts", n)
	}
}

func TestErrorsCarryEverything(t *testing.T) {
	const body = `{"errors":[
	 {"id":"e1","status":"409","code":"ENTITY_ERROR.ATTRIBUTE.INVALID.DUPLICATE","title":"Used.","detail":"Must be higher.","source":{"pointer":"/data/attributes/cfBundleVersion"},
	  "meta":{"previousBundleVersion":"41","associatedErrors":{"/v1/builds/1":[{"status":"422","code":"DEEP","title":"Deep"}]}}},
	 {"status":409,"code":"PARAMETER_ERROR.INVALID","title":"Loose","source":{"parameter":"filter[x]"}}]}`
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Date(2026, 11, 23, 11, 50, 0, 0, time.UTC).Format(http.TimeFormat))
		w.Header().Set("X-Rate-Limit", "user-hour-lim:3500;user-hour-rem:17;")
		w.WriteHeader(409)
		fmt.Fprint(w, body)
	})
	_, err := s.client.CreateBuildUpload(t.Context(), "1", NewBuildUpload{})
	var apiErr *Error
	if !errors.As(err, &apiErr) {
		t.Fatal(err)
	}
	if !apiErr.Is("ENTITY_ERROR.ATTRIBUTE") || apiErr.Is("ENTITY") || !apiErr.Has("DEEP") || apiErr.Meta["previousBundleVersion"] != "41" || len(apiErr.Details) != 3 {
		t.Errorf("%+v", apiErr)
	}
	if apiErr.Source.Pointer == "" || apiErr.Details[1].Resource != "/v1/builds/1" || apiErr.ClockSkew != 10*time.Minute {
		t.Errorf("%+v", apiErr)
	}
	for _, word := range []string{"POST /v1/buildUploads: HTTP 409", "Used: Must be higher.", "at /data/attributes/cfBundleVersion", "Deep [DEEP]", "Loose"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not in %q", word, err)
		}
	}
	if !IsConflict(err) || IsTemporary(err) || IsUnclear(err) {
		t.Error("classified wrongly")
	}
	if limit := s.client.RateLimit(); limit != (RateLimit{Limit: 3500, Remaining: 17}) {
		t.Errorf("%+v", limit)
	}
}

func TestPagesAreFollowedOnTheirOwnHostOnly(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the token went elsewhere") }))
	defer elsewhere.Close()
	var s *service
	next := ""
	s = serve(t, func(w http.ResponseWriter, r *http.Request) {
		links := map[string]string{}
		id := r.URL.Query().Get("cursor")
		switch id {
		case "":
			links["next"] = s.URL + r.URL.Path + "?cursor=a%2Bb&limit=200"
		case "a+b":
			links["next"] = next
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": []any{map[string]any{"type": "apps", "id": "x" + id, "attributes": map[string]any{"bundleId": "com.example" + id}}}, "links": links})
	})
	apps, err := Collect(s.client.Apps(t.Context(), ""))
	if err != nil || len(apps) != 2 || apps[1].ID != "xa+b" {
		t.Errorf("%v, %v", apps, err)
	}
	for name, link := range map[string]string{
		"another host":        elsewhere.URL + "/v1/apps",
		"another scheme":      strings.Replace(s.URL, "http", "https", 1) + "/v1/apps",
		"a user in it":        strings.Replace(s.URL, "//", "//me@", 1) + "/v1/apps",
		"no address":          "http://[",
		"the same page again": s.URL + "/v1/apps?cursor=a%2Bb&limit=200",
	} {
		t.Run(name, func(t *testing.T) {
			next = link
			var refused *LinkError
			if _, err := Collect(s.client.Apps(t.Context(), "")); !errors.As(err, &refused) {
				t.Errorf("it was followed: %v", err)
			}
		})
	}
}

func TestAResourceWithoutAnIDIsRefused(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"data":[{"type":"apps","id":"1"},{"type":"apps","attributes":{"bundleId":"com.example.demo"}}]}`)
	})
	var refused *TransportError
	if apps, err := Collect(s.client.Apps(t.Context(), "")); !errors.As(err, &refused) || !strings.Contains(err.Error(), "without an id") {
		t.Errorf("%v, %v", apps, err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the token went elsewhere") }))
	defer elsewhere.Close()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) })
	if _, err := s.client.App(t.Context(), "1"); StatusOf(err) != http.StatusFound {
		t.Errorf("%v", err)
	}
}

func TestBundleIDsAreComparedExactly(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"data":[{"type":"apps","id":"1","attributes":{"bundleId":"com.example.demo.beta"}},{"type":"apps","id":"2","attributes":{"bundleId":"com.example.demo"}}]}`)
	})
	app, ok, err := s.client.AppByBundleID(t.Context(), "com.example.demo")
	if err != nil || !ok || app.ID != "2" {
		t.Errorf("%+v %v %v", app, ok, err)
	}
	if _, ok, _ := s.client.AppByBundleID(t.Context(), "com.example"); ok {
		t.Error("a prefix was taken for the app")
	}
}

func TestCancellingEndsACallAtOnce(t *testing.T) {
	started := make(chan struct{})
	release := make(chan struct{})
	defer close(release)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		close(started)
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { <-started; cancel(cause) }()
	if _, err := s.client.App(ctx, "1"); !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
	if _, err := s.client.App(ctx, "1"); !errors.Is(err, cause) || s.count() != 1 {
		t.Errorf("a cancelled context started a call: %v", err)
	}
}

func TestAddressesThatWouldLeakTheTokenAreRefused(t *testing.T) {
	for address, good := range map[string]bool{
		"https://api.example.com": true, "https://api.example.com/": true, "http://127.0.0.1:80": true, "http://localhost:1": true, "http://[::1]:1": true,
		"http://api.example.com": false, "http://127.0.0.1.example.com": false, "ftp://127.0.0.1": false, "api.example.com": false, "": false,
		"https://user@api.example.com": false, "https://api.example.com?x=y": false, "http://10.0.0.1": false,
	} {
		if _, err := ParseURL(address); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestStateMayBeABareWord(t *testing.T) {
	var s BuildUploadState
	if err := json.Unmarshal([]byte(`"PROCESSING"`), &s); err != nil || s.State != UploadProcessing {
		t.Errorf("%+v, %v", s, err)
	}
	if err := json.Unmarshal([]byte(`{"state":"FAILED","errors":[{"code":"90683"}],"infos":null}`), &s); err != nil || s.State != UploadFailed || s.Errors[0].Code != "90683" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestCallsAreObserved(t *testing.T) {
	var calls atomic.Int32
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, appReply) })
	s.client.onCall = func(c Call) {
		if c.Status == 200 && c.Method == "GET" && !strings.Contains(c.URL, "eyJ") {
			calls.Add(1)
		}
	}
	if _, err := s.client.App(t.Context(), "1"); err != nil || calls.Load() != 1 {
		t.Errorf("%v, %d", err, calls.Load())
	}
}

// The requests of every call, as the contract wants them. That they conform to
// the OpenAPI document is checked where the whole way is tested.
func TestRequestsOfTheResources(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete || strings.Contains(r.URL.Path, "/relationships/") {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if r.Method == http.MethodGet && !strings.HasSuffix(r.URL.Path, "/1") && !strings.HasSuffix(r.URL.Path, "buildBetaDetail") {
			fmt.Fprint(w, `{"data":[]}`)
			return
		}
		fmt.Fprint(w, resourceReply(r))
	})
	c, ctx := s.client, t.Context()
	for want, call := range map[string]func() error{
		`PATCH /v1/buildUploadFiles/1 {"data":{"type":"buildUploadFiles","id":"1","attributes":{"uploaded":true}}}`: func() error {
			_, err := c.CommitBuildUploadFile(ctx, "1")
			return err
		},
		`POST /v1/buildUploads {"data":{"type":"buildUploads","attributes":{"cfBundleShortVersionString":"1.2","cfBundleVersion":"3","platform":"IOS"},"relationships":{"app":{"data":{"type":"apps","id":"9"}}}}}`: func() error {
			_, err := c.CreateBuildUpload(ctx, "9", NewBuildUpload{"1.2", "3", IOS})
			return err
		},
		`POST /v1/buildUploadFiles {"data":{"type":"buildUploadFiles","attributes":{"assetType":"ASSET","fileName":"D.ipa","fileSize":5,"uti":"com.apple.ipa"},"relationships":{"buildUpload":{"data":{"type":"buildUploads","id":"9"}}}}}`: func() error {
			_, err := c.CreateBuildUploadFile(ctx, "9", NewBuildUploadFile{AssetPackage, "D.ipa", 5, UTIIpa})
			return err
		},
		`PATCH /v1/builds/1 {"data":{"type":"builds","id":"1","attributes":{"usesNonExemptEncryption":false}}}`: func() error {
			_, err := c.SetUsesNonExemptEncryption(ctx, "1", false)
			return err
		},
		`POST /v1/builds/1/relationships/betaGroups {"data":[{"type":"betaGroups","id":"a"},{"type":"betaGroups","id":"b"}]}`: func() error {
			return c.AddBetaGroupsToBuild(ctx, "1", []string{"a", "b"})
		},
		`PATCH /v1/buildBetaDetails/1 {"data":{"type":"buildBetaDetails","id":"1","attributes":{"autoNotifyEnabled":false}}}`: func() error {
			_, err := c.SetAutoNotify(ctx, "1", false)
			return err
		},
		`POST /v1/buildBetaNotifications {"data":{"type":"buildBetaNotifications","relationships":{"build":{"data":{"type":"builds","id":"1"}}}}}`: func() error {
			return c.NotifyBetaTesters(ctx, "1")
		},
		`POST /v1/betaAppReviewSubmissions {"data":{"type":"betaAppReviewSubmissions","relationships":{"build":{"data":{"type":"builds","id":"1"}}}}}`: func() error {
			_, err := c.SubmitForBetaReview(ctx, "1")
			return err
		},
		`POST /v1/betaBuildLocalizations {"data":{"type":"betaBuildLocalizations","attributes":{"locale":"en-US","whatsNew":"Hi"},"relationships":{"build":{"data":{"type":"builds","id":"1"}}}}}`: func() error {
			_, err := c.CreateBetaBuildLocalization(ctx, "1", "en-US", "Hi")
			return err
		},
		`PATCH /v1/betaBuildLocalizations/1 {"data":{"type":"betaBuildLocalizations","id":"1","attributes":{"whatsNew":"Hi"}}}`: func() error {
			_, err := c.UpdateBetaBuildLocalization(ctx, "1", "Hi")
			return err
		},
		`GET /v1/preReleaseVersions?filter%5Bapp%5D=1&filter%5Bplatform%5D=IOS&limit=200&sort=-version `: func() error {
			_, err := Collect(c.PreReleaseVersions(ctx, "1", IOS))
			return err
		},
		`GET /v1/builds/1/buildBetaDetail `: func() error { _, err := c.BuildBetaDetail(ctx, "1"); return err },
		`GET /v1/betaAppReviewSubmissions?filter%5Bbuild%5D=1&limit=200 `: func() error {
			_, err := Collect(c.BetaAppReviewSubmissions(ctx, "1"))
			return err
		},
		`GET /v1/buildUploads/a%2Fb/buildUploadFiles?limit=200 `: func() error {
			_, err := Collect(c.BuildUploadFiles(ctx, "a/b"))
			return err
		},
	} {
		t.Run(strings.Fields(want)[1], func(t *testing.T) {
			if err := call(); err != nil {
				t.Fatal(err)
			}
			last := len(s.paths) - 1
			if got := s.paths[last] + " " + s.bodies[last]; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}
