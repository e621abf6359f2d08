package release

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/failure"
)

// distributable is a build that is ready, and who is to get it.
type distributable struct {
	app asc.App
	audience
	build asc.Build
	// automatic are ids of groups that turned out to get every build by
	// themselves.
	automatic []string
	// notes are the texts that were written, by locale.
	notes map[string]string
}

// distribute does what was asked with a build: each step first looks whether
// there is anything to do, so that a second run changes nothing. The first
// failure ends it; the summary says what was done and what is left.
func (r *run) distribute(ctx context.Context, d distributable) error {
	if d.build.Expired {
		return &failure.Error{Kind: failure.Rejected, Message: "build " + d.build.ID + " has expired: it can no longer be tested", Hint: "upload a new build"}
	}
	var done []verified
	var refused error
	steps := r.steps(&d)
	for i, step := range steps {
		if !step.wanted() {
			continue
		}
		if refused != nil && step.afterReview {
			r.record(Step{Name: step.name, State: StepSkipped, Detail: "not before the build is accepted for beta review"})
			continue
		}
		if !step.early && d.build.ProcessingState == asc.BuildProcessing {
			r.record(Step{Name: step.name, State: StepSkipped, Detail: "the build is still processing; go on with ascend distribute" + r.selector()})
			continue
		}
		state, detail, err := step.do(ctx, &d)
		if err != nil {
			r.record(Step{Name: step.name, State: StepFailed, Detail: err.Error()})
			if step.name == stepReview && failure.KindOf(err) == failure.Rejected && ctx.Err() == nil {
				refused = err // what does not depend on the review goes on
				continue
			}
			for _, left := range steps[i+1:] {
				if left.wanted() {
					r.record(Step{Name: left.name, State: StepSkipped, Detail: "not reached"})
				}
			}
			return errors.Join(err, r.readBack(ctx, done))
		}
		r.record(Step{Name: step.name, State: state, Detail: detail})
		if state == StepChanged && step.shows != nil {
			done = append(done, verified{index: len(r.summary.Steps) - 1, missing: func(ctx context.Context) (string, error) { return step.shows(ctx, d) }})
		}
	}
	if err := r.readBack(ctx, done); err != nil {
		return err
	}
	return refused
}

// stepReview is the name of the step that submits a build for beta review.
const stepReview = "review"

// A step is one thing to do with a build.
type step struct {
	name   string
	wanted func() bool
	do     func(context.Context, *distributable) (StepState, string, error)
	// early tells that it works on a build that is still processing.
	early bool
	// afterReview tells that it is left out when beta review refuses the build.
	afterReview bool
	// shows reads the change back and says what the service does not show; nil
	// where nothing can be read.
	shows func(context.Context, distributable) (missing string, err error)
}

// steps are those of a distribution, in their order.
func (r *run) steps(d *distributable) []step {
	wanted := r.plan.Distribution
	return []step{
		{name: "create-groups", wanted: func() bool { return len(d.create) > 0 }, do: r.createGroups, early: true},
		{name: "review-info", wanted: func() bool { return wanted.ReviewInfo != nil }, do: r.writeReviewInfo, early: true, shows: r.showsReviewInfo},
		{name: "app-info", wanted: func() bool { return len(wanted.AppInfo) > 0 }, do: r.writeAppInfo, early: true, shows: r.showsAppInfo},
		{name: "notes", wanted: func() bool { return wanted.WhatToTest != nil || len(wanted.Notes) > 0 }, do: r.writeNotes, early: true, shows: r.showsNotes},
		{name: "app-clips", wanted: func() bool { return len(wanted.AppClips) > 0 || wanted.OverwriteAppClips }, do: r.writeAppClips},
		{name: "compliance", wanted: func() bool { return r.complianceWanted(*d) }, do: r.answerCompliance, shows: r.showsCompliance},
		{name: "auto-notify", wanted: func() bool { return wanted.Notify != nil && !*wanted.Notify }, do: r.disableAutoNotify, shows: r.showsAutoNotify},
		{name: "groups", wanted: func() bool { return len(d.groups) > 0 }, do: r.assignGroups, shows: r.showsGroups},
		{name: "testers", wanted: func() bool { return len(d.testers) > 0 }, do: r.assignTesters, shows: r.showsTesters},
		{name: "expire-waiting", wanted: func() bool { return wanted.ExpireWaiting }, do: r.expireWaiting, early: true},
		{name: stepReview, wanted: func() bool { return r.reviewWanted(*d) }, do: r.submitReview, shows: r.showsReview},
		{name: "notification", wanted: func() bool { return wanted.Notify != nil && *wanted.Notify }, do: r.notifyTesters},
		{name: "expire-previous", wanted: func() bool { return wanted.ExpirePrevious }, do: r.expirePrevious, afterReview: true},
	}
}

