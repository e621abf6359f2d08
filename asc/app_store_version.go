package asc

import (
	"context"
	"iter"
)

// An AppStoreVersion is a version of an app in the App Store.
//
// https://developer.apple.com/documentation/appstoreconnectapi/appstoreversion
type AppStoreVersion struct {
	ID            string
	VersionString string
	Platform      Platform
	// AppVersionState is READY_FOR_DISTRIBUTION for the version that is on sale.
	AppVersionState string
	// BuildNumber is that of its build, or empty.
	BuildNumber string
}

// The states of a version that customers have, or are about to.
const (
	VersionReadyForDistribution      = "READY_FOR_DISTRIBUTION"
	VersionProcessingForDistribution = "PROCESSING_FOR_DISTRIBUTION"
)

type appStoreVersionAttributes struct {
	VersionString   string   `json:"versionString"`
	Platform        Platform `json:"platform"`
	AppVersionState string   `json:"appVersionState"`
}

func toAppStoreVersion(r resource[appStoreVersionAttributes], in included) AppStoreVersion {
	v := AppStoreVersion{ID: r.ID, VersionString: r.Attributes.VersionString, Platform: r.Attributes.Platform, AppVersionState: r.Attributes.AppVersionState}
	if build, ok := find[buildAttributes](in, "builds", r.one("build")); ok {
		v.BuildNumber = build.Attributes.Version
	}
	return v
}

// AppStoreVersions lists the versions of an app in some states, with their
// builds.
func (c *Client) AppStoreVersions(ctx context.Context, appID string, platform Platform, states []string) iter.Seq2[AppStoreVersion, error] {
	return pages(ctx, c, "appStoreVersions", "/v1/apps/"+segment(appID)+"/appStoreVersions", values(
		"filter[platform]", string(platform),
		"filter[appVersionState]", list(states),
		"include", "build",
		"limit", maxPageSize,
	), toAppStoreVersion)
}
