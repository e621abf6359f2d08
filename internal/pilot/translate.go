package pilot

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// A World is what a translation looks at.
type World struct {
	Getenv func(string) string
	// Dir is the working directory.
	Dir fs.FS
}

// A Translation is ascend's way of saying the same.
type Translation struct {
	// Args are ascend's arguments.
	Args []string
	// Secrets are variables to be set for it, which are not to be shown.
	Secrets map[string]string
	// Hidden are texts among the arguments that are not to be shown either.
	Hidden []string
	// Notices say what was understood in another way, one line each.
	Notices []string
	// Explain tells that the user wants to see it, not to run it; Help that
	// nothing is to be done at all.
	Explain, Help bool
}

func (t *Translation) add(args ...string) { t.Args = append(t.Args, args...) }

func (t *Translation) notice(format string, args ...any) {
	t.Notices = append(t.Notices, fmt.Sprintf(format, args...))
}

// Translate translates a command line of pilot's, without the word pilot.
func Translate(args []string, w World) (Translation, error) {
	var t Translation
	in, err := parse(args, w.Getenv)
	if err != nil {
		return t, err
	}
	t.Explain, t.Help = in.explain, in.help || in.command == "" && len(in.arguments) == 0
	if t.Help {
		return t, nil
	}
	if in.command == "" {
		return t, fail("the commands are "+strings.Join(Commands, ", "), "pilot has no command %q", in.arguments[0])
	}
	in.refuse(&t)
	switch in.command {
	case "upload":
		err = in.upload(&t, w)
	case "distribute":
		err = in.distribute(&t, w)
	case "builds":
		t.add("builds", "list")
		err = in.app(&t, w, true)
	default:
		err = in.people(&t, w)
	}
	if err != nil {
		return t, err
	}
	if in.json {
		t.add("--json")
	}
	return t, in.key(&t)
}

// refuse tells of options that have no meaning here.
func (in *invocation) refuse(t *Translation) {
	for _, o := range options {
		v, ok := in.values[o.name]
		switch {
		case !ok:
		case o.appleID && v.explicit:
			t.notice("--%s is not used: it has no meaning with an API key", o.name)
		case o.appleID:
			t.notice("%s is not used: it has no meaning with an API key", v.source)
		}
	}
}

// key passes the API key on. An inline key is passed by variables.
func (in *invocation) key(t *Translation) error {
	inline, file := in.values["api_key"], in.values["api_key_path"]
	switch {
	case in.given("api_key") && in.given("api_key_path") && inline.explicit && file.explicit:
		return fail("give one of them", "--api_key and --api_key_path do not go together")
	case in.given("api_key") && !(file.explicit && !inline.explicit):
		var k struct {
			KeyID       string `json:"key_id"`
			IssuerID    string `json:"issuer_id"`
			Key         string `json:"key"`
			Filepath    string `json:"filepath"`
			KeyFilepath string `json:"key_filepath"`
			InHouse     bool   `json:"in_house"`
		}
		if err := json.Unmarshal([]byte(inline.text), &k); err != nil {
			return fail("an object with key_id, issuer_id and key", "%s does not hold an API key", inline.source)
		}
		t.Secrets = map[string]string{"ASCEND_KEY_ID": k.KeyID, "ASCEND_ISSUER_ID": k.IssuerID, "ASCEND_KEY": k.Key, "ASCEND_KEY_FILE": cmp.Or(k.Filepath, k.KeyFilepath)}
		if k.InHouse {
			t.Secrets["APP_STORE_CONNECT_API_KEY_IN_HOUSE"] = "true"
		}
		for name, v := range t.Secrets {
			if v == "" {
				delete(t.Secrets, name)
			}
		}
	case in.given("api_key_path"):
		t.add("--api-key-path", file.text)
	}
	return nil
}

// app names the app: Apple ID, bundle id, or what a fastlane Appfile says.
func (in *invocation) app(t *Translation, w World, needed bool) error {
	id := in.text("apple_id")
	switch {
	case strings.Contains(id, "@"):
		return fail("it is the number of the app, not the e-mail address of an account", "apple_id %q is an e-mail address", id)
	case id != "" && strings.Trim(id, "0123456789") != "":
		return fail("it is the number of the app; the bundle id goes into --app_identifier", "apple_id %q is not a number", id)
	case id != "":
		t.add("--app", id)
	case in.given("app_identifier"):
		t.add("--app", in.text("app_identifier"))
	case needed:
		id, file := appfile(w.Dir)
		if id == "" {
			return fail("--app_identifier com.example.demo, PILOT_APP_IDENTIFIER, or app_identifier in fastlane/Appfile", "which app?")
		}
		t.notice("app_identifier %s comes from %s", id, file)
		t.add("--app", id)
	}
	return nil
}

// appIdentifier finds a plain literal in an Appfile. Anything that Ruby would
// have to work out is left alone.
var appIdentifier = regexp.MustCompile(`(?m)^\s*app_identifier[\s(]+["']([A-Za-z0-9.-]+)["']\s*\)?\s*(#.*)?$`)

func appfile(dir fs.FS) (id, file string) {
	if dir == nil {
		return "", ""
	}
	for _, name := range []string{"fastlane/Appfile", ".fastlane/Appfile", "Appfile"} {
		content, err := fs.ReadFile(dir, name)
		if err != nil {
			continue
		}
		if m := appIdentifier.FindSubmatch(content); m != nil {
			return string(m[1]), name
		}
	}
	return "", ""
}

