package pilot

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// run translates a command line, given as words with | between.
func run(line string, variables map[string]string, files ...string) (Translation, error) {
	dir := fstest.MapFS{}
	for _, f := range files {
		name, content, _ := strings.Cut(f, ":")
		dir[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return Translate(strings.Split(line, "|"), World{Getenv: func(name string) string { return variables[name] }, Dir: dir})
}

const (
	compliance = " --uses-non-exempt-encryption=false"
	up         = "upload|--ipa|App.ipa"
)

// TestEveryOptionIsTranslated has a case for every option. The want is
// ascend's arguments, a notice after #, or an error after !.
func TestEveryOptionIsTranslated(t *testing.T) {
	cases := map[string][]struct{ line, want string }{
		"api_key_path":                      {{up + "|--api_key_path|key.json", "upload App.ipa" + compliance + " --api-key-path key.json"}},
		"api_key":                           {{up + `|--api_key|{"key_id":"K","key":"secret"}`, "upload App.ipa" + compliance}, {up + "|--api_key|no", "!not a JSON object"}, {up + `|--api_key|{}|--api_key_path|x`, "!do not go together"}},
		"username":                          {{up + "|-u|me@example.com", "#--username is not used"}},
		"app_identifier":                    {{up + "|-a|com.example.demo", "upload App.ipa --app com.example.demo" + compliance}},
		"app_platform":                      {{up + "|-m|appletvos", "upload App.ipa --platform tvos" + compliance}, {up + "|--app_platform=osx", "upload App.ipa --platform macos" + compliance}, {up + "|-mxros", "upload App.ipa --platform visionos" + compliance}, {up + "|-m|watch", "!is not one of pilot's"}},
		"apple_id":                          {{up + "|-p|123", "upload App.ipa --app 123" + compliance}, {up + "|-p|me@example.com", "!e-mail address"}, {up + "|-p|com.example.demo", "!is not a number"}},
		"ipa":                               {{"upload|-i|A.ipa", "upload A.ipa" + compliance}, {"upload|-i|A.ipa|-P|B.pkg", "!do not go together"}},
		"pkg":                               {{"upload|--pkg=A.pkg", "upload A.pkg" + compliance}},
		"demo_account_required":             {{up + "|--demo_account_required", `upload App.ipa --review-info-json {"demo_account_required":true}` + compliance}, {up + "|--demo_account_required|false", `upload App.ipa --review-info-json {"demo_account_required":false}` + compliance}},
		"beta_app_review_info":              {{up + `|--beta_app_review_info|{"notes":"x"}`, `upload App.ipa --review-info-json {"notes":"x"}` + compliance}, {up + `|--beta_app_review_info|{"note":"x"}`, `!unknown key "note"`}},
		"localized_app_info":                {{up + `|--localized_app_info|{"default":{"description":"x"}}`, `upload App.ipa --app-info-json {"default":{"description":"x"}}` + compliance}, {up + `|--localized_app_info|{"default":{"text":"x"}}`, `!unknown key "text"`}, {up + `|--localized_app_info|{}|-d|text`, "#beta_app_description is not used"}},
		"beta_app_description":              {{up + "|-d|text", "upload App.ipa --app-description text" + compliance}},
		"beta_app_feedback_email":           {{up + "|-n|a@b.c", "upload App.ipa --feedback-email a@b.c" + compliance}},
		"localized_build_info":              {{up + `|--localized_build_info|{"default":{"whats_new":"All"},"de-DE":{"whats_new":"Hallo"}}`, `upload App.ipa --what-to-test All --what-to-test-json {"de-DE":"Hallo"}` + compliance}, {up + `|--localized_build_info|{"de-DE":{"whatsnew":"x"}}`, `!unknown key "whatsnew"`}},
		"changelog":                         {{up + "|-w|Hello", "upload App.ipa --what-to-test Hello" + compliance}, {up + "|-w|@home", "upload App.ipa --what-to-test  @home" + compliance}},
		"skip_submission":                   {{up + "|-s|-g|QA|-w|Hi", "upload App.ipa --what-to-test Hi"}, {up + "|--skip_submission|false", "upload App.ipa" + compliance}},
		"skip_waiting_for_build_processing": {{up + "|-z|true", "upload App.ipa --no-wait"}, {up + "|-z|-g|QA", "#groups are not used"}, {up + "|-z|-w|Hi", "upload App.ipa --until-appears --what-to-test Hi" + compliance}},
		"update_build_info_on_upload":       {{up + "|-x", "#--update_build_info_on_upload is not used"}},
		"app_clip_invocations":              {{up + `|--app_clip_invocations|[{"url":"https://e.com","title":{"en-US":"Go"}}]`, `upload App.ipa --app-clips-json [{"url":"https://e.com","title":{"en-US":"Go"}}]` + compliance}, {up + "|--app_clip_invocations|https://e.com", "!not a list of addresses"}},
		"overwrite_app_clip_invocations":    {{up + "|--overwrite_app_clip_invocations", "upload App.ipa --overwrite-app-clips" + compliance}},
		"distribute_only":                   {{"upload|-D|-p|1", "distribute --app 1" + compliance}},
		"uses_non_exempt_encryption":        {{up + "|-X", "upload App.ipa --uses-non-exempt-encryption=true"}, {up + "|-X|off", "upload App.ipa" + compliance}},
		"distribute_external":               {{up + "|--distribute_external|-g|Beta|-w|Hi", "upload App.ipa --what-to-test Hi" + compliance + " --groups Beta"}, {up + "|--distribute_external|-w|Hi", "!needs groups"}, {up + "|--distribute_external|-g|Beta", "!needs what to test"}},
		"notify_external_testers":           {{up + "|--notify_external_testers|no", "upload App.ipa --notify=false" + compliance}, {up + "|--notify_external_testers", "upload App.ipa --notify=true" + compliance}},
		"app_version":                       {{"distribute|-p|1|--app_version|1.2", "distribute --app 1 --version 1.2" + compliance}, {up + "|--app_version|1.2", "#app_version is not used"}},
		"build_number":                      {{"distribute|-p|1|--build_number|42", "distribute --app 1 --build-number 42" + compliance}},
		"expire_previous_builds":            {{up + "|--expire_previous_builds", "upload App.ipa" + compliance + " --expire-previous"}},
		"first_name":                        {{"add|-p|1|-g|QA|-f|Dana|a@b.c", "testers add --app 1 --groups QA --first-name Dana a@b.c"}},
		"last_name":                         {{"add|-p|1|-g|QA|-l|Doe|a@b.c", "testers add --app 1 --groups QA --last-name Doe a@b.c"}},
		"email":                             {{"find|-p|1|-e|a@b.c", "testers find --app 1 a@b.c"}, {"remove|-p|1|a@b.c|d@e.f", "testers remove --app 1 a@b.c d@e.f"}, {"add|-p|1|-g|QA", "!whose e-mail"}},
		"testers_file_path":                 {{"import|-p|1|-c|t.csv", "testers import --app 1 t.csv"}, {"export|-p|1", "testers export --app 1 ./testers.csv"}},
		"groups":                            {{up + "|-g|A, B|--groups|C", "upload App.ipa" + compliance + " --groups A --groups B --groups C"}, {up + `|-g|["A","B"]`, "upload App.ipa" + compliance + " --groups A --groups B"}, {up + `|-g|["A, B"]`, "upload App.ipa" + compliance + ` --groups A\, B`}, {"add|-p|1|a@b.c", "!without groups"}},
		"team_id":                           {{up + "|-q|1", "#--team_id is not used"}},
		"team_name":                         {{up + "|-r|T", "#--team_name is not used"}},
		"dev_portal_team_id":                {{up + "|--dev_portal_team_id|1", "#--dev_portal_team_id is not used"}},
		"itc_provider":                      {{up + "|--itc_provider|1", "#--itc_provider is not used"}},
		"provider_public_id":                {{up + "|--provider_public_id|1", "#--provider_public_id is not used"}},
		"wait_processing_interval":          {{up + "|-k|60", "upload App.ipa --poll-interval 60s" + compliance}, {up + "|-k|0", "!above zero"}},
		"wait_processing_timeout_duration":  {{up + "|--wait_processing_timeout_duration|600", "upload App.ipa --timeout 600s" + compliance}, {up + "|--wait_processing_timeout_duration|long", "!above zero"}},
		"wait_for_uploaded_build":           {{up + "|--wait_for_uploaded_build", "#--wait_for_uploaded_build is not used"}},
		"reject_build_waiting_for_review":   {{up + "|-b", "upload App.ipa" + compliance + " --expire-waiting"}},
		"submit_beta_review":                {{up + "|--submit_beta_review|false", "upload App.ipa" + compliance + " --submit-review=false"}, {up + "|--submit_beta_review", "upload App.ipa" + compliance}},
	}
	for _, name := range Options() {
		if len(cases[name]) == 0 {
			t.Errorf("there is no case for %s", name)
		}
	}
	if len(cases) != len(options) || len(options) != 42 {
		t.Errorf("%d cases for %d options", len(cases), len(options))
	}
	for name, list := range cases {
		for _, c := range list {
			t.Run(name+" "+c.line, func(t *testing.T) {
				got, err := run(c.line, nil)
				check(t, got, err, c.want)
			})
		}
	}
}

func check(t *testing.T, got Translation, err error, want string) {
	t.Helper()
	var refused *Error
	switch {
	case strings.HasPrefix(want, "!"):
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), want[1:]) {
			t.Errorf("%v %v, want the error %q", got.Args, err, want[1:])
		}
	case err != nil:
		t.Errorf("%v (want %s)", err, want)
	case strings.HasPrefix(want, "#"):
		if !slices.ContainsFunc(got.Notices, func(n string) bool { return strings.Contains(n, want[1:]) }) {
			t.Errorf("%q, want the notice %q", got.Notices, want[1:])
		}
	case strings.Join(got.Args, " ") != want:
		t.Errorf("\n got %s\nwant %s", strings.Join(got.Args, " "), want)
	}
}

