package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ascend-cli/ascend/internal/sandbox"
)

// commands are what a CI system acts upon. ascend's own are taken out before.
var (
	commands    = regexp.MustCompile(`(?m)##[A-Za-z.]*\[|::|(^|[ \t])(---|\+\+\+|~~~|\^\^\^)([ \t]|$)|\x{202e}`)
	ownCommands = regexp.MustCompile(`(?m)^(::(error|warning) title=ascend::|::group::ascend [a-z]+$|::endgroup::$|##vso\[task\.(logissue|setvariable) [a-z_=; O]+\]|##\[(group\]ascend [a-z]+|endgroup\])$|` +
		`##teamcity\[(buildProblem description|message text|setParameter name|block(Opened|Closed) name)=|--- ascend [a-z]+$|\^\^\^ \+\+\+$)`)
)

// TestNamesAndRefusalsAreNoCommands has names, a path and refusals that are
// commands of every CI system, under each of them, from the service to the log.
func TestNamesAndRefusalsAreNoCommands(t *testing.T) {
	t.Parallel()
	const evil = "##vso[task.complete]x ##[error]x ##teamcity[x 'y'] ::error::x --- x \u202ex"
	store := func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut {
			return false
		}
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, "<Error><Code>::error::x</Code><Message>%s</Message></Error>", evil)
		return true
	}
	service := func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/v1/apps" {
			return false
		}
		content, err := json.Marshal(map[string]any{"errors": []map[string]string{{"status": "409", "code": evil, "title": evil, "detail": evil}}})
		if err != nil {
			panic(err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusConflict)
		_, _ = w.Write(content)
		return true
	}
	for name, c := range map[string]struct {
		options sandbox.Options
		lines   []string // PACKAGE and GROUP stand for what is hostile
	}{
		"a release":          {lines: []string{"upload PACKAGE --groups GROUP", "groups list --app com.example.demo", "builds list --app com.example.demo", "uploads list --app com.example.demo", "inspect PACKAGE"}},
		"a build refused":    {options: sandbox.Options{FailWith: []sandbox.Detail{{Code: evil, Description: evil}}}, lines: []string{"upload PACKAGE --verbose"}},
		"a part refused":     {options: sandbox.Options{Intercept: store}, lines: []string{"upload PACKAGE", "upload PACKAGE --json", "upload PACKAGE --log-format json"}},
		"a request refused":  {options: sandbox.Options{Intercept: service}, lines: []string{"upload PACKAGE", "auth check", "auth check --json"}},
		"what is not there":  {lines: []string{"upload PACKAGE --groups " + strings.ReplaceAll(evil, " ", "\u00a0"), "upload GROUP", "GROUP", "upload --GROUP", "upload PACKAGE --app GROUP", "inspect GROUP --json"}},
		"a value of no kind": {lines: []string{"upload PACKAGE --keep GROUP", "upload PACKAGE --ci GROUP", "upload PACKAGE --limit-rate GROUP", "upload PACKAGE --config GROUP"}},
	} {
		for _, ci := range []string{"none", "github", "gitlab", "azure", "teamcity", "buildkite"} {
			t.Run(name+"/"+ci, func(t *testing.T) {
				t.Parallel()
				options := c.options
				options.Apps = []sandbox.App{{BundleID: "com.example.demo", Name: evil, Groups: []sandbox.Group{{Name: evil, Internal: true}}}}
				s := newSite(t, options)
				content, err := os.ReadFile(pack(t, "7", 1))
				if err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(t.TempDir(), evil+".ipa")
				if err := os.WriteFile(path, content, 0o600); err != nil {
					t.Fatal(err)
				}
				for _, line := range c.lines {
					words := strings.Split(line, " ")
					for i := range words {
						words[i] = strings.NewReplacer("PACKAGE", path, "GROUP", evil).Replace(words[i])
					}
					p := s.command(words...)
					p.Env = append(p.Env, "ASCEND_CI="+ci)
					p.run()
					_ = p.code() // some are refused
					said := p.out.String() + "\n" + p.err.String()
					if found := commands.FindString(ownCommands.ReplaceAllString(said, "")); found != "" {
						t.Errorf("%s: it has %q:\n%s", line, found, said)
					}
				}
			})
		}
	}
}
