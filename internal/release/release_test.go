package release_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/memnet"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/sandbox"
	"github.com/ascend-cli/ascend/internal/sandbox/contracttest"
	"github.com/ascend-cli/ascend/upload"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is time that only moves when somebody sleeps.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// pass lets time go by.
func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bench is a release against a sandbox of its own, in time of its own. Every
// API exchange is checked against the contract.
type bench struct {
	t        *testing.T
	clock    *clock
	server   *sandbox.Server
	runner   *release.Runner
	key      asc.Key
	requests []sandbox.Request
	events   []release.Event
	mu       sync.Mutex
	// network is that of a bench in a bubble.
	network *memnet.Network
	// intercept may answer a request instead of the sandbox.
	intercept func(http.ResponseWriter, *http.Request) bool
}

const bundleID = "com.example.demo"

// newBench makes a bench whose clock moves when somebody sleeps, on the real
// network.
func newBench(t *testing.T, change ...func(*sandbox.Options)) *bench {
	t.Helper()
	b := &bench{t: t, clock: &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}}
	b.open(b.clock.Now, b.clock.Sleep, nil, change...)
	return b
}

// newBubbleBench makes a bench with the clock of a bubble of testing/synctest,
// and a network that stands still with it: no timeout passes, no connection is
// given up because the machine is slow.
func newBubbleBench(t *testing.T, change ...func(*sandbox.Options)) *bench {
	t.Helper()
	b := &bench{t: t}
	b.open(time.Now, nil, &memnet.Network{}, change...)
	return b
}

// open starts the sandbox of a bench and makes its runner.
func (b *bench) open(now func() time.Time, sleep func(context.Context, time.Duration) error, network *memnet.Network, change ...func(*sandbox.Options)) {
	t := b.t
	t.Helper()
	key, err := sandbox.NewKey("TESTKEY001", "issuer", sandbox.Admin)
	if err != nil {
		t.Fatal(err)
	}
	options := sandbox.Options{
		Keys: []sandbox.Key{key},
		Apps: []sandbox.App{{BundleID: bundleID + ".other"}, {BundleID: bundleID, Name: "Demo", Groups: []sandbox.Group{
			{ID: "team", Name: "Team", Internal: true, AllBuilds: true}, {ID: "qa", Name: "QA", Internal: true}, {ID: "beta", Name: "Beta"},
			{ID: "twin-1", Name: "Twin"}, {ID: "twin-2", Name: "Twin"},
		}}},
		PartSize: 1 << 10, UploadProcessing: 3 * time.Minute, BuildProcessing: 10 * time.Minute, Settle: 20 * time.Second,
		Now: now, Dir: t.TempDir(),
		OnRequest: func(r sandbox.Request) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.requests = append(b.requests, r)
		},
		Intercept: func(w http.ResponseWriter, r *http.Request) bool {
			b.mu.Lock()
			f := b.intercept
			b.mu.Unlock()
			return f != nil && f(w, r)
		},
	}
	if network != nil {
		options.Listen = func(string) (net.Listener, error) { return network.Listen(), nil }
	}
	for _, f := range change {
		f(&options)
	}
	if b.server, err = sandbox.Start(options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.server.Close() })
	b.key = asc.Key{ID: options.Keys[0].ID, IssuerID: options.Keys[0].IssuerID, Private: options.Keys[0].Private}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	client, err := asc.NewClient(asc.Options{
		Key: b.key, URL: b.server.URL(), Transport: &contracttest.Transport{T: t, Next: transport}, Now: now, Sleep: sleep,
	})
	if err != nil {
		t.Fatal(err)
	}
	b.runner = &release.Runner{Client: client, Observer: b, Now: now, Sleep: sleep}
	if network != nil {
		transport.DialContext = network.DialContext
		b.runner.Transport = b.parts(network)
	}
}

// parts is the transport of parts on a network in memory.
func (b *bench) parts(network *memnet.Network) *upload.Transport {
	b.network = network
	transport := upload.NewTransport(nil)
	transport.Dial = network.DialContext
	b.t.Cleanup(transport.CloseIdleConnections)
	return transport
}

func (b *bench) Observe(e release.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, e)
}

// before runs a function on every API request, which may answer it.
func (b *bench) before(f func(http.ResponseWriter, *http.Request) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.intercept = f
}

// calls lists what was asked of the API, as "METHOD path".
func (b *bench) calls(contains string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, r := range b.requests {
		if call := r.Method + " " + r.Path; r.Host == "api" && strings.Contains(call, contains) {
			out = append(out, call)
		}
	}
	return out
}

func (b *bench) puts() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, r := range b.requests {
		if r.Host == "store" && r.Status == http.StatusOK {
			n++
		}
	}
	return n
}