func TestValuesComeFromWherePilotTakesThem(t *testing.T) {
	for name, c := range map[string]struct {
		line      string
		variables map[string]string
		files     []string
		want      string
	}{
		"the flag before the variable":       {up + "|-a|flag", map[string]string{"PILOT_APP_IDENTIFIER": "variable"}, nil, "upload App.ipa --app flag" + compliance},
		"the first of two variables":         {up, map[string]string{"PILOT_APP_IDENTIFIER": "one", "TESTFLIGHT_APP_IDENTITIFER": "two"}, nil, "upload App.ipa --app one" + compliance},
		"the second of two variables":        {up, map[string]string{"TESTFLIGHT_APP_IDENTITIFER": "two"}, nil, "upload App.ipa --app two" + compliance},
		"0 is no":                            {up, map[string]string{"PILOT_SKIP_SUBMISSION": "0"}, nil, "upload App.ipa" + compliance},
		"empty is unset":                     {up, map[string]string{"PILOT_SKIP_SUBMISSION": "", "PILOT_CHANGELOG": ""}, nil, "upload App.ipa" + compliance},
		"True is yes":                        {up, map[string]string{"PILOT_SKIP_SUBMISSION": "True"}, nil, "upload App.ipa"},
		"nonsense is refused":                {up, map[string]string{"PILOT_SKIP_SUBMISSION": "maybe"}, nil, "!PILOT_SKIP_SUBMISSION"},
		"groups with spaces":                 {up, map[string]string{"PILOT_GROUPS": "A, B"}, nil, "upload App.ipa" + compliance + " --groups A --groups B"},
		"the shared variable, off":           {up, map[string]string{"PILOT_DISTRIBUTE_EXTERNAL": "false"}, nil, "upload App.ipa" + compliance + " --submit-review=false"},
		"the shared variable, and a flag":    {up + "|--submit_beta_review|true", map[string]string{"PILOT_DISTRIBUTE_EXTERNAL": "false"}, nil, "upload App.ipa" + compliance},
		"ipa by flag, pkg by variable":       {up, map[string]string{"PILOT_PKG": "B.pkg"}, nil, "#--ipa is used, and PILOT_PKG is not"},
		"both by variable, for the Mac":      {"upload|-m|osx", map[string]string{"PILOT_PKG": "B.pkg", "PILOT_IPA": "A.ipa"}, nil, "upload B.pkg --platform macos" + compliance},
		"an Apple ID's variable":             {up, map[string]string{"PILOT_USERNAME": "me"}, nil, "#PILOT_USERNAME is not used"},
		"the only package here":              {"upload", nil, []string{"App.ipa:"}, "upload App.ipa" + compliance},
		"several packages here":              {"upload", nil, []string{"A.ipa:", "B.ipa:"}, "!A.ipa, B.ipa"},
		"one of each, and a platform":        {"upload|-m|ios", nil, []string{"A.ipa:", "B.pkg:"}, "upload A.ipa --platform ios" + compliance},
		"no package here":                    {"upload", nil, nil, "!no .ipa or .pkg here"},
		"an Appfile":                         {"builds", nil, []string{"fastlane/Appfile:# a comment\napp_identifier(\"com.example.demo\") # The bundle\napple_id \"me\"\n"}, "builds list --app com.example.demo"},
		"an Appfile without parentheses":     {"list", nil, []string{"Appfile:app_identifier 'com.example.demo'\n"}, "testers list --app com.example.demo"},
		"an Appfile that Ruby has to read":   {"list", nil, []string{"Appfile:app_identifier ENV[\"APP\"]\n"}, "!which app?"},
		"an Appfile with interpolation":      {"list", nil, []string{"Appfile:app_identifier \"com.example.#{x}\"\n"}, "!which app?"},
		"hyphens":                            {"upload|--skip-submission|--ipa=App.ipa", nil, nil, "upload App.ipa"},
		"a boolean and a package behind it":  {"upload|--skip_submission|no|-iApp.ipa", nil, nil, "upload App.ipa" + compliance},
		"an unknown option":                  {up + "|--grups|A", nil, nil, "!no option --grups"},
		"an unknown short option":            {up + "|-y", nil, nil, "!no option -y"},
		"an unknown command":                 {"deliver", nil, nil, `!no command "deliver"`},
		"a value that is missing":            {"upload|--ipa", nil, nil, "!needs a value"},
		"fastlane's own --env":               {up + "|--env|x", nil, nil, "!leaves to the shell"},
		"more words than pilot takes":        {up + "|extra", nil, nil, "#extra is not used"},
		"JSON from a variable reaches Apple": {up, map[string]string{"PILOT_LOCALIZED_BUILD_INFO": `{"en-US":{"whats_new":"Hi"}}`}, nil, `upload App.ipa --what-to-test-json {"en-US":"Hi"}` + compliance},
		"json output":                        {"builds|-p|1|--json", nil, nil, "builds list --app 1 --json"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := run(c.line, c.variables, c.files...)
			check(t, got, err, c.want)
		})
	}
}

