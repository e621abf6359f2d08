package release_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"path/filepath"
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
	"github.com/ascend-cli/ascend/internal/state"
	"github.com/ascend-cli/ascend/upload"
)

// checksum has replies about build upload files give another composite
// checksum, or none.
func (b *bench) checksum(change func(string) string) {
	rewriteFile := func(document map[string]any) int {
		file := attributes(document, "buildUploadFiles")
		sums, _ := file["sourceFileChecksums"].(map[string]any)
		composite, _ := sums["composite"].(map[string]any)
		if composite == nil {
			return 0
		}
		if change == nil {
			sums["composite"] = nil
			return 0
		}
		composite["hash"] = change(composite["hash"].(string))
		return 0
	}
	b.rewrite("", "/v1/buildUpload", rewriteFile)
}

func TestTheCommittedObjectIsComparedWithThePackage(t *testing.T) {
	for name, c := range map[string]struct {
		change   func(string) string
		kind     failure.Kind // empty for success
		warns    bool
		verified bool
	}{
		"the same":                  {change: func(s string) string { return s }, verified: true},
		"in capital letters":        {change: strings.ToUpper, verified: true},
		"another number of parts":   {change: func(s string) string { return strings.Replace(s, "-11-", "-12-", 1) }, kind: failure.Conflict},
		"another part size":         {change: func(s string) string { return strings.Replace(s, "-1024", "-2048", 1) }, kind: failure.Conflict},
		"another hash":              {change: func(s string) string { return strings.Repeat("a", 32) + s[32:] }, warns: true, verified: true},
		"an MD5 without parts":      {change: func(s string) string { return s[:32] }, verified: true},
		"something else altogether": {change: func(string) string { return "hash" }, verified: true},
		"none":                      {verified: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.checksum(c.change)
			plan := release.Plan{Path: pack(t, "1.2.0", "42"), Distribution: release.Distribution{Groups: []string{"QA"}}}
			if c.kind != "" {
				sum, _ := b.fails(plan, c.kind, "does not hold this package")
				if len(sum.Groups) > 0 || sum.Verified || len(b.calls("relationships/betaGroups")) > 0 {
					t.Errorf("%+v", sum)
				}
				return
			}
			sum := b.upload(plan)
			if warned := strings.Contains(strings.Join(sum.Warnings, "\n"), "checksum"); warned != c.warns || sum.Verified != c.verified {
				t.Errorf("%+v", sum)
			}
		})
	}
}

func TestWithoutEntityTagsTheSummarySaysUnverified(t *testing.T) {
	for name, tag := range map[string]any{"null": nil, "a placeholder": "tag", "absent": "absent"} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.rewrite("", "/v1/buildUpload", func(document map[string]any) int {
				file := attributes(document, "buildUploadFiles")
				operations, _ := file["uploadOperations"].([]any)
				for _, op := range operations {
					if op.(map[string]any)["entityTag"] = tag; tag == "absent" {
						delete(op.(map[string]any), "entityTag")
					}
				}
				if file["sourceFileChecksums"] != nil {
					file["sourceFileChecksums"] = map[string]any{"file": nil, "composite": nil}
				}
				return 0
			})
			path := pack(t, "1.2.0", "42")
			sum := b.upload(release.Plan{Path: path})
			if sum.Verified {
				t.Error("nothing tells what was committed, but the summary says that it was verified")
			}
			b.intact(sum.BuildUploadID, path)
		})
	}
}

func TestANumberThatIsPerhapsTakenNamesTheWayOn(t *testing.T) {
	b := newBench(t)
	path := pack(t, "1.2.0", "42")
	first := b.upload(release.Plan{Path: path})
	b.checksum(nil) // another machine, and the service does not tell
	b.fails(release.Plan{Path: path}, failure.Conflict, "nothing tells whether it is this package", "ascend distribute --build "+first.BuildID, "--on-existing resume")
	sum := b.upload(release.Plan{Path: path, OnExisting: release.ResumeExisting, Distribution: release.Distribution{Groups: []string{"QA"}}})
	if sum.BuildID != first.BuildID || sum.Verified || !slices.Equal(sum.Groups, []string{"QA"}) || len(sum.Warnings) == 0 {
		t.Errorf("%+v", sum)
	}
	// The service knows the size: that is another package, whatever was asked.
	longer := filepath.Join(t.TempDir(), "Demo.ipa")
	rewrite(t, longer, bundletest.IPA(bundletest.IOS(bundleID, "1.2.0", "42"), bundletest.Padding(12<<10)))
	b.fails(release.Plan{Path: longer, OnExisting: release.ResumeExisting}, failure.Conflict, "another package", "raise the build number")
}