var platforms = map[string]string{"ios": "ios", "appletvos": "tvos", "tvos": "tvos", "osx": "macos", "mac": "macos", "macos": "macos", "xros": "visionos", "visionos": "visionos"}

func (in *invocation) platform(t *Translation) error {
	if !in.given("app_platform") {
		return nil
	}
	platform, ok := platforms[strings.ToLower(in.text("app_platform"))]
	if !ok {
		return fail("ios, appletvos, osx or xros", "app_platform %q is not one of pilot's", in.text("app_platform"))
	}
	t.add("--platform", platform)
	return nil
}

func (in *invocation) upload(t *Translation, w World) error {
	if in.flag("distribute_only", false) {
		t.notice("distribute_only: nothing is uploaded")
		return in.distribute(t, w)
	}
	file, err := in.pack(t, w)
	if err != nil {
		return err
	}
	if len(in.arguments) > 0 {
		t.notice("pilot upload takes no arguments: %s is not used", strings.Join(in.arguments, " "))
	}
	for _, name := range []string{"app_version", "build_number"} {
		if in.given(name) {
			t.notice("%s is not used: the package says it itself", name)
		}
	}
	t.add("upload", file)
	if err := in.app(t, w, false); err != nil {
		return err
	}
	if err := in.platform(t); err != nil {
		return err
	}
	if in.flag("skip_waiting_for_build_processing", false) {
		if !in.given("changelog") && !in.given("localized_build_info") {
			t.add("--no-wait")
			if in.given("groups") {
				t.notice("groups are not used: skip_waiting_for_build_processing ends before there is a build to give them; run pilot distribute later")
			}
			return nil
		}
		t.add("--until-appears")
		t.notice("skip_waiting_for_build_processing: it waits until there is a build to write the note on; groups need a processed one: run pilot distribute later")
	}
	return in.distribution(t)
}

func (in *invocation) distribute(t *Translation, w World) error {
	t.add("distribute")
	if err := in.app(t, w, true); err != nil {
		return err
	}
	if err := in.platform(t); err != nil {
		return err
	}
	if in.given("app_version") {
		t.add("--version", in.text("app_version"))
	}
	if in.given("build_number") {
		t.add("--build-number", in.text("build_number"))
	}
	return in.distribution(t)
}

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
			t.add("--groups", g)
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

// pack finds the package: named, or the only one in the folder.
func (in *invocation) pack(t *Translation, w World) (string, error) {
	ipa, pkg := in.values["ipa"], in.values["pkg"]
	mac := platforms[strings.ToLower(in.text("app_platform"))] == "macos"
	switch {
	case in.given("ipa") && in.given("pkg") && ipa.explicit && pkg.explicit:
		return "", fail("give one of them", "--ipa and --pkg do not go together")
	case in.given("ipa") && in.given("pkg"):
		chosen, other := ipa, pkg
		if pkg.explicit && !ipa.explicit || mac && ipa.explicit == pkg.explicit {
			chosen, other = pkg, ipa
		}
		t.notice("%s is used, and %s is not", chosen.source, other.source)
		return chosen.text, nil
	case in.given("ipa"):
		return ipa.text, nil
	case in.given("pkg"):
		return pkg.text, nil
	}
	var found []string
	for _, pattern := range []string{"*.ipa", "*.pkg"} {
		if w.Dir != nil {
			matches, err := fs.Glob(w.Dir, pattern)
			if err != nil {
				return "", err
			}
			found = append(found, matches...)
		}
	}
	if len(found) > 1 {
		wanted := ".ipa"
		if mac {
			wanted = ".pkg"
		}
		if fitting := slices.DeleteFunc(slices.Clone(found), func(f string) bool { return path.Ext(f) != wanted }); in.given("app_platform") && len(fitting) == 1 {
			found = fitting
		}
	}
	switch len(found) {
	case 0:
		return "", fail("--ipa FILE or --pkg FILE", "there is no .ipa or .pkg here, and none was named")
	case 1:
		t.notice("%s is the package found here", found[0])
		return found[0], nil
	}
	return "", fail("name one with --ipa or --pkg", "there are several packages here: %s", strings.Join(found, ", "))
}

// people translates the commands about testers.
func (in *invocation) people(t *Translation, w World) error {
	t.add("testers", in.command)
	if err := in.app(t, w, true); err != nil {
		return err
	}
	groups := in.items("groups")
	if in.command != "find" {
		for _, g := range groups {
			t.add("--groups", g)
		}
	} else if len(groups) > 0 {
		t.notice("groups are not used: find looks at all testers of the app")
	}
	switch in.command {
	case "export", "import":
		t.add(cmp.Or(in.text("testers_file_path"), "./testers.csv"))
	case "add", "find", "remove":
		emails := in.arguments
		if len(emails) == 0 && in.given("email") {
			emails = []string{in.text("email")}
		}
		if len(emails) == 0 {
			return fail("fastlane pilot "+in.command+" dana@example.com", "whose e-mail address?")
		}
		if in.command == "add" {
			for _, name := range []string{"first_name", "last_name"} {
				if in.given(name) {
					t.add("--"+strings.ReplaceAll(name, "_", "-"), in.text(name))
				}
			}
			if len(groups) == 0 {
				return fail("name them with --groups", "pilot add without groups adds nobody to anything")
			}
		}
		t.add(emails...)
	}
	return nil
}
