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

// reviewWanted tells whether the build may have to go to beta review: where an
// external group gets it, or where the user says so.
func (r *run) reviewWanted(d distributable) bool {
	if submit := r.plan.Distribution.SubmitReview; submit != nil {
		return *submit
	}
	return len(d.create) > 0 || slices.ContainsFunc(d.groups, func(g asc.BetaGroup) bool { return !g.Internal })
}

// submitReview submits the build for beta review, if its state asks for it.
func (r *run) submitReview(ctx context.Context, d *distributable) (StepState, string, error) {
	start := r.Now()
	for {
		build, err := r.Client.Build(ctx, d.build.ID)
		if err != nil {
			return StepFailed, "", fmt.Errorf("read the review state: %w", err)
		}
		d.build = build
		r.summary.BetaReviewState = build.ReviewState
		external := ""
		if build.BetaDetail != nil {
			external = build.BetaDetail.ExternalBuildState
		}
		switch external {
		case asc.BetaReadyForSubmission:
			return r.submit(ctx, d)
		case asc.BetaWaitingForReview, asc.BetaInReview, asc.BetaApproved, asc.BetaReadyForTesting, asc.BetaInTesting:
			return StepAlready, "the build is " + external, nil
		case asc.BetaRejected:
			return StepFailed, "", &failure.Error{Kind: failure.Rejected, Message: "beta review rejected build " + build.ID, Hint: "Apple's reasons are in App Store Connect under TestFlight; mend them and upload a new build"}
		case asc.BetaMissingExportCompliance, asc.BetaInExportReview:
			return StepFailed, "", &failure.Error{Kind: failure.Rejected, Message: "the build cannot be submitted for beta review: it is " + external, Hint: "answer export compliance with --uses-non-exempt-encryption"}
		case "NOT_APPLICABLE":
			return StepFailed, "", &failure.Error{Kind: failure.Rejected, Message: "the build is for internal testing only and cannot be reviewed", Hint: "export it for App Store Connect without the internal-only option"}
		case asc.BetaExpired:
			return StepFailed, "", &failure.Error{Kind: failure.Rejected, Message: "build " + build.ID + " has expired", Hint: "upload a new build"}
		}
		if r.Now().Sub(start) >= settleFor {
			return StepFailed, "", &failure.Error{Kind: failure.Timeout, Message: fmt.Sprintf("the build did not become ready for beta review within %s (it is %s)", settleFor, listOr([]string{external}, "unknown")), Hint: "go on later with ascend distribute" + r.selector()}
		}
		r.Observer.Observe(Waiting{For: "beta review", State: external, Elapsed: r.Now().Sub(start), Next: 3 * time.Second})
		if err := r.Sleep(ctx, 3*time.Second); err != nil {
			return StepFailed, "", err
		}
	}
}

// anotherInReview is the error of a version that has a build in review.
func anotherInReview(which string, err error) error {
	return &failure.Error{Kind: failure.Rejected, Message: which + " is in beta review, which takes one build of a version at a time", Hint: "this build is uploaded and has its groups: submit it with ascend distribute once that review has ended, or take the other out of the way with --expire-waiting (its testers lose it)", Err: err}
}

// codeReviewState is that of a build that cannot be submitted now.
const codeReviewState = "ENTITY_UNPROCESSABLE.INVALID_QC_STATE"

func (r *run) submit(ctx context.Context, d *distributable) (StepState, string, error) {
	var submission asc.BetaAppReviewSubmission
	err := r.retryUntilSettled(ctx, "beta review", func() error {
		var err error
		submission, err = r.Client.SubmitForBetaReview(ctx, d.build.ID)
		var apiErr *asc.Error
		if !errors.As(err, &apiErr) || !apiErr.Has(codeReviewState) {
			return err
		}
		// The code does not say whether the build was submitted before (F6).
		existing, lookErr := asc.Collect(r.Client.BetaAppReviewSubmissions(ctx, d.build.ID))
		if lookErr == nil && len(existing) > 0 {
			submission = existing[0]
			return nil
		}
		return err
	})
	if err != nil {
		// Lost, or done already by somebody else: the list tells.
		if existing, lookErr := asc.Collect(r.Client.BetaAppReviewSubmissions(ctx, d.build.ID)); lookErr == nil && len(existing) > 0 {
			submission = existing[0]
			err = nil
		} else if lookErr == nil && asc.IsUnclear(err) && ctx.Err() == nil {
			submission, err = r.Client.SubmitForBetaReview(ctx, d.build.ID)
		}
	}
	if err != nil && strings.Contains(strings.ToLower(err.Error()), "another build") {
		return StepFailed, "", anotherInReview("another build of this version", err)
	}
	if err != nil {
		return StepFailed, "", fmt.Errorf("submit the build for beta review: %w", err)
	}
	r.summary.BetaReviewState = submission.BetaReviewState
	return StepChanged, "submitted: " + submission.BetaReviewState, nil
}
