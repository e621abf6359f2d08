package asc

import (
	"context"
	"iter"
	"net/http"
)

// A BetaGroup is a group of testers of an app.
//
// https://developer.apple.com/documentation/appstoreconnectapi/betagroup
type BetaGroup struct {
	ID   string
	Name string
	// Internal groups hold members of the team and need no beta review.
	Internal bool
	// HasAccessToAllBuilds marks an internal group that gets every build by
	// itself. Builds cannot be assigned to it.
	HasAccessToAllBuilds bool
	// PublicLink is the link by which anyone may join, or empty.
	PublicLink string
}

type betaGroupAttributes struct {
	Name                 string `json:"name"`
	IsInternalGroup      bool   `json:"isInternalGroup"`
	HasAccessToAllBuilds bool   `json:"hasAccessToAllBuilds"`
	PublicLink           string `json:"publicLink"`
}

func toBetaGroup(r resource[betaGroupAttributes], _ included) BetaGroup {
	return BetaGroup{ID: r.ID, Name: r.Attributes.Name, Internal: r.Attributes.IsInternalGroup, HasAccessToAllBuilds: r.Attributes.HasAccessToAllBuilds, PublicLink: r.Attributes.PublicLink}
}

// BetaGroups lists the groups of an app. Names are not unique.
func (c *Client) BetaGroups(ctx context.Context, appID string) iter.Seq2[BetaGroup, error] {
	return pages(ctx, c, "betaGroups", "/v1/betaGroups", values("filter[app]", appID, "limit", maxPageSize), toBetaGroup)
}

// A NewBetaGroup is what a group needs.
type NewBetaGroup struct {
	Name string `json:"name"`
	// IsInternalGroup makes a group of team members. HasAccessToAllBuilds gives
	// it every build by itself; external groups cannot have that.
	IsInternalGroup      bool  `json:"isInternalGroup"`
	HasAccessToAllBuilds *bool `json:"hasAccessToAllBuilds,omitempty"`
}

// CreateBetaGroup makes a group. It is never repeated after an unclear
// failure; see [IsUnclear].
func (c *Client) CreateBetaGroup(ctx context.Context, appID string, group NewBetaGroup) (BetaGroup, error) {
	return call(ctx, c, request{method: http.MethodPost, path: "/v1/betaGroups", body: payload{Data: newResource{
		Type: "betaGroups", Attributes: group, Relationships: map[string]link{"app": toOne("apps", appID)},
	}}}, toBetaGroup)
}

// DeleteBetaGroup removes a group; its testers stay testers of the app.
func (c *Client) DeleteBetaGroup(ctx context.Context, id string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/v1/betaGroups/" + segment(id)})
}

// AddTestersToBetaGroup adds testers that exist to a group.
func (c *Client) AddTestersToBetaGroup(ctx context.Context, groupID string, testerIDs []string) error {
	return c.do(ctx, request{
		method: http.MethodPost, path: "/v1/betaGroups/" + segment(groupID) + "/relationships/betaTesters",
		body: linkages("betaTesters", testerIDs),
	})
}

// RemoveTestersFromBetaGroup takes testers out of a group.
func (c *Client) RemoveTestersFromBetaGroup(ctx context.Context, groupID string, testerIDs []string) error {
	return c.do(ctx, request{
		method: http.MethodDelete, path: "/v1/betaGroups/" + segment(groupID) + "/relationships/betaTesters",
		body: linkages("betaTesters", testerIDs),
	})
}

// BetaGroupsOfBuild lists the groups that have a build.
func (c *Client) BetaGroupsOfBuild(ctx context.Context, buildID string) iter.Seq2[BetaGroup, error] {
	return pages(ctx, c, "betaGroups", "/v1/betaGroups", values("filter[builds]", buildID, "limit", maxPageSize), toBetaGroup)
}