// pack writes a package of the demo app and returns its path.
func pack(t *testing.T, version, build string, change ...func(bundletest.Plist) bundletest.Plist) string {
	t.Helper()
	info := bundletest.IOS(bundleID, version, build)
	for _, f := range change {
		info = f(info)
	}
	path := filepath.Join(t.TempDir(), "Demo.ipa")
	if err := os.WriteFile(path, bundletest.IPA(info, bundletest.Padding(10<<10)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// other makes a package with other content.
func other(p bundletest.Plist) bundletest.Plist { return p.With("CFBundleDisplayName", "Another name") }

func undecided(p bundletest.Plist) bundletest.Plist {
	return p.With("ITSAppUsesNonExemptEncryption", nil)
}

func ptr[T any](v T) *T { return &v }

func (b *bench) upload(plan release.Plan) release.Summary {
	b.t.Helper()
	summary, err := b.runner.Upload(b.t.Context(), plan)
	if err != nil {
		b.t.Fatalf("upload: %v (hint: %s)", err, failure.Explain(err).Hint)
	}
	return summary
}

// fails runs an upload that must fail with a kind, and returns the error.
func (b *bench) fails(plan release.Plan, kind failure.Kind, words ...string) (release.Summary, error) {
	b.t.Helper()
	summary, err := b.runner.Upload(b.t.Context(), plan)
	wantError(b.t, err, kind, words...)
	return summary, err
}

func wantError(t *testing.T, err error, kind failure.Kind, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", kind)
	}
	if got := failure.KindOf(err); got != kind {
		t.Fatalf("kind %s, want %s: %v", got, kind, err)
	}
	text := err.Error() + "\n" + failure.Explain(err).Hint + "\n" + strings.Join(failure.Explain(err).Details, "\n")
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("the error does not say %q:\n%s", word, text)
		}
	}
}

func TestUploadGoesTheWholeWay(t *testing.T) {
	b := newBench(t)
	path := pack(t, "1.2.0", "42")
	sum := b.upload(release.Plan{Path: path, Distribution: release.Distribution{Groups: []string{"Team", "QA", "beta"}, WhatToTest: ptr("Try it.")}})

	if sum.State != "VALID" || sum.BuildID == "" || sum.BuildUploadID == "" || sum.AppID == "" || sum.Parts == 0 || sum.BetaReviewState != "WAITING_FOR_REVIEW" {
		t.Errorf("summary is not complete: %+v", sum)
	}
	if want := []string{"Team", "QA", "Beta"}; !slices.Equal(sum.Groups, want) {
		t.Errorf("groups %v, want %v", sum.Groups, want)
	}
	for _, stage := range []string{"inspect", "preflight", "resolve", "reserve", "transfer", "commit", "wait", "distribute"} {
		if _, ok := sum.Stages[stage]; !ok {
			t.Errorf("stage %s is not timed", stage)
		}
	}
	if b.puts() != sum.Parts {
		t.Errorf("%d parts sent, want %d", b.puts(), sum.Parts)
	}
	var changed []string
	for _, step := range sum.Steps {
		if step.State == release.StepChanged {
			changed = append(changed, step.Name)
		}
	}
	if want := []string{"notes", "groups", "review"}; !slices.Equal(changed, want) {
		t.Errorf("steps %v, want %v", changed, want)
	}
	// 14 that do something, one that asks for the key's role before a byte is
	// sent, and one that reads a change back.
	if other := len(b.calls("")) - len(b.calls("GET /v1/buildUploads/")) - len(b.calls("GET /v1/builds/")); other > 16 {
		t.Errorf("%d API requests beside polls, want at most 16:\n%s", other, strings.Join(b.calls(""), "\n"))
	}
}

func TestDistributingAgainChangesNothing(t *testing.T) {
	b := newBench(t)
	d := release.Distribution{Groups: []string{"Team", "QA", "Beta"}, WhatToTest: ptr("Try it."), UsesNonExemptEncryption: ptr(false)}
	sum := b.upload(release.Plan{Path: pack(t, "1.2.0", "42", undecided), Distribution: d})
	writes := func() int {
		return len(b.calls("POST ")) + len(b.calls("PATCH ")) + len(b.calls("DELETE "))
	}
	before := writes()
	again, err := b.runner.Distribute(t.Context(), release.Plan{BuildID: sum.BuildID, Distribution: d})
	if err != nil {
		t.Fatal(err)
	}
	if writes() != before {
		t.Errorf("the second run wrote:\n%s", strings.Join(b.calls("P"), "\n"))
	}
	for _, step := range again.Steps {
		if step.State != release.StepAlready {
			t.Errorf("step %s is %s: %s", step.Name, step.State, step.Detail)
		}
	}
}