func TestAnInlineKeyIsNotShown(t *testing.T) {
	got, err := run(up+`|--api_key|{"key_id":"K","issuer_id":"I","key":"secret","in_house":true,"comment":"x"}`, nil)
	if err != nil || strings.Contains(strings.Join(got.Args, " "), "secret") || got.Secrets["ASCEND_KEY"] != "secret" || got.Secrets["ASCEND_KEY_ID"] != "K" || got.Secrets["ASCEND_ISSUER_ID"] != "I" || got.Secrets["APP_STORE_CONNECT_API_KEY_IN_HOUSE"] != "true" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := run(up+`|--api_key|{"key":"secret"`, nil); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
}

func TestHelpAndExplain(t *testing.T) {
	for _, line := range []string{"", "--help", "upload|-h"} {
		var args []string
		if line != "" {
			args = strings.Split(line, "|")
		}
		if got, err := Translate(args, World{Getenv: func(string) string { return "" }}); err != nil || !got.Help {
			t.Errorf("%q: %+v, %v", line, got, err)
		}
	}
	if got, err := run(up+"|--explain|--verbose", nil); err != nil || !got.Explain {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzTranslate(f *testing.F) {
	f.Add("upload|--ipa|App.ipa|-g|A,B|-w|Hello")
	f.Add("add|-p|1|a@b.c|--groups=[\"A\"]")
	f.Fuzz(func(t *testing.T, line string) {
		got, err := run(line, map[string]string{"PILOT_GROUPS": line})
		if err == nil && !got.Help && len(got.Args) < 2 {
			t.Errorf("%q became %q", line, got.Args)
		}
	})
}
