package release_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/sandbox"
)

func silent(int) release.Observer { return observer(func(release.Event) {}) }

func TestAllPackagesAreCheckedBeforeTheFirstByte(t *testing.T) {
	for name, bad := range map[string]string{
		"a path that is not there":       filepath.Join(t.TempDir(), "Typo.ipa"),
		"a package that fails preflight": pack(t, "1.2.0", "4x"),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			outcomes := b.runner.UploadAll(t.Context(), []release.Plan{{Path: pack(t, "1.2.0", "42")}, {Path: bad}}, silent)
			for i, o := range outcomes {
				if failure.KindOf(o.Err) != failure.InvalidPackage || o.Path == "" {
					t.Errorf("%d: %v", i, o.Err)
				}
			}
			wantError(t, outcomes[0].Err, failure.InvalidPackage, "not sent, because another package")
			if calls := b.calls(""); len(calls) > 0 {
				t.Errorf("%v", calls)
			}
		})
	}
}

func TestAPackageThatOnlyWaitsKeepsNoFileOpen(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("open files are listed on Linux only")
	}
	b := newBench(t)
	path := pack(t, "1.2.0", "42")
	looked := false
	b.runner.Observer = observer(func(e release.Event) {
		if started, ok := e.(release.StageStarted); !ok || started.Name != release.StageWait {
			return
		}
		looked = true
		links, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Error(err)
		}
		for _, link := range links {
			if to, err := os.Readlink(filepath.Join("/proc/self/fd", link.Name())); err == nil && to == path {
				t.Error("the package is still open")
			}
		}
	})
	b.upload(release.Plan{Path: path})
	if !looked {
		t.Error("the wait did not begin")
	}
}

func TestAFleetThatDoesNotFitTheAllowanceSaysSoAndSpreadsOut(t *testing.T) {
	b := newBench(t)
	var mu sync.Mutex
	left, hour := 250, b.clock.Now()
	b.rewriteHeader(func(h http.Header) {
		mu.Lock()
		defer mu.Unlock()
		if b.clock.Now().Sub(hour) >= time.Hour {
			left, hour = 250, b.clock.Now()
		}
		left = max(0, left-1)
		h.Set("X-Rate-Limit", fmt.Sprintf("user-hour-lim:250;user-hour-rem:%d;", left))
	})
	if _, err := asc.Collect(b.runner.Client.Apps(t.Context(), "")); err != nil { // so that the allowance is known
		t.Fatal(err)
	}
	var plans []release.Plan
	for i := range 12 {
		plans = append(plans, release.Plan{Path: pack(t, fmt.Sprintf("1.%d", i), "1"), Distribution: release.Distribution{Groups: []string{"QA"}}})
	}
	var notices []string
	outcomes := b.runner.UploadAll(t.Context(), plans, func(int) release.Observer {
		return observer(func(e release.Event) {
			if n, ok := e.(release.Notice); ok {
				mu.Lock()
				defer mu.Unlock()
				notices = append(notices, n.Text)
			}
		})
	})
	for _, o := range outcomes {
		if o.Err != nil || strings.Join(o.Summary.Groups, "") != "QA" {
			t.Errorf("%s: %v, %v", o.Path, o.Err, o.Summary.Groups)
		}
	}
	if !strings.Contains(strings.Join(notices, "\n"), "12 packages take some") {
		t.Errorf("%q", notices)
	}
}

