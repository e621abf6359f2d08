package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
	"github.com/ascend-cli/ascend/internal/pilot"
	"github.com/ascend-cli/ascend/internal/sandbox"
)

// A pilotCase is a command line of pilot's, and what becomes of it at Apple.
type pilotCase struct {
	// line is the command line without the word pilot, with | between words.
	line string
	// before is a command line that runs first and has to work.
	before string
	env    []string
	exit   int
	// changes are the requests that change something, in their order, without
	// those that carry the package; see [ledger].
	changes []string
	// says are parts of what is written, to stdout or stderr.
	says []string
}

// ledger writes down the requests that change something: method, path and
// body, with ids that were made up as an asterisk.
type ledger struct {
	mu      sync.Mutex
	entries []string
}

var madeUp = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

func (l *ledger) intercept(_ http.ResponseWriter, r *http.Request) bool {
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	asks := path == "builds/00000000-0000-4000-8000-000000000000" // what the key's role permits; there is no such build
	if r.Method == http.MethodGet || !strings.HasPrefix(r.URL.Path, "/v1/") || strings.HasPrefix(path, "buildUpload") || asks {
		return false
	}
	content, err := io.ReadAll(r.Body)
	if err != nil {
		return false
	}
	r.Body = io.NopCloser(bytes.NewReader(content))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, madeUp.ReplaceAllString(strings.TrimSpace(r.Method+" "+path+" "+inWords(content)), "*"))
	return false
}

// take returns what was written down and begins anew.
func (l *ledger) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	entries := l.entries
	l.entries = nil
	return entries
}

// inWords puts a body into words: attributes as name=value, relationships as
// name→id, linkages as ids.
func inWords(content []byte) string {
	var body struct {
		Data     any
		Included []map[string]any
	}
	if json.Unmarshal(content, &body) != nil {
		return ""
	}
	var words []string
	resource := func(r map[string]any) {
		attributes, _ := r["attributes"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(attributes)) {
			words = append(words, fmt.Sprintf("%s=%v", name, attributes[name]))
		}
		relationships, _ := r["relationships"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(relationships)) {
			data := relationships[name].(map[string]any)["data"]
			if one, ok := data.(map[string]any); ok {
				data = []any{one}
			}
			for _, to := range data.([]any) {
				words = append(words, fmt.Sprintf("%s→%v", name, to.(map[string]any)["id"]))
			}
		}
	}
	switch data := body.Data.(type) {
	case map[string]any:
		resource(data)
	case []any:
		for _, to := range data {
			words = append(words, fmt.Sprint(to.(map[string]any)["id"]))
		}
	}
	for _, included := range body.Included {
		resource(included)
	}
	return strings.Join(words, " ")
}

