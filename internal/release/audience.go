package release

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ascend-cli/ascend/asc"
)

// createGroups makes the groups that were asked for and are not there.
func (r *run) createGroups(ctx context.Context, d *distributable) (StepState, string, error) {
	all, err := asc.Collect(r.Client.BetaGroups(ctx, d.app.ID))
	if err != nil {
		return StepFailed, "", fmt.Errorf("list the beta groups of %s: %w", d.app.BundleID, err)
	}
	state := StepAlready
	for _, name := range d.create {
		group, made, err := r.createGroup(ctx, d.app, all, asc.NewBetaGroup{Name: name})
		if err != nil {
			return StepFailed, "", err
		}
		if made == StepChanged {
			state = StepChanged
		}
		d.groups = append(d.groups, group)
	}
	return state, "groups made: " + strings.Join(d.create, ", "), nil
}

// assignTesters gives the build to single testers who do not have it.
func (r *run) assignTesters(ctx context.Context, d *distributable) (StepState, string, error) {
	var had []asc.BetaTester
	err := r.retryUntilSettled(ctx, "testers", func() (err error) {
		had, err = asc.Collect(r.Client.IndividualTesters(ctx, d.build.ID))
		return err
	})
	if err != nil {
		return StepFailed, "", fmt.Errorf("list the build's testers: %w", err)
	}
	var missing, names, all []string
	for _, tester := range d.testers {
		all = append(all, tester.Email)
		if !slices.ContainsFunc(had, func(t asc.BetaTester) bool { return t.ID == tester.ID }) {
			missing, names = append(missing, tester.ID), append(names, tester.Email)
		}
	}
	if len(missing) == 0 {
		return StepAlready, "testers who have the build: " + strings.Join(all, ", "), nil
	}
	err = r.retryUntilSettled(ctx, "testers", func() error {
		return r.repeated(ctx, func() error { return r.Client.AddTestersToBuild(ctx, d.build.ID, missing) })
	})
	if err != nil {
		return StepFailed, "", fmt.Errorf("give the build to testers: %w", err)
	}
	return StepChanged, "given to " + strings.Join(names, ", "), nil
}

// expireWaiting takes other builds of the version out of beta review's way.
func (r *run) expireWaiting(ctx context.Context, d *distributable) (StepState, string, error) {
	return r.expireOthers(ctx, d, d.build.PreReleaseVersion.Version, "build that waits for beta review", inReview, 0)
}

func inReview(b asc.Build) bool {
	return b.ReviewState == asc.ReviewWaiting || b.ReviewState == asc.ReviewInReview
}

// expirePrevious expires the older builds of the platform.
func (r *run) expirePrevious(ctx context.Context, d *distributable) (StepState, string, error) {
	return r.expireOthers(ctx, d, "", "older build", func(b asc.Build) bool { return b.UploadedDate.Before(d.build.UploadedDate) }, r.plan.Distribution.Keep)
}

// expireOthers expires builds of the same platform besides this one. One that
// fails does not stop the others.
func (r *run) expireOthers(ctx context.Context, d *distributable, version, what string, choose func(asc.Build) bool, keep int) (StepState, string, error) {
	builds, err := r.buildsOf(ctx, d.app, BuildSelection{Version: version, Platform: d.build.PreReleaseVersion.Platform})
	if err != nil {
		return StepFailed, "", err
	}
	builds = slices.DeleteFunc(builds, func(b asc.Build) bool {
		return b.ID == d.build.ID || b.Expired || b.PreReleaseVersion.Platform != d.build.PreReleaseVersion.Platform || !choose(b)
	})
	builds = builds[min(keep, len(builds)):]
	if len(builds) == 0 {
		return StepAlready, "no " + what + " is left to expire", nil
	}
	expired, err := r.expire(ctx, builds, false)
	var names []string
	for _, e := range expired {
		if e.State == StepChanged {
			names = append(names, e.Version+" ("+e.BuildNumber+")")
		}
	}
	if err != nil {
		return StepFailed, "", err
	}
	return StepChanged, "expired: " + strings.Join(names, ", "), nil
}
