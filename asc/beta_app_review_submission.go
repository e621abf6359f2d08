package asc

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// A BetaAppReviewSubmission is the request for a beta review of a build.
//
// https://developer.apple.com/documentation/appstoreconnectapi/betaappreviewsubmission
type BetaAppReviewSubmission struct {
	ID string
	// BetaReviewState is WAITING_FOR_REVIEW, IN_REVIEW, REJECTED or APPROVED.
	BetaReviewState string
	SubmittedDate   time.Time
}

// The states of a beta review that is not over.
const (
	ReviewWaiting  = "WAITING_FOR_REVIEW"
	ReviewInReview = "IN_REVIEW"
)

type betaAppReviewSubmissionAttributes struct {
	BetaReviewState string `json:"betaReviewState"`
	SubmittedDate   date   `json:"submittedDate"`
}

func toBetaAppReviewSubmission(r resource[betaAppReviewSubmissionAttributes], _ included) BetaAppReviewSubmission {
	return BetaAppReviewSubmission{ID: r.ID, BetaReviewState: r.Attributes.BetaReviewState, SubmittedDate: r.Attributes.SubmittedDate.Time}
}

// BetaAppReviewSubmissions lists the submissions of a build: none or one.
func (c *Client) BetaAppReviewSubmissions(ctx context.Context, buildID string) iter.Seq2[BetaAppReviewSubmission, error] {
	return pages(ctx, c, "betaAppReviewSubmissions", "/v1/betaAppReviewSubmissions",
		values("filter[build]", buildID, "limit", maxPageSize), toBetaAppReviewSubmission)
}

// SubmitForBetaReview asks Apple to review a build for external testing.
func (c *Client) SubmitForBetaReview(ctx context.Context, buildID string) (BetaAppReviewSubmission, error) {
	return call(ctx, c, request{method: http.MethodPost, path: "/v1/betaAppReviewSubmissions", body: payload{Data: newResource{
		Type: "betaAppReviewSubmissions", Relationships: map[string]link{"build": toOne("builds", buildID)},
	}}}, toBetaAppReviewSubmission)
}
