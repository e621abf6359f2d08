package release

import (
	"context"
	"fmt"
	"slices"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/failure"
)

// A BuildSelection names builds of an app. Empty fields do not narrow.
type BuildSelection struct {
	// App is a bundle id or an Apple ID.
	App         string
	Version     string
	BuildNumber string
	Platform    asc.Platform
}

// Builds lists the builds of an app and the uploads that have become none, or
// not yet; both newest first.
func (r *Runner) Builds(ctx context.Context, selection BuildSelection) (asc.App, []asc.Build, []asc.BuildUpload, error) {
	run := r.start(Plan{App: selection.App})
	app, err := run.app(ctx, selection.App)
	if err != nil {
		return asc.App{}, nil, nil, err
	}
	builds, err := run.buildsOf(ctx, app, selection)
	if err != nil {
		return app, nil, nil, err
	}
	uploads, err := run.uploadsOf(ctx, app, selection, []string{asc.UploadAwaiting, asc.UploadProcessing, asc.UploadFailed})
	return app, builds, uploads, err
}

func (r *run) buildsOf(ctx context.Context, app asc.App, s BuildSelection) ([]asc.Build, error) {
	var out []asc.Build
	for b, err := range r.Client.Builds(ctx, asc.BuildFilter{
		AppID: app.ID, PreReleaseVersions: versionSpellings(s.Version), Versions: numberSpellings(s.BuildNumber), Platform: s.Platform,
	}) {
		if err != nil {
			return nil, fmt.Errorf("list the builds of %s: %w", app.BundleID, err)
		}
		if (s.Version == "" || bundle.SameVersion(b.PreReleaseVersion.Version, s.Version)) && (s.BuildNumber == "" || bundle.SameVersion(b.Version, s.BuildNumber)) {
			out = append(out, b)
		}
	}
	return out, nil
}

func (r *run) uploadsOf(ctx context.Context, app asc.App, s BuildSelection, states []string) ([]asc.BuildUpload, error) {
	var out []asc.BuildUpload
	for u, err := range r.Client.BuildUploads(ctx, app.ID, asc.BuildUploadFilter{
		CFBundleShortVersionStrings: versionSpellings(s.Version), CFBundleVersions: numberSpellings(s.BuildNumber), Platform: s.Platform, States: states,
	}) {
		if err != nil {
			return nil, fmt.Errorf("list the build uploads of %s: %w", app.BundleID, err)
		}
		if s.Version == "" || bundle.SameVersion(u.CFBundleShortVersionString, s.Version) {
			out = append(out, u)
		}
	}
	return out, nil
}

// A Number is a build number and where it comes from.
type Number struct {
	AppID       string `json:"app_id"`
	BundleID    string `json:"bundle_id"`
	Platform    string `json:"platform"`
	Version     string `json:"version"`
	BuildNumber string `json:"build_number"`
	// Highest is what the next number was counted on from, empty if there was
	// nothing.
	Highest string `json:"highest"`
}

// LatestNumber is the highest build number there is, or the one of the App
// Store's version if live. It is not found if there is none.
func (r *Runner) LatestNumber(ctx context.Context, selection BuildSelection, live bool) (Number, error) {
	run := r.start(Plan{App: selection.App})
	app, err := run.app(ctx, selection.App)
	if err != nil {
		return Number{}, err
	}
	out := Number{AppID: app.ID, BundleID: app.BundleID, Platform: string(selection.Platform), Version: selection.Version}
	if live {
		return run.liveNumber(ctx, app, selection, out)
	}
	if out.BuildNumber, out.Version, err = run.highestNumber(ctx, app, selection); err != nil {
		return out, err
	}
	if out.BuildNumber == "" {
		return out, &failure.Error{Kind: failure.NotFound, Message: fmt.Sprintf("%s has no build%s", app.BundleID, selection.describe()), Hint: "nothing was uploaded yet, or for another version or platform: ascend builds list --app " + app.BundleID}
	}
	return out, nil
}

func (s BuildSelection) describe() string {
	text := ""
	if s.Version != "" {
		text += " of version " + s.Version
	}
	if s.Platform != "" {
		text += " for " + string(s.Platform)
	}
	return text
}