func TestABuildWithoutItsBuildUpload(t *testing.T) {
	b := newBench(t, stopAtWait(t))
	b.runner.State = state.Open(t.TempDir(), b.clock.Now)
	path := pack(t, "1.2.0", "42")
	b.fails(release.Plan{Path: path}, failure.Auth)
	b.clock.pass(time.Hour)
	vanish := func() {
		b.rewrite(http.MethodGet, "/v1/apps/6700000002/buildUploads", func(document map[string]any) int {
			document["data"] = []any{}
			return 0
		})
	}
	vanish()
	sum := b.upload(release.Plan{Path: path})
	if sum.State != "VALID" || !sum.Verified {
		t.Errorf("%+v", sum)
	}
	b.fails(release.Plan{Path: path}, failure.Conflict, "ascend distribute --build "+sum.BuildID)
	if again := b.upload(release.Plan{Path: path, OnExisting: release.ResumeExisting}); again.BuildID != sum.BuildID || again.Verified {
		t.Errorf("%+v", again)
	}
}

// another is a machine that remembers nothing of the first one's runs.
func (b *bench) another() {
	b.runner.State = state.Open(b.t.TempDir(), b.clock.Now)
}

func TestAReservationOfAnotherMachine(t *testing.T) {
	same := bundletest.IPA(bundletest.IOS(bundleID, "1.2.0", "42"), bundletest.Padding(10<<10))
	for name, c := range map[string]struct {
		// parts is how many of 11 had arrived.
		parts   int
		content func() []byte
		// waits is how long the reservation is watched.
		waits   time.Duration
		refused bool
	}{
		"of the same package with parts":   {parts: 5, content: func() []byte { return same }},
		"of the same size without parts":   {parts: 0, content: func() []byte { return same }, waits: 30 * time.Second},
		"of other content":                 {parts: 5, content: func() []byte { other := slices.Clone(same); other[2<<10]++; return other }, waits: 5 * time.Minute, refused: true},
		"of other content in another part": {parts: 1, content: func() []byte { other := slices.Clone(same); other[10<<10]++; return other }},
		"of another size": {parts: 5, content: func() []byte {
			return bundletest.IPA(bundletest.IOS(bundleID, "1.2.0", "42"), bundletest.Padding(11<<10))
		}, waits: 5 * time.Minute, refused: true},
		"of another size and without parts": {parts: 0, content: func() []byte {
			return bundletest.IPA(bundletest.IOS(bundleID, "1.2.0", "42"), bundletest.Padding(11<<10))
		}, waits: 5 * time.Minute, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, faulty(t, fmt.Sprintf("on=store part=%d nth=1 status=400 after=100%%", c.parts+1)))
			b.runner.Pool = upload.NewPool(1, 0)
			b.another()
			path := filepath.Join(t.TempDir(), "Demo.ipa")
			rewrite(t, path, same)
			left := b.leave(path)
			b.another()
			rewrite(t, path, c.content())
			start := b.clock.Now()
			if c.refused {
				b.fails(release.Plan{Path: path}, failure.Conflict, "another run is uploading", "ascend uploads cancel "+left.BuildUploadID)
				if b.clock.Now().Sub(start) > 10*time.Second || len(b.calls("DELETE")) > 0 {
					t.Errorf("after %s: %v", b.clock.Now().Sub(start), b.calls("DELETE"))
				}
				b.clock.pass(10 * time.Minute)
			}
			start = b.clock.Now()
			sum := b.upload(release.Plan{Path: path, NoWait: true})
			b.intact(sum.BuildUploadID, path)
			if waited := b.clock.Now().Sub(start); waited < c.waits || waited > c.waits+10*time.Second {
				t.Errorf("it went on after %s", waited)
			}
			if (sum.BuildUploadID == left.BuildUploadID) == c.refused || !sum.Verified {
				t.Errorf("%+v", sum)
			}
		})
	}
}

