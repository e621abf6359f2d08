// Package release is the pipeline from a package to its testers: inspect,
// preflight, resolve, reserve, transfer, commit, wait, distribute. Each stage
// takes the value of the one before it. What happens meanwhile is reported to
// an [Observer].
//
// # What is there already
//
// Several runs may upload the same version and build number, on one machine or
// on many. These rules keep them apart. "Own" is what this machine's record
// names, while no other run on it holds the lock.
//
//	committed build upload                     what happens
//	  own record, or equal composite checksum    go on with wait and distribution
//	  other file size, number of parts or part   conflict
//	  size
//	  anything else                              conflict that names ascend distribute, or go on
//	                                             unverified if the user says so
//
//	open reservation, oldest first
//	  own, no file or same size                  take over
//	  own, other size                            remove
//	  other's, all acknowledged parts the same   take over
//	  other's, no file or no acknowledged part   take over after 30 s without a change
//	  other's, a part differs or other size      conflict; removed once it is older than 5 minutes
//	                                             and nothing has changed for 5 minutes
//
//	after the reservation and before the commit
//	  own id not listed yet                      list again, for 30 s
//	  another is committed                       give up
//	  another with a file is older               give up
//	  another with a file, same second           wait for it to give up; give up after 30 s
//
//	before the commit, each part
//	  entity tag is the MD5 of the local part    commit when all are
//	  entity tag is another MD5                  send again, 3 rounds; give up if the reservation
//	                                             was taken over from another run
//	  no MD5 at any part                         commit, unverified
//
//	after the commit, composite checksum
//	  equal                                      verified
//	  other number of parts or part size         conflict, nothing is distributed
//	  other hash                                 warning, or conflict if another run was involved
//
// A run that gives up removes only what it made itself.
package release

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/state"
	"github.com/ascend-cli/ascend/upload"
)

// A Plan is what the user asked for.
type Plan struct {
	// Path is the package to upload.
	Path string
	// Platform overrides what the package says; empty means not to.
	Platform bundle.Platform
	// App is a bundle id or an app's Apple ID. For an upload it is optional
	// and must agree with the package.
	App string
	// Version and BuildNumber select a build that was uploaded before; empty
	// means the latest.
	Version, BuildNumber string
	// BuildID and BuildUploadID select it by id.
	BuildID, BuildUploadID string
	Distribution           Distribution
	// OnIncomplete says what becomes of a reservation that an earlier run left.
	OnIncomplete OnIncomplete
	// OnExisting says what becomes of an upload whose number is taken by a build
	// that may be this package.
	OnExisting OnExisting
	// NoWait ends the way after the commit.
	NoWait bool
	// UntilAppears ends the wait as soon as there is a build, processed or not.
	// What needs a processed build is then left for later.
	UntilAppears bool
	// SkipPreflight goes on in spite of what preflight found.
	SkipPreflight bool
	// AssetDescription is the file of the package's description, [NoDescription]
	// for none. If it is empty, one that lies beside the package is used.
	AssetDescription string
	// Listen has the service tell of changes while a wait lasts; nil for none.
	Listen *Listen
	// IgnoreRules are the ids of preflight rules to leave out.
	IgnoreRules []string
	// Timeout bounds everything after the commit, or all of a plan that uploads
	// nothing, with its requests and retries; zero means 90 minutes.
	Timeout time.Duration
	// TransferTimeout bounds everything from the reservation to the commit; zero
	// means that nothing does.
	TransferTimeout time.Duration
	// PollInterval is the pause between two looks; zero means adaptive.
	PollInterval time.Duration
}

// OnIncomplete says what becomes of a reservation that an earlier run left.
type OnIncomplete string

// What can become of it. The zero value is [Resume].
const (
	// Resume sends what is missing, or replaces a reservation that does not
	// fit.
	Resume OnIncomplete = "resume"
	// Replace removes it and starts anew.
	Replace OnIncomplete = "replace"
	// Fail is for those who want to look first.
	Fail OnIncomplete = "fail"
)

