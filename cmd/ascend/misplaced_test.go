package main

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ascend-cli/ascend/internal/sandbox"
)

// TestAKeyInTheWrongPlaceIsNotShown puts private keys into every flag, variable
// and argument where something else belongs.
func TestAKeyInTheWrongPlaceIsNotShown(t *testing.T) {
	t.Parallel()
	s := newSite(t, sandbox.Options{})
	text := s.key.PEM()
	encoded := base64.StdEncoding.EncodeToString([]byte(text))
	document, err := json.Marshal(map[string]string{"key_id": s.key.ID, "issuer_id": s.key.IssuerID, "key": text})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	forms := map[string]string{
		"PEM": text, "escaped PEM": strings.ReplaceAll(text, "\n", `\n`), "half of PEM": text[:len(text)/2], "base64 of PEM": encoded, "half of base64": encoded[:len(encoded)/2],
		"base64 of DER": strings.Join(lines[1:len(lines)-1], ""), "JSON": string(document),
	}
	pkg := pack(t, "7", 1)
	folder := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	quote := func(text string) string {
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(quoted)
	}
	noKey := []string{"ASCEND_KEY=", "ASCEND_KEY_ID=", "ASCEND_ISSUER_ID="}
	fastlane := func(name, value string) []string {
		return append([]string{"APP_STORE_CONNECT_API_KEY_KEY_ID=ABC", "APP_STORE_CONNECT_API_KEY_" + name + "=" + value}, noKey...)
	}
	for form, key := range forms {
		slug := strings.ReplaceAll(form, " ", "-")
		for place, c := range map[string]struct{ args, env []string }{
			"--key-file":               {args: []string{"auth", "check", "--key-file", key}},
			"--key-file=":              {args: []string{"auth", "check", "--key-file=" + key}},
			"--api-key-path":           {args: []string{"auth", "check", "--api-key-path", key}},
			"--key-id":                 {args: []string{"auth", "check", "--key-id", key}},
			"--issuer-id":              {args: []string{"auth", "check", "--issuer-id", key}},
			"ASCEND_KEY_FILE":          {args: []string{"auth", "check"}, env: []string{"ASCEND_KEY=", "ASCEND_KEY_FILE=" + key}},
			"ASCEND_KEY_ID":            {args: []string{"auth", "check"}, env: []string{"ASCEND_KEY_ID=" + key}},
			"ASCEND_ISSUER_ID":         {args: []string{"auth", "check", "--json"}, env: []string{"ASCEND_ISSUER_ID=" + key}},
			"ASCEND_API_KEY_PATH":      {args: []string{"auth", "check"}, env: []string{"ASCEND_API_KEY_PATH=" + key}},
			"fastlane's key id":        {args: []string{"auth", "check"}, env: fastlane("KEY_ID", key)},
			"fastlane's issuer id":     {args: []string{"auth", "check"}, env: fastlane("ISSUER_ID", key)},
			"fastlane's key file":      {args: []string{"auth", "check"}, env: fastlane("KEY_FILEPATH", key)},
			"fastlane's path":          {args: []string{"auth", "check"}, env: fastlane("PATH", key)},
			"key_filepath":             {args: []string{"auth", "check", "--api-key-path", write("path-"+slug+".json", `{"key_id": "ABC", "key_filepath": `+quote(key)+`}`)}},
			"key_id in a file":         {args: []string{"auth", "check", "--api-key-path", write("id-"+slug+".json", `{"key": "x", "key_id": `+quote(key)+`}`)}},
			"--app":                    {args: []string{"upload", "--app", key, pkg}},
			"--groups":                 {args: []string{"upload", "--groups", key, pkg}},
			"a note":                   {args: []string{"upload", "--what-to-test", key, pkg}},
			"a variable of a flag":     {args: []string{"upload", pkg}, env: []string{"ASCEND_GROUPS=" + key}},
			"a number":                 {args: []string{"upload", "--keep", key, pkg}},
			"a package":                {args: []string{"upload", key}},
			"a package to inspect":     {args: []string{"inspect", "--json", key}},
			"a command":                {args: []string{key}},
			"a command below":          {args: []string{"builds", key}},
			"a flag":                   {args: []string{"upload", "--" + key, pkg}},
			"a flag before a command":  {args: []string{"--key=" + key, "upload", pkg}},
			"an argument too many":     {args: []string{"auth", "check", key}},
			"--ci":                     {args: []string{"upload", "--ci", key, pkg}},
			"--config":                 {args: []string{"upload", "--config", key, pkg}},
			"a configuration":          {args: []string{"upload", "--config", write("config-"+slug+".yml", "groups: ["+quote(key)+"]\n"), pkg}},
			"pilot's app":              {args: []string{"pilot", "upload", "--app_identifier", key, "--ipa", pkg}},
			"pilot's variable":         {args: []string{"pilot", "upload", "--ipa", pkg}, env: []string{"PILOT_SKIP_SUBMISSION=" + key}},
			"pilot's command":          {args: []string{"pilot", key}},
			"pilot's path":             {args: []string{"pilot", "upload", "--api_key_path", key, "--ipa", pkg}},
			"under GitHub, a variable": {args: []string{"auth", "check"}, env: []string{"ASCEND_CI=github", "ASCEND_KEY_FILE=" + key, "ASCEND_KEY="}},
		} {
			t.Run(place+"/"+form, func(t *testing.T) {
				t.Parallel()
				p := s.command(c.args...)
				p.Env, p.Dir = append(p.Env, c.env...), t.TempDir()
				p.run()
				code, said := p.code(), p.out.String()+p.err.String()
				if want := 3; code != want && place != "a flag before a command" {
					t.Errorf("it ended with %d, want %d", code, want)
				}
				if place != "a flag before a command" && !strings.Contains(said, "ASCEND_KEY") && !strings.Contains(said, "place of its own") && !strings.Contains(said, "field key") {
					t.Errorf("it does not say where a key belongs: %s", said)
				}
				for from := 0; from+12 <= len(key); from += 12 {
					if piece := key[from : from+12]; strings.Contains(said, piece) && !strings.Contains("-----BEGIN PRIVATE KEY-----", piece) {
						t.Fatalf("it shows %q:\n%s", piece, said)
					}
				}
			})
		}
	}
}

func TestAKeyInAnArgumentIsWarnedAbout(t *testing.T) {
	t.Parallel()
	s := newSite(t, sandbox.Options{})
	p := s.command("auth", "check", "--key", s.key.PEM())
	p.Env = append(p.Env, "ASCEND_KEY=")
	p.run()
	if code := p.code(); code != 0 || !strings.Contains(p.err.String(), "every process of this machine") {
		t.Errorf("it ended with %d: %s", code, p.err.String())
	}
	if p := s.start("auth", "check"); p.code() != 0 || p.err.Len() != 0 {
		t.Errorf("a variable is warned about: %s", p.err.String())
	}
}
