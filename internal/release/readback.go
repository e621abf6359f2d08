package release

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/failure"
)

const (
	// readBackFor is how long a change may take to be seen.
	readBackFor = 30 * time.Second
	// readBackPause is the pause between two looks for it.
	readBackPause = 3 * time.Second
)

// verified is a change that is to be read back.
type verified struct {
	// index is that of its step in the summary.
	index int
	// missing says what the service does not show, and nothing when it shows all.
	missing func(context.Context) (string, error)
}

// readBack looks for the changes of a distribution, all at the same time: what
// was accepted without an effect would be taken for done.
func (r *run) readBack(ctx context.Context, changes []verified) error {
	missing := make([]string, len(changes))
	errs := make([]error, len(changes))
	var group sync.WaitGroup
	for i, change := range changes {
		group.Go(func() { missing[i], errs[i] = r.untilShown(ctx, change) })
	}
	group.Wait()
	var first error
	for i, change := range changes {
		step := &r.summary.Steps[change.index]
		switch {
		case ctx.Err() != nil && errs[i] != nil:
			return context.Cause(ctx)
		case errs[i] != nil:
			r.warn(fmt.Sprintf("%s: the change was accepted, but cannot be read back: %v", step.Name, errs[i]))
		case missing[i] != "":
			step.State, step.Detail = StepFailed, "accepted, but the service does not show "+missing[i]
			r.Observer.Observe(StepDone{Step: *step})
			if first == nil {
				first = &failure.Error{
					Kind: failure.Rejected, Message: step.Name + ": the change was accepted, but the service does not show " + missing[i],
					Hint: "run ascend distribute" + r.selector() + " again with the same flags; if it repeats, look at App Store Connect",
				}
			}
		}
	}
	return first
}

func (r *run) untilShown(ctx context.Context, change verified) (string, error) {
	start := r.Now()
	for {
		missing, err := change.missing(ctx)
		if asc.IsNotFound(err) && r.Now().Sub(start) < readBackFor {
			missing, err = "it yet", nil
		}
		if err != nil || missing == "" || r.Now().Sub(start) >= readBackFor {
			return missing, err
		}
		if err := r.Sleep(ctx, readBackPause); err != nil {
			return missing, err
		}
	}
}

func (r *run) showsGroups(ctx context.Context, d distributable) (string, error) {
	build, err := r.Client.Build(ctx, d.build.ID)
	if err != nil {
		return "", err
	}
	missing := func(has []string) (names []string) {
		for _, group := range d.groups {
			automatic := group.Internal && group.HasAccessToAllBuilds || slices.Contains(d.automatic, group.ID)
			if !automatic && !slices.Contains(has, group.ID) {
				names = append(names, group.Name)
			}
		}
		return names
	}
	if len(missing(build.BetaGroupIDs)) == 0 {
		return "", nil
	}
	// Replies may hold a part of the groups, or none: the list tells.
	var listed []string
	for group, err := range r.Client.BetaGroupsOfBuild(ctx, d.build.ID) {
		if err != nil {
			return "", err
		}
		listed = append(listed, group.ID)
	}
	if names := missing(listed); len(names) > 0 {
		return "the build in " + strings.Join(names, ", "), nil
	}
	return "", nil
}

func (r *run) showsTesters(ctx context.Context, d distributable) (string, error) {
	var has []string
	for tester, err := range r.Client.IndividualTesters(ctx, d.build.ID) {
		if err != nil {
			return "", err
		}
		has = append(has, tester.ID)
	}
	var missing []string
	for _, tester := range d.testers {
		if !slices.Contains(has, tester.ID) {
			missing = append(missing, tester.Email)
		}
	}
	if len(missing) > 0 {
		return "the build at " + strings.Join(missing, ", "), nil
	}
	return "", nil
}

func (r *run) showsNotes(ctx context.Context, d distributable) (string, error) {
	after, err := asc.Collect(r.Client.BetaBuildLocalizations(ctx, d.build.ID))
	if err != nil {
		return "", err
	}
	for locale, text := range d.notes {
		if i := indexLocale(after, locale); i < 0 || !sameNote(after[i].WhatsNew, text) {
			return "the note in " + locale, nil
		}
	}
	return "", nil
}

func (r *run) showsCompliance(ctx context.Context, d distributable) (string, error) {
	build, err := r.Client.Build(ctx, d.build.ID)
	if err != nil || build.UsesNonExemptEncryption != nil {
		return "", err
	}
	return "an answer to export compliance", nil
}

func (r *run) showsAutoNotify(ctx context.Context, d distributable) (string, error) {
	detail, err := r.Client.BuildBetaDetail(ctx, d.build.ID)
	if err != nil || !detail.AutoNotifyEnabled {
		return "", err
	}
	return "automatic notification switched off", nil
}

func (r *run) showsReview(ctx context.Context, d distributable) (string, error) {
	submissions, err := asc.Collect(r.Client.BetaAppReviewSubmissions(ctx, d.build.ID))
	if err != nil || len(submissions) > 0 {
		return "", err
	}
	return "the submission for beta review", nil
}

func (r *run) showsReviewInfo(ctx context.Context, d distributable) (string, error) {
	there, err := r.Client.BetaAppReviewDetail(ctx, d.app.ID)
	if err != nil {
		return "", err
	}
	missing := missingReviewInfo(*r.plan.Distribution.ReviewInfo, there)
	missing.DemoAccountPassword = nil // a service may not give it back
	if missing == (asc.BetaAppReviewInfo{}) {
		return "", nil
	}
	return "what beta review needs to know", nil
}

func (r *run) showsAppInfo(ctx context.Context, d distributable) (string, error) {
	existing, err := asc.Collect(r.Client.BetaAppLocalizations(ctx, d.app.ID))
	if err != nil {
		return "", err
	}
	for locale, info := range r.wantedAppInfo(d.app, existing) {
		i := slices.IndexFunc(existing, func(l asc.BetaAppLocalization) bool { return strings.EqualFold(l.Locale, locale) })
		if i < 0 || missingAppInfo(info, existing[i]) != (asc.BetaAppInfo{}) {
			return "the beta information in " + locale, nil
		}
	}
	return "", nil
}
