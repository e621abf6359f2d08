package release_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/sandbox"
	"github.com/ascend-cli/ascend/internal/state"
	"github.com/ascend-cli/ascend/upload"
)

// leave makes an upload stop at a part that the store refuses.
func (b *bench) leave(path string) release.Summary {
	b.t.Helper()
	sum, _ := b.fails(release.Plan{Path: path}, failure.Transfer, "HTTP 400")
	return sum
}

func TestUploadsAreListedShownAndCancelled(t *testing.T) {
	b := newBench(t, faulty(t, "on=store part=11 nth=1 status=400 after=100%"))
	b.runner.State = state.Open(t.TempDir(), b.clock.Now)
	b.runner.Pool = upload.NewPool(1, 0)
	left := b.leave(pack(t, "1.2.0", "42"))
	sent := b.upload(release.Plan{Path: pack(t, "1.2.0", "43")})

	app, uploads, err := b.runner.Uploads(t.Context(), bundleID, asc.BuildUploadFilter{})
	if err != nil || len(uploads) != 2 || app.BundleID != bundleID {
		t.Fatalf("%+v, %v", uploads, err)
	}
	_, uploads, err = b.runner.Uploads(t.Context(), app.ID, asc.BuildUploadFilter{States: []string{asc.UploadAwaiting}})
	if err != nil || len(uploads) != 1 || uploads[0].ID != left.BuildUploadID {
		t.Fatalf("%+v, %v", uploads, err)
	}
	detail, err := b.runner.UploadDetail(t.Context(), left.BuildUploadID)
	if err != nil || detail.Parts != 11 || detail.Stored != 10 || detail.StoredBytes != 10<<10 {
		t.Errorf("%+v, %v", detail, err)
	}
	if detail, err = b.runner.UploadDetail(t.Context(), sent.BuildUploadID); err != nil || detail.Parts != 0 || detail.BuildID != sent.BuildID {
		t.Errorf("%+v, %v", detail, err)
	}
	if records, _ := b.runner.State.List(); len(records) != 1 || records[0].BuildUploadID != left.BuildUploadID || len(records[0].Parts) != 10 || len(records[0].Operations) != 11 {
		t.Errorf("%+v", records)
	}
	if err := b.runner.Cancel(t.Context(), left.BuildUploadID); err != nil {
		t.Error(err)
	}
	if records, _ := b.runner.State.List(); len(records) != 0 {
		t.Errorf("%+v", records)
	}
	for _, id := range []string{left.BuildUploadID, "nope"} {
		wantError(t, b.runner.Cancel(t.Context(), id), failure.NotFound, "no build upload "+id, "uploads list")
		_, err = b.runner.UploadDetail(t.Context(), id)
		wantError(t, err, failure.NotFound, "no build upload "+id)
	}
	_, _, err = b.runner.Uploads(t.Context(), "com.example.nope", asc.BuildUploadFilter{})
	wantError(t, err, failure.NotFound, bundleID)
}

func TestALeftoverIsTreatedAsAsked(t *testing.T) {
	for how, c := range map[release.OnIncomplete]struct {
		made  int
		fails bool
	}{release.Resume: {1, false}, release.Replace: {2, false}, release.Fail: {1, true}} {
		t.Run(string(how), func(t *testing.T) {
			b := newBench(t, faulty(t, "on=store part=11 nth=1 status=400 after=100%"))
			b.runner.State = state.Open(t.TempDir(), b.clock.Now)
			path := pack(t, "1.2.0", "42")
			left := b.leave(path)
			plan := release.Plan{Path: path, OnIncomplete: how}
			if c.fails {
				b.fails(plan, failure.Conflict, left.BuildUploadID, "uploads cancel")
			} else if sum := b.upload(plan); (sum.BuildUploadID == left.BuildUploadID) != (how == release.Resume) {
				t.Errorf("%+v", sum)
			} else {
				b.intact(sum.BuildUploadID, path)
			}
			if n := b.made("/v1/buildUploads"); n != c.made {
				t.Errorf("%d build uploads were made", n)
			}
		})
	}
}

// stopAtWait lets the API refuse the first look at a build upload for good.
func stopAtWait(t *testing.T) func(*sandbox.Options) {
	return faulty(t, "on=api method=GET path=/v1/buildUploads/* nth=1 status=403 code=FORBIDDEN_ERROR")
}

