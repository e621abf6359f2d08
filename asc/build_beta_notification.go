package asc

import (
	"context"
	"net/http"
)

// NotifyBetaTesters tells the external testers of a build that it is there. It
// cannot be read back. With automatic notification on, the service refuses it
// with STATE_ERROR.ENTITY_STATE_INVALID (409).
//
// https://developer.apple.com/documentation/appstoreconnectapi/buildbetanotification
func (c *Client) NotifyBetaTesters(ctx context.Context, buildID string) error {
	return c.do(ctx, request{method: http.MethodPost, path: "/v1/buildBetaNotifications", body: payload{Data: newResource{
		Type: "buildBetaNotifications", Relationships: map[string]link{"build": toOne("builds", buildID)},
	}}})
}
