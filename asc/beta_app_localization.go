package asc

import (
	"context"
	"iter"
	"net/http"
)

// BetaAppInfo is what testers read about an app in one locale. A nil field is
// left as it is.
type BetaAppInfo struct {
	Description       *string `json:"description,omitempty"`
	FeedbackEmail     *string `json:"feedbackEmail,omitempty"`
	MarketingURL      *string `json:"marketingUrl,omitempty"`
	PrivacyPolicyURL  *string `json:"privacyPolicyUrl,omitempty"`
	TvOSPrivacyPolicy *string `json:"tvOsPrivacyPolicy,omitempty"`
}

// A BetaAppLocalization is the information for testers of an app in a locale.
//
// https://developer.apple.com/documentation/appstoreconnectapi/betaapplocalization
type BetaAppLocalization struct {
	ID     string
	Locale string
	BetaAppInfo
}

type betaAppLocalizationAttributes struct {
	Locale string `json:"locale,omitempty"`
	BetaAppInfo
}

func toBetaAppLocalization(r resource[betaAppLocalizationAttributes], _ included) BetaAppLocalization {
	return BetaAppLocalization{ID: r.ID, Locale: r.Attributes.Locale, BetaAppInfo: r.Attributes.BetaAppInfo}
}

// BetaAppLocalizations lists the information for testers of an app.
func (c *Client) BetaAppLocalizations(ctx context.Context, appID string) iter.Seq2[BetaAppLocalization, error] {
	return pages(ctx, c, "betaAppLocalizations", "/v1/betaAppLocalizations",
		values("filter[app]", appID, "limit", maxPageSize), toBetaAppLocalization)
}

// CreateBetaAppLocalization writes the information of a locale that has none.
// One that exists is refused with 409.
func (c *Client) CreateBetaAppLocalization(ctx context.Context, appID, locale string, info BetaAppInfo) (BetaAppLocalization, error) {
	return call(ctx, c, request{method: http.MethodPost, path: "/v1/betaAppLocalizations", body: payload{Data: newResource{
		Type: "betaAppLocalizations", Attributes: betaAppLocalizationAttributes{Locale: locale, BetaAppInfo: info},
		Relationships: map[string]link{"app": toOne("apps", appID)},
	}}}, toBetaAppLocalization)
}

// UpdateBetaAppLocalization changes the fields that are given.
func (c *Client) UpdateBetaAppLocalization(ctx context.Context, id string, info BetaAppInfo) (BetaAppLocalization, error) {
	return call(ctx, c, request{method: http.MethodPatch, path: "/v1/betaAppLocalizations/" + segment(id), body: payload{Data: newResource{
		Type: "betaAppLocalizations", ID: id, Attributes: info,
	}}}, toBetaAppLocalization)
}
