package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// A behaviour is one line of the list of behaviours that pilot's replacement
// has to show. It is shown by command lines here, by tests elsewhere (a folder,
// a colon and the test's name), or by both.
type behaviour struct {
	given string
	cases []pilotCase
	tests []string
}

const app = "|-p|6700000099|-m|ios"

// behaviours are numbered as in the list, from 1.
var behaviours = []behaviour{
	{"a short changelog", []pilotCase{{line: pilotUpload + "|-w|abcd", changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=abcd build→*"}}}, nil},
	{"a changelog that is too long", nil, []string{"internal/release:TestNotesAreCleanedAndCut"}},
	{"one of two-byte letters", nil, []string{"internal/release:TestNotesAreCleanedAndCut"}},
	{"one of three-byte letters", nil, []string{"internal/release:TestNotesAreCleanedAndCut"}},
	{"one of exactly the limit", nil, []string{"internal/release:TestNotesAreCleanedAndCut"}},
	{"letters and emoji", []pilotCase{{line: pilotUpload + "|-w|a😀b✔c", changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=abc build→*"}}}, nil},
	{"angle brackets", []pilotCase{{line: pilotUpload + "|-w|<b> <<", changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=b>  build→*"}}}, nil},
	{"both around a long text", nil, []string{"internal/release:TestNotesAreCleanedAndCut"}},
	{"families, flags, keycaps", []pilotCase{{line: pilotUpload + "|-w|1️⃣ x👨‍👩‍👧y🇩🇪z", changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=1 xyz build→*"}}}, nil},
	{"Apple names a character it refuses", nil, []string{"internal/release:TestCharactersThatAppleRefusesAreRemovedOnce"}},

	{"external, no changelog, at a terminal: refused as in CI, since ascend never asks", []pilotCase{{line: pilotUpload + "|--distribute_external|-g|Beta", exit: 2}}, nil},
	{"external, no changelog, in CI", []pilotCase{{line: pilotUpload + "|--distribute_external|-g|Beta", exit: 2, says: []string{"needs what to test"}}}, nil},
	{"external, the text of one locale", []pilotCase{{line: pilotUpload + `|--distribute_external|-g|Beta|--localized_build_info|{"en-GB":{"whats_new":"Hi"}}`, changes: []string{"POST betaBuildLocalizations locale=en-GB whatsNew=Hi build→*", "POST builds/*/relationships/betaGroups beta", "POST betaAppReviewSubmissions build→*"}}}, nil},
	{"an empty PILOT_CHANGELOG", []pilotCase{{line: pilotUpload, env: []string{"PILOT_CHANGELOG="}}}, nil},

	{"each flag, short and long", nil, []string{"internal/pilot:TestEveryOptionIsTranslated"}},
	{"unknown keys", []pilotCase{{line: pilotUpload + `|--beta_app_review_info|{"x":"y"}`, exit: 2, says: []string{`"x"`}}, {line: pilotUpload + `|--localized_app_info|{"default":{"x":"y"}}`, exit: 2, says: []string{`"x"`}}, {line: pilotUpload + `|--localized_build_info|{"default":{"x":"y"}}`, exit: 2, says: []string{`"x"`}}}, nil},
	{"every known key", []pilotCase{
		{line: pilotUpload + `|--localized_app_info|{"en-US":{"feedback_email":"a@b.c","marketing_url":"https://e.com/m","privacy_policy_url":"https://e.com/p","tv_os_privacy_policy_url":"https://e.com/t","description":"D"}}`, changes: []string{"PATCH betaAppLocalizations/* description=D feedbackEmail=a@b.c marketingUrl=https://e.com/m privacyPolicyUrl=https://e.com/p tvOsPrivacyPolicy=https://e.com/t"}},
		{line: pilotUpload + `|--beta_app_review_info|{"contact_email":"a@b.c","contact_first_name":"A","contact_last_name":"B","contact_phone":"+1 555 0100","demo_account_required":true,"demo_account_name":"n","demo_account_password":"p","notes":"N"}`, changes: []string{"PATCH betaAppReviewDetails/6700000099 contactEmail=a@b.c contactFirstName=A contactLastName=B demoAccountName=n demoAccountPassword=p demoAccountRequired=true notes=N"}},
	}, nil},
	{"apple_id is an address, a bundle id, digits", []pilotCase{{line: "builds|-p|a@b.c", exit: 2}, {line: "builds|-p|com.example.demo", exit: 2}, {line: "builds|-p|6700000099"}}, nil},
	{"flag, variable, default", []pilotCase{{line: pilotUpload + "|-w|flag", env: []string{"PILOT_CHANGELOG=variable"}, changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=flag build→*"}}, {line: pilotUpload, env: []string{"PILOT_CHANGELOG=variable"}, changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=variable build→*"}}}, nil},
	{"both names of a variable", nil, []string{"internal/pilot:TestValuesComeFromWherePilotTakesThem"}},
	{"booleans as fastlane reads them", []pilotCase{{line: pilotUpload + "|-g|QA", env: []string{"PILOT_SKIP_SUBMISSION=0"}, changes: []string{"POST builds/*/relationships/betaGroups qa"}}, {line: pilotUpload + "|-g|QA", env: []string{"PILOT_SKIP_SUBMISSION="}, changes: []string{"POST builds/*/relationships/betaGroups qa"}}, {line: pilotUpload + "|-g|QA", env: []string{"PILOT_SKIP_SUBMISSION=True"}}}, nil},
	{"groups with a space", []pilotCase{{line: pilotUpload + "|-w|Hi", env: []string{"PILOT_GROUPS=QA, Beta"}, changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=Hi build→*", "POST builds/*/relationships/betaGroups qa beta", "POST betaAppReviewSubmissions build→*"}}}, nil},
	{"the variable that two options share", []pilotCase{{line: pilotUpload + "|-g|Beta|-w|Hi", env: []string{"PILOT_DISTRIBUTE_EXTERNAL=false"}, changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=Hi build→*", "POST builds/*/relationships/betaGroups beta"}}, {line: pilotUpload + "|-g|Beta|-w|Hi|--submit_beta_review|true", env: []string{"PILOT_DISTRIBUTE_EXTERNAL=false"}, changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=Hi build→*", "POST builds/*/relationships/betaGroups beta", "POST betaAppReviewSubmissions build→*"}}}, nil},
	{"ipa by flag, pkg by variable", []pilotCase{{line: pilotUpload, env: []string{"PILOT_PKG=Mac.pkg"}, says: []string{"PILOT_PKG is not", "com.example.demo for IOS"}}}, nil},
	{"JSON from the environment", []pilotCase{{line: pilotUpload, env: []string{`PILOT_LOCALIZED_BUILD_INFO={"default":{"whats_new":"Hi"}}`}, changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=Hi build→*"}}}, nil},
	{"options of an Apple ID", []pilotCase{{line: pilotUpload + "|-q|1|-r|T|-u|me", says: []string{"--team_id is not used", "--team_name is not used", "--username is not used"}}}, nil},
	{"two packages in the folder", []pilotCase{{line: "upload", exit: 2, says: []string{"App.ipa", "Undecided.ipa"}}}, nil},

	{"JSON keys in every form", []pilotCase{{line: "builds|-p|6700000099|--api_key_path|key.json"}}, []string{"asc:TestKeyFile"}},
	{"JSON keys that are broken", []pilotCase{{line: "builds|-p|6700000099|--api_key|{\"key_id\":", exit: 2}}, []string{"asc:TestKeyFile"}},
	{"an inline key", []pilotCase{{line: "builds|-p|6700000099|--api_key|KEY"}}, []string{"internal/pilot:TestAnInlineKeyIsNotShown"}},
	{"with and without issuer", nil, []string{"asc:TestTokensHaveTheClaimsTheServiceWants"}},
	{"an enterprise key is refused", []pilotCase{{line: `builds|-p|6700000099|--api_key|{"key_id":"K","issuer_id":"I","key":"x","in_house":true}`, exit: 3, says: []string{"nterprise"}}}, nil},
	{"neither content nor path", []pilotCase{{line: `builds|-p|6700000099|--api_key|{"key_id":"K","issuer_id":"I"}`, exit: 3}}, nil},
	{"a token's life", nil, []string{"asc:TestTokensHaveTheClaimsTheServiceWants"}},
	{"ids with white space", []pilotCase{{line: "builds|-p|6700000099", env: []string{"ASCEND_KEY_ID= TESTKEY001\t\n"}}}, nil},
	{"keys as CI mangles them", nil, []string{"asc:TestPrivateKeysAreReadInEveryFormThatCIMakesOfThem", "asc:TestAUnusableKeySaysWhyAndGivesNothingAway"}},
	{"a token that ends during a wait", nil, []string{"asc:TestTokensAreReusedRenewedAndReplacedOnce"}},

	{"200, 401, 403, agreements", nil, []string{"asc:TestTokensAreReusedRenewedAndReplacedOnce", "internal/release:TestServersThatAreNotTheAPI"}},
	{"one 429", nil, []string{"asc:TestPassingFailuresAreRetriedWhereThatIsSafe"}},
	{"429 with Retry-After", nil, []string{"asc:TestRetryAfterIsKept"}},
	{"403 is not repeated", nil, []string{"asc:TestPassingFailuresAreRetriedWhereThatIsSafe"}},
	{"a create whose reply was lost", nil, []string{"internal/release:TestLostRepliesAreLookedUpNotRepeated"}},
	{"503 during a wait", nil, []string{"internal/release:TestAWaitSurvivesAnOutage"}},
	{"associated errors", nil, []string{"asc:TestErrorsCarryEverything"}},
	{"a next page on another host", nil, []string{"asc:TestPagesAreFollowedOnTheirOwnHostOnly"}},

	{"the app by id, bundle id, ipa, pkg, not at all", []pilotCase{{line: "builds|-p|6700000099"}, {line: "builds|-a|com.example.demo"}, {line: pilotUpload}, {line: "upload|-P|Mac.pkg"}, {line: "builds", exit: 2, says: []string{"which app"}}}, nil},
	{"an app that is not there", []pilotCase{{line: "builds|-a|com.example.nothing", exit: 4, says: []string{"com.example.nothing"}}}, nil},
	{"a longer bundle id comes first", []pilotCase{{line: "distribute|-a|com.example.demo|-m|ios|-g|QA", changes: []string{"POST builds/new/relationships/betaGroups qa"}}}, []string{"asc:TestBundleIDsAreComparedExactly"}},
	{"the platform by option, ipa, pkg, a wrong word", []pilotCase{{line: pilotUpload, says: []string{"for IOS"}}, {line: "upload|-P|Mac.pkg", says: []string{"for MAC_OS"}}, {line: "distribute|-p|6700000099|-m|appletvos|-g|QA", changes: []string{"POST builds/tv/relationships/betaGroups qa"}}, {line: pilotUpload + "|-m|watch", exit: 2}}, nil},
	{"ipa and pkg together", []pilotCase{{line: "upload|-m|osx", env: []string{"PILOT_IPA=App.ipa", "PILOT_PKG=Mac.pkg"}, says: []string{"for MAC_OS"}}, {line: "upload|-m|ios", env: []string{"PILOT_IPA=App.ipa", "PILOT_PKG=Mac.pkg"}, says: []string{"for IOS"}}}, nil},

	{"nothing, then a build", nil, []string{"internal/release:TestUploadGoesTheWholeWay"}},
	{"until it appears", []pilotCase{{line: pilotUpload + "|-z|-w|Hi", changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=Hi build→*"}}}, []string{"internal/release:TestAWaitCanEndWhenTheBuildAppears"}},
	{"versions with leading zeros", []pilotCase{{line: "distribute|-p|6700000099|-m|ios|--app_version|01.00|--build_number|08|-g|QA", changes: []string{"POST builds/old/relationships/betaGroups qa"}}}, nil},
	{"processing, then valid", nil, []string{"internal/release:TestUploadGoesTheWholeWay"}},
	{"the beta detail comes later", nil, []string{"internal/release:TestOdditiesThatAWaitLivesWith", "internal/release:TestUploadGoesTheWholeWay"}},
	{"seen, gone, seen again", nil, []string{"internal/release:TestUploadGoesTheWholeWay", "internal/release:TestStatesThatEndAWait"}},
	{"several builds match: the newest", []pilotCase{{line: "distribute" + app + "|--app_version|1.0|-g|QA", changes: []string{"POST builds/new/relationships/betaGroups qa"}}}, nil},
	{"the interval", nil, []string{"internal/pilot:TestEveryOptionIsTranslated"}},
	{"the time limit", nil, []string{"internal/release:TestWaitEndsAtItsTimeout"}},
	{"1.0 and 1.0.0", []pilotCase{{line: "distribute" + app + "|--app_version|1.0.0|-g|QA", changes: []string{"POST builds/new/relationships/betaGroups qa"}}, {line: "distribute" + app + "|--app_version|1.0.1|-g|QA", exit: 4}}, nil},
	{"no version; a build number only", []pilotCase{{line: "distribute" + app + "|-g|QA", changes: []string{"POST builds/new/relationships/betaGroups qa"}}, {line: "distribute" + app + "|--build_number|8|-g|QA", changes: []string{"POST builds/old/relationships/betaGroups qa"}}}, nil},
	{"a version only", []pilotCase{{line: "distribute" + app + "|--app_version|1.0|-g|QA", changes: []string{"POST builds/new/relationships/betaGroups qa"}}}, nil},
	{"FAILED and INVALID", nil, []string{"internal/release:TestAppleRefusesTheBuild", "internal/release:TestStatesThatEndAWait"}},
	{"a build number with letters", nil, []string{"internal/release:TestConflictsStopBeforeAByteMoves"}},
	{"a beta detail that never comes", nil, []string{"internal/release:TestOdditiesThatAWaitLivesWith"}},
	{"few requests however many builds", nil, []string{"internal/release:TestUploadGoesTheWholeWay"}},

	{"demo account unset, false, true", []pilotCase{{line: pilotUpload}, {line: pilotUpload + "|--demo_account_required|false"}, {line: pilotUpload + "|--demo_account_required|true", changes: []string{"PATCH betaAppReviewDetails/6700000099 demoAccountRequired=true"}}}, nil},
	{"notice unset, set", []pilotCase{{line: pilotUpload}, {line: pilotUpload + "|--notify_external_testers|false", changes: []string{"PATCH buildBetaDetails/* autoNotifyEnabled=false"}}}, nil},
	{"no beta detail", nil, []string{"internal/release:TestOdditiesThatAWaitLivesWith"}},
	{"a changelog where there are two locales", []pilotCase{{before: "distribute" + app + `|--localized_build_info|{"en-US":{"whats_new":"Hi"},"de-DE":{"whats_new":"Hallo"}}`, line: "distribute" + app + "|-w|News", changes: []string{"PATCH betaBuildLocalizations/* whatsNew=News", "PATCH betaBuildLocalizations/* whatsNew=News"}}}, nil},
	{"a changelog where there is no locale", []pilotCase{{line: "distribute" + app + "|-w|News", changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=News build→new"}}}, nil},
	{"e-mail and description in one request", []pilotCase{{line: pilotUpload + "|-n|a@b.c|-d|An app.", changes: []string{"PATCH betaAppLocalizations/* description=An app. feedbackEmail=a@b.c"}}}, nil},
	{"default, a named locale, another spelling", []pilotCase{
		{before: "distribute" + app + `|--localized_build_info|{"en-US":{"whats_new":"Hi"},"en-GB":{"whats_new":"Hello"}}`, line: "distribute" + app + `|--localized_build_info|{"default":{"whats_new":"All"},"en-GB":{"whats_new":"Named"}}`, changes: []string{"PATCH betaBuildLocalizations/* whatsNew=All", "PATCH betaBuildLocalizations/* whatsNew=Named"}},
		{before: "distribute" + app + `|--localized_build_info|{"en-US":{"whats_new":"Hi"}}`, line: "distribute" + app + `|--localized_build_info|{"en-us":{"whats_new":"News"}}`, changes: []string{"PATCH betaBuildLocalizations/* whatsNew=News"}},
	}, nil},

	{"skipped waiting, with a changelog", []pilotCase{{line: pilotUpload + "|-z|-w|Hi|--notify_external_testers|false|-g|QA", changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=Hi build→*", "PATCH buildBetaDetails/* autoNotifyEnabled=false", "POST builds/*/relationships/betaGroups qa"}}}, nil},
	{"external, compliance is open", []pilotCase{{line: "upload|-i|Undecided.ipa|-g|Beta|-w|Hi", changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=Hi build→*", "PATCH builds/* usesNonExemptEncryption=false", "POST builds/*/relationships/betaGroups beta", "POST betaAppReviewSubmissions build→*"}}}, nil},
	{"compliance never clears", nil, []string{"internal/release:TestExportCompliance"}},
	{"groups: unknown, of one name, by id", []pilotCase{{line: pilotUpload + "|-g|Nope", exit: 4}, {line: pilotUpload + "|-g|Twin", exit: 9}, {line: pilotUpload + "|-g|twin-1|-w|Hi", changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=Hi build→*", "POST builds/*/relationships/betaGroups twin-1", "POST betaAppReviewSubmissions build→*"}}}, []string{"internal/release:TestConflictsStopBeforeAByteMoves"}},
	{"groups: all builds, internal, external", []pilotCase{{line: pilotUpload + "|-g|Team", says: []string{"Team"}}, {line: pilotUpload + "|-g|QA", changes: []string{"POST builds/*/relationships/betaGroups qa"}}, {line: pilotUpload + "|-g|Beta|-w|Hi", changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=Hi build→*", "POST builds/*/relationships/betaGroups beta", "POST betaAppReviewSubmissions build→*"}}}, nil},
	{"external without groups", []pilotCase{{line: pilotUpload + "|--distribute_external|-w|Hi", exit: 2, says: []string{"needs groups"}}}, nil},
	{"waiting, approved, rejected", nil, []string{"internal/release:TestReviewStates"}},
	{"another build in review", []pilotCase{{before: waiting, line: pilotUpload + "|-b|-g|Beta|-w|Hello", changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=Hello build→*", "POST builds/*/relationships/betaGroups beta", "PATCH builds/new expired=true", "POST betaAppReviewSubmissions build→*"}}, {before: waiting, line: pilotUpload + "|-g|Beta|-w|Hello", exit: 7, changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=Hello build→*", "POST builds/*/relationships/betaGroups beta", "POST betaAppReviewSubmissions build→*"}, says: []string{"--expire-waiting"}}}, []string{"internal/release:TestASecondBuildOfAVersionInReview"}},
	{"previous builds expire", []pilotCase{{line: pilotUpload + "|--expire_previous_builds", changes: []string{"PATCH builds/new expired=true", "PATCH builds/old expired=true"}}}, []string{"internal/release:TestOtherBuildsExpire", "internal/release:TestAnExpiryThatFailsIsNamedAndTheOthersDone"}},
	{"distribute twice", []pilotCase{{before: waiting, line: waiting, says: []string{"nothing to do"}}}, []string{"internal/release:TestDistributingAgainChangesNothing"}},

	{"skipped waiting, no changelog", []pilotCase{{line: pilotUpload + "|-z"}}, nil},
	{"skipped waiting with a changelog says what it waits for", []pilotCase{{line: pilotUpload + "|-z|-w|Hi", changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=Hi build→*"}, says: []string{"until the build appears"}}}, nil},
	{"a wait says how to do without", []pilotCase{{line: pilotUpload, says: []string{"skip_waiting_for_build_processing"}}}, nil},
	{"no package", nil, []string{"internal/pilot:TestValuesComeFromWherePilotTakesThem"}},

	{"testers are listed", []pilotCase{{before: "add" + group + "|-f|Dana|-l|Doe|dana@example.com", line: "list|-p|6700000099", says: []string{"Dana", "Doe", "dana@example.com", "Beta", "1 tester"}}}, nil},
	{"a tester is added", []pilotCase{{line: "add" + group + "|dana@example.com", changes: []string{"POST betaTesters email=dana@example.com betaGroups→beta"}, says: []string{"dana@example.com (Beta)"}}}, nil},
	{"a tester is removed: everywhere, from groups", []pilotCase{{before: "add" + group + "|dana@example.com", line: "remove|-p|6700000099|dana@example.com", changes: []string{"DELETE apps/6700000099/relationships/betaTesters *"}}, {before: "add" + group + "|dana@example.com", line: "remove" + group + "|dana@example.com", changes: []string{"DELETE betaGroups/beta/relationships/betaTesters *"}}}, nil},
	{"several testers, and one fails", []pilotCase{{before: "add" + group + "|dana@example.com", line: "remove|-p|6700000099|nobody@example.com|dana@example.com", changes: []string{"DELETE apps/6700000099/relationships/betaTesters *"}, says: []string{"nobody@example.com"}}}, []string{"internal/release:TestOneRefusedTesterDoesNotStopTheOthers"}},
	{"rows without address, without @, a good one", nil, []string{"internal/testers:TestEveryBadRowIsNamed", "internal/release:TestTestersComeAndGo"}},
	{"the row's groups, and the option's", []pilotCase{{line: "import|-p|6700000099|-c|people.csv|-g|Beta", changes: []string{"POST betaTesters email=dana@example.com firstName=Dana lastName=Doe betaGroups→qa"}}, {line: "import|-p|6700000099|-c|bare.csv|-g|Beta", changes: []string{"POST betaTesters email=eva@example.com firstName=Eva lastName=Roe betaGroups→beta"}}}, nil},
	{"an export is an import", []pilotCase{{before: "import|-p|6700000099|-c|people.csv", line: "export|-p|6700000099|-c|out.csv", says: []string{"1 tester"}}}, []string{"internal/testers:TestAnExportIsAnImport"}},
	{"people of an app by bundle id, by id, of none, unknown", []pilotCase{{line: "list|-a|com.example.demo"}, {line: "list|-p|6700000099"}, {line: "list", exit: 2}, {line: "list|-p|1", exit: 4}}, nil},
	{"builds", []pilotCase{{line: "builds|-p|6700000099", says: []string{"1.0", "VALID"}}}, []string{"cmd/ascend:TestOutputIsAsItWas"}},

	{"the live build's number", nil, []string{"internal/release:TestNumbersComeFromBuildsAndUploads"}},
	{"of a version, of a platform", nil, []string{"internal/release:TestNumbersComeFromBuildsAndUploads"}},
	{"none yet, with and without a first", nil, []string{"internal/release:TestNumbersComeFromBuildsAndUploads"}},
	{"the number keeps its form", nil, []string{"internal/release:TestTheNextNumberKeepsItsForm"}},
	{"other spellings, and not the last but the highest", nil, []string{"internal/release:TestNumbersComeFromBuildsAndUploads", "internal/bundle:TestVersionsAreComparedFieldByField"}},

	{"an app with a watch app", nil, []string{"internal/bundle:TestTheOutermostAppWins", "internal/bundle:TestRealPackages"}},
	{"a path with spaces", []pilotCase{{line: "upload|-i|My App.ipa|-z"}, {line: "upload|-P|My App.pkg|-z"}}, nil},
	{"no app, no zip", []pilotCase{{line: "upload|-i|empty.ipa", exit: 5}, {line: "upload|-i|text.ipa", exit: 5}}, []string{"internal/bundle:TestPackagesThatCannotBeUsedSayWhy"}},
	{"over 4 GiB", nil, []string{"internal/bundle:TestArchivesOver4GiBWithWrappedFieldsAreRead", "internal/bundle:TestZip64AndPrependedDataAreRead"}},
}

const group = "|-p|6700000099|-g|Beta"

// listed is how many behaviours the list has.
const listed = 105

func TestEveryBehaviourOfPilotsListIsShown(t *testing.T) {
	t.Parallel()
	if len(behaviours) != listed {
		t.Fatalf("%d behaviours, not %d", len(behaviours), listed)
	}
	functions := testFunctions(t)
	for i, b := range behaviours {
		if len(b.cases)+len(b.tests) == 0 {
			t.Errorf("nothing shows %d: %s", i+1, b.given)
		}
		for _, test := range b.tests {
			if !functions[test] {
				t.Errorf("%d, %s: there is no test %s", i+1, b.given, test)
			}
		}
		for _, c := range b.cases {
			t.Run(fmt.Sprintf("%d, %s: %s", i+1, b.given, c.line), c.run)
		}
	}
}

// testFunctions finds the tests of the module.
func testFunctions(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	root := filepath.Join("..", "..")
	files, err := filepath.Glob(filepath.Join(root, "*", "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(root, "*", "*", "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	for _, file := range append(files, more...) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		folder, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range function.FindAllSubmatch(content, -1) {
			found[filepath.ToSlash(folder)+":"+string(match[1])] = true
		}
	}
	return found
}