func TestConflictsStopBeforeAByteMoves(t *testing.T) {
	b := newBench(t)
	b.upload(release.Plan{Path: pack(t, "1.2", "42"), NoWait: true})
	sent := b.puts()
	for name, c := range map[string]struct {
		path string
		plan release.Plan
		kind failure.Kind
		want string
	}{
		"the same build while it is processing":        {path: pack(t, "1.2", "42", other), kind: failure.Conflict, want: "PROCESSING"},
		"the same version written with a zero":         {path: pack(t, "1.2.0", "042", other), kind: failure.Conflict, want: "exists already"},
		"a lower build number, which Apple refuses":    {path: pack(t, "1.2", "41"), kind: failure.Conflict, want: "above 42"},
		"a group that does not exist":                  {path: pack(t, "1.2", "43"), plan: release.Plan{Distribution: release.Distribution{Groups: []string{"Betta"}}}, kind: failure.NotFound, want: "Beta"},
		"a group name that two groups have":            {path: pack(t, "1.2", "43"), plan: release.Plan{Distribution: release.Distribution{Groups: []string{"Twin"}}}, kind: failure.Conflict, want: "twin-2"},
		"a review for internal groups only":            {path: pack(t, "1.2", "43"), plan: release.Plan{Distribution: release.Distribution{Groups: []string{"QA"}, SubmitReview: ptr(true)}}, kind: failure.Usage, want: "--submit-review"},
		"an app that the package does not belong to":   {path: pack(t, "1.2", "43"), plan: release.Plan{App: bundleID + ".other"}, kind: failure.Conflict, want: "other"},
		"an app that is not there":                     {path: pack(t, "1.2", "43", func(p bundletest.Plist) bundletest.Plist { return p.With("CFBundleIdentifier", "com.example.dem") }), kind: failure.NotFound, want: bundleID},
		"a build number with letters":                  {path: pack(t, "1.2", "4x"), kind: failure.InvalidPackage, want: "CFBundleVersion"},
		"a file that is not there":                     {path: "nowhere.ipa", kind: failure.InvalidPackage, want: "no such file"},
		"a version with more than eighteen characters": {path: pack(t, "1.2.34567890123456789", "1"), kind: failure.InvalidPackage, want: "18"},
	} {
		t.Run(name, func(t *testing.T) {
			c.plan.Path = c.path
			_, err := b.runner.Upload(t.Context(), c.plan)
			wantError(t, err, c.kind, c.want)
		})
	}
	if b.puts() != sent {
		t.Errorf("%d parts were sent", b.puts()-sent)
	}
}

func TestAppleRefusesTheBuild(t *testing.T) {
	b := newBench(t, func(o *sandbox.Options) {
		o.FailWith = []sandbox.Detail{{Code: "90683", Description: "Missing purpose string."}, {Code: "91053", Description: "Missing API declaration."}}
		o.WarnWith = []sandbox.Detail{{Code: "90000", Description: "Be warned."}}
	})
	sum, _ := b.fails(release.Plan{Path: pack(t, "1.2.0", "42")}, failure.Rejected, "ITMS-90683: Missing purpose string.", "ITMS-91053", "purpose string")
	if sum.BuildUploadID == "" {
		t.Error("the summary lacks the build upload")
	}
	if !slices.Contains(sum.Warnings, "ITMS-90000: Be warned.") {
		t.Errorf("warnings %v", sum.Warnings)
	}
	// A refused number is free again.
	b2 := newBench(t)
	b2.upload(release.Plan{Path: pack(t, "1.2.0", "42")})
}

func TestWaitEndsAtItsTimeout(t *testing.T) {
	b := newBench(t, func(o *sandbox.Options) { o.BuildProcessing = 100 * time.Hour })
	start := b.clock.Now()
	sum, _ := b.fails(release.Plan{Path: pack(t, "1.2.0", "42"), Timeout: time.Hour}, failure.Timeout, "ascend wait --build ")
	if took := b.clock.Now().Sub(start); took < time.Hour || took > time.Hour+time.Minute {
		t.Errorf("it took %s", took)
	}
	if sum.BuildID == "" {
		t.Error("the summary lacks the build")
	}
	// An hour outlives every token: the wait renews them.
	if n := len(b.calls("GET /v1/builds/")); n < 30 || n > 80 {
		t.Errorf("%d polls in an hour", n)
	}
}

