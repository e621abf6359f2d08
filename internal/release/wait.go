package release

import (
	"context"
	"fmt"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/upload"
)

// A waiter looks at something until it is final, within the plan's time.
type waiter struct {
	*run
	started time.Time
	// seen are Apple's findings that were shown already.
	seen map[asc.StateDetail]bool
	// state is what was seen last, and changed when it was seen first.
	state   string
	changed time.Time
	// looks counts those at something unfinished, uploaded is when the package
	// had arrived, as far as that is known.
	looks    int
	uploaded time.Time
	// expected is what earlier builds tell, once that was asked.
	expected Expectation
	asked    bool
	// committed tells that the package of the build upload was committed.
	committed bool
	// listener receives notifications, where a webhook was asked for.
	listener *listener
}

// linkPatience is how long a COMPLETE build upload may lack its build before the
// build is looked up by its numbers.
const linkPatience = 30 * time.Second

// vanishedFor is how long a committed build upload may be missing, and its build
// as well, before the wait ends.
const vanishedFor = 10 * time.Minute

// unseen stands for the state while looking for it fails.
const unseen = "unknown"

// newWaiter begins a wait, for what was uploaded then or, if that is zero, at a
// time that the service tells.
func (r *run) newWaiter(uploaded time.Time) *waiter {
	return &waiter{run: r, started: r.Now(), uploaded: uploaded, seen: map[asc.StateDetail]bool{}}
}

// interval is the pause before the next look.
func (w *waiter) interval(what, state string) time.Duration {
	now := w.Now()
	if key := what + " " + state; key != w.state && state != unseen {
		first := w.state == ""
		if w.state, w.changed = key, now; !first {
			w.changed = now.Add(-laterStart)
		}
	}
	pause := w.plan.PollInterval
	switch {
	case pause > 0:
	case w.listener.work():
		pause = listeningPoll
	default:
		p := pace{lasted: now.Sub(w.changed), age: w.age(), waited: now.Sub(w.started), looks: w.looks, expected: w.expected}
		pause = w.fleet.stretch(p.pause())
	}
	if scarce(w.Client.RateLimit()) {
		pause = max(pause, lowBudgetPoll)
	}
	return pause
}

// since takes the service's word for when the package had arrived, where this
// run has not seen it.
func (w *waiter) since(uploaded time.Time) {
	if w.uploaded.IsZero() {
		w.uploaded = uploaded
	}
}

// age is the time since the package had arrived or, where that is not known,
// since the wait began.
func (w *waiter) age() time.Duration {
	if w.uploaded.IsZero() {
		return w.Now().Sub(w.started)
	}
	return max(0, w.Now().Sub(w.uploaded))
}

// pause tells what is waited for and sleeps until the next look. It fails when
// the time is up.
func (w *waiter) pause(ctx context.Context, what, state string) error {
	w.looks++
	w.pending = pending{what, state}
	w.expect(ctx)
	next := w.interval(what, state)
	now := w.Now()
	if left := w.deadline.Sub(now); left <= 0 {
		return errTimeUp
	} else if next > left {
		next = left
	}
	w.Observer.Observe(Waiting{For: what, State: state, Elapsed: now.Sub(w.started), Next: next, Age: w.age(), Expected: w.expected})
	return w.listener.sleep(ctx, w.Sleep, next)
}

// selector is how a later command names what this run is about.
func (w *run) selector() string {
	switch {
	case w.summary.BuildID != "":
		return " --build " + w.summary.BuildID
	case w.summary.BuildUploadID != "":
		return " --build-upload " + w.summary.BuildUploadID
	}
	return ""
}

// passing tells whether a failed look is worth another: an outage must not end
// a wait before its time.
func (w *waiter) passing(ctx context.Context, err error, what string) error {
	if !asc.IsTemporary(err) || ctx.Err() != nil {
		return err
	}
	w.notice(fmt.Sprintf("looking at %s failed, the wait goes on: %v", what, err))
	return w.pause(ctx, what, unseen)
}

// waitForUpload follows a build upload to its build, and the build to the
// point where it can be distributed.
func (r *run) waitForUpload(ctx context.Context, res reservation) (asc.Build, error) {
	var uploaded time.Time
	if r.summary.Parts > 0 { // just now, by this run
		uploaded = r.Now()
	}
	defer r.fleet.wait()()
	w := r.newWaiter(uploaded)
	w.committed = true
	buildID, err := w.upload(ctx, res.uploadID)
	if err != nil {
		return asc.Build{}, err
	}
	return w.build(ctx, buildID)
}