func TestAReservationInUseIsLeftAlone(t *testing.T) {
	b := newBench(t)
	app, _, err := b.runner.Client.AppByBundleID(t.Context(), bundleID)
	if err != nil {
		t.Fatal(err)
	}
	other, err := b.runner.Client.CreateBuildUpload(t.Context(), app.ID, asc.NewBuildUpload{CFBundleShortVersionString: "1.2.0", CFBundleVersion: "42", Platform: asc.IOS})
	if err != nil {
		t.Fatal(err)
	}
	file, err := b.runner.Client.CreateBuildUploadFile(t.Context(), other.ID, asc.NewBuildUploadFile{AssetType: asc.AssetPackage, FileName: "x.ipa", FileSize: 4 << 10, UTI: asc.UTIIpa})
	if err != nil {
		t.Fatal(err)
	}
	b.clock.pass(time.Hour)
	looks := 0
	b.before(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && r.URL.Path == "/v1/buildUploadFiles/"+file.ID {
			if looks++; looks == 20 { // somebody sends a part
				op := file.UploadOperations[0]
				req, err := http.NewRequest(op.Method, op.URL, strings.NewReader(strings.Repeat("x", int(op.Length))))
				if err == nil {
					var resp *http.Response
					if resp, err = (&http.Transport{DisableKeepAlives: true}).RoundTrip(req); err == nil {
						resp.Body.Close()
					}
				}
				if err != nil {
					t.Error(err)
				}
			}
		}
		return false
	})
	b.fails(release.Plan{Path: pack(t, "1.2.0", "42")}, failure.Conflict, "receiving another package right now")
	if len(b.calls("DELETE")) > 0 || b.made("/v1/buildUploads") != 1 {
		t.Errorf("%v", b.calls(""))
	}
}

func TestRepliesThatLackTheAssetFile(t *testing.T) {
	b := newBench(t, faulty(t, "on=store part=11 nth=1 status=400 after=100%"))
	path := pack(t, "1.2.0", "42")
	left := b.leave(path)
	b.rewrite(http.MethodGet, "/buildUploads", func(document map[string]any) int {
		list, _ := document["data"].([]any)
		for _, item := range list {
			delete(item.(map[string]any), "relationships")
		}
		document["included"] = []any{}
		return 0
	})
	sum := b.upload(release.Plan{Path: path, NoWait: true})
	if sum.BuildUploadID != left.BuildUploadID || sum.ResumedParts == 0 || b.made("/v1/buildUploadFiles") != 1 {
		t.Errorf("%+v", sum)
	}
}

func TestACommitRefusedForMissingPartsSendsThemAgain(t *testing.T) {
	b := newBench(t)
	refusals := 2
	b.before(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPatch || refusals == 0 {
			return false
		}
		refusals--
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, `{"errors":[{"id":"1","status":"409","code":"STATE_ERROR.ENTITY_STATE_INVALID","title":"t","detail":"The file is not complete."}]}`)
		return true
	})
	path := pack(t, "1.2.0", "42")
	sum := b.upload(release.Plan{Path: path})
	b.intact(sum.BuildUploadID, path)
	refusals = 100
	b.fails(release.Plan{Path: pack(t, "1.2.0", "43")}, failure.Transfer, "parts are missing")
}

// outsideTheContract has exchanges that the contract does not list, but that
// were seen.
func (b *bench) outsideTheContract() {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	b.t.Cleanup(transport.CloseIdleConnections)
	client, err := asc.NewClient(asc.Options{Key: b.key, URL: b.server.URL(), Transport: transport, Now: b.clock.Now, Sleep: b.clock.Sleep})
	if err != nil {
		b.t.Fatal(err)
	}
	b.runner.Client = client
}

// notFound answers as the service does.
func notFound(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprint(w, `{"errors":[{"id":"1","status":"404","code":"NOT_FOUND","title":"The specified resource does not exist",`+
		`"detail":"There is no resource of type 'x' with id 'y'"}]}`)
}

