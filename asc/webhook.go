package asc

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"net/http"
	"strings"
)

// A Webhook is an address that the service tells about changes of an app.
//
// https://developer.apple.com/documentation/appstoreconnectapi/webhook
type Webhook struct {
	ID   string
	Name string
	URL  string
}

// The events that concern a build on its way.
const (
	EventBuildUploadState   = "BUILD_UPLOAD_STATE_UPDATED"
	EventExternalBuildState = "BUILD_BETA_DETAIL_EXTERNAL_BUILD_STATE_UPDATED"
)

// A NewWebhook is what making one needs.
type NewWebhook struct {
	Name string `json:"name"`
	// URL has to be https.
	URL string `json:"url"`
	// Secret signs what is sent. The service never shows it again.
	Secret     string   `json:"secret"`
	EventTypes []string `json:"eventTypes"`
	Enabled    bool     `json:"enabled"`
}

type webhookAttributes struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

func toWebhook(r resource[webhookAttributes], _ included) Webhook {
	return Webhook{ID: r.ID, Name: r.Attributes.Name, URL: r.Attributes.URL}
}

// Webhooks lists the webhooks of an app.
func (c *Client) Webhooks(ctx context.Context, appID string) iter.Seq2[Webhook, error] {
	return pages(ctx, c, "webhooks", "/v1/apps/"+segment(appID)+"/webhooks", values("limit", maxPageSize), toWebhook)
}

// CreateWebhook makes a webhook of an app.
func (c *Client) CreateWebhook(ctx context.Context, appID string, w NewWebhook) (Webhook, error) {
	return call(ctx, c, request{method: http.MethodPost, path: "/v1/webhooks", body: payload{Data: newResource{
		Type: "webhooks", Attributes: w, Relationships: map[string]link{"app": toOne("apps", appID)},
	}}}, toWebhook)
}

// DeleteWebhook removes a webhook.
func (c *Client) DeleteWebhook(ctx context.Context, id string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/v1/webhooks/" + segment(id)})
}

// VerifySignature tells whether a notification's x-apple-signature is that of
// its body, as it came, under the webhook's secret ("Configuring webhook
// notifications").
func VerifySignature(secret string, body []byte, header string) bool {
	given, ok := strings.CutPrefix(strings.TrimSpace(header), "hmacsha256=")
	if !ok {
		return false
	}
	sum, err := hex.DecodeString(given)
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hmac.Equal(sum, mac.Sum(nil))
}
