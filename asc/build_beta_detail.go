package asc

import (
	"context"
	"net/http"
)

// A BuildBetaDetail is how far a build is on its way to testers. Its id was
// seen to be that of the build.
//
// https://developer.apple.com/documentation/appstoreconnectapi/buildbetadetail
type BuildBetaDetail struct {
	ID                 string
	AutoNotifyEnabled  bool
	InternalBuildState string
	ExternalBuildState string
}

// The beta states that a release decides by.
const (
	BetaProcessing              = "PROCESSING"
	BetaProcessingException     = "PROCESSING_EXCEPTION"
	BetaMissingExportCompliance = "MISSING_EXPORT_COMPLIANCE"
	BetaInExportReview          = "IN_EXPORT_COMPLIANCE_REVIEW"
	BetaReadyForTesting         = "READY_FOR_BETA_TESTING"
	BetaReadyForSubmission      = "READY_FOR_BETA_SUBMISSION"
	BetaWaitingForReview        = "WAITING_FOR_BETA_REVIEW"
	BetaInReview                = "IN_BETA_REVIEW"
	BetaRejected                = "BETA_REJECTED"
	BetaApproved                = "BETA_APPROVED"
	BetaInTesting               = "IN_BETA_TESTING"
	BetaExpired                 = "EXPIRED"
)

type buildBetaDetailAttributes struct {
	AutoNotifyEnabled  bool   `json:"autoNotifyEnabled"`
	InternalBuildState string `json:"internalBuildState"`
	ExternalBuildState string `json:"externalBuildState"`
}

func toBuildBetaDetail(r resource[buildBetaDetailAttributes], _ included) BuildBetaDetail {
	return BuildBetaDetail{ID: r.ID, AutoNotifyEnabled: r.Attributes.AutoNotifyEnabled, InternalBuildState: r.Attributes.InternalBuildState, ExternalBuildState: r.Attributes.ExternalBuildState}
}

// BuildBetaDetail returns the beta detail of a build. It may not exist for a
// short while after the build turned VALID: [IsNotFound].
func (c *Client) BuildBetaDetail(ctx context.Context, buildID string) (BuildBetaDetail, error) {
	return related(ctx, c, "buildBetaDetails", "/v1/builds/"+segment(buildID)+"/buildBetaDetail", nil, toBuildBetaDetail)
}

// SetAutoNotify decides whether testers are told by themselves once a build
// may be tested. detailID is the id of the beta detail.
func (c *Client) SetAutoNotify(ctx context.Context, detailID string, on bool) (BuildBetaDetail, error) {
	return call(ctx, c, request{method: http.MethodPatch, path: "/v1/buildBetaDetails/" + segment(detailID), body: payload{Data: newResource{
		Type: "buildBetaDetails", ID: detailID, Attributes: struct {
			AutoNotifyEnabled bool `json:"autoNotifyEnabled"`
		}{on},
	}}}, toBuildBetaDetail)
}