// run runs a case against an App Store Connect of its own, in a folder with
// packages.
func (c pilotCase) run(t *testing.T) {
	t.Parallel()
	var l ledger
	s := newSite(t, sandbox.Options{
		Intercept: l.intercept,
		Apps: []sandbox.App{{BundleID: "com.example.demo.more"}, {
			ID: "6700000099", BundleID: "com.example.demo", Name: "Demo", Declaration: "APPROVED",
			Groups: []sandbox.Group{{ID: "team", Name: "Team", Internal: true, AllBuilds: true}, {ID: "qa", Name: "QA", Internal: true}, {ID: "beta", Name: "Beta"}, {ID: "family", Name: "Friends, family"}, {ID: "twin-1", Name: "Twin"}, {ID: "twin-2", Name: "Twin"}},
			Builds: []sandbox.Build{{ID: "tv", Version: "1.0", Number: "1", Platform: "TV_OS"}, {ID: "old", Version: "1.0", Number: "8"}, {ID: "new", Version: "1.0", Number: "9", Clip: true}},
		}},
	})
	dir := t.TempDir()
	info := bundletest.IOS("com.example.demo", "1.0", "10")
	for name, content := range map[string][]byte{
		"App.ipa":       bundletest.IPA(info),
		"Undecided.ipa": bundletest.IPA(info.With("ITSAppUsesNonExemptEncryption", nil)),
		"Mac.pkg":       bundletest.PKG(bundletest.Mac("com.example.demo", "1.0", "10")),
		"My App.ipa":    bundletest.IPA(info),
		"My App.pkg":    bundletest.PKG(bundletest.Mac("com.example.demo", "1.0", "10")),
		"empty.ipa":     bundletest.Zip(),
		"text.ipa":      []byte("not a package"),
		"bare.csv":      []byte("Eva,Roe,eva@example.com\n"),
		"people.csv":    []byte("Dana,Doe,dana@example.com,QA\n"),
		"key.json":      fmt.Appendf(nil, `{"key_id":%q,"issuer_id":%q,"key":%q}`, s.key.ID, s.key.IssuerID, s.key.PEM()),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := func(line string) *process {
		inline, _ := json.Marshal(map[string]string{"key_id": s.key.ID, "issuer_id": s.key.IssuerID, "key": s.key.PEM()})
		p := s.command(append([]string{"pilot"}, strings.Split(strings.ReplaceAll(line, "KEY", string(inline)), "|")...)...)
		p.Dir = dir
		return p
	}
	if c.before != "" {
		p := command(c.before)
		p.run()
		if code := p.code(); code != 0 {
			t.Fatalf("%s ended with %d: %s", c.before, code, p.err.String())
		}
		l.take()
	}
	p := command(c.line)
	if strings.Contains(c.line, "api_key") {
		p.Env = slices.DeleteFunc(p.Env, func(v string) bool {
			return strings.HasPrefix(v, "ASCEND_KEY") || strings.HasPrefix(v, "ASCEND_ISSUER")
		})
	}
	p.Env = append(p.Env, c.env...)
	p.run()
	if code := p.code(); code != c.exit {
		t.Errorf("exit code %d, want %d", code, c.exit)
	}
	written := p.out.String() + p.err.String()
	if entries := l.take(); !slices.Equal(entries, c.changes) {
		t.Errorf("requests\n\t%s\nwant\n\t%s\n%s", strings.Join(entries, "\n\t"), strings.Join(c.changes, "\n\t"), written)
	}
	for _, want := range c.says {
		if !strings.Contains(written, want) {
			t.Errorf("it does not say %q:\n%s", want, written)
		}
	}
}

const (
	pilotUpload = "upload|-i|App.ipa"
	waiting     = "distribute|-p|6700000099|-m|ios|-g|Beta|-w|Hello"
	clips       = `distribute|-p|6700000099|-m|ios|--app_clip_invocations|[{"url":"https://e.com/old","title":{"en-US":"Old"}}]`
)

// optionCases has what becomes of each option, at Apple.
var optionCases = map[string][]pilotCase{
	"api_key_path":                      {{line: "builds|-p|6700000099|--api_key_path|key.json", says: []string{"1.0"}}},
	"api_key":                           {{line: "builds|-p|6700000099|--api_key|KEY", says: []string{"1.0"}}},
	"username":                          {{line: "builds|-p|6700000099|-u|me@example.com", says: []string{"--username is not used"}}},
	"app_identifier":                    {{line: "builds|-a|com.example.demo", says: []string{"1.0"}}, {line: "builds|-a|com.example", exit: 4, says: []string{"com.example"}}, {line: pilotUpload + "|-a|com.example.demo.more", exit: 9, says: []string{"com.example.demo.more"}}},
	"app_platform":                      {{line: "distribute|-p|6700000099|-m|appletvos|-g|QA", changes: []string{"POST builds/tv/relationships/betaGroups qa"}}, {line: pilotUpload + "|-m|watch", exit: 2, says: []string{"watch"}}},
	"apple_id":                          {{line: "builds|-p|6700000099", says: []string{"1.0"}}, {line: "builds|-p|1", exit: 4}},
	"ipa":                               {{line: pilotUpload, says: []string{"1.0 (10) is VALID"}}, {line: "upload|-i|No.ipa", exit: 5, says: []string{"No.ipa"}}},
	"pkg":                               {{line: "upload|-P|Mac.pkg", says: []string{"1.0 (10) is VALID"}}},
	"demo_account_required":             {{line: pilotUpload + "|--demo_account_required", changes: []string{"PATCH betaAppReviewDetails/6700000099 demoAccountRequired=true"}}},
	"beta_app_review_info":              {{line: pilotUpload + `|--beta_app_review_info|{"contact_email":"a@b.c","notes":"Hi","demo_account_password":"hush"}`, changes: []string{"PATCH betaAppReviewDetails/6700000099 contactEmail=a@b.c demoAccountPassword=hush notes=Hi"}}, {line: pilotUpload + `|--beta_app_review_info|{"note":"x"}`, exit: 2, says: []string{`"note"`}}},
	"localized_app_info":                {{line: pilotUpload + `|--localized_app_info|{"default":{"description":"All"},"de-DE":{"tv_os_privacy_policy_url":"https://e.com"}}`, changes: []string{"POST betaAppLocalizations locale=de-DE tvOsPrivacyPolicy=https://e.com app→6700000099", "PATCH betaAppLocalizations/* description=All"}}, {line: pilotUpload + `|--localized_app_info|{"de-DE":{"text":"x"}}`, exit: 2, says: []string{`"text"`}}},
	"beta_app_description":              {{line: pilotUpload + "|-d|An app.", changes: []string{"PATCH betaAppLocalizations/* description=An app."}}},
	"beta_app_feedback_email":           {{line: pilotUpload + "|-n|a@b.c", changes: []string{"PATCH betaAppLocalizations/* feedbackEmail=a@b.c"}}},
	"localized_build_info":              {{line: pilotUpload + `|--localized_build_info|{"default":{"whats_new":"All"},"en-GB":{"whats_new":"Hello"}}`, changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=All build→*", "POST betaBuildLocalizations locale=en-GB whatsNew=Hello build→*"}}, {line: pilotUpload + `|--localized_build_info|{"en-GB":{"news":"x"}}`, exit: 2, says: []string{`"news"`}}},
	"changelog":                         {{line: pilotUpload + "|-w|Hello", changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=Hello build→*"}}, {line: pilotUpload, env: []string{"PILOT_CHANGELOG="}}},
	"skip_submission":                   {{line: pilotUpload + "|-s|-g|Beta|-w|Hello", changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=Hello build→*"}}},
	"skip_waiting_for_build_processing": {{line: pilotUpload + "|-z"}, {line: pilotUpload + "|-z|-w|Hello", changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=Hello build→*"}}},
	"update_build_info_on_upload":       {{line: pilotUpload + "|-x|-z"}},
	"app_clip_invocations":              {{line: `distribute|-p|6700000099|-m|ios|--app_clip_invocations|[{"url":"https://e.com","title":{"en-US":"Go"}}]`, changes: []string{"POST betaAppClipInvocations url=https://e.com betaAppClipInvocationLocalizations→${title-0} buildBundle→* locale=en-US title=Go"}}, {line: "upload|-i|App.ipa|--app_clip_invocations|x", exit: 2}},
	"overwrite_app_clip_invocations":    {{before: clips, line: `distribute|-p|6700000099|-m|ios|--overwrite_app_clip_invocations|--app_clip_invocations|[{"url":"https://e.com","title":{"en-US":"Go"}}]`, changes: []string{"DELETE betaAppClipInvocations/*", "POST betaAppClipInvocations url=https://e.com betaAppClipInvocationLocalizations→${title-0} buildBundle→* locale=en-US title=Go"}}},
	"distribute_only":                   {{line: "upload|-D|-p|6700000099|-m|ios|-g|QA", changes: []string{"POST builds/new/relationships/betaGroups qa"}}},
	"uses_non_exempt_encryption":        {{line: "upload|-i|Undecided.ipa", changes: []string{"PATCH builds/* usesNonExemptEncryption=false"}}, {line: "upload|-i|Undecided.ipa|-X", changes: []string{"PATCH builds/* usesNonExemptEncryption=true", "PATCH builds/*/relationships/appEncryptionDeclaration"}}, {line: "upload|-i|App.ipa|-X"}},
	"distribute_external":               {{line: pilotUpload + "|--distribute_external|-g|Beta|-w|Hello", changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=Hello build→*", "POST builds/*/relationships/betaGroups beta", "POST betaAppReviewSubmissions build→*"}}, {line: pilotUpload + "|--distribute_external|-w|Hello", exit: 2}, {line: pilotUpload + "|--distribute_external|-g|Beta", exit: 2}},
	"notify_external_testers":           {{line: pilotUpload + "|--notify_external_testers|false", changes: []string{"PATCH buildBetaDetails/* autoNotifyEnabled=false"}}, {line: pilotUpload + "|--notify_external_testers|true|-g|Beta|-w|Hi", changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=Hi build→*", "POST builds/*/relationships/betaGroups beta", "POST betaAppReviewSubmissions build→*"}}},
	"app_version":                       {{line: "distribute|-p|6700000099|-m|ios|--app_version|1|-g|QA", changes: []string{"POST builds/new/relationships/betaGroups qa"}}, {line: "distribute|-p|6700000099|-m|ios|--app_version|3.0|-g|QA", exit: 4}},
	"build_number":                      {{line: "distribute|-p|6700000099|--build_number|8|-g|QA", changes: []string{"POST builds/old/relationships/betaGroups qa"}}},
	"expire_previous_builds":            {{line: pilotUpload + "|--expire_previous_builds", changes: []string{"PATCH builds/new expired=true", "PATCH builds/old expired=true"}}},
	"first_name":                        {{line: "add|-p|6700000099|-g|Beta|-f|Dana|dana@example.com", changes: []string{"POST betaTesters email=dana@example.com firstName=Dana betaGroups→beta"}}},
	"last_name":                         {{line: "add|-p|6700000099|-g|Beta|-l|Doe|dana@example.com", changes: []string{"POST betaTesters email=dana@example.com lastName=Doe betaGroups→beta"}}},
	"email":                             {{line: "add|-p|6700000099|-g|Beta|-e|dana@example.com", changes: []string{"POST betaTesters email=dana@example.com betaGroups→beta"}}, {line: "find|-p|6700000099|-e|nobody@example.com", exit: 4}},
	"testers_file_path":                 {{line: "import|-p|6700000099|-c|people.csv|-g|Beta", changes: []string{"POST betaTesters email=dana@example.com firstName=Dana lastName=Doe betaGroups→qa"}}, {line: "import|-p|6700000099", exit: 2}},
	"groups":                            {{line: pilotUpload + "|-g|QA, Beta|-w|Hello", changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=Hello build→*", "POST builds/*/relationships/betaGroups qa beta", "POST betaAppReviewSubmissions build→*"}}, {line: pilotUpload + "|-g|Nope", exit: 4}, {line: pilotUpload + "|-g|Twin", exit: 9, says: []string{"twin-1"}}, {line: pilotUpload + `|-g|["Friends, family"]|-w|Hello`, changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=Hello build→*", "POST builds/*/relationships/betaGroups family", "POST betaAppReviewSubmissions build→*"}}, {line: pilotUpload + "|-g|team", says: []string{"every build"}}},
	"team_id":                           {{line: pilotUpload + "|-q|1", says: []string{"--team_id is not used"}}},
	"team_name":                         {{line: pilotUpload + "|-r|T", says: []string{"--team_name is not used"}}},
	"dev_portal_team_id":                {{line: pilotUpload + "|--dev_portal_team_id|1", says: []string{"--dev_portal_team_id is not used"}}},
	"itc_provider":                      {{line: pilotUpload + "|--itc_provider|1", says: []string{"--itc_provider is not used"}}},
	"provider_public_id":                {{line: pilotUpload + "|--provider_public_id|1", says: []string{"--provider_public_id is not used"}}},
	"wait_processing_interval":          {{line: pilotUpload + "|-k|1", says: []string{"is VALID"}}, {line: pilotUpload + "|-k|0", exit: 2}},
	"wait_processing_timeout_duration":  {{line: pilotUpload + "|--wait_processing_timeout_duration|60", says: []string{"is VALID"}}},
	"wait_for_uploaded_build":           {{line: pilotUpload + "|--wait_for_uploaded_build", says: []string{"--wait_for_uploaded_build is not used"}}},
	"reject_build_waiting_for_review":   {{before: waiting, line: pilotUpload + "|-b|-g|Beta|-w|Hello", changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=Hello build→*", "POST builds/*/relationships/betaGroups beta", "PATCH builds/new expired=true", "POST betaAppReviewSubmissions build→*"}}, {before: waiting, line: pilotUpload + "|-g|Beta|-w|Hello", exit: 7, changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=Hello build→*", "POST builds/*/relationships/betaGroups beta", "POST betaAppReviewSubmissions build→*"}}},
	"submit_beta_review":                {{line: pilotUpload + "|-g|Beta|-w|Hello|--submit_beta_review|false", changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=Hello build→*", "POST builds/*/relationships/betaGroups beta"}}, {line: pilotUpload + "|-g|Beta|-w|Hello", env: []string{"PILOT_DISTRIBUTE_EXTERNAL=false"}, changes: []string{"POST betaBuildLocalizations locale=en-US whatsNew=Hello build→*", "POST builds/*/relationships/betaGroups beta"}}},
}

func TestEveryOptionOfPilotReachesApple(t *testing.T) {
	t.Parallel()
	for _, name := range pilot.Options() {
		if len(optionCases[name]) == 0 {
			t.Errorf("there is no case for %s", name)
		}
		for _, c := range optionCases[name] {
			t.Run(name+" "+c.line, c.run)
		}
	}
}