func TestARerunAfterTheCommitGoesOnWithTheSameFileOnly(t *testing.T) {
	again := bundletest.IPA(bundletest.IOS(bundleID, "1.2.0", "42"), bundletest.Padding(10<<10))
	for name, c := range map[string]struct {
		change func(t *testing.T, b *bench, path string)
		// remembered tells that this machine knows that it is the same package,
		// proved that the service's checksum says so.
		remembered, proved bool
	}{
		"nothing changed": {func(*testing.T, *bench, string) {}, true, true},
		"the file was fetched again": {func(t *testing.T, _ *bench, path string) {
			rewrite(t, path, again)
		}, true, true},
		"the file is another of the same size": {func(t *testing.T, _ *bench, path string) {
			other := append([]byte(nil), again...)
			other[len(other)/2]++ // within the padding, which nobody reads
			rewrite(t, path, other)
		}, false, false},
		"the file is another": {func(t *testing.T, _ *bench, path string) {
			rewrite(t, path, bundletest.IPA(bundletest.IOS(bundleID, "1.2.0", "42"), bundletest.Padding(11<<10)))
		}, false, false},
		"everything was forgotten": {func(_ *testing.T, b *bench, _ string) { _ = os.RemoveAll(b.runner.State.Dir()) }, false, true},
		"another machine committed it": {func(t *testing.T, b *bench, _ string) {
			records, _ := b.runner.State.List()
			records[0].Stage = state.Transferring
			if err := b.runner.State.Save(records[0]); err != nil {
				t.Fatal(err)
			}
		}, false, true},
		"the record is damaged": {func(t *testing.T, b *bench, _ string) {
			entries, _ := os.ReadDir(b.runner.State.Dir())
			for _, e := range entries {
				rewrite(t, filepath.Join(b.runner.State.Dir(), e.Name()), []byte("{"))
			}
		}, false, true},
		"the record lacks parts": {func(t *testing.T, b *bench, path string) {
			records, _ := b.runner.State.List()
			records[0].Parts = records[0].Parts[1:]
			if err := b.runner.State.Save(records[0]); err != nil {
				t.Fatal(err)
			}
			rewrite(t, path, again)
		}, false, true},
	} {
		for _, composite := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, with a checksum %v", name, composite), func(t *testing.T) {
				b := newBench(t, stopAtWait(t))
				b.runner.State = state.Open(filepath.Join(t.TempDir(), "uploads"), b.clock.Now)
				path := filepath.Join(t.TempDir(), "Demo.ipa")
				rewrite(t, path, again)
				first, _ := b.fails(release.Plan{Path: path}, failure.Auth)
				c.change(t, b, path)
				if !composite {
					b.checksum(nil)
				}
				plan := release.Plan{Path: path, Distribution: release.Distribution{Groups: []string{"QA"}}}
				if !c.remembered && !(c.proved && composite) {
					b.fails(plan, failure.Conflict, "exists already")
					return
				}
				sum := b.upload(plan)
				if sum.BuildUploadID != first.BuildUploadID || sum.State != "VALID" || strings.Join(sum.Groups, "") != "QA" ||
					b.made("/v1/buildUploads") != 1 || !sum.Verified {
					t.Errorf("%+v", sum)
				}
				if records, _ := b.runner.State.List(); len(records) != 0 {
					t.Errorf("left over: %+v", records)
				}
			})
		}
	}
}

