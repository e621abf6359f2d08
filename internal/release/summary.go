package release

// A Summary is what a release came to. Its JSON form is part of the command
// line's contract: every field is always there, empty where it was not
// reached.
type Summary struct {
	AppID         string `json:"app_id"`
	BundleID      string `json:"bundle_id"`
	Platform      string `json:"platform"`
	Version       string `json:"version"`
	BuildNumber   string `json:"build_number"`
	BuildUploadID string `json:"build_upload_id"`
	BuildID       string `json:"build_id"`
	// State is the build's processing state in Apple's words.
	State string `json:"state"`
	// Groups are the names of the groups that have the build.
	Groups          []string `json:"groups"`
	BetaReviewState string   `json:"beta_review_state"`
	Warnings        []string `json:"warnings"`
	// TestFlightURL is the build's page in App Store Connect.
	TestFlightURL string `json:"testflight_url"`
	// Bytes is the size of the package.
	Bytes        int64 `json:"bytes"`
	Parts        int   `json:"parts"`
	Retries      int   `json:"retries"`
	ResumedParts int   `json:"resumed_parts"`
	// Verified tells whether what was committed is provably the package: the
	// service gave the MD5 of every part, or an equal composite checksum.
	Verified   bool  `json:"verified"`
	DurationMS int64 `json:"duration_ms"`
	// Stages are the milliseconds that each stage took.
	Stages map[string]int64 `json:"stages"`
	// Steps are those of the distribution, in order.
	Steps []Step `json:"steps"`
}

// newSummary is that of a release that has not begun: its lists are empty, not
// null.
func newSummary() Summary {
	return Summary{Groups: []string{}, Warnings: []string{}, Steps: []Step{}, Stages: map[string]int64{}}
}

// testFlightURL is where App Store Connect shows the build, as its own links
// write it; empty without a build.
func (s Summary) testFlightURL() string {
	system := map[string]string{"IOS": "ios", "MAC_OS": "macos", "TV_OS": "tvos", "VISION_OS": "visionos"}[s.Platform]
	if s.AppID == "" || s.BuildID == "" || system == "" {
		return ""
	}
	return "https://appstoreconnect.apple.com/apps/" + s.AppID + "/testflight/" + system + "/" + s.BuildID
}

// A StepState tells what became of a step of the distribution.
type StepState string

// The states of a step.
const (
	StepChanged StepState = "changed"
	// StepAlready means that everything was as asked before.
	StepAlready StepState = "already"
	StepFailed  StepState = "failed"
	StepSkipped StepState = "skipped"
)

// A Step is one step of the distribution.
type Step struct {
	// Name is notes, compliance, notification, groups or review.
	Name   string    `json:"name"`
	State  StepState `json:"state"`
	Detail string    `json:"detail"`
}
