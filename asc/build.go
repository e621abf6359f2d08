package asc

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// A Build is a processed, or still processing, build of an app.
//
// https://developer.apple.com/documentation/appstoreconnectapi/build
type Build struct {
	ID string
	// Version is the build number (CFBundleVersion).
	Version      string
	UploadedDate time.Time
	// ProcessingState is PROCESSING, FAILED, INVALID or VALID.
	ProcessingState string
	Expired         bool
	// UsesNonExemptEncryption is nil while export compliance is undecided.
	UsesNonExemptEncryption *bool
	// BuildAudienceType is INTERNAL_ONLY or APP_STORE_ELIGIBLE.
	BuildAudienceType string
	// AppID, PreReleaseVersion, BetaDetail, BetaGroupIDs and ReviewState are
	// set where they were asked for and exist.
	AppID             string
	PreReleaseVersion PreReleaseVersion
	BetaDetail        *BuildBetaDetail
	BetaGroupIDs      []string
	// ReviewState is the state of the beta review submission, or empty, and
	// ReviewSubmittedDate when it was made.
	ReviewState         string
	ReviewSubmittedDate time.Time
}

// The processing states of a build. All but PROCESSING are final.
const (
	BuildProcessing = "PROCESSING"
	BuildFailed     = "FAILED"
	BuildInvalid    = "INVALID"
	BuildValid      = "VALID"
)

// AudienceInternalOnly marks a build that can never go to external groups.
const AudienceInternalOnly = "INTERNAL_ONLY"

type buildAttributes struct {
	Version                 string `json:"version"`
	UploadedDate            date   `json:"uploadedDate"`
	ProcessingState         string `json:"processingState"`
	Expired                 bool   `json:"expired"`
	UsesNonExemptEncryption *bool  `json:"usesNonExemptEncryption"`
	BuildAudienceType       string `json:"buildAudienceType"`
}

// buildIncludes are the relationships that a release looks at.
const buildIncludes = "app,preReleaseVersion,buildBetaDetail,betaGroups,betaAppReviewSubmission"

func buildQuery(query url.Values) url.Values {
	query.Set("include", buildIncludes)
	query.Set("limit[betaGroups]", "50")
	return query
}

func toBuild(r resource[buildAttributes], in included) Build {
	b := Build{
		ID: r.ID, Version: r.Attributes.Version, UploadedDate: r.Attributes.UploadedDate.Time,
		ProcessingState: r.Attributes.ProcessingState, Expired: r.Attributes.Expired,
		UsesNonExemptEncryption: r.Attributes.UsesNonExemptEncryption,
		BuildAudienceType:       r.Attributes.BuildAudienceType,
		AppID:                   r.one("app"),
		BetaGroupIDs:            r.many("betaGroups"),
	}
	if v, ok := find[preReleaseVersionAttributes](in, "preReleaseVersions", r.one("preReleaseVersion")); ok {
		b.PreReleaseVersion = toPreReleaseVersion(v, in)
	}
	if d, ok := find[buildBetaDetailAttributes](in, "buildBetaDetails", r.one("buildBetaDetail")); ok {
		detail := toBuildBetaDetail(d, in)
		b.BetaDetail = &detail
	}
	if s, ok := find[betaAppReviewSubmissionAttributes](in, "betaAppReviewSubmissions", r.one("betaAppReviewSubmission")); ok {
		b.ReviewState, b.ReviewSubmittedDate = s.Attributes.BetaReviewState, s.Attributes.SubmittedDate.Time
	}
	return b
}

// A BuildFilter narrows a list of builds. Empty fields do not narrow.
type BuildFilter struct {
	AppID string
	// PreReleaseVersions are marketing versions (CFBundleShortVersionString).
	PreReleaseVersions []string
	// Versions are build numbers (CFBundleVersion).
	Versions         []string
	Platform         Platform
	ProcessingStates []string
	// Limit is the page size, 200 if zero.
	Limit string
}

// Builds lists builds, newest first, with all that a release looks at.
func (c *Client) Builds(ctx context.Context, filter BuildFilter) iter.Seq2[Build, error] {
	if filter.Limit == "" {
		filter.Limit = maxPageSize
	}
	return pages(ctx, c, "builds", "/v1/builds", buildQuery(values(
		"filter[app]", filter.AppID,
		"filter[preReleaseVersion.version]", list(filter.PreReleaseVersions),
		"filter[preReleaseVersion.platform]", string(filter.Platform),
		"filter[version]", list(filter.Versions),
		"filter[processingState]", list(filter.ProcessingStates),
		"sort", "-uploadedDate",
		"limit", filter.Limit,
	)), toBuild)
}

// Build returns one build with all that a release looks at.
func (c *Client) Build(ctx context.Context, id string) (Build, error) {
	return get(ctx, c, "builds", id, buildQuery(url.Values{}), toBuild)
}

// SetUsesNonExemptEncryption answers the export compliance question of a
// build. The service refuses the value it already has with 409.
func (c *Client) SetUsesNonExemptEncryption(ctx context.Context, buildID string, uses bool) (Build, error) {
	return call(ctx, c, request{method: http.MethodPatch, path: "/v1/builds/" + segment(buildID), body: payload{Data: newResource{
		Type: "builds", ID: buildID, Attributes: struct {
			UsesNonExemptEncryption bool `json:"usesNonExemptEncryption"`
		}{uses},
	}}}, toBuild)
}

// ExpireBuild takes a build from its testers, for good.
func (c *Client) ExpireBuild(ctx context.Context, buildID string) (Build, error) {
	return call(ctx, c, request{method: http.MethodPatch, path: "/v1/builds/" + segment(buildID), body: payload{Data: newResource{
		Type: "builds", ID: buildID, Attributes: struct {
			Expired bool `json:"expired"`
		}{true},
	}}}, toBuild)
}

// AddTestersToBuild gives a build to single testers.
func (c *Client) AddTestersToBuild(ctx context.Context, buildID string, testerIDs []string) error {
	return c.do(ctx, request{
		method: http.MethodPost, path: "/v1/builds/" + segment(buildID) + "/relationships/individualTesters",
		body: linkages("betaTesters", testerIDs),
	})
}

// AddBetaGroupsToBuild gives a build to groups. Internal groups that get every
// build by themselves are refused with 422.
func (c *Client) AddBetaGroupsToBuild(ctx context.Context, buildID string, groupIDs []string) error {
	return c.do(ctx, request{
		method: http.MethodPost, path: "/v1/builds/" + segment(buildID) + "/relationships/betaGroups",
		body: linkages("betaGroups", groupIDs),
	})
}