// highestNumber looks at builds and at all uploads: also a failed one may have
// used its number up, and one under way is about to.
func (r *run) highestNumber(ctx context.Context, app asc.App, s BuildSelection) (number, version string, err error) {
	consider := func(n, v string) {
		if number == "" || bundle.CompareVersions(n, number) > 0 {
			number, version = n, v
		}
	}
	builds, err := r.buildsOf(ctx, app, s)
	if err != nil {
		return "", "", err
	}
	for _, b := range builds {
		consider(b.Version, b.PreReleaseVersion.Version)
	}
	uploads, err := r.uploadsOf(ctx, app, s, nil)
	if err != nil {
		return "", "", err
	}
	for _, u := range uploads {
		consider(u.CFBundleVersion, u.CFBundleShortVersionString)
	}
	return number, version, nil
}

func (r *run) liveNumber(ctx context.Context, app asc.App, s BuildSelection, out Number) (Number, error) {
	for v, err := range r.Client.AppStoreVersions(ctx, app.ID, s.Platform, []string{asc.VersionReadyForDistribution, asc.VersionProcessingForDistribution}) {
		if err != nil {
			return out, fmt.Errorf("list the App Store versions of %s: %w", app.BundleID, err)
		}
		if v.BuildNumber != "" && (s.Version == "" || bundle.SameVersion(v.VersionString, s.Version)) {
			out.BuildNumber, out.Version, out.Platform = v.BuildNumber, v.VersionString, string(v.Platform)
			return out, nil
		}
	}
	return out, &failure.Error{Kind: failure.NotFound, Message: fmt.Sprintf("%s has no version%s in the App Store", app.BundleID, s.describe()), Hint: "leave --live out for what was uploaded"}
}

// NextNumber is the next free build number, in the form of the highest there
// is; initial if there is none.
func (r *Runner) NextNumber(ctx context.Context, selection BuildSelection, live bool, initial string) (Number, error) {
	out, err := r.LatestNumber(ctx, selection, live)
	if err != nil && failure.KindOf(err) == failure.NotFound && out.AppID != "" && initial != "" {
		out.BuildNumber, out.Version = initial, selection.Version
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.Highest = out.BuildNumber
	if out.BuildNumber, err = nextNumber(out.Highest, r.start(Plan{}).Now()); err != nil {
		return out, &failure.Error{Kind: failure.Rejected, Message: err.Error(), Hint: "choose a number by hand, for a higher version"}
	}
	return out, nil
}

// An Expired build was taken from its testers, or had been before.
type Expired struct {
	ID          string `json:"build_id"`
	Version     string `json:"version"`
	BuildNumber string `json:"build_number"`
	Platform    string `json:"platform"`
	// State is changed, already, skipped (in a dry run) or failed.
	State StepState `json:"state"`
	Error string    `json:"error,omitempty"`
}

// Expire takes builds from their testers, by id, or all of a selection but the
// newest ones. One that fails does not stop the others; the error is the first.
func (r *Runner) Expire(ctx context.Context, ids []string, selection BuildSelection, keep int, dryRun bool) ([]Expired, error) {
	run := r.start(Plan{App: selection.App})
	var builds []asc.Build
	for _, id := range ids {
		b, err := r.Client.Build(ctx, id)
		if asc.IsNotFound(err) {
			return nil, &failure.Error{Kind: failure.NotFound, Message: "there is no build " + id, Hint: "ascend builds list --app BUNDLE_ID shows those there are", Err: err}
		}
		if err != nil {
			return nil, fmt.Errorf("read build %s: %w", id, err)
		}
		builds = append(builds, b)
	}
	if len(ids) == 0 {
		app, err := run.app(ctx, selection.App)
		if err != nil {
			return nil, err
		}
		if builds, err = run.buildsOf(ctx, app, selection); err != nil {
			return nil, err
		}
		builds = slices.DeleteFunc(builds, func(b asc.Build) bool { return b.Expired })
		builds = builds[min(keep, len(builds)):]
	}
	return run.expire(ctx, builds, dryRun)
}

func (r *run) expire(ctx context.Context, builds []asc.Build, dryRun bool) ([]Expired, error) {
	out := []Expired{}
	var first error
	for _, b := range builds {
		e := Expired{ID: b.ID, Version: b.PreReleaseVersion.Version, BuildNumber: b.Version, Platform: string(b.PreReleaseVersion.Platform), State: StepChanged}
		switch {
		case b.Expired:
			e.State = StepAlready
		case dryRun:
			e.State = StepSkipped
		default:
			if _, err := r.Client.ExpireBuild(ctx, b.ID); err != nil {
				if ctx.Err() != nil {
					return out, context.Cause(ctx)
				}
				e.State, e.Error = StepFailed, err.Error()
				if first == nil {
					first = fmt.Errorf("expire build %s: %w", b.ID, err)
				}
			}
		}
		out = append(out, e)
	}
	return out, first
}