func rewrite(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestADiskThatIsFullIsNoObstacle(t *testing.T) {
	b := newBench(t)
	dir := filepath.Join(t.TempDir(), "uploads")
	b.runner.State = state.Open(dir, b.clock.Now)
	b.before(once("POST", "/v1/buildUploadFiles", func(w http.ResponseWriter, r *http.Request) {
		_ = os.RemoveAll(dir) // from here on, nothing can be written there
		rewrite(t, dir, nil)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	path := pack(t, "1.2.0", "42")
	sum := b.upload(release.Plan{Path: path})
	b.intact(sum.BuildUploadID, path)
	if !strings.Contains(strings.Join(sum.Warnings, "\n"), "cannot be remembered") {
		t.Errorf("%q", sum.Warnings)
	}
}

func TestOneUploadAtATime(t *testing.T) {
	b := newBench(t)
	b.runner.State = state.Open(t.TempDir(), b.clock.Now)
	unlock, err := b.runner.State.Lock(state.Key{API: b.server.URL(), BundleID: bundleID, Platform: "IOS", Version: "1.2.0", BuildNumber: "42"})
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	b.fails(release.Plan{Path: pack(t, "1.2.0", "42")}, failure.Conflict, "has been uploading the same build since")
	if len(b.calls("")) != 0 {
		t.Errorf("%v", b.calls(""))
	}
	b.upload(release.Plan{Path: pack(t, "1.2.0", "43")})
}

func TestSeveralUploadsShareWhatThereIs(t *testing.T) { synctest.Test(t, severalShareWhatThereIs) }

func severalShareWhatThereIs(t *testing.T) {
	b := newBubbleBench(t, faulty(t, "on=store every=7 status=500"))
	b.runner.Pool = upload.NewPool(3, 0)
	plans := []release.Plan{{Path: pack(t, "1.2.0", "42"), NoWait: true}, {Path: pack(t, "1.2.0", "43"), NoWait: true}}
	var mu sync.Mutex
	seen := map[int]int{}
	outcomes := b.runner.UploadAll(t.Context(), plans, func(i int) release.Observer {
		return observer(func(release.Event) { mu.Lock(); seen[i]++; mu.Unlock() })
	})
	for i, o := range outcomes {
		if o.Path != plans[i].Path || seen[i] == 0 || o.Err != nil {
			t.Errorf("%d: %+v, %d events", i, o, seen[i])
		}
		b.intact(o.Summary.BuildUploadID, plans[i].Path)
	}
	if _, peak := b.runner.Pool.Concurrency(); peak > 3 {
		t.Errorf("%d parts were in flight", peak)
	}
	var part *upload.PartError
	if errors.As(outcomes[0].Err, &part) {
		t.Error(part)
	}
}

func TestAFleetIsSentAFewAtATime(t *testing.T) { synctest.Test(t, aFleetIsSentAFewAtATime) }

func aFleetIsSentAFewAtATime(t *testing.T) {
	b := newBubbleBench(t)
	var plans []release.Plan
	for i := range 30 {
		plans = append(plans, release.Plan{Path: pack(t, fmt.Sprintf("1.%d", i), "1")})
	}
	var mu sync.Mutex
	sending, most, waiting, mostWaiting := 0, 0, 0, 0
	outcomes := b.runner.UploadAll(t.Context(), plans, func(int) release.Observer {
		return observer(func(e release.Event) {
			mu.Lock()
			defer mu.Unlock()
			switch e := e.(type) {
			case release.StageStarted:
				if e.Name == release.StageInspect {
					sending++
				}
				if e.Name == release.StageWait {
					waiting++
				}
			case release.StageFinished:
				if e.Name == release.StageCommit {
					sending--
				}
				if e.Name == release.StageWait {
					waiting--
				}
			}
			most, mostWaiting = max(most, sending), max(mostWaiting, waiting)
		})
	})
	for _, o := range outcomes {
		if o.Err != nil || o.Summary.State != "VALID" {
			t.Errorf("%s: %v", o.Path, o.Err)
		}
	}
	if most > 8 || most < 2 {
		t.Errorf("%d were sent at a time", most)
	}
	if mostWaiting < 9 {
		t.Errorf("only %d waited at a time: they keep others from being sent", mostWaiting)
	}
}

func TestAFleetThatIsInterruptedBeginsNoMore(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	var plans []release.Plan
	for i := range 12 {
		plans = append(plans, release.Plan{Path: pack(t, fmt.Sprintf("1.%d", i), "1")})
	}
	b.before(func(http.ResponseWriter, *http.Request) bool {
		cancel(failure.ErrInterrupted)
		return false
	})
	for i, o := range b.runner.UploadAll(ctx, plans, func(int) release.Observer { return observer(func(release.Event) {}) }) {
		if failure.KindOf(o.Err) != failure.Interrupted || o.Path != plans[i].Path || o.Summary.Groups == nil || o.Summary.Stages == nil {
			t.Errorf("%d: %v, %+v", i, o.Err, o.Summary)
		}
	}
	if made := b.calls("POST"); len(made) > 0 {
		t.Errorf("%v", made)
	}
}

type observer func(release.Event)

func (o observer) Observe(e release.Event) { o(e) }