// A Distribution is what is to happen with a build that is ready. Nil pointers
// mean that the user did not say.
type Distribution struct {
	// Groups are names or ids of beta groups. CreateGroups makes those that
	// there are not, as external ones.
	Groups       []string
	CreateGroups bool
	// Testers are addresses of testers of the app who get this build by
	// themselves.
	Testers []string
	// WhatToTest is the note for testers; nil means none.
	WhatToTest *string
	// Notes are further notes, by locale. They win over WhatToTest.
	Notes map[string]string
	// Locales are those of WhatToTest. None means every locale the build has a
	// note in, or else the app's primary locale.
	Locales []string
	// AppInfo is what testers read about the app, by locale or for
	// [DefaultLocale]; ReviewInfo what beta review needs to know. Only the
	// fields that are given are written.
	AppInfo    map[string]asc.BetaAppInfo
	ReviewInfo *asc.BetaAppReviewInfo
	// AppClips are the invocations of the build's app clip; OverwriteAppClips
	// removes others.
	AppClips          []AppClip
	OverwriteAppClips bool
	// UsesNonExemptEncryption answers export compliance where the build does
	// not.
	UsesNonExemptEncryption *bool
	// SubmitReview forces or forbids a beta review submission. Unsaid, a build
	// is submitted when an external group needs it.
	SubmitReview *bool
	// ExpireWaiting expires other builds of the same version and platform that
	// wait for beta review or are in it: the API cannot withdraw a submission.
	ExpireWaiting bool
	// ExpirePrevious expires older builds of the same platform, all but the
	// newest Keep of them.
	ExpirePrevious bool
	Keep           int
	// Notify tells testers explicitly (true), or switches automatic
	// notification off (false).
	Notify *bool
}

// Wanted tells whether anything was asked for.
func (d Distribution) Wanted() bool {
	return len(d.Groups) > 0 || len(d.Testers) > 0 || len(d.Notes) > 0 || len(d.AppInfo) > 0 || d.ReviewInfo != nil || len(d.AppClips) > 0 || d.OverwriteAppClips || d.ExpireWaiting || d.ExpirePrevious || d.WhatToTest != nil || d.UsesNonExemptEncryption != nil || d.SubmitReview != nil || d.Notify != nil
}

const (
	defaultTimeout = 90 * time.Minute
	// settleFor is how long answers are waited out that the service gives
	// about a build it has only just made: 404, and 422 for a wrong state.
	settleFor = 2 * time.Minute
	// cleanUpFor bounds the removal of a reservation after the run has ended.
	cleanUpFor = 10 * time.Second
)

// A Runner carries out plans. Client is required.
type Runner struct {
	Client *asc.Client
	// Observer is told what happens; nil means nobody.
	Observer Observer
	// Transport carries parts to the object store; nil means the default.
	Transport http.RoundTripper
	// Pool decides how many parts are in flight; nil means one of its own for
	// each upload.
	Pool *upload.Pool
	// Limit bounds the bytes per second of all parts; nil means none.
	Limit *rate.Limiter
	// RetryFor bounds the time one part is tried again; zero means the default.
	RetryFor time.Duration
	// StallTimeout and ReplyTimeout are those of [upload.Options]; zero means
	// the default.
	StallTimeout, ReplyTimeout time.Duration
	// State remembers uploads under way on this machine; nil means that only
	// the service does.
	State *state.Store
	// History remembers how long the processing of earlier builds took; nil
	// means that only the service does.
	History *state.History
	// Now and Sleep are the clock.
	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error

	// fleet is shared by releases at the same time, and endTurn lets the next
	// one send its package.
	fleet   *fleet
	endTurn func()
}

