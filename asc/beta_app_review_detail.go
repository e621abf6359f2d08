package asc

import (
	"context"
	"net/http"
	"net/url"
)

// BetaAppReviewInfo is what beta review needs to know. A nil field is left as
// it is.
type BetaAppReviewInfo struct {
	ContactFirstName    *string `json:"contactFirstName,omitempty"`
	ContactLastName     *string `json:"contactLastName,omitempty"`
	ContactPhone        *string `json:"contactPhone,omitempty"`
	ContactEmail        *string `json:"contactEmail,omitempty"`
	DemoAccountName     *string `json:"demoAccountName,omitempty"`
	DemoAccountPassword *string `json:"demoAccountPassword,omitempty"`
	DemoAccountRequired *bool   `json:"demoAccountRequired,omitempty"`
	Notes               *string `json:"notes,omitempty"`
}

// A BetaAppReviewDetail is what beta review knows about an app.
//
// https://developer.apple.com/documentation/appstoreconnectapi/betaappreviewdetail
type BetaAppReviewDetail struct {
	ID string
	BetaAppReviewInfo
}

func toBetaAppReviewDetail(r resource[BetaAppReviewInfo], _ included) BetaAppReviewDetail {
	return BetaAppReviewDetail{ID: r.ID, BetaAppReviewInfo: r.Attributes}
}

// BetaAppReviewDetail reads what beta review knows about an app.
func (c *Client) BetaAppReviewDetail(ctx context.Context, appID string) (BetaAppReviewDetail, error) {
	return related(ctx, c, "betaAppReviewDetails", "/v1/apps/"+segment(appID)+"/betaAppReviewDetail",
		url.Values{}, toBetaAppReviewDetail)
}

// UpdateBetaAppReviewDetail changes the fields that are given.
func (c *Client) UpdateBetaAppReviewDetail(ctx context.Context, id string, info BetaAppReviewInfo) (BetaAppReviewDetail, error) {
	return call(ctx, c, request{method: http.MethodPatch, path: "/v1/betaAppReviewDetails/" + segment(id), body: payload{Data: newResource{
		Type: "betaAppReviewDetails", ID: id, Attributes: info,
	}}}, toBetaAppReviewDetail)
}
