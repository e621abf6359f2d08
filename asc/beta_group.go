package asc

import (
	"context"
	"iter"
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
	return pages(ctx, c, "/v1/betaGroups", values("filter[app]", appID, "limit", maxPageSize), toBetaGroup)
}
