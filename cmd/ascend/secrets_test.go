package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ascend-cli/ascend/internal/sandbox"
)

const password = "correct-horse-battery-staple"

// planted is a way for secrets to come in.
type planted struct {
	command string // upload, if empty
	args    []string
	env     []string
	files   map[string]string
	// intercept is a service that repeats what it was sent.
	intercept func(http.ResponseWriter, *http.Request) bool
	code      int
	// masked tells that the log's system is told what to hide, which takes the
	// secret. It is on request only.
	masked bool
}

// plants are all inputs that take a secret, and what goes wrong with them.
func plants(key sandbox.Key) map[string]planted {
	pem := key.PEM()
	escaped := strings.ReplaceAll(pem, "\n", `\n`)
	document, err := json.Marshal(map[string]any{"key_id": key.ID, "issuer_id": key.IssuerID, "key": pem})
	if err != nil {
		panic(err)
	}
	review := `{"demo_account_name":"demo","demo_account_password":"` + password + `"}`
	damaged := strings.Replace(pem, "MIG", "MIX", 1)
	return map[string]planted{
		"a flag":                       {args: []string{"--key", pem}},
		"a variable":                   {env: []string{"ASCEND_KEY=" + pem}},
		"a variable with literal \\n":  {env: []string{"ASCEND_KEY=" + escaped}},
		"a variable in base64":         {env: []string{"ASCEND_KEY=" + base64.StdEncoding.EncodeToString([]byte(pem))}},
		"a file":                       {args: []string{"--key-file", "key.p8"}, files: map[string]string{"key.p8": pem}, env: []string{"ASCEND_KEY="}},
		"a JSON file":                  {args: []string{"--api-key-path", "key.json"}, files: map[string]string{"key.json": string(document)}},
		"fastlane's variable":          {env: []string{"ASCEND_KEY=", "ASCEND_KEY_ID=", "ASCEND_ISSUER_ID=", "APP_STORE_CONNECT_API_KEY_KEY_ID=" + key.ID, "APP_STORE_CONNECT_API_KEY_ISSUER_ID=" + key.IssuerID, "APP_STORE_CONNECT_API_KEY_KEY=" + pem}},
		"a review's password":          {args: []string{"--review-info-json", review}},
		"a configuration":              {args: []string{"--config", "ascend.yml"}, files: map[string]string{"ascend.yml": "review_info:\n  demo_account_name: demo\n  demo_account_password: " + password + "\n"}},
		"pilot's options":              {command: "pilot", args: []string{"--beta_app_review_info", review}},
		"a log of JSON":                {args: []string{"--log-format", "json", "--review-info-json", review}},
		"a log of GitHub":              {env: []string{"ASCEND_CI=github"}, args: []string{"--review-info-json", review}},
		"a log of GitHub, JSON file":   {env: []string{"ASCEND_CI=github"}, args: []string{"--api-key-path", "key.json"}, files: map[string]string{"key.json": string(document)}},
		"a log of Azure":               {env: []string{"ASCEND_CI=azure"}, args: []string{"--review-info-json", review}},
		"GitHub masks":                 {env: []string{"ASCEND_CI=github"}, args: []string{"--review-info-json", review, "--ci-mask"}, masked: true},
		"GitHub masks a JSON file":     {env: []string{"ASCEND_CI=github", "ASCEND_CI_MASK=true"}, args: []string{"--api-key-path", "key.json"}, files: map[string]string{"key.json": string(document)}, masked: true},
		"Azure masks":                  {env: []string{"ASCEND_CI=azure"}, args: []string{"--review-info-json", review, "--ci-mask"}, masked: true},
		"GitLab has no masks":          {env: []string{"ASCEND_CI=gitlab"}, args: []string{"--review-info-json", review, "--ci-mask"}},
		"a log of GitLab":              {env: []string{"ASCEND_CI=gitlab"}, args: []string{"--review-info-json", review}},
		"a run that fails":             {args: []string{"--groups", "Nobody", "--review-info-json", review}, code: 4},
		"a damaged key":                {env: []string{"ASCEND_KEY=" + damaged}, code: 3},
		"a key cut off":                {env: []string{"ASCEND_KEY=" + pem[:len(pem)/2]}, code: 3},
		"a key file that is none":      {args: []string{"--api-key-path", "key.json"}, files: map[string]string{"key.json": string(document[:len(document)/2])}, code: 3},
		"a review that is no JSON":     {args: []string{"--review-info-json", review[:len(review)-1]}, code: 2},
		"a configuration that is none": {args: []string{"--config", "ascend.yml"}, files: map[string]string{"ascend.yml": "review_info: [" + password + "\n"}, code: 2},
		"a gateway that repeats requests": {code: 3, intercept: func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/v1/apps" {
				return false
			}
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, "<html>refused: GET %s with %s</html>", r.URL, r.Header.Get("Authorization"))
			return true
		}},
		"a service that quotes the token": {code: 3, intercept: func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/v1/apps" {
				return false
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `{"errors":[{"status":"403","code":"FORBIDDEN_ERROR","title":"No","detail":"Not for %s."}]}`, r.Header.Get("Authorization"))
			return true
		}},
		"a store that repeats the URL": {code: 6, intercept: func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPut {
				return false
			}
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, "<Error><Code>Odd</Code><Message>%s is odd, so is X-Amz-Signature=%s</Message></Error>", r.URL.Query().Get("X-Amz-Signature"), r.URL.Query().Get("X-Amz-Signature"))
			return true
		}},
	}
}