// rewriteHeader changes the header of every reply of the API.
func (b *bench) rewriteHeader(change func(http.Header)) {
	base := http.DefaultTransport.(*http.Transport).Clone()
	b.t.Cleanup(base.CloseIdleConnections)
	client, err := asc.NewClient(asc.Options{
		Key: b.key, URL: b.server.URL(), Now: b.clock.Now, Sleep: b.clock.Sleep,
		Transport: answering(func(r *http.Request) (*http.Response, error) {
			resp, err := base.RoundTrip(r)
			if err == nil {
				change(resp.Header)
			}
			return resp, err
		}),
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.runner.Client = client
}

func TestWhatWouldEndTheDistributionIsFoundBeforeTheUpload(t *testing.T) {
	b := newBench(t)
	path := pack(t, "1.2.0", "42")
	b.fails(release.Plan{Path: path, Distribution: release.Distribution{Notes: map[string]string{"de": "Hallo"}}}, failure.Usage, "no locale de", "de-DE")
	b.fails(release.Plan{Path: path, Distribution: release.Distribution{WhatToTest: ptr("Hi"), Locales: []string{"en-US", "xx-YY"}}}, failure.Usage, "xx-YY")
	if made := b.calls("POST"); len(made) > 0 {
		t.Errorf("%v", made)
	}
	// A locale that the app has exists, whatever this program knows.
	b = newBench(t, func(o *sandbox.Options) { o.BuildProcessing = time.Second })
	b.rewrite(http.MethodGet, "betaAppLocalizations", func(d map[string]any) int {
		d["data"] = []any{map[string]any{"type": "betaAppLocalizations", "id": "new", "attributes": map[string]any{"locale": "xx-YY"}, "links": map[string]any{"self": "x"}}}
		return 0
	})
	_, err := b.runner.Upload(t.Context(), release.Plan{Path: path, Distribution: release.Distribution{Notes: map[string]string{"xx-YY": "Hi"}}})
	if failure.KindOf(err) == failure.Usage {
		t.Errorf("a locale of the app was refused before the upload: %v", err)
	}
}

func TestWritesWithoutEffectAreFound(t *testing.T) {
	answer := func(status int, body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			if body != "" {
				w.Header().Set("Content-Type", "application/json")
			}
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	for name, c := range map[string]struct {
		method, contains string
		distribution     release.Distribution
		undecided        bool
		answer           func(http.ResponseWriter)
		want             string
	}{
		"groups": {
			method: "POST", contains: "/relationships/betaGroups", distribution: release.Distribution{Groups: []string{"QA"}},
			answer: answer(204, ""), want: "does not show the build in QA",
		},
		"the note": {
			method: "PATCH", contains: "/v1/betaBuildLocalizations/", distribution: release.Distribution{WhatToTest: ptr("Second")},
			want: "does not show the note in en-US",
		},
		"automatic notification": {
			method: "PATCH", contains: "/v1/buildBetaDetails/", distribution: release.Distribution{Notify: ptr(false)},
			want: "does not show automatic notification switched off",
		},
		"the review": {
			method: "POST", contains: "/v1/betaAppReviewSubmissions", distribution: release.Distribution{Groups: []string{"Beta"}},
			answer: answer(201, `{"data":{"type":"betaAppReviewSubmissions","id":"x","attributes":{"betaReviewState":"WAITING_FOR_REVIEW"}},"links":{"self":"x"}}`),
			want:   "does not show the submission for beta review",
		},
		"export compliance": {
			method: "PATCH", contains: "/v1/builds/", undecided: true, distribution: release.Distribution{UsesNonExemptEncryption: ptr(false)},
			want: "export compliance",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			path := pack(t, "1.2.0", "42")
			if c.undecided {
				path = pack(t, "1.2.0", "42", undecided)
			}
			sum := b.upload(release.Plan{Path: path, Distribution: release.Distribution{WhatToTest: ptr("First")}})
			b.outsideTheContract()
			if c.answer != nil {
				b.before(func(w http.ResponseWriter, r *http.Request) bool {
					if r.Method != c.method || !strings.Contains(r.URL.Path, c.contains) {
						return false
					}
					c.answer(w)
					return true
				})
			} else {
				b.ignore(c.method, c.contains)
			}
			after, err := b.runner.Distribute(t.Context(), release.Plan{BuildID: sum.BuildID, Distribution: c.distribution})
			wantError(t, err, failure.Rejected, c.want)
			failed := false
			for _, step := range after.Steps {
				failed = failed || step.State == release.StepFailed
			}
			if !failed {
				t.Errorf("%+v", after.Steps)
			}
		})
	}
}

// ignore answers a change as if it had been made: with the resource as it is.
func (b *bench) ignore(method, contains string) {
	b.before(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || !strings.Contains(r.URL.Path, contains) {
			return false
		}
		repeat, err := http.NewRequest(http.MethodGet, b.server.URL()+r.URL.Path, nil)
		if err != nil {
			b.t.Error(err)
			return false
		}
		repeat.Header.Set("Authorization", r.Header.Get("Authorization"))
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(repeat)
		if err != nil {
			b.t.Error(err)
			return false
		}
		defer resp.Body.Close()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body) // the client says if it is cut short
		return true
	})
}

func TestTestersWhoAreNotShownAreFailures(t *testing.T) {
	b := newBench(t)
	b.outsideTheContract()
	b.before(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || r.URL.Path != "/v1/betaTesters" {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"data":{"type":"betaTesters","id":"x","attributes":{"email":"a@example.com"}},"links":{"self":"x"}}`)
		return true
	})
	results, err := b.runner.AddTesters(t.Context(), bundleID, []release.Person{{Email: "a@example.com", Groups: []string{"QA"}}}, false)
	wantError(t, err, failure.Rejected, "does not show 1 of the testers")
	if len(results) != 1 || results[0].State != release.StepFailed {
		t.Errorf("%+v", results)
	}
}

func TestAGroupThatIsListedTwiceIsOneGroup(t *testing.T) {
	b := newBench(t)
	b.rewrite(http.MethodGet, "/v1/betaGroups", func(d map[string]any) int {
		list, _ := d["data"].([]any)
		d["data"] = append(list, list...)
		return 0
	})
	if sum := b.upload(release.Plan{Path: pack(t, "1.2.0", "42"), Distribution: release.Distribution{Groups: []string{"QA", "QA", "qa"}}}); strings.Join(sum.Groups, ",") != "QA" {
		t.Errorf("%v", sum.Groups)
	}
}

func TestOneBadReplyToAChangeIsSurvived(t *testing.T) {
	for name, answer := range map[string]struct {
		status int
		body   string
	}{
		"an empty object": {200, `{}`}, "null": {200, `null`}, "no data": {200, `{"data":null}`}, "no content": {204, ""},
		"another type": {200, `{"data":{"type":"apps","id":"x"}}`}, "another id": {200, `{"data":{"type":"betaBuildLocalizations","id":"x"}}`},
	} {
		for _, times := range []int{1, 100} {
			t.Run(fmt.Sprintf("%s, %d times", name, times), func(t *testing.T) {
				b := newBench(t)
				sum := b.upload(release.Plan{Path: pack(t, "1.2.0", "42"), Distribution: release.Distribution{WhatToTest: ptr("First")}})
				b.outsideTheContract()
				left := times
				b.before(func(w http.ResponseWriter, r *http.Request) bool {
					if r.Method != http.MethodPatch || !strings.Contains(r.URL.Path, "/v1/betaBuildLocalizations/") || left == 0 {
						return false
					}
					left--
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(answer.status)
					fmt.Fprint(w, answer.body)
					return true
				})
				d := release.Distribution{WhatToTest: ptr("Second"), Groups: []string{"QA"}}
				after, err := b.runner.Distribute(t.Context(), release.Plan{BuildID: sum.BuildID, Distribution: d})
				if times > 1 {
					wantError(t, err, failure.Rejected, "does not show the note")
				} else if err != nil {
					t.Error(err)
				}
				if strings.Join(after.Groups, "") != "QA" {
					t.Errorf("%+v", after.Steps)
				}
			})
		}
	}
}