// upload waits until a build upload is final and its build is known. The record
// of a committed upload may vanish, or keep its first state, while its build
// is there (F2): the build is looked up as well.
func (w *waiter) upload(ctx context.Context, id string) (string, error) {
	what := "build upload " + id
	var odd time.Time // since when the record has not told what it should
	for {
		current, err := w.Client.BuildUpload(ctx, id)
		found := asc.BuildUpload{CFBundleShortVersionString: w.summary.Version, CFBundleVersion: w.summary.BuildNumber, Platform: asc.Platform(w.summary.Platform)}
		state, strange := "", false
		switch {
		case asc.IsNotFound(err):
			state, strange = "not visible", true
		case err != nil:
			if err := w.passing(ctx, err, what); err != nil {
				return "", err
			}
			continue
		default:
			w.describeUpload(current)
			w.since(current.UploadedDate)
			found, state = current, current.State.State
			var build string
			if build, strange, err = w.uploadState(what, current); build != "" || err != nil {
				return build, err
			}
		}
		if !strange {
			odd = time.Time{}
		} else if odd.IsZero() {
			odd = w.Now()
		}
		if strange && (w.Now().Sub(odd) >= linkPatience || !w.committed) {
			if build, ok := w.buildByNumbers(ctx, found); ok {
				return build, nil
			}
			if failure := w.lost(what, id, state, w.Now().Sub(odd), err); failure != nil {
				return "", failure
			}
		}
		if err := w.pause(ctx, what, state); err != nil {
			return "", err
		}
	}
}

// uploadState returns the build of a build upload that is done, or why there
// will be none. A strange state is one that a committed upload should not have.
func (w *waiter) uploadState(what string, u asc.BuildUpload) (build string, strange bool, err error) {
	w.show(u.State)
	switch u.State.State {
	case asc.UploadFailed:
		return "", false, w.refused(what, u.State)
	case asc.UploadAwaiting:
		return "", true, nil
	case asc.UploadComplete:
		return u.BuildID, true, w.checkLate(u)
	}
	return "", false, nil
}

// lost is the error of a build upload that is not there, or has no package,
// once that is certain; nil before.
func (w *waiter) lost(what, id, state string, lasted time.Duration, err error) error {
	switch {
	case err != nil && (!w.committed || lasted >= vanishedFor):
		return &failure.Error{Kind: failure.NotFound, Message: "there is no build upload " + id + " (any more)", Hint: "it may have been cancelled; ascend upload makes a new one", Err: err}
	case state == asc.UploadAwaiting && !w.committed:
		return &failure.Error{Kind: failure.Conflict, Message: what + " has not received its package yet", Hint: "run ascend upload with the package: it sends what is missing"}
	}
	return nil
}

// checkLate checks the checksum of the committed package where it came after
// the commit.
func (w *waiter) checkLate(u asc.BuildUpload) error {
	if w.object == nil || u.AssetFile == nil {
		return nil
	}
	if _, ok := upload.ParseComposite(compositeHash(*u.AssetFile)); !ok {
		return nil
	}
	object := *w.object
	w.object = nil
	_, err := w.checkComposite(object, *u.AssetFile)
	return err
}

func (w *waiter) describeUpload(u asc.BuildUpload) {
	w.summary.BuildUploadID = u.ID
	if u.BuildID != "" {
		w.summary.BuildID = u.BuildID
	}
	if w.summary.Version == "" {
		w.summary.Version, w.summary.BuildNumber, w.summary.Platform = u.CFBundleShortVersionString, u.CFBundleVersion, string(u.Platform)
	}
}

// buildByNumbers finds the build of an upload that does not name it.
func (w *waiter) buildByNumbers(ctx context.Context, u asc.BuildUpload) (string, bool) {
	if w.summary.AppID == "" || u.CFBundleVersion == "" || u.CFBundleShortVersionString == "" {
		return "", false
	}
	for b, err := range w.Client.Builds(ctx, asc.BuildFilter{
		AppID: w.summary.AppID, PreReleaseVersions: versionSpellings(u.CFBundleShortVersionString), Versions: numberSpellings(u.CFBundleVersion), Platform: u.Platform,
	}) {
		if err != nil {
			return "", false // the next look tries again
		}
		if bundle.SameVersion(b.Version, u.CFBundleVersion) && bundle.SameVersion(b.PreReleaseVersion.Version, u.CFBundleShortVersionString) && b.PreReleaseVersion.Platform == u.Platform {
			return b.ID, true
		}
	}
	return "", false
}

