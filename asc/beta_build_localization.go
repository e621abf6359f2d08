package asc

import (
	"context"
	"iter"
	"net/http"
)

// A BetaBuildLocalization is the what-to-test note of a build in one locale.
//
// https://developer.apple.com/documentation/appstoreconnectapi/betabuildlocalization
type BetaBuildLocalization struct {
	ID       string
	Locale   string
	WhatsNew string
}

type betaBuildLocalizationAttributes struct {
	Locale   string `json:"locale,omitempty"`
	WhatsNew string `json:"whatsNew"`
}

func toBetaBuildLocalization(r resource[betaBuildLocalizationAttributes], _ included) BetaBuildLocalization {
	return BetaBuildLocalization{ID: r.ID, Locale: r.Attributes.Locale, WhatsNew: r.Attributes.WhatsNew}
}

// BetaBuildLocalizations lists the what-to-test notes of a build.
func (c *Client) BetaBuildLocalizations(ctx context.Context, buildID string) iter.Seq2[BetaBuildLocalization, error] {
	return pages(ctx, c, "betaBuildLocalizations", "/v1/builds/"+segment(buildID)+"/betaBuildLocalizations",
		values("limit", maxPageSize), toBetaBuildLocalization)
}

// CreateBetaBuildLocalization writes the note of a locale that has none. One
// that exists is refused with 409.
func (c *Client) CreateBetaBuildLocalization(ctx context.Context, buildID, locale, whatsNew string) (BetaBuildLocalization, error) {
	return call(ctx, c, request{method: http.MethodPost, path: "/v1/betaBuildLocalizations", body: payload{Data: newResource{
		Type: "betaBuildLocalizations", Attributes: betaBuildLocalizationAttributes{Locale: locale, WhatsNew: whatsNew},
		Relationships: map[string]link{"build": toOne("builds", buildID)},
	}}}, toBetaBuildLocalization)
}

// UpdateBetaBuildLocalization replaces a note.
func (c *Client) UpdateBetaBuildLocalization(ctx context.Context, id, whatsNew string) (BetaBuildLocalization, error) {
	return call(ctx, c, request{method: http.MethodPatch, path: "/v1/betaBuildLocalizations/" + segment(id), body: payload{Data: newResource{
		Type: "betaBuildLocalizations", ID: id, Attributes: betaBuildLocalizationAttributes{WhatsNew: whatsNew},
	}}}, toBetaBuildLocalization)
}
