package main

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/sandbox"
)

var update = flag.Bool("update", false, "write the golden files")

// changing is what differs from run to run, replaced by as many letters.
var changing = regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|127\.0\.0\.1:\d+|time +\d+(\.\d)? m?s|"(duration_ms|inspect|preflight|resolve|reserve|transfer|commit|wait|distribute|parts|hourly_remaining)": \d+|\d+ of 3600`)

// TestOutputIsAsItWas compares what commands write to stdout, for people and as
// JSON, with files of testdata/golden. Run with -update to accept a change.
func TestOutputIsAsItWas(t *testing.T) {
	t.Parallel()
	s := newSite(t, sandbox.Options{Apps: []sandbox.App{{
		BundleID: "com.example.demo", Name: "Demo",
		Groups: []sandbox.Group{{ID: "team", Name: "Team", Internal: true, AllBuilds: true}, {ID: "qa", Name: "QA", Internal: true}, {ID: "beta", Name: "Beta"}},
		Builds: []sandbox.Build{{ID: "old", Version: "1.0", Number: "9", Live: true}, {ID: "new", Version: "1.1.0", Number: "10"}, {ID: "tv", Version: "1.1", Number: "40", Platform: "TV_OS"}},
	}}})
	run := func(args ...string) string {
		t.Helper()
		p := s.start(args...)
		if code := p.code(); code != 0 {
			t.Fatalf("%v ended with %d: %s", args, code, p.err.String())
		}
		return p.out.String()
	}
	run("testers", "add", "--app", "com.example.demo", "--groups", "Beta,QA", "--first-name", "Dana", "--last-name", "Doe", "dana@example.com")
	run("testers", "add", "--app", "com.example.demo", "--groups", "QA", "a-very-long-address@example.com")
	run("upload", "../../testdata/Demo.ipa")
	people := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(people, []byte("First,Last,Email,Groups\nEva,Roe,eva@example.com,QA\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, line string }{
		{"builds-list", "builds list --app com.example.demo"},
		{"builds-latest", "builds latest --app com.example.demo --platform ios"},
		{"builds-next-number", "builds next-number --app com.example.demo --platform ios"},
		{"builds-expire", "builds expire --app com.example.demo --platform ios --keep 1 --dry-run"},
		{"groups-list", "groups list --app com.example.demo"},
		{"groups-create", "groups create --app com.example.demo Beta"},
		{"testers-list", "testers list --app com.example.demo"},
		{"testers-find", "testers find --app com.example.demo dana@example.com"},
		{"testers-add", "testers add --app com.example.demo --groups QA dana@example.com eva@example.com --dry-run"},
		{"testers-remove", "testers remove --app com.example.demo --groups Beta dana@example.com --dry-run"},
		{"testers-export", "testers export --app com.example.demo"},
		{"uploads-list", "uploads list --app com.example.demo"},
		{"inspect", "inspect ../../testdata/Demo.ipa"},
		{"inspect-findings", "inspect --fail-on never ../../testdata/Development.ipa"},
		{"inspect-rules", "inspect --rules"},
		{"auth-check", "auth check"},
		{"explain", "explain ENTITY_UNPROCESSABLE.BETA_CONTRACT_MISSING ITMS-90683"},
		{"upload", "upload --groups QA ../../testdata/Small.ipa"},
		{"wait", "wait --app com.example.demo --build-number 43"},
		{"distribute", "distribute --app com.example.demo --build-number 43 --groups QA,Beta --what-to-test Hello"},
		{"uploads-show", "uploads show " + uploadOf(t, run("uploads", "list", "--app", "com.example.demo", "--json"))},
		{"uploads-cancel", "uploads cancel " + s.reserved()},
		{"help", "--help"},
		{"upload-help", "upload --help"},
		{"inspect-help", "inspect --help"},
		{"testers-import", "testers import --app com.example.demo --dry-run " + people},
		{"pilot-explain", "pilot distribute --explain -a com.example.demo -g QA -w Hello"},
		{"completion", "completion fish"},
		{"groups-delete", "groups delete --app com.example.demo Beta"},
	} {
		t.Run(c.name, func(t *testing.T) {
			golden(t, c.name, run(strings.Fields(c.line)...))
			switch c.name {
			case "testers-export", "upload", "groups-delete", "pilot-explain", "completion", "uploads-cancel", "help", "upload-help", "inspect-help": // JSON is written to a file, or it works but once
			default:
				golden(t, c.name+"-json", run(append(strings.Fields(c.line), "--json")...))
			}
		})
	}
}

// reserved is a build upload that nothing was sent to.
func (s *site) reserved() string {
	s.t.Helper()
	client, err := asc.NewClient(asc.Options{Key: asc.Key{ID: s.key.ID, IssuerID: s.key.IssuerID, Private: s.key.Private}, URL: s.server.URL()})
	if err != nil {
		s.t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	app, ok, err := client.AppByBundleID(s.t.Context(), "com.example.demo")
	if err != nil || !ok {
		s.t.Fatal(err)
	}
	u, err := client.CreateBuildUpload(s.t.Context(), app.ID, asc.NewBuildUpload{CFBundleShortVersionString: "2.0", CFBundleVersion: "1", Platform: "IOS"})
	if err != nil {
		s.t.Fatal(err)
	}
	return u.ID
}

// uploadOf is the id of the one build upload in a list.
func uploadOf(t *testing.T, list string) string {
	t.Helper()
	var document struct {
		Uploads []struct {
			ID string `json:"build_upload_id"`
		} `json:"build_uploads"`
	}
	if err := json.Unmarshal([]byte(list), &document); err != nil || len(document.Uploads) != 1 {
		t.Fatalf("%v: %s", err, list)
	}
	return document.Uploads[0].ID
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	got = changing.ReplaceAllLiteralString(got, "xxxxxxxxxxxxxxxx")
	path := filepath.Join("..", "..", "testdata", "golden", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (run with -update to write it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (run with -update to accept)\n%s", path, diff)
	}
}