// Upload goes the whole way, or as far as the plan says. The summary tells
// what was reached, also when there is an error. The error can be classified
// with [KindOf].
func (r *Runner) Upload(ctx context.Context, plan Plan) (Summary, error) {
	stages := []StageName{StageInspect, StagePreflight, StageResolve, StageReserve, StageTransfer, StageCommit}
	if !plan.NoWait {
		stages = append(stages, StageWait)
	}
	if plan.Distribution.Wanted() {
		stages = append(stages, StageDistribute)
	}
	run := r.start(plan, stages...)
	err := run.upload(ctx)
	return run.finish(err)
}

// Wait waits for a build or build upload that exists.
func (r *Runner) Wait(ctx context.Context, plan Plan) (Summary, error) {
	run := r.start(plan, StageResolve, StageWait)
	err := run.waitOnly(ctx)
	return run.finish(err)
}

// Distribute gives a build that was uploaded before to its testers. A build
// that is still processing is waited for.
func (r *Runner) Distribute(ctx context.Context, plan Plan) (Summary, error) {
	run := r.start(plan, StageResolve, StageWait, StageDistribute)
	err := run.distributeOnly(ctx)
	return run.finish(err)
}

// run is one plan on its way. It holds what every stage needs; what one stage
// hands to the next is passed as values.
type run struct {
	*Runner
	plan    Plan
	started time.Time
	summary Summary
	memory  *memory
	// abandoned are build uploads that could not be removed although nobody uses
	// them.
	abandoned []string
	// object is what was committed, until its checksum is known.
	object *sent
	// deadline is when the plan's time is up, zero while nothing is bounded.
	deadline time.Time
	// pending is what is waited for, as the last look found it.
	pending pending
}

func (r *Runner) start(plan Plan, stages ...StageName) *run {
	copied := *r
	if copied.Observer == nil {
		copied.Observer = nobody{}
	}
	if copied.Now == nil {
		copied.Now = time.Now
	}
	if copied.Sleep == nil {
		copied.Sleep = sleep
	}
	if plan.Timeout == 0 {
		plan.Timeout = defaultTimeout
	}
	if copied.endTurn == nil {
		copied.endTurn = func() {}
	}
	run := &run{Runner: &copied, plan: plan, started: copied.Now(), summary: newSummary()}
	copied.Sleep = run.sleepUntilDeadline(copied.Sleep)
	if len(stages) > 0 {
		run.Observer.Observe(Planned{Stages: stages})
	}
	return run
}

func (r *run) finish(err error) (Summary, error) {
	r.summary.DurationMS = r.Now().Sub(r.started).Milliseconds()
	r.summary.TestFlightURL = r.summary.testFlightURL()
	r.Observer.Observe(Ended{Err: err})
	return r.summary, err
}

// upload is the way from a package to testers.
func (r *run) upload(ctx context.Context) error {
	defer r.endTurn()
	pkg, err := stage(ctx, r, StageInspect, r.inspect)
	if err != nil {
		return err
	}
	// A package that only waits for Apple keeps no file open.
	closeFile := sync.OnceFunc(func() { pkg.file.Close() })
	defer closeFile()
	err = r.stage(ctx, StagePreflight, func(ctx context.Context) error {
		if err := r.preflight(pkg); err != nil {
			return err
		}
		var err error
		pkg.description, err = r.describe(pkg)
		return err
	})
	if err != nil {
		return err
	}
	unlock, err := r.recall(pkg)
	if err != nil {
		return &StageError{Stage: StageResolve, Err: err}
	}
	unlock = sync.OnceFunc(unlock)
	defer unlock()
	err = r.uploadPackage(ctx, pkg, func() { closeFile(); unlock() })
	if err == nil || failure.KindOf(err) == failure.Rejected {
		r.memory.forget() // there is nothing to go on with
	}
	return err
}