var maskLine = regexp.MustCompile(`(?m)^(::add-mask::|##vso\[task\.setsecret\]).*\n`)

// TestSecretsAreWrittenNowhere searches everything that a run leaves: both
// streams, report, events, trace, results, and what is remembered.
func TestSecretsAreWrittenNowhere(t *testing.T) {
	t.Parallel()
	key, err := sandbox.NewKey("TESTKEY001", "57246542-96fe-1a63-e053-0824d011072a", sandbox.Admin)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range plants(key) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, sandbox.Options{Keys: []sandbox.Key{key}, PartSize: 8 << 10, UploadProcessing: 30 * time.Millisecond, Intercept: c.intercept})
			given, written := t.TempDir(), t.TempDir()
			for name, content := range c.files {
				if err := os.WriteFile(filepath.Join(given, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			out := func(name string) string { return filepath.Join(written, name) }
			args := []string{"upload", pack(t, "7", 32<<10), "--groups", "QA", "--state-dir", out("state"), "--report", out("report.html"),
				"--events", out("events.ndjson"), "--trace-http", out("trace.har"), "--verbose", "--dotenv", out("results.env")}
			if c.command == "pilot" {
				args = []string{"pilot", "upload", "--ipa", args[1], "--groups", "QA", "--verbose"}
			}
			if slices.Contains(c.args, "--groups") {
				args = slices.DeleteFunc(args, func(a string) bool { return a == "--groups" || a == "QA" })
			}
			p := s.command(append(args, c.args...)...)
			p.Env = append(p.Env, c.env...)
			p.Dir = given
			p.run()
			if code := p.code(); code != c.code {
				t.Errorf("it ended with %d, want %d: %s", code, c.code, p.err.String())
			}
			found := map[string][]byte{"stdout": p.out.Bytes(), "stderr": p.err.Bytes()}
			if masked := maskLine.Match(found["stderr"]); masked != c.masked {
				t.Errorf("masked: %v", masked)
			}
			found["stderr"] = maskLine.ReplaceAll(found["stderr"], nil)
			for _, folder := range []string{written, s.home} {
				err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
					if err != nil || entry.IsDir() {
						return err
					}
					found[path], err = os.ReadFile(path)
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if len(found) < 5 && c.code != 2 && c.command == "" {
				t.Errorf("only %d files to search", len(found))
			}
			secrets := []string{password, "eyJhbGciOiJFUzI1NiI", "X-Amz-Credential", base64.StdEncoding.EncodeToString([]byte(key.PEM()))[40:80]}
			for line := range strings.Lines(key.PEM()) {
				if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") {
					secrets = append(secrets, line[len(line)/4:len(line)/2])
				}
			}
			signature := regexp.MustCompile(`[0-9a-f]{64}`) // of a presigned URL
			for where, content := range found {
				for _, secret := range secrets {
					if bytes.Contains(content, []byte(secret)) {
						t.Errorf("%s has the secret %s", where, secret)
					}
				}
				if hex := signature.Find(content); hex != nil {
					t.Errorf("%s has what may be a signature, %s", where, hex)
				}
			}
		})
	}
}
