package asc

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"time"
)

// A BuildUpload is a reservation for one build, and later the record of what
// became of it.
//
// https://developer.apple.com/documentation/appstoreconnectapi/buildupload
type BuildUpload struct {
	ID                         string
	CFBundleShortVersionString string
	CFBundleVersion            string
	Platform                   Platform
	CreatedDate                time.Time
	// UploadedDate is zero until the file is committed.
	UploadedDate time.Time
	State        BuildUploadState
	// BuildID is the build that came of it, empty until there is one.
	BuildID string
	// AssetFile is the package's file, where it was asked for and exists.
	AssetFile *BuildUploadFile
}

// The states of a build upload. COMPLETE and FAILED are final.
const (
	UploadAwaiting   = "AWAITING_UPLOAD"
	UploadProcessing = "PROCESSING"
	UploadFailed     = "FAILED"
	UploadComplete   = "COMPLETE"
)

// A BuildUploadState is the state object of a build upload.
type BuildUploadState struct {
	// State is AWAITING_UPLOAD, PROCESSING, FAILED or COMPLETE.
	State                   string
	Errors, Warnings, Infos []StateDetail
}

// A StateDetail is one finding of Apple's processing. Code is usually the
// number of an ITMS message without the prefix, such as "90683".
type StateDetail struct {
	Code        string `json:"code"`
	Description string `json:"description"`
}

// UnmarshalJSON reads the object of the contract, and also a bare string,
// which one other client has met.
func (s *BuildUploadState) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		*s = BuildUploadState{State: text}
		return nil
	}
	var object struct {
		State    string        `json:"state"`
		Errors   []StateDetail `json:"errors"`
		Warnings []StateDetail `json:"warnings"`
		Infos    []StateDetail `json:"infos"`
	}
	if err := json.Unmarshal(raw, &object); err != nil {
		return err
	}
	*s = BuildUploadState(object)
	return nil
}

type buildUploadAttributes struct {
	CFBundleShortVersionString string           `json:"cfBundleShortVersionString"`
	CFBundleVersion            string           `json:"cfBundleVersion"`
	Platform                   Platform         `json:"platform"`
	CreatedDate                date             `json:"createdDate"`
	UploadedDate               date             `json:"uploadedDate"`
	State                      BuildUploadState `json:"state"`
}

func toBuildUpload(r resource[buildUploadAttributes], in included) BuildUpload {
	u := BuildUpload{
		ID:                         r.ID,
		CFBundleShortVersionString: r.Attributes.CFBundleShortVersionString,
		CFBundleVersion:            r.Attributes.CFBundleVersion,
		Platform:                   r.Attributes.Platform,
		CreatedDate:                r.Attributes.CreatedDate.Time,
		UploadedDate:               r.Attributes.UploadedDate.Time,
		State:                      r.Attributes.State,
		BuildID:                    r.one("build"),
	}
	if id := r.one("assetFile"); id != "" {
		u.AssetFile = &BuildUploadFile{ID: id}
		if file, ok := find[buildUploadFileAttributes](in, "buildUploadFiles", id); ok {
			*u.AssetFile = toBuildUploadFile(file, in)
		}
	}
	return u
}

// A BuildUploadFilter narrows a list of build uploads. Empty fields do not
// narrow.
type BuildUploadFilter struct {
	CFBundleShortVersionStrings []string
	CFBundleVersions            []string
	Platform                    Platform
	States                      []string
}

// BuildUploads lists the build uploads of an app, newest upload first, with
// their build and asset file. There is no such list across apps.
func (c *Client) BuildUploads(ctx context.Context, appID string, filter BuildUploadFilter) iter.Seq2[BuildUpload, error] {
	return pages(ctx, c, "buildUploads", "/v1/apps/"+segment(appID)+"/buildUploads", values(
		"filter[cfBundleShortVersionString]", list(filter.CFBundleShortVersionStrings),
		"filter[cfBundleVersion]", list(filter.CFBundleVersions),
		"filter[platform]", string(filter.Platform),
		"filter[state]", list(filter.States),
		"include", "build,assetFile",
		"sort", "-uploadedDate",
		"limit", maxPageSize,
	), toBuildUpload)
}

// BuildUpload returns a build upload with the id of its build, if it has one.
func (c *Client) BuildUpload(ctx context.Context, id string) (BuildUpload, error) {
	return get(ctx, c, "buildUploads", id, values("include", "build,assetFile"), toBuildUpload)
}

// A NewBuildUpload is what a reservation needs.
type NewBuildUpload struct {
	CFBundleShortVersionString string   `json:"cfBundleShortVersionString"`
	CFBundleVersion            string   `json:"cfBundleVersion"`
	Platform                   Platform `json:"platform"`
}

// CreateBuildUpload reserves a build upload. A version and build number that
// exist are refused here with ENTITY_ERROR.ATTRIBUTE.INVALID.DUPLICATE. It is
// never repeated after an unclear failure; see [IsUnclear].
func (c *Client) CreateBuildUpload(ctx context.Context, appID string, upload NewBuildUpload) (BuildUpload, error) {
	return call(ctx, c, request{method: http.MethodPost, path: "/v1/buildUploads", body: payload{Data: newResource{
		Type: "buildUploads", Attributes: upload, Relationships: map[string]link{"app": toOne("apps", appID)},
	}}}, toBuildUpload)
}

// DeleteBuildUpload gives a reservation back.
func (c *Client) DeleteBuildUpload(ctx context.Context, id string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/v1/buildUploads/" + segment(id)})
}