// uploadPackage carries out the stages from resolve on. It calls arrived once
// the service has the package.
func (r *run) uploadPackage(ctx context.Context, pkg pkg, arrived func()) error {
	target, err := stage(ctx, r, StageResolve, func(ctx context.Context) (target, error) { return r.resolve(ctx, pkg) })
	if err != nil {
		return err
	}
	sent, err := r.sendOrGoOn(ctx, pkg, target)
	if err != nil {
		return err
	}
	arrived()
	r.endTurn()
	if r.plan.NoWait {
		if r.summary.State == "" {
			r.summary.State = asc.BuildProcessing
		}
		return nil
	}
	ctx, cancel := r.bound(ctx)
	defer cancel()
	build, err := stage(ctx, r, StageWait, func(ctx context.Context) (asc.Build, error) {
		if target.built != nil {
			return r.newWaiter(time.Time{}).build(ctx, target.built.ID)
		}
		return r.waitForUpload(ctx, sent)
	})
	if err != nil || !r.plan.Distribution.Wanted() {
		return err
	}
	return r.stage(ctx, StageDistribute, func(ctx context.Context) error {
		return r.distribute(ctx, distributable{app: target.app, audience: target.audience, build: build})
	})
}

// sendOrGoOn sends the package, unless an earlier run has.
func (r *run) sendOrGoOn(ctx context.Context, p pkg, t target) (reservation, error) {
	what := ""
	switch {
	case t.sent != nil:
		what = "build upload " + t.sent.ID
	case t.built != nil:
		what = "build " + t.built.ID
	default:
		ctx, cancel := r.boundTransfer(ctx)
		defer cancel()
		return r.send(ctx, p, t)
	}
	if t.assumed {
		r.warn(what + " has these numbers, and nothing proves that it is this package: going on with it, as asked")
	} else {
		r.notice("an earlier run has sent this very package as " + what + ": going on from there")
	}
	if t.sent == nil {
		return reservation{committed: true}, nil
	}
	return reservation{uploadID: t.sent.ID, committed: true}, nil
}

func (r *run) waitOnly(ctx context.Context) error {
	ctx, cancel := r.bound(ctx)
	defer cancel()
	found, err := stage(ctx, r, StageResolve, r.find)
	if err != nil {
		return err
	}
	_, err = stage(ctx, r, StageWait, func(ctx context.Context) (asc.Build, error) { return r.waitForFound(ctx, found) })
	return err
}

func (r *run) distributeOnly(ctx context.Context) error {
	ctx, cancel := r.bound(ctx)
	defer cancel()
	found, err := stage(ctx, r, StageResolve, r.find)
	if err != nil {
		return err
	}
	build, err := stage(ctx, r, StageWait, func(ctx context.Context) (asc.Build, error) { return r.waitForFound(ctx, found) })
	if err != nil {
		return err
	}
	return r.stage(ctx, StageDistribute, func(ctx context.Context) error {
		return r.distribute(ctx, distributable{app: found.app, audience: found.audience, build: build})
	})
}

// stage runs one stage, times it, and tells the observer.
func stage[T any](ctx context.Context, r *run, name StageName, do func(context.Context) (T, error)) (T, error) {
	r.Observer.Observe(StageStarted{Name: name})
	start := r.Now()
	value, err := do(ctx)
	took := r.Now().Sub(start)
	r.summary.Stages[string(name)] += took.Milliseconds()
	if errors.Is(err, errTimeUp) || err != nil && errors.Is(context.Cause(ctx), errTimeUp) {
		err = r.timeUp(name)
	}
	r.Observer.Observe(StageFinished{Name: name, Duration: took, Err: err})
	if err != nil {
		return value, &StageError{Stage: name, Err: err}
	}
	return value, nil
}

func (r *run) stage(ctx context.Context, name StageName, do func(context.Context) error) error {
	_, err := stage(ctx, r, name, func(ctx context.Context) (struct{}, error) { return struct{}{}, do(ctx) })
	return err
}

func (r *run) notice(text string) { r.Observer.Observe(Notice{Text: text}) }

func (r *run) warn(text string) {
	r.summary.Warnings = append(r.summary.Warnings, text)
	r.Observer.Observe(Warning{Text: text})
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
