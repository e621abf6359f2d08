package release

import (
	"context"
	"fmt"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/failure"
)

// found is what a command about an earlier upload is about: a build, or an
// upload whose build is not there yet.
type found struct {
	app      asc.App
	audience audience
	buildID  string
	uploadID string
}

// find selects a build by id, by build upload, or by its numbers; without
// numbers it is the latest.
func (r *run) find(ctx context.Context) (found, error) {
	f := found{buildID: r.plan.BuildID, uploadID: r.plan.BuildUploadID}
	appID := ""
	switch {
	case f.buildID != "":
		build, err := r.Client.Build(ctx, f.buildID)
		if asc.IsNotFound(err) {
			return f, &failure.Error{Kind: failure.NotFound, Message: "there is no build " + f.buildID, Hint: "the id is a UUID, as in the summary of ascend upload; a build number goes to --build-number", Err: err}
		}
		if err != nil {
			return f, err
		}
		r.describeBuild(build)
		appID = build.AppID
	case f.uploadID != "":
		r.summary.BuildUploadID = f.uploadID
	}
	if r.plan.App == "" && appID == "" {
		if f.uploadID != "" && len(r.plan.Distribution.Groups) == 0 {
			return f, nil
		}
		return f, &failure.Error{Kind: failure.Usage, Message: "which app?", Hint: "name it with --app com.example.app or its Apple ID, or the build with --build"}
	}
	var err error
	if r.plan.App != "" {
		f.app, err = r.app(ctx, r.plan.App)
	} else {
		f.app, err = r.app(ctx, appID)
	}
	if err != nil {
		return f, err
	}
	if appID != "" && f.app.ID != appID {
		return f, &failure.Error{Kind: failure.Conflict, Message: fmt.Sprintf("build %s does not belong to %s", f.buildID, f.app.BundleID), Hint: "leave --app out: the build knows its app"}
	}
	r.summary.AppID, r.summary.BundleID = f.app.ID, f.app.BundleID
	if f.audience, err = r.audience(ctx, f.app); err != nil {
		return f, err
	}
	if f.buildID == "" && f.uploadID == "" {
		err = r.findByNumbers(ctx, &f)
	}
	return f, err
}

// findByNumbers looks among the builds, and among the uploads that have no
// build yet.
func (r *run) findByNumbers(ctx context.Context, f *found) error {
	filter := asc.BuildFilter{
		AppID: f.app.ID, PreReleaseVersions: versionSpellings(r.plan.Version), Versions: numberSpellings(r.plan.BuildNumber), Platform: asc.Platform(r.plan.Platform),
	}
	if r.plan.Version == "" && r.plan.BuildNumber == "" {
		filter.Limit = "1" // the latest
	}
	var matches []asc.Build
	for build, err := range r.Client.Builds(ctx, filter) {
		if err != nil {
			return fmt.Errorf("list the builds of %s: %w", f.app.BundleID, err)
		}
		if !r.wanted(build) {
			continue
		}
		matches = append(matches, build)
		if r.plan.Version == "" && r.plan.BuildNumber == "" {
			break
		}
	}
	if upload, ok, err := r.pendingUpload(ctx, *f); err != nil {
		return err
	} else if ok && (len(matches) == 0 || r.latest() && upload.UploadedDate.After(matches[0].UploadedDate)) {
		f.uploadID = upload.ID
		return nil
	}
	switch {
	case len(matches) == 0:
		return &failure.Error{Kind: failure.NotFound, Message: fmt.Sprintf("%s has no build%s", f.app.BundleID, r.describeNumbers()), Hint: "upload one with ascend upload, or correct --version, --build-number and --platform"}
	case len(matches) > 1 && r.plan.BuildNumber != "":
		failure := &failure.Error{Kind: failure.Conflict, Message: fmt.Sprintf("%s has %d builds%s", f.app.BundleID, len(matches), r.describeNumbers()), Hint: "narrow it with --version and --platform, or name one with --build"}
		for _, build := range matches {
			failure.Details = append(failure.Details, fmt.Sprintf("%s: %s (%s) for %s, %s", build.ID, build.PreReleaseVersion.Version, build.Version, build.PreReleaseVersion.Platform, build.ProcessingState))
		}
		return failure
	}
	f.buildID = matches[0].ID
	r.describeBuild(matches[0])
	return nil
}

// latest tells whether the newest build is asked for.
func (r *run) latest() bool { return r.plan.BuildNumber == "" }

func (r *run) wanted(b asc.Build) bool {
	return (r.plan.BuildNumber == "" || bundle.SameVersion(b.Version, r.plan.BuildNumber)) &&
		(r.plan.Version == "" || b.PreReleaseVersion.Version == "" || bundle.SameVersion(b.PreReleaseVersion.Version, r.plan.Version)) &&
		(r.plan.Platform == "" || b.PreReleaseVersion.Platform == "" || b.PreReleaseVersion.Platform == asc.Platform(r.plan.Platform))
}

// pendingUpload finds an upload that Apple is still working on.
func (r *run) pendingUpload(ctx context.Context, f found) (asc.BuildUpload, bool, error) {
	for u, err := range r.Client.BuildUploads(ctx, f.app.ID, asc.BuildUploadFilter{
		CFBundleShortVersionStrings: versionSpellings(r.plan.Version), CFBundleVersions: numberSpellings(r.plan.BuildNumber),
		Platform: asc.Platform(r.plan.Platform), States: []string{asc.UploadProcessing},
	}) {
		if err != nil {
			return asc.BuildUpload{}, false, fmt.Errorf("list the build uploads of %s: %w", f.app.BundleID, err)
		}
		if (r.plan.Version == "" || bundle.SameVersion(u.CFBundleShortVersionString, r.plan.Version)) &&
			(r.plan.BuildNumber == "" || bundle.SameVersion(u.CFBundleVersion, r.plan.BuildNumber)) && u.State.State == asc.UploadProcessing {
			return u, true, nil
		}
	}
	return asc.BuildUpload{}, false, nil
}

func (r *run) describeNumbers() string {
	text := ""
	if r.plan.Version != "" {
		text += " of version " + r.plan.Version
	}
	if r.plan.BuildNumber != "" {
		text += " with number " + r.plan.BuildNumber
	}
	if r.plan.Platform != "" {
		text += " for " + string(r.plan.Platform)
	}
	return text
}

// waitForFound waits for whatever find selected.
func (r *run) waitForFound(ctx context.Context, f found) (asc.Build, error) {
	w := r.newWaiter(time.Time{})
	if r.plan.Listen != nil {
		var err error
		if w.listener, err = r.listen(ctx, f.app); err != nil {
			return asc.Build{}, err
		}
		if w.listener != nil {
			defer w.listener.close()
		}
	}
	if f.buildID == "" {
		id, err := w.upload(ctx, f.uploadID)
		if err != nil {
			return asc.Build{}, err
		}
		f.buildID = id
	}
	return w.build(ctx, f.buildID)
}
