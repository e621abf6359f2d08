package release_test

import (
	"testing"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/sandbox"
)

// stocked is an app with a history.
func stocked(o *sandbox.Options) {
	o.Apps[1].Builds = []sandbox.Build{
		{ID: "old", Version: "1.0", Number: "9", Live: true}, {ID: "new", Version: "1.1.0", Number: "10"}, {ID: "newer", Version: "1.1", Number: "12"},
		{ID: "tv", Version: "1.1", Number: "40", Platform: "TV_OS"}, {ID: "dotted", Version: "2.0", Number: "2.0.7", Platform: "MAC_OS"},
	}
}

func TestBuildsAreListedWithUploadsInProgress(t *testing.T) {
	b := newBench(t, stocked)
	sum := b.upload(release.Plan{Path: pack(t, "1.2.0", "42"), NoWait: true})
	app, builds, uploads, err := b.runner.Builds(t.Context(), release.BuildSelection{App: bundleID})
	if err != nil || app.BundleID != bundleID || len(builds) != 5 || builds[0].ID != "dotted" || len(uploads) != 1 || uploads[0].ID != sum.BuildUploadID {
		t.Errorf("%+v, %+v, %v", builds, uploads, err)
	}
	_, builds, uploads, err = b.runner.Builds(t.Context(), release.BuildSelection{App: app.ID, Version: "1.1.0", Platform: asc.IOS})
	if err != nil || len(builds) != 2 || len(uploads) != 0 {
		t.Errorf("%+v, %+v, %v", builds, uploads, err)
	}
}

func TestNumbersComeFromBuildsAndUploads(t *testing.T) {
	for name, c := range map[string]struct {
		selection    release.BuildSelection
		live         bool
		initial      string
		latest, next string // empty means that there is none
	}{
		"of everything":               {release.BuildSelection{}, false, "1", "40", "41"},
		"of a platform":               {release.BuildSelection{Platform: asc.IOS}, false, "1", "12", "13"},
		"of a version":                {release.BuildSelection{Version: "1.0", Platform: asc.IOS}, false, "1", "9", "10"},
		"of a version, spelt longer":  {release.BuildSelection{Version: "1.1.0", Platform: asc.IOS}, false, "1", "12", "13"},
		"of a version, spelt shorter": {release.BuildSelection{Version: "01.1", Platform: asc.IOS}, false, "1", "12", "13"},
		"dotted":                      {release.BuildSelection{Platform: asc.MacOS}, false, "1", "2.0.7", "2.0.8"},
		"none yet":                    {release.BuildSelection{Version: "3.0"}, false, "100", "", "100"},
		"none yet, and no first":      {release.BuildSelection{Version: "3.0"}, false, "", "", ""},
		"live":                        {release.BuildSelection{Platform: asc.IOS}, true, "1", "9", "10"},
		"live, but none is":           {release.BuildSelection{Platform: asc.TVOS}, true, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, stocked)
			c.selection.App = bundleID
			latest, err := b.runner.LatestNumber(t.Context(), c.selection, c.live)
			if c.latest == "" {
				wantError(t, err, failure.NotFound, bundleID)
			} else if err != nil || latest.BuildNumber != c.latest {
				t.Errorf("latest %+v, %v, want %s", latest, err, c.latest)
			}
			next, err := b.runner.NextNumber(t.Context(), c.selection, c.live, c.initial)
			if c.next == "" {
				wantError(t, err, failure.NotFound, bundleID)
			} else if err != nil || next.BuildNumber != c.next {
				t.Errorf("next %+v, %v, want %s", next, err, c.next)
			}
		})
	}
}

func TestAnUploadInProgressTakesItsNumber(t *testing.T) {
	b := newBench(t, stocked, faulty(t, "on=store part=1 status=400"))
	b.leave(pack(t, "1.2.0", "77"))
	next, err := b.runner.NextNumber(t.Context(), release.BuildSelection{App: bundleID, Version: "1.2"}, false, "1")
	if err != nil || next.BuildNumber != "78" || next.Highest != "77" {
		t.Errorf("%+v, %v", next, err)
	}
	_, err = b.runner.NextNumber(t.Context(), release.BuildSelection{App: "com.example.nope"}, false, "1")
	wantError(t, err, failure.NotFound, bundleID)
}

func TestBuildsExpireOnce(t *testing.T) {
	b := newBench(t, stocked)
	selection := release.BuildSelection{App: bundleID, Platform: asc.IOS}
	states := func(expired []release.Expired) string {
		out := ""
		for _, e := range expired {
			out += e.ID + "=" + string(e.State) + " "
		}
		return out
	}
	dry, err := b.runner.Expire(t.Context(), nil, selection, 1, true)
	if err != nil || states(dry) != "new=skipped old=skipped " {
		t.Errorf("%s, %v", states(dry), err)
	}
	done, err := b.runner.Expire(t.Context(), nil, selection, 1, false)
	if err != nil || states(done) != "new=changed old=changed " {
		t.Errorf("%s, %v", states(done), err)
	}
	again, err := b.runner.Expire(t.Context(), nil, selection, 1, false)
	if err != nil || states(again) != "" {
		t.Errorf("%s, %v", states(again), err)
	}
	byID, err := b.runner.Expire(t.Context(), []string{"old", "tv"}, release.BuildSelection{}, 0, false)
	if err != nil || states(byID) != "old=already tv=changed " {
		t.Errorf("%s, %v", states(byID), err)
	}
	_, err = b.runner.Expire(t.Context(), []string{"nope"}, release.BuildSelection{}, 0, false)
	wantError(t, err, failure.NotFound, "no build nope")
}

func TestAnExpiryThatFailsIsNamedAndTheOthersDone(t *testing.T) {
	b := newBench(t, stocked, faulty(t, "on=api method=PATCH path=/v1/builds/new status=409 code=STATE_ERROR"))
	done, err := b.runner.Expire(t.Context(), nil, release.BuildSelection{App: bundleID, Platform: asc.IOS}, 0, false)
	wantError(t, err, failure.Rejected, "expire build new")
	if len(done) != 3 || done[1].State != release.StepFailed || done[2].State != release.StepChanged {
		t.Errorf("%+v", done)
	}
}
