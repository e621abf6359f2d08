package release_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/sandbox"
	"github.com/ascend-cli/ascend/internal/state"
)

// faulty adds fault rules to a sandbox.
func faulty(t *testing.T, rules ...string) func(*sandbox.Options) {
	return func(o *sandbox.Options) {
		for _, text := range rules {
			fault, err := sandbox.ParseFault(text)
			if err != nil {
				t.Fatal(err)
			}
			o.Faults = append(o.Faults, fault)
		}
	}
}

// bigPack is a package whose parts take more than one write each.
func bigPack(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "Demo.ipa")
	if err := os.WriteFile(path, bundletest.IPA(bundletest.IOS(bundleID, "1.2.0", "42"), bundletest.Padding(1<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// intact checks that what is stored is the file.
func (b *bench) intact(uploadID, path string) {
	b.t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	if got, whole := b.server.Object(uploadID); !whole || got != hex.EncodeToString(sum[:]) {
		b.t.Errorf("what is stored is not the file (complete: %v)", whole)
	}
}

// sends counts the requests that carried each part.
func (b *bench) sends() map[int64]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[int64]int{}
	for _, r := range b.requests {
		if r.Host == "store" {
			out[r.Part]++
		}
	}
	return out
}

func (b *bench) made(path string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, r := range b.requests {
		if r.Method == http.MethodPost && r.Path == path && r.Status == http.StatusCreated {
			n++
		}
	}
	return n
}

// flaky fails the first requests of a transport, before they reach anything.
type flaky struct {
	next  http.RoundTripper
	fails atomic.Int64
	err   error
}

func (f *flaky) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.fails.Add(-1) >= 0 {
		r.Body.Close()
		return nil, f.err
	}
	return f.next.RoundTrip(r)
}

func (f *flaky) CloseIdleConnections() {}

func TestFaultsThatPassAreSurvived(t *testing.T) {
	const mib = 1 << 20
	for name, c := range map[string]struct {
		rules []string
		// again is how many more requests than parts there may be at the store,
		// at any one part again at most.
		again int
		// uploads is how many build uploads are made; 1 if zero.
		uploads int
		change  func(*bench)
	}{
		"500 from the store":                     {rules: []string{"on=store part=3 nth=1 status=500"}, again: 1},
		"502 from the store":                     {rules: []string{"on=store part=3 nth=1 status=502 after=100%"}, again: 1},
		"503 from the store":                     {rules: []string{"on=store part=3 nth=1 status=503"}, again: 1},
		"504 from the store":                     {rules: []string{"on=store part=3 nth=1 status=504 after=100%"}, again: 1},
		"503 SlowDown, three times":              {rules: []string{"on=store part=2 nth=1-3 status=503 code=SlowDown"}, again: 3},
		"503 with Retry-After":                   {rules: []string{"on=store part=2 nth=1 status=503 retry-after=7"}, again: 1},
		"503 with a long Retry-After":            {rules: []string{"on=store part=2 nth=1 status=503 retry-after=120"}, again: 1},
		"429 from the store":                     {rules: []string{"on=store part=2 nth=1-2 status=429 retry-after=3"}, again: 2},
		"408 from the store":                     {rules: []string{"on=store part=2 nth=1 status=408"}, again: 1},
		"400 RequestTimeout":                     {rules: []string{"on=store part=2 nth=1 status=400 code=RequestTimeout after=50%"}, again: 1},
		"400 IncompleteBody":                     {rules: []string{"on=store part=2 nth=1 status=400 code=IncompleteBody after=50%"}, again: 1},
		"400 BadDigest":                          {rules: []string{"on=store part=2 nth=1 status=400 code=BadDigest after=100%"}, again: 1},
		"an answer while the body is sent":       {rules: []string{"on=store part=1 nth=1-2 status=500 after=1000"}, again: 2},
		"success before the body was read":       {rules: []string{"on=store part=2 nth=1 status=200 after=10"}, again: 1},
		"a reset before anything":                {rules: []string{"on=store part=4 nth=1 do=reset"}, again: 1},
		"a reset half-way":                       {rules: []string{"on=store part=4 nth=1 do=reset after=50%"}, again: 1},
		"a reset behind the last byte":           {rules: []string{"on=store part=4 nth=1 do=reset after=100%"}, again: 1},
		"a reset of every part, once":            {rules: resetsOf(17), again: 17},
		"a close half-way":                       {rules: []string{"on=store part=4 nth=1-2 do=close after=50%"}, again: 2},
		"a close behind the last byte":           {rules: []string{"on=store part=4 nth=1 do=close after=100%"}, again: 1},
		"a part is stored, but the reply lost":   {rules: []string{"on=store part=4 nth=1 do=lose"}, again: 1},
		"a stall before anything":                {rules: []string{"on=store part=5 nth=1 do=stall"}, again: 1},
		"a stall half-way":                       {rules: []string{"on=store part=5 nth=1 do=stall after=50%"}, again: 1},
		"no reply":                               {rules: []string{"on=store part=5 nth=1 do=stall after=100%"}, again: 1},
		"a stall of three parts":                 {rules: []string{"on=store part=5-7 nth=1-3 do=stall after=30%"}, again: 3},
		"a slow part":                            {rules: []string{"on=store part=5 nth=1 do=slow rate=400000"}},
		"a reply that takes a while":             {rules: []string{"on=store part=5 nth=1 do=wait for=50ms"}},
		"an ETag that does not match":            {rules: []string{"on=store part=6 nth=1 do=wrong-etag"}, again: 1},
		"an ETag that never matches for a while": {rules: []string{"on=store part=6 nth=1-5 do=wrong-etag"}, again: 5},
		"a store without ETags":                  {rules: []string{"on=store do=no-etag"}},
		"a proxy takes two parts":                {rules: []string{"on=store part=6 nth=1 do=html after=100%", "on=store part=7 nth=1 do=empty after=100%"}, again: 2},
		"connections are refused":                {rules: []string{"on=store do=refuse nth=1-3"}},
		"the store is down for a moment":         {rules: []string{"on=store nth=5 do=down for=30ms"}, again: 1 << 20, change: func(b *bench) { b.runner.RetryFor = 1 << 60 }},
		"one request in five fails":              {rules: []string{"on=store every=5 status=500"}, again: 6},
		"403 once, though the URL is good":       {rules: []string{"on=store part=2 nth=1 status=403 code=AccessDenied"}, again: 1},
		"403 twice, though the URL is good":      {rules: []string{"on=store part=2 nth=1-2 status=403 code=SignatureDoesNotMatch"}, again: 2},
		"403 for good on the first reservation":  {rules: []string{"on=store part=2 nth=1-3 status=403 code=AccessDenied"}, again: 40, uploads: 2},
		"no name for the store's host":           {change: breakStore(3, &net.DNSError{Err: "no such host", Name: "store.example", IsNotFound: true})},
		"no route to the store":                  {change: breakStore(5, &net.OpError{Op: "dial", Err: errors.New("no route to host")})},
		"a TLS handshake that fails":             {change: breakStore(4, errors.New("tls: handshake failure"))},
		"the reservation's reply is lost":        {rules: []string{"on=api method=POST path=/v1/buildUploads nth=1 do=lose"}},
		"the reservation's connection breaks":    {rules: []string{"on=api method=POST path=/v1/buildUploads nth=1 do=reset"}},
		"500 for the reservation":                {rules: []string{"on=api method=POST path=/v1/buildUploads nth=1-2 status=500"}},
		"429 for the reservation":                {rules: []string{"on=api method=POST path=/v1/buildUploads nth=1-2 status=429 code=RATE_LIMIT_EXCEEDED retry-after=2"}},
		"the file's reply is lost":               {rules: []string{"on=api method=POST path=/v1/buildUploadFiles nth=1 do=lose"}},
		"503 for the file":                       {rules: []string{"on=api method=POST path=/v1/buildUploadFiles nth=1 status=503"}},
		"the commit's reply is lost":             {rules: []string{"on=api method=PATCH nth=1 do=lose"}},
		"the commit's connection breaks":         {rules: []string{"on=api method=PATCH nth=1 do=reset after=100%"}},
		"500 for the commit":                     {rules: []string{"on=api method=PATCH nth=1-2 status=500"}},
		"401 in the middle of it":                {rules: []string{"on=api method=GET nth=6 status=401 code=NOT_AUTHORIZED"}},
		"the API is down while it waits":         {rules: []string{"on=api method=GET path=/v1/buildUploads/* nth=2-8 status=502"}},
		"the API breaks every third connection":  {rules: []string{"on=api method=GET every=3 do=close"}},
		"429 while it waits":                     {rules: []string{"on=api method=GET path=/v1/builds/* nth=1-3 status=429 code=RATE_LIMIT_EXCEEDED"}},
		"everything at once":                     {rules: []string{"on=store every=4 do=reset after=50%", "on=store part=9 nth=1 do=wrong-etag", "on=api method=GET every=4 status=503", "on=api method=PATCH nth=1 do=lose"}, again: 9},
	} {
		inBubble(t, name, func(t *testing.T) {
			b := newBubbleBench(t, func(o *sandbox.Options) {
				o.PartSize = mib / 16
				faulty(t, c.rules...)(o)
			})
			b.runner.State = state.Open(t.TempDir(), time.Now)
			if c.change != nil {
				c.change(b)
			}
			path := bigPack(t)
			sum := b.upload(release.Plan{Path: path, Distribution: release.Distribution{Groups: []string{"QA"}}})
			b.intact(sum.BuildUploadID, path)
			if got := b.made("/v1/buildUploads"); got != max(c.uploads, 1) {
				t.Errorf("%d build uploads were made", got)
			}
			sends, total := b.sends(), 0
			for part, n := range sends {
				total += n
				if n > 1+c.again {
					t.Errorf("part %d was sent %d times", part, n)
				}
			}
			if total > sum.Parts+c.again {
				t.Errorf("%d requests for %d parts: %v", total, sum.Parts, sends)
			}
			if records, err := b.runner.State.List(); len(records) != 0 || err != nil {
				t.Errorf("left over on this machine: %+v, %v", records, err)
			}
		})
	}
}

// inBubble runs a subtest in a bubble of testing/synctest.
func inBubble(t *testing.T, name string, f func(*testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

func resetsOf(parts int) []string {
	var rules []string
	for part := range parts {
		rules = append(rules, fmt.Sprintf("on=store part=%d nth=1 do=reset after=%d%%", part+1, part*5))
	}
	return rules
}

func breakStore(times int64, err error) func(*bench) {
	return func(b *bench) {
		f := &flaky{next: b.parts(b.network), err: err}
		f.fails.Store(times)
		b.runner.Transport = f
	}
}

func TestFaultsThatStayAreFinalAndExplained(t *testing.T) {
	for name, c := range map[string]struct {
		rules   []string
		options func(*sandbox.Options)
		kind    failure.Kind
		words   []string
		// kept tells whether the reservation is left for another run.
		kept bool
	}{
		"400 from the store":      {rules: []string{"on=store part=2 status=400 code=InvalidArgument"}, kind: failure.Transfer, words: []string{"part 2", "HTTP 400 InvalidArgument", "refused the part for good"}, kept: true},
		"401 from the store":      {rules: []string{"on=store part=2 status=401 code=Unauthorized"}, kind: failure.Transfer, words: []string{"HTTP 401"}, kept: true},
		"404 from the store":      {rules: []string{"on=store part=2 status=404 code=NoSuchUpload"}, kind: failure.Transfer, words: []string{"HTTP 404 NoSuchUpload"}},
		"403 for ever":            {rules: []string{"on=store part=2 status=403 code=AccessDenied"}, kind: failure.Transfer, words: []string{"HTTP 403 AccessDenied"}, kept: true},
		"500 for ever":            {rules: []string{"on=store part=2 status=500"}, kind: failure.Transfer, words: []string{"part 2", "HTTP 500", "attempts"}, kept: true},
		"a store that is gone":    {rules: []string{"on=store do=refuse"}, kind: failure.Transfer, words: []string{"run the same command again"}, kept: true},
		"a wrong ETag for ever":   {rules: []string{"on=store part=2 do=wrong-etag"}, kind: failure.Transfer, words: []string{"ETag does not match"}, kept: true},
		"a proxy takes the parts": {rules: []string{"on=store part=2 do=html after=100%"}, kind: failure.Transfer, words: []string{"a proxy or a login page may have answered", "proxy settings"}, kept: true},
		"the commit is refused":   {rules: []string{"on=api method=PATCH status=422 code=ENTITY_UNPROCESSABLE"}, kind: failure.Rejected, words: []string{"commit the build upload file", "ENTITY_UNPROCESSABLE"}, kept: true},
		"the API stays away":      {rules: []string{"on=api method=POST path=/v1/buildUploads status=503"}, kind: failure.Transfer, words: []string{"reserve the build upload", "503"}, kept: true},
		"the role is too low":     {options: func(o *sandbox.Options) { o.Keys[0].Role = sandbox.Developer }, rules: []string{"on=api method=POST path=/v1/buildUploads status=403 code=FORBIDDEN_ERROR"}, kind: failure.Auth, words: []string{"role does not allow"}, kept: true},
	} {
		inBubble(t, name, func(t *testing.T) {
			b := newBubbleBench(t, func(o *sandbox.Options) {
				o.PartSize = 64 << 10
				faulty(t, c.rules...)(o)
				if c.options != nil {
					c.options(o)
				}
			})
			b.runner.RetryFor = 10 * time.Second
			b.fails(release.Plan{Path: bigPack(t)}, c.kind, c.words...)
			if removed := len(b.calls("DELETE")) > b.made("/v1/buildUploads")-1; removed == c.kept && b.made("/v1/buildUploads") > 0 {
				t.Errorf("removed: %v; %v", removed, b.calls(""))
			}
		})
	}
}

// slow tells whether the tests that repeat or enumerate run in full.
func slow() bool { return os.Getenv("SLOW_TESTS") != "" }

// TestManyUploadsUnderRandomFaults is the soak: what goes wrong is thrown
// anew each time, and every upload must end with an intact object.
func TestManyUploadsUnderRandomFaults(t *testing.T) {
	uploads := 20
	if slow() {
		uploads = 200
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	kinds := []string{
		"on=store chance=0.1 do=reset after=50%%", "on=store chance=0.1 status=503 code=SlowDown", "on=store chance=0.1 do=lose", "on=store chance=0.1 do=wrong-etag",
		"on=store chance=0.1 do=close after=%d%%", "on=api method=GET chance=0.1 status=500", "on=api method=GET chance=0.1 do=close", "on=api method=PATCH nth=1 do=lose",
		"on=api method=POST path=/v1/buildUploads nth=1 do=lose", "on=api method=POST path=/v1/buildUploadFiles nth=1 do=lose", "on=store part=%d nth=1 do=html after=100%%",
		"on=store chance=0.1 status=500 after=%d%%", "on=store part=%d nth=1-2 status=403",
	}
	for i := range uploads {
		var rules []string
		for range 1 + random.IntN(4) {
			kind := kinds[random.IntN(len(kinds))]
			if strings.Contains(kind, "%d") {
				kind = fmt.Sprintf(kind, 1+random.IntN(17))
			}
			rules = append(rules, strings.ReplaceAll(kind, "%%", "%"))
		}
		content := bundletest.IPA(bundletest.IOS(bundleID, "1.2.0", "42"), bundletest.Padding(100<<10+random.IntN(30<<10)))
		inBubble(t, fmt.Sprint(i), func(t *testing.T) {
			b := newBubbleBench(t, func(o *sandbox.Options) {
				o.PartSize = 8 << 10
				faulty(t, rules...)(o)
			})
			path := filepath.Join(t.TempDir(), "Demo.ipa")
			rewrite(t, path, content)
			sum, err := b.runner.Upload(t.Context(), release.Plan{Path: path})
			if err != nil {
				t.Fatalf("with %q: %v", rules, err)
			}
			b.intact(sum.BuildUploadID, path)
			if n := b.made("/v1/buildUploads"); n != 1 {
				t.Errorf("with %q: %d build uploads", rules, n)
			}
		})
	}
}
