package pilot

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// distribution translates what is to happen with the build.
func (in *invocation) distribution(t *Translation) error {
	notes, err := in.notes()
	if err != nil {
		return err
	}
	if in.flag("distribute_external", false) {
		switch {
		case len(in.items("groups")) == 0:
			return fail("name the groups with --groups", "distribute_external needs groups")
		case len(notes) == 0 && in.text("changelog") == "":
			return fail("give --changelog or --localized_build_info", "distribute_external needs what to test")
		}
	}
	if err := in.appInfo(t); err != nil {
		return err
	}
	if v := in.text("changelog"); v != "" && notes["default"] == "" {
		t.add("--what-to-test", literal(v))
	} else if notes["default"] != "" {
		t.add("--what-to-test", literal(notes["default"]))
	}
	delete(notes, "default")
	if len(notes) > 0 {
		document, err := json.Marshal(notes)
		if err != nil {
			return err
		}
		t.add("--what-to-test-json", string(document))
	}
	if in.given("notify_external_testers") {
		t.add(fmt.Sprintf("--notify=%v", in.flag("notify_external_testers", true)))
	}
	for _, times := range [][2]string{{"wait_processing_interval", "--poll-interval"}, {"wait_processing_timeout_duration", "--timeout"}} {
		if in.given(times[0]) {
			t.add(times[1], in.text(times[0])+"s")
		}
	}
	if in.flag("skip_submission", false) {
		if in.given("groups") {
			t.notice("groups are not used: skip_submission ends before the build is given to anybody")
		}
		return nil
	}
	t.add(fmt.Sprintf("--uses-non-exempt-encryption=%v", in.flag("uses_non_exempt_encryption", false)))
	if !in.given("uses_non_exempt_encryption") {
		t.notice("export compliance is answered with no where the build leaves it open, as pilot does; say it in Info.plist (ITSAppUsesNonExemptEncryption) or with --uses_non_exempt_encryption")
	}
	if groups := in.items("groups"); len(groups) > 0 {
		for _, g := range groups {
			t.add("--groups", escapeComma(g))
		}
	}
	if in.given("submit_beta_review") && !in.flag("submit_beta_review", true) {
		t.add("--submit-review=false")
	}
	if in.flag("reject_build_waiting_for_review", false) {
		t.add("--expire-waiting")
	}
	if in.flag("expire_previous_builds", false) {
		t.add("--expire-previous")
		t.notice("expire_previous_builds expires older builds of the same platform only; pilot takes every other build of the app, newer ones and other platforms too")
	}
	return nil
}

// appInfo translates what testers and reviewers are told about the app.
func (in *invocation) appInfo(t *Translation) error {
	if in.given("localized_app_info") {
		var info map[string]map[string]any
		if err := json.Unmarshal([]byte(in.text("localized_app_info")), &info); err != nil {
			return fail(`{"default": {"description": "…"}}`, "localized_app_info does not hold locales with their texts")
		}
		known := []string{"feedback_email", "marketing_url", "privacy_policy_url", "tv_os_privacy_policy_url", "description"}
		for locale, fields := range info {
			for key := range fields {
				if !slices.Contains(known, key) {
					return fail("the keys are "+strings.Join(known, ", "), "localized_app_info has an unknown key %q in %s", key, locale)
				}
			}
		}
		t.add("--app-info-json", in.text("localized_app_info"))
		for _, name := range []string{"beta_app_description", "beta_app_feedback_email"} {
			if in.given(name) {
				t.notice("%s is not used: localized_app_info wins", name)
			}
		}
	} else {
		for _, flags := range [][2]string{{"beta_app_description", "--app-description"}, {"beta_app_feedback_email", "--feedback-email"}} {
			if v := in.text(flags[0]); v != "" {
				t.add(flags[1], v)
			}
		}
	}
	if in.given("app_clip_invocations") {
		var clips []struct {
			URL   string            `json:"url"`
			Title map[string]string `json:"title"`
		}
		if err := json.Unmarshal([]byte(in.text("app_clip_invocations")), &clips); err != nil {
			return fail(`[{"url": "https://example.com", "title": {"en-US": "…"}}]`, "app_clip_invocations is not a list of addresses with their titles")
		}
		t.add("--app-clips-json", in.text("app_clip_invocations"))
	}
	if in.flag("overwrite_app_clip_invocations", false) {
		t.add("--overwrite-app-clips")
	}
	review := map[string]any{}
	if in.given("beta_app_review_info") {
		if err := json.Unmarshal([]byte(in.text("beta_app_review_info")), &review); err != nil {
			return fail("", "beta_app_review_info is not an object")
		}
		known := []string{"contact_email", "contact_first_name", "contact_last_name", "contact_phone", "demo_account_required", "demo_account_name", "demo_account_password", "notes"}
		for key := range review {
			if !slices.Contains(known, key) {
				return fail("the keys are "+strings.Join(known, ", "), "beta_app_review_info has an unknown key %q", key)
			}
		}
		if password, ok := review["demo_account_password"].(string); ok && password != "" {
			t.Hidden = append(t.Hidden, password)
		}
	}
	if in.given("demo_account_required") {
		review["demo_account_required"] = in.flag("demo_account_required", false)
	}
	if len(review) > 0 {
		document, err := json.Marshal(review)
		if err != nil {
			return err
		}
		t.add("--review-info-json", string(document))
	}
	return nil
}

// escapeComma keeps the comma of a name, which pilot takes in JSON, from being
// read as the end of it.
func escapeComma(name string) string { return strings.ReplaceAll(name, ",", `\,`) }

// literal keeps a text from being read as a file or stdin.
func literal(text string) string {
	if strings.HasPrefix(text, "@") || text == "-" {
		return " " + text
	}
	return text
}

// notes reads localized_build_info.
func (in *invocation) notes() (map[string]string, error) {
	if !in.given("localized_build_info") {
		return nil, nil
	}
	var info map[string]map[string]string
	if err := json.Unmarshal([]byte(in.text("localized_build_info")), &info); err != nil {
		return nil, fail(`{"en-US": {"whats_new": "…"}}`, "localized_build_info does not hold locales with their texts")
	}
	notes := map[string]string{}
	for _, locale := range slices.Sorted(maps.Keys(info)) {
		for key, text := range info[locale] {
			if key != "whats_new" {
				return nil, fail("the only key is whats_new", "localized_build_info has an unknown key %q in %s", key, locale)
			}
			if strings.TrimSpace(text) != "" {
				notes[locale] = text
			}
		}
	}
	return notes, nil
}