// build waits until a build is processed and has its beta detail.
func (w *waiter) build(ctx context.Context, id string) (asc.Build, error) {
	what := "build " + id
	var valid, missing time.Time
	for {
		current, err := w.Client.Build(ctx, id)
		if asc.IsNotFound(err) && !missing.IsZero() && w.Now().Sub(missing) > settleFor {
			return asc.Build{}, &failure.Error{Kind: failure.NotFound, Message: "there is no build " + id, Err: err}
		}
		switch {
		case asc.IsNotFound(err):
			// Just made, and not known everywhere yet.
			if missing.IsZero() {
				missing = w.Now()
			}
			if w.summary.BuildUploadID == "" {
				return asc.Build{}, &failure.Error{Kind: failure.NotFound, Message: "there is no build " + id, Err: err}
			}
			if err := w.pause(ctx, what, "not visible yet"); err != nil {
				return asc.Build{}, err
			}
			continue
		case err != nil:
			if err := w.passing(ctx, err, what); err != nil {
				return asc.Build{}, err
			}
			continue
		}
		w.describeBuild(current)
		w.since(current.UploadedDate)
		switch current.ProcessingState {
		case asc.BuildFailed, asc.BuildInvalid:
			return asc.Build{}, w.invalid(ctx, what, current)
		case asc.BuildProcessing:
			if w.plan.UntilAppears {
				return current, nil
			}
		case asc.BuildValid:
			if w.plan.UntilAppears {
				return current, nil
			}
			if valid.IsZero() {
				valid = w.Now()
			}
			done, err := w.betaReady(current, w.Now().Sub(valid))
			if err != nil {
				return current, err
			}
			if done {
				w.remember()
				return current, nil
			}
		}
		if err := w.pause(ctx, what, current.ProcessingState); err != nil {
			return asc.Build{}, err
		}
	}
}

func (w *run) describeBuild(b asc.Build) {
	w.summary.BuildID = b.ID
	w.summary.State = b.ProcessingState
	w.summary.BetaReviewState = b.ReviewState
	if b.AppID != "" {
		w.summary.AppID = b.AppID
	}
	if w.summary.Version == "" {
		w.summary.Version, w.summary.Platform = b.PreReleaseVersion.Version, string(b.PreReleaseVersion.Platform)
	}
	if w.summary.BuildNumber == "" {
		w.summary.BuildNumber = b.Version
	}
}

// betaReady tells whether a VALID build has reached TestFlight.
func (w *waiter) betaReady(b asc.Build, since time.Duration) (bool, error) {
	if b.BetaDetail == nil {
		if since > settleFor {
			w.warn("the build is VALID but has no beta detail after " + settleFor.String())
			return true, nil
		}
		return false, nil
	}
	switch b.BetaDetail.InternalBuildState {
	case asc.BetaProcessing:
		return false, nil
	case asc.BetaProcessingException:
		return false, &failure.Error{Kind: failure.Rejected, Message: "TestFlight could not process build " + b.ID + " (PROCESSING_EXCEPTION)", Hint: "raise the build number and upload again; if it repeats, ask Apple with the build's id"}
	}
	return true, nil
}

// show tells every finding of Apple's once, when it first appears.
func (w *waiter) show(state asc.BuildUploadState) {
	tell := func(severity bundle.Severity, details []asc.StateDetail) {
		for _, detail := range details {
			if w.seen[detail] {
				continue
			}
			w.seen[detail] = true
			if severity == bundle.SeverityWarning {
				w.summary.Warnings = append(w.summary.Warnings, describe(detail))
			}
			w.Observer.Observe(Apple{Severity: severity, Code: itms(detail.Code), Description: detail.Description})
		}
	}
	tell(bundle.SeverityInfo, state.Infos)
	tell(bundle.SeverityWarning, state.Warnings)
	tell(bundle.SeverityError, state.Errors)
}

// refused is the error of a build upload that failed, in Apple's words.
func (w *waiter) refused(what string, state asc.BuildUploadState) error {
	failure := &failure.Error{Kind: failure.Rejected, Message: "Apple refused the build (" + what + " is FAILED)"}
	for _, detail := range state.Errors {
		failure.Details = append(failure.Details, describe(detail))
	}
	if len(failure.Details) == 0 {
		failure.Details = []string{"no reason was given; Apple sends it by e-mail to the team"}
	}
	if failure.Hint = remedy(state.Errors); failure.Hint == "" {
		failure.Hint = "mend the app, raise the build number, export and upload again"
	}
	return failure
}

// invalid is the error of a build that failed its processing. The reasons are
// at its build upload, if that is known.
func (w *waiter) invalid(ctx context.Context, what string, b asc.Build) error {
	state := asc.BuildUploadState{}
	if w.summary.BuildUploadID != "" {
		if u, err := w.Client.BuildUpload(ctx, w.summary.BuildUploadID); err == nil {
			state = u.State
			w.show(state)
		}
	}
	failure := w.refused(what, state).(*failure.Error)
	failure.Message = fmt.Sprintf("Apple could not process the build (%s is %s)", what, b.ProcessingState)
	return failure
}
