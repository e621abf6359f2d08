package release_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/release"
)

// describe writes a description beside a package and returns its path.
func describe(t *testing.T, path, id, version, number string) string {
	t.Helper()
	list := bundletest.Plist{"bundles": []any{map[string]any{"bundle-identifier": id, "CFBundleShortVersionString": version, "CFBundleVersion": number}}}
	file := filepath.Join(filepath.Dir(path), "AppStoreInfo.plist")
	if err := os.WriteFile(file, list.Encode(bundletest.Binary), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// files are the requests about build upload files and parts, in their order.
func (b *bench) files() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, r := range b.requests {
		switch {
		case r.Host == "store":
			out = append(out, "PUT")
		case strings.HasPrefix(r.Path, "/v1/buildUploadFiles") && r.Method != http.MethodGet:
			out = append(out, r.Method)
		}
	}
	return slices.Compact(out)
}

func TestTheDescriptionIsCheckedBeforeThePackageIsSent(t *testing.T) {
	b := newBench(t)
	path := pack(t, "1.2", "42")
	describe(t, path, bundleID, "1.2", "42")
	if _, err := b.runner.Upload(t.Context(), release.Plan{Path: path}); err != nil {
		t.Fatal(err)
	}
	// Two reservations, the description, its commit, the package, its commit.
	if got, want := strings.Join(b.files(), " "), "POST PUT PATCH PUT PATCH"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestADescriptionThatAppleRefusesCostsNoUpload(t *testing.T) {
	b := newBench(t)
	path := pack(t, "1.2", "42")
	describe(t, path, bundleID, "1.2", "42")
	b.before(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPatch || !strings.HasPrefix(r.URL.Path, "/v1/buildUploadFiles/") {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusConflict)
		_, _ = w.Write([]byte(`{"errors":[{"status":"409","code":"STATE_ERROR.VALIDATION_ERROR","title":"Validation failed","detail":"The provisioning profile is missing."}]}`))
		return true
	})
	_, err := b.runner.Upload(t.Context(), release.Plan{Path: path})
	wantError(t, err, failure.Rejected, "before it is sent")
	if details := failure.Explain(err).Details; len(details) != 1 || !strings.Contains(details[0], "The provisioning profile is missing.") {
		t.Errorf("%v", details)
	}
	if sent := b.files(); strings.Join(sent, " ") != "POST PUT PATCH" {
		t.Errorf("%v", sent)
	}
	if calls := b.calls("DELETE /v1/buildUploads/"); len(calls) != 1 {
		t.Errorf("the reservation is left: %v", calls)
	}
}

func TestADescriptionOfSomethingElseIsNotSent(t *testing.T) {
	for name, c := range map[string]struct {
		id, version, number string
		why                 string
	}{
		"another app":          {bundleID + ".other", "1.2", "42", "it describes com.example.demo.other"},
		"another version":      {bundleID, "1.3", "42", "it describes version 1.3"},
		"another build number": {bundleID, "1.2", "41", "it describes build number 41"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			path := pack(t, "1.2", "42")
			file := describe(t, path, c.id, c.version, c.number)
			_, err := b.runner.Upload(t.Context(), release.Plan{Path: path, AssetDescription: file})
			wantError(t, err, failure.InvalidPackage, c.why)
			summary, err := b.runner.Upload(t.Context(), release.Plan{Path: path, NoWait: true})
			if err != nil || len(summary.Warnings) != 1 || !strings.Contains(summary.Warnings[0], c.why) || strings.Join(b.files(), " ") != "POST PUT PATCH" {
				t.Errorf("%+v, %v, %v", summary, err, b.files())
			}
		})
	}
}

func TestADescriptionCanBeLeftOut(t *testing.T) {
	b := newBench(t)
	path := pack(t, "1.2", "42")
	describe(t, path, bundleID, "1.2", "42")
	if _, err := b.runner.Upload(t.Context(), release.Plan{Path: path, AssetDescription: release.NoDescription, NoWait: true}); err != nil || strings.Join(b.files(), " ") != "POST PUT PATCH" {
		t.Errorf("%v, %v", b.files(), err)
	}
	_, err := b.runner.Upload(t.Context(), release.Plan{Path: path, AssetDescription: "none.plist"})
	wantError(t, err, failure.InvalidPackage, "none.plist")
}

// TestADescriptionSurvivesFaults loses every reply about files once.
func TestADescriptionSurvivesFaults(t *testing.T) {
	b := newBench(t)
	path := pack(t, "1.2", "42")
	describe(t, path, bundleID, "1.2", "42")
	lost := map[string]bool{}
	b.before(func(w http.ResponseWriter, r *http.Request) bool {
		key := r.Method + r.URL.Path
		if r.Method == http.MethodGet || !strings.HasPrefix(r.URL.Path, "/v1/buildUploadFiles") || lost[key] {
			return false
		}
		lost[key] = true
		panic(http.ErrAbortHandler)
	})
	summary, err := b.runner.Upload(t.Context(), release.Plan{Path: path})
	if err != nil || summary.State != "VALID" || len(lost) != 3 {
		t.Errorf("%+v, %v, %v", summary, err, lost)
	}
	// The same again goes on from the build that is there.
	if again, err := b.runner.Upload(t.Context(), release.Plan{Path: path}); failure.KindOf(err) != failure.Conflict && again.BuildID != summary.BuildID {
		t.Errorf("%+v, %v", again, err)
	}
}