func TestWhatWasJustMadeMayTakeAMomentToBeSeen(t *testing.T) {
	for name, request := range map[string][2]string{
		"the file's reservation": {http.MethodPost, "/v1/buildUploadFiles"},
		"the parts":              {http.MethodGet, "/v1/buildUploadFiles/"},
		"the commit":             {http.MethodPatch, "/v1/buildUploadFiles/"},
		"the build upload":       {http.MethodGet, "/v1/buildUploads/"},
		"the build":              {http.MethodGet, "/v1/builds/"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.outsideTheContract()
			var failed atomic.Int64
			b.before(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != request[0] || !strings.HasPrefix(r.URL.Path, request[1]) || failed.Add(1) > 3 {
					return false
				}
				notFound(w)
				return true
			})
			path := pack(t, "1.2.0", "42")
			sum := b.upload(release.Plan{Path: path})
			b.intact(sum.BuildUploadID, path)
			if b.made("/v1/buildUploads") != 1 || failed.Load() < 3 {
				t.Errorf("%+v, %d requests", sum, failed.Load())
			}
		})
	}
}

func TestABuildUploadThatVanishesIsReplacedByItsBuild(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter, id string){
		"it is gone": func(w http.ResponseWriter, _ string) {
			notFound(w)
		},
		"it stays AWAITING_UPLOAD": func(w http.ResponseWriter, id string) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"data":{"type":"buildUploads","id":%q,"attributes":{"cfBundleShortVersionString":"1.2.0","cfBundleVersion":"42","platform":"IOS","state":{"state":"AWAITING_UPLOAD"}}},"links":{"self":"x"}}`, id)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, func(o *sandbox.Options) { o.UploadProcessing = time.Second })
			var committed atomic.Bool
			b.before(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodPatch {
					committed.Store(true)
				}
				if !committed.Load() || r.Method != http.MethodGet || !strings.HasPrefix(r.URL.Path, "/v1/buildUploads/") {
					return false
				}
				answer(w, strings.TrimPrefix(r.URL.Path, "/v1/buildUploads/"))
				return true
			})
			if sum := b.upload(release.Plan{Path: pack(t, "1.2.0", "42")}); sum.State != "VALID" {
				t.Errorf("%+v", sum)
			}
		})
	}
}

func TestCompositeChecksums(t *testing.T) {
	content := []byte("0123456789")
	md := func(b []byte) string { sum := md5.Sum(b); return hex.EncodeToString(sum[:]) }
	part := func(from, to int) upload.Part {
		return upload.Part{Offset: int64(from), Length: int64(to - from), Sum: strings.ToUpper(md(content[from:to]))}
	}
	if got := upload.CompositeOf([]upload.Part{part(0, 10)}).String(); got != md(content)+"-1-10" {
		t.Error(got)
	}
	first, second := md5.Sum(content[:6]), md5.Sum(content[6:])
	if got := upload.CompositeOf([]upload.Part{part(0, 6), part(6, 10)}).String(); got != md(append(first[:], second[:]...))+"-2-6" {
		t.Error(got)
	}
}

func TestAReservationThatIsRemovedMeanwhileIsNotUsed(t *testing.T) {
	b := newBench(t)
	b.outsideTheContract() // reserving a file of what is gone
	app, _, err := b.runner.Client.AppByBundleID(t.Context(), bundleID)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := b.runner.Client.CreateBuildUpload(t.Context(), app.ID, asc.NewBuildUpload{CFBundleShortVersionString: "1.2.0", CFBundleVersion: "42", Platform: asc.IOS})
	if err != nil {
		t.Fatal(err)
	}
	removed := false
	b.runner.Sleep = func(ctx context.Context, d time.Duration) error {
		if !removed {
			removed = true
			if err := b.runner.Client.DeleteBuildUpload(ctx, bare.ID); err != nil {
				t.Error(err)
			}
		}
		return b.clock.Sleep(ctx, d)
	}
	path := pack(t, "1.2.0", "42")
	sum := b.upload(release.Plan{Path: path, NoWait: true})
	if sum.BuildUploadID == bare.ID {
		t.Errorf("%+v", sum)
	}
	b.intact(sum.BuildUploadID, path)
}