// record adds a finished step to the summary.
func (r *run) record(step Step) {
	r.summary.Steps = append(r.summary.Steps, step)
	r.Observer.Observe(StepDone{Step: step})
}

// retryUntilSettled repeats an action while the service answers as it does for a build
// that it has only just made (404, 422), and after hiccups.
func (r *run) retryUntilSettled(ctx context.Context, what string, action func() error) error {
	start := r.Now()
	for pause := 2 * time.Second; ; pause = min(pause*3/2, 15*time.Second) {
		err := action()
		if err == nil || !asc.IsNotFound(err) && !asc.IsUnprocessable(err) || permanent(err) || ctx.Err() != nil {
			return err
		}
		if r.Now().Sub(start) >= settleFor {
			return err
		}
		r.Observer.Observe(Waiting{For: what, State: "not possible yet", Elapsed: r.Now().Sub(start), Next: pause})
		if err := r.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// repeatFor is how long a change is repeated that may be made twice, while its
// replies are lost; one whose replies cannot be used is tried unclearTries times.
const repeatFor = 5 * time.Minute

// repeated repeats an action that changes nothing when it is done twice, while
// its replies are lost.
func (r *run) repeated(ctx context.Context, action func() error) error {
	start := r.Now()
	pause := time.Second
	for try := 1; ; try++ {
		err := action()
		if !asc.IsUnclear(err) || ctx.Err() != nil {
			return err
		}
		var transport *asc.TransportError
		unusable := errors.As(err, &transport) && transport.Status/100 == 2
		if unusable && try == unclearTries || r.Now().Sub(start) >= repeatFor {
			return err
		}
		if err := r.Sleep(ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, 30*time.Second)
	}
}

// update carries out a change that may be made twice, until the service has
// taken it. A success whose reply cannot be used counts as taken: what it came to
// is read back.
func (r *run) update(ctx context.Context, what string, change func() error) error {
	err := r.retryUntilSettled(ctx, what, func() error { return r.repeated(ctx, change) })
	var transport *asc.TransportError
	if errors.As(err, &transport) && transport.Status/100 == 2 && ctx.Err() == nil {
		r.notice(what + ": the service took the change, but its reply cannot be used")
		return nil
	}
	return err
}

// permanent tells a refusal that time does not change: all but those that the
// catalogue says pass within minutes.
func permanent(err error) bool {
	var apiErr *asc.Error
	return errors.As(err, &apiErr) && asc.IsUnprocessable(err) && !failure.PassesSoon(apiErr)
}

func (r *run) complianceWanted(d distributable) bool {
	return r.plan.Distribution.UsesNonExemptEncryption != nil || (len(d.groups) > 0 || len(d.testers) > 0 || r.reviewWanted(d)) && missingCompliance(d.build)
}

func missingCompliance(b asc.Build) bool {
	return b.UsesNonExemptEncryption == nil && b.BetaDetail != nil && b.BetaDetail.InternalBuildState == asc.BetaMissingExportCompliance
}

// answerCompliance answers the export compliance question, where it is open.
func (r *run) answerCompliance(ctx context.Context, d *distributable) (StepState, string, error) {
	answer := r.plan.Distribution.UsesNonExemptEncryption
	if given := d.build.UsesNonExemptEncryption; given != nil {
		if answer != nil && *given != *answer {
			r.warn(fmt.Sprintf("the build says itself that it %s non-exempt encryption (ITSAppUsesNonExemptEncryption): the flag is not used", verb(*given)))
		}
		return StepAlready, "the build " + verb(*given) + " non-exempt encryption", nil
	}
	declaration, err := r.approvedDeclaration(ctx, d.app, answer)
	if err != nil {
		return StepFailed, "", err
	}
	if answer == nil && declaration != "" {
		yes := true
		answer = &yes // that is what was declared
	}
	if answer == nil {
		return StepFailed, "", &failure.Error{
			Kind:    failure.Rejected,
			Message: "export compliance of build " + d.build.ID + " is undecided, so it cannot be tested",
			Hint: fmt.Sprintf("answer it: ascend distribute%s --uses-non-exempt-encryption=false (or =true) with the flags of this run; for the next builds set ITSAppUsesNonExemptEncryption in Info.plist",
				r.selector()),
		}
	}
	err = r.update(ctx, "export compliance", func() error {
		_, err := r.Client.SetUsesNonExemptEncryption(ctx, d.build.ID, *answer)
		return err
	})
	if err != nil && !asc.IsConflict(err) {
		return StepFailed, "", fmt.Errorf("answer export compliance: %w", err)
	}
	// A 409 may mean that it is answered already: only a look tells.
	refused := err
	if *answer && declaration != "" {
		if err := r.Client.AssignEncryptionDeclaration(ctx, d.build.ID, declaration); err != nil {
			return StepFailed, "", fmt.Errorf("use the app's encryption declaration: %w", err)
		}
	}
	start := r.Now()
	for {
		build, err := r.Client.Build(ctx, d.build.ID)
		if err != nil {
			return StepFailed, "", fmt.Errorf("read back export compliance: %w", err)
		}
		d.build = build
		if refused != nil && (build.UsesNonExemptEncryption == nil || *build.UsesNonExemptEncryption != *answer) {
			return StepFailed, "", fmt.Errorf("answer export compliance: %w", refused)
		}
		if build.BetaDetail == nil || build.BetaDetail.InternalBuildState != asc.BetaMissingExportCompliance {
			break
		}
		if r.Now().Sub(start) >= settleFor {
			failure := &failure.Error{Kind: failure.Rejected, Message: "export compliance was answered, but TestFlight still reports MISSING_EXPORT_COMPLIANCE"}
			if *answer {
				failure.Hint = "an app that uses non-exempt encryption also needs an encryption declaration with documents: App Store Connect, App Information, App Encryption Documentation"
			}
			return StepFailed, "", failure
		}
		r.Observer.Observe(Waiting{For: "export compliance", State: asc.BetaMissingExportCompliance, Elapsed: r.Now().Sub(start), Next: 3 * time.Second})
		if err := r.Sleep(ctx, 3*time.Second); err != nil {
			return StepFailed, "", err
		}
	}
	state := StepChanged
	if refused != nil {
		state = StepAlready
	}
	return state, "the build " + verb(*answer) + " non-exempt encryption", nil
}

// approvedDeclaration finds the app's encryption declaration that builds can
// use, where one may be needed.
func (r *run) approvedDeclaration(ctx context.Context, app asc.App, answer *bool) (string, error) {
	if answer != nil && !*answer {
		return "", nil
	}
	for declaration, err := range r.Client.AppEncryptionDeclarations(ctx, app.ID) {
		if err != nil {
			return "", fmt.Errorf("list the encryption declarations of %s: %w", app.BundleID, err)
		}
		if declaration.State == asc.DeclarationApproved {
			return declaration.ID, nil
		}
	}
	return "", nil
}

func verb(uses bool) string {
	if uses {
		return "uses"
	}
	return "does not use"
}

// assignGroups gives the build to the groups that do not have it.
func (r *run) assignGroups(ctx context.Context, d *distributable) (StepState, string, error) {
	var missing, added, had, served []string
	names := map[string]string{}
	for _, group := range d.groups {
		names[group.ID] = group.Name
		switch {
		case group.Internal && group.HasAccessToAllBuilds:
			served = append(served, group.Name)
		case slices.Contains(d.build.BetaGroupIDs, group.ID):
			had = append(had, group.Name)
		case !group.Internal && d.build.BuildAudienceType == asc.AudienceInternalOnly:
			return StepFailed, "", &failure.Error{Kind: failure.Rejected, Message: fmt.Sprintf("the build is for internal testing only, so it cannot go to the external group %q", group.Name), Hint: "export it for App Store Connect without the internal-only option, or name internal groups"}
		default:
			missing = append(missing, group.ID)
		}
	}
	if len(missing) > 0 {
		automatic, err := r.addGroups(ctx, d.build.ID, missing)
		if err != nil {
			return StepFailed, "", err
		}
		for _, id := range missing {
			if slices.Contains(automatic, id) {
				served = append(served, names[id])
				d.automatic = append(d.automatic, id)
			} else {
				added = append(added, names[id])
			}
		}
	}
	for _, group := range d.groups {
		r.summary.Groups = append(r.summary.Groups, group.Name)
	}
	var detail []string
	for _, part := range []struct {
		text  string
		names []string
	}{{"added to", added}, {"already in", had}, {"gets every build by itself:", served}} {
		if len(part.names) > 0 {
			detail = append(detail, part.text+" "+strings.Join(part.names, ", "))
		}
	}
	state := StepAlready
	if len(added) > 0 {
		state = StepChanged
	}
	return state, strings.Join(detail, "; "), nil
}

// addGroups assigns groups in one request. It returns those that the service
// says need no assignment.
func (r *run) addGroups(ctx context.Context, buildID string, ids []string) (automatic []string, err error) {
	err = r.retryUntilSettled(ctx, "groups", func() error { return r.addOnce(ctx, buildID, ids) })
	if err == nil {
		return nil, nil
	}
	if !isInternalGroupRefusal(err) {
		return nil, fmt.Errorf("give the build to its groups: %w", err)
	}
	// One of several may be the reason: one request each.
	if len(ids) == 1 {
		return ids, nil
	}
	for _, id := range ids {
		err := r.retryUntilSettled(ctx, "groups", func() error { return r.addOnce(ctx, buildID, []string{id}) })
		switch {
		case isInternalGroupRefusal(err):
			automatic = append(automatic, id)
		case err != nil:
			return nil, fmt.Errorf("give the build to its groups: %w", err)
		}
	}
	return automatic, nil
}

// addOnce adds groups. Adding is idempotent, so an unclear failure is simply
// repeated; a refusal is no failure if the groups are there.
func (r *run) addOnce(ctx context.Context, buildID string, ids []string) error {
	err := r.repeated(ctx, func() error { return r.Client.AddBetaGroupsToBuild(ctx, buildID, ids) })
	if err == nil || !asc.IsConflict(err) {
		return err
	}
	build, lookErr := r.Client.Build(ctx, buildID)
	if lookErr == nil && !slices.ContainsFunc(ids, func(id string) bool { return !slices.Contains(build.BetaGroupIDs, id) }) {
		return nil
	}
	return err
}

func isInternalGroupRefusal(err error) bool {
	var apiErr *asc.Error
	return errors.As(err, &apiErr) && asc.IsUnprocessable(err) && strings.Contains(strings.ToLower(apiErr.Error()), "internal group")
}

// disableAutoNotify switches off that testers are told by themselves.
func (r *run) disableAutoNotify(ctx context.Context, d *distributable) (StepState, string, error) {
	const detail = "testers are not told automatically; external ones do not get the build before ascend distribute --notify"
	if d.build.BetaDetail != nil && !d.build.BetaDetail.AutoNotifyEnabled {
		return StepAlready, detail, nil
	}
	err := r.update(ctx, "automatic notification", func() error {
		current, err := r.Client.BuildBetaDetail(ctx, d.build.ID)
		if err != nil {
			return err
		}
		_, err = r.Client.SetAutoNotify(ctx, current.ID, false)
		return err
	})
	if err != nil {
		return StepFailed, "", fmt.Errorf("switch automatic notification off: %w", err)
	}
	return StepChanged, detail, nil
}

// notifyTesters tells testers, unless that happens by itself.
func (r *run) notifyTesters(ctx context.Context, d *distributable) (StepState, string, error) {
	if d.build.BetaDetail != nil && d.build.BetaDetail.AutoNotifyEnabled {
		return StepAlready, "testers are told automatically", nil
	}
	err := r.Client.NotifyBetaTesters(ctx, d.build.ID)
	var apiErr *asc.Error
	switch {
	case err == nil:
		return StepChanged, "testers were told", nil
	case errors.As(err, &apiErr) && apiErr.Has(failure.CodeState) && strings.Contains(strings.ToLower(apiErr.Error()), "auto"):
		return StepAlready, "testers are told automatically", nil
	case asc.IsUnclear(err) && ctx.Err() == nil:
		// It cannot be read back, and telling people twice is worse than once.
		r.warn("the reply to the notification was lost: testers may or may not have been told")
		return StepChanged, "testers may have been told (the reply was lost)", nil
	}
	return StepFailed, "", fmt.Errorf("tell testers: %w", err)
}
