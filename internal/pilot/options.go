// Package pilot translates the command lines of fastlane pilot into those of
// ascend: its commands, options, environment variables and defaults.
package pilot

import "slices"

// A kind is the type of an option's value.
type kind int

const (
	text kind = iota
	boolean
	integer
	list // separated by commas, or JSON
	object
)

// An option is one of pilot's.
type option struct {
	name  string
	short string
	kind  kind
	// variables are those it comes from, the first that is set.
	variables []string
	// appleID marks an option that only makes sense with an Apple ID.
	appleID bool
}

// options are all of pilot's 2.237.0, in its order.
var options = []option{
	{name: "api_key_path", variables: []string{"PILOT_API_KEY_PATH", "APP_STORE_CONNECT_API_KEY_PATH"}},
	{name: "api_key", kind: object, variables: []string{"PILOT_API_KEY", "APP_STORE_CONNECT_API_KEY"}},
	{name: "username", short: "u", variables: []string{"PILOT_USERNAME"}, appleID: true},
	{name: "app_identifier", short: "a", variables: []string{"PILOT_APP_IDENTIFIER", "TESTFLIGHT_APP_IDENTITIFER"}},
	{name: "app_platform", short: "m", variables: []string{"PILOT_PLATFORM"}},
	{name: "apple_id", short: "p", variables: []string{"PILOT_APPLE_ID", "TESTFLIGHT_APPLE_ID"}},
	{name: "ipa", short: "i", variables: []string{"PILOT_IPA"}},
	{name: "pkg", short: "P", variables: []string{"PILOT_PKG"}},
	{name: "demo_account_required", kind: boolean, variables: []string{"DEMO_ACCOUNT_REQUIRED"}},
	{name: "beta_app_review_info", kind: object, variables: []string{"PILOT_BETA_APP_REVIEW_INFO"}},
	{name: "localized_app_info", kind: object, variables: []string{"PILOT_LOCALIZED_APP_INFO"}},
	{name: "beta_app_description", short: "d", variables: []string{"PILOT_BETA_APP_DESCRIPTION"}},
	{name: "beta_app_feedback_email", short: "n", variables: []string{"PILOT_BETA_APP_FEEDBACK"}},
	{name: "localized_build_info", kind: object, variables: []string{"PILOT_LOCALIZED_BUILD_INFO"}},
	{name: "changelog", short: "w", variables: []string{"PILOT_CHANGELOG"}},
	{name: "skip_submission", short: "s", kind: boolean, variables: []string{"PILOT_SKIP_SUBMISSION"}},
	{name: "skip_waiting_for_build_processing", short: "z", kind: boolean, variables: []string{"PILOT_SKIP_WAITING_FOR_BUILD_PROCESSING"}},
	{name: "update_build_info_on_upload", short: "x", kind: boolean, variables: []string{"PILOT_UPDATE_BUILD_INFO_ON_UPLOAD"}, appleID: true},
	{name: "app_clip_invocations", variables: []string{"PILOT_APP_CLIP_INVOCATIONS"}},
	{name: "overwrite_app_clip_invocations", kind: boolean, variables: []string{"PILOT_APP_CLIPS_OVERWRITE_INVOCATIONS"}},
	{name: "distribute_only", short: "D", kind: boolean, variables: []string{"PILOT_DISTRIBUTE_ONLY"}},
	{name: "uses_non_exempt_encryption", short: "X", kind: boolean, variables: []string{"PILOT_USES_NON_EXEMPT_ENCRYPTION"}},
	{name: "distribute_external", kind: boolean, variables: []string{"PILOT_DISTRIBUTE_EXTERNAL"}},
	{name: "notify_external_testers", kind: boolean, variables: []string{"PILOT_NOTIFY_EXTERNAL_TESTERS"}},
	{name: "app_version", variables: []string{"PILOT_APP_VERSION"}},
	{name: "build_number", variables: []string{"PILOT_BUILD_NUMBER"}},
	{name: "expire_previous_builds", kind: boolean, variables: []string{"PILOT_EXPIRE_PREVIOUS_BUILDS"}},
	{name: "first_name", short: "f", variables: []string{"PILOT_TESTER_FIRST_NAME"}},
	{name: "last_name", short: "l", variables: []string{"PILOT_TESTER_LAST_NAME"}},
	{name: "email", short: "e", variables: []string{"PILOT_TESTER_EMAIL"}},
	{name: "testers_file_path", short: "c", variables: []string{"PILOT_TESTERS_FILE"}},
	{name: "groups", short: "g", kind: list, variables: []string{"PILOT_GROUPS"}},
	{name: "team_id", short: "q", variables: []string{"PILOT_TEAM_ID"}, appleID: true},
	{name: "team_name", short: "r", variables: []string{"PILOT_TEAM_NAME"}, appleID: true},
	{name: "dev_portal_team_id", variables: []string{"PILOT_DEV_PORTAL_TEAM_ID"}, appleID: true},
	{name: "itc_provider", variables: []string{"PILOT_ITC_PROVIDER"}, appleID: true},
	{name: "provider_public_id", variables: []string{"PILOT_PROVIDER_PUBLIC_ID"}, appleID: true},
	{name: "wait_processing_interval", short: "k", kind: integer, variables: []string{"PILOT_WAIT_PROCESSING_INTERVAL"}},
	{name: "wait_processing_timeout_duration", kind: integer, variables: []string{"PILOT_WAIT_PROCESSING_TIMEOUT_DURATION"}},
	{name: "wait_for_uploaded_build", kind: boolean, variables: []string{"PILOT_WAIT_FOR_UPLOADED_BUILD"}, appleID: true},
	{name: "reject_build_waiting_for_review", short: "b", kind: boolean, variables: []string{"PILOT_REJECT_PREVIOUS_BUILD"}},
	{name: "submit_beta_review", kind: boolean, variables: []string{"PILOT_DISTRIBUTE_EXTERNAL"}},
}

func findOption(name string) *option {
	if i := slices.IndexFunc(options, func(o option) bool { return o.name == name }); i >= 0 {
		return &options[i]
	}
	return nil
}

func findShort(short string) *option {
	if i := slices.IndexFunc(options, func(o option) bool { return o.short == short && short != "" }); i >= 0 {
		return &options[i]
	}
	return nil
}

// Options are the names of all options that are understood.
func Options() []string {
	var names []string
	for _, o := range options {
		names = append(names, o.name)
	}
	return names
}

// Commands are pilot's commands.
var Commands = []string{"upload", "distribute", "builds", "list", "add", "find", "remove", "export", "import"}