// TestAWaitSurvivesAnOutage takes the service away for half an hour.
func TestAWaitSurvivesAnOutage(t *testing.T) {
	for during, path := range map[string]string{"the build upload is processed": "/v1/buildUploads/", "the build is processed": "/v1/builds/"} {
		for name, away := range map[string]func(http.ResponseWriter){
			"a gateway that answers": func(w http.ResponseWriter) {
				w.WriteHeader(http.StatusBadGateway)
				fmt.Fprint(w, "<html>Bad gateway</html>")
			},
			"connections that break": func(w http.ResponseWriter) {
				if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
					conn.Close()
				}
			},
			"no more requests for a while": func(w http.ResponseWriter) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusTooManyRequests)
				fmt.Fprint(w, `{"errors":[{"status":"429","code":"RATE_LIMIT_EXCEEDED","title":"Too many","detail":"Later."}]}`)
			},
		} {
			t.Run(name+" while "+during, func(t *testing.T) {
				b := newBench(t)
				var since time.Time
				b.before(func(w http.ResponseWriter, r *http.Request) bool {
					if r.Method != http.MethodGet || !strings.HasPrefix(r.URL.Path, path) {
						return false
					}
					if since.IsZero() {
						since = b.clock.Now()
					}
					if b.clock.Now().Sub(since) > 31*time.Minute {
						return false
					}
					away(w)
					return true
				})
				if sum := b.upload(release.Plan{Path: pack(t, "1.2.0", "42")}); sum.State != "VALID" {
					t.Errorf("state %s", sum.State)
				}
				if since.IsZero() {
					t.Error("there was no outage")
				}
			})
		}
	}
}

func TestExportCompliance(t *testing.T) {
	t.Run("undecided and unanswered it stops before a byte is sent", func(t *testing.T) {
		b := newBench(t)
		b.fails(release.Plan{Path: pack(t, "1.2.0", "42", undecided), Distribution: release.Distribution{Groups: []string{"Beta"}}},
			failure.InvalidPackage, "export compliance", "ITSAppUsesNonExemptEncryption", "--uses-non-exempt-encryption")
		if made := b.calls("POST"); len(made) > 0 {
			t.Errorf("%v", made)
		}
	})
	t.Run("undecided at the distribution it stops, and says how to go on", func(t *testing.T) {
		b := newBench(t)
		plan := release.Plan{Path: pack(t, "1.2.0", "42", undecided), SkipPreflight: true, Distribution: release.Distribution{Groups: []string{"Beta"}}}
		sum, _ := b.fails(plan, failure.Rejected, "export compliance", "ascend distribute --build ")
		if sum.Steps[0].State != release.StepFailed || sum.Steps[1].State != release.StepSkipped {
			t.Errorf("steps %+v", sum.Steps)
		}
		after, err := b.runner.Distribute(t.Context(), release.Plan{BuildID: sum.BuildID, Distribution: release.Distribution{Groups: []string{"Beta"}, UsesNonExemptEncryption: ptr(false)}})
		if err != nil || after.BetaReviewState != "WAITING_FOR_REVIEW" {
			t.Errorf("going on: %v, %+v", err, after)
		}
	})
	t.Run("undecided without groups is no failure", func(t *testing.T) {
		newBench(t).upload(release.Plan{Path: pack(t, "1.2.0", "42", undecided)})
	})
	t.Run("answered with yes it needs a declaration too", func(t *testing.T) {
		newBench(t).fails(release.Plan{Path: pack(t, "1.2.0", "42", undecided), Distribution: release.Distribution{Groups: []string{"Beta"}, UsesNonExemptEncryption: ptr(true)}}, failure.Rejected, "declaration")
	})
	t.Run("an answer that differs from the package is not used, and said so", func(t *testing.T) {
		sum := newBench(t).upload(release.Plan{Path: pack(t, "1.2.0", "42"), Distribution: release.Distribution{UsesNonExemptEncryption: ptr(true)}})
		if len(sum.Warnings) != 1 || !strings.Contains(sum.Warnings[0], "does not use") {
			t.Errorf("warnings %v", sum.Warnings)
		}
	})
}

func TestADeveloperKeyUploadsButCannotDistribute(t *testing.T) {
	b := newBench(t, func(o *sandbox.Options) {
		key, err := sandbox.NewKey("DEVELOPER1", "", sandbox.Developer)
		if err != nil {
			t.Fatal(err)
		}
		o.Keys = []sandbox.Key{key}
	})
	b.fails(release.Plan{Path: pack(t, "1.2.0", "42"), Distribution: release.Distribution{Groups: []string{"Beta"}}}, failure.Auth, "App Manager", "nothing was sent")
	if made := b.calls("POST"); len(made) > 0 {
		t.Errorf("%v", made)
	}
	sum := b.upload(release.Plan{Path: pack(t, "1.2.0", "42")})
	_, err := b.runner.Distribute(t.Context(), release.Plan{BuildID: sum.BuildID, Distribution: release.Distribution{Groups: []string{"Beta"}}})
	wantError(t, err, failure.Auth, "App Manager")
}
