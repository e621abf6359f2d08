package asc

import (
	"context"
	"iter"
)

// A PreReleaseVersion is a marketing version that has builds on TestFlight.
//
// https://developer.apple.com/documentation/appstoreconnectapi/prereleaseversion
type PreReleaseVersion struct {
	ID       string
	Version  string
	Platform Platform
}

type preReleaseVersionAttributes struct {
	Version  string   `json:"version"`
	Platform Platform `json:"platform"`
}

func toPreReleaseVersion(r resource[preReleaseVersionAttributes], _ included) PreReleaseVersion {
	return PreReleaseVersion{ID: r.ID, Version: r.Attributes.Version, Platform: r.Attributes.Platform}
}

// PreReleaseVersions lists the marketing versions of an app, highest first.
// An empty platform means all.
func (c *Client) PreReleaseVersions(ctx context.Context, appID string, platform Platform) iter.Seq2[PreReleaseVersion, error] {
	return pages(ctx, c, "preReleaseVersions", "/v1/preReleaseVersions",
		values("filter[app]", appID, "filter[platform]", string(platform), "sort", "-version", "limit", maxPageSize),
		toPreReleaseVersion)
}
