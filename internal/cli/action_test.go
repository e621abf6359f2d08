package cli

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// composite is what is in action.yml.
type composite struct {
	Inputs  map[string]struct{ Description string }
	Outputs map[string]struct{ Value string }
	Runs    struct {
		Using string
		Steps []struct {
			ID, Run, Shell string
			Env            map[string]string
		}
	}
}

func readAction(t *testing.T) ([]byte, composite) {
	t.Helper()
	content, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var action composite
	if err := yaml.Unmarshal(content, &action); err != nil || len(action.Runs.Steps) != 2 {
		t.Fatal(err, len(action.Runs.Steps))
	}
	return content, action
}

// TestTheActionHandsOverWhatItSays compares the inputs and outputs of
// action.yml with what its steps use and ascend writes.
func TestTheActionHandsOverWhatItSays(t *testing.T) {
	content, action := readAction(t)
	for name, input := range action.Inputs {
		if input.Description == "" || !bytes.Contains(content, []byte("inputs."+name)) {
			t.Errorf("the input %s is not used or not described", name)
		}
	}
	written := []string{"build-id", "build-upload-id", "version", "build-number", "state", "testflight-url"}
	for _, name := range written {
		if want := "${{ steps.upload.outputs." + name + " }}"; action.Outputs[name].Value != want {
			t.Errorf("the output %s is %q, want %q", name, action.Outputs[name].Value, want)
		}
	}
	if len(action.Outputs) != len(written) || action.Runs.Using != "composite" {
		t.Errorf("%d outputs, %s", len(action.Outputs), action.Runs.Using)
	}
	for path, content := range documents(t) {
		for _, use := range regexp.MustCompile("(?ms)uses: ascend-cli/ascend@.*?^```").FindAllString(content, -1) {
			for _, m := range regexp.MustCompile(`(?m)^    ([a-z-]+): `).FindAllStringSubmatch(use, -1) {
				if _, ok := action.Inputs[m[1]]; !ok {
					t.Errorf("%s gives the action %s, which it does not take", path, m[1])
				}
			}
		}
	}
	for _, step := range action.Runs.Steps {
		if step.Shell != "bash" || strings.Contains(step.Run, "${{") {
			t.Errorf("the step %s has no shell, or puts an input into its script, where it would be carried out", step.ID)
		}
	}
}

// TestTheActionWorksFromACheckout runs the steps of action.yml as a runner does,
// in a rehearsal.
func TestTheActionWorksFromACheckout(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil || runtime.GOOS == "windows" {
		t.Skip("there is no bash")
	}
	_, action := readAction(t)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	step := func(i int, variables ...string) string {
		t.Helper()
		c := stepCommand(t, action.Runs.Steps[i].Run, append(variables,
			"RUNNER_TEMP="+temp, "RUNNER_OS=Linux", "RUNNER_ARCH=X64", "GITHUB_PATH="+temp+"/path",
			"GITHUB_OUTPUT="+temp+"/output", "GITHUB_STEP_SUMMARY="+temp+"/summary", "GITHUB_ACTIONS=true")...)
		c.Dir = root
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	step(0, "WANTED=", "REF=main", "REPOSITORY=", "SOURCE="+root, "SERVER=")
	added, err := os.ReadFile(filepath.Join(temp, "path"))
	if err != nil {
		t.Fatal(err)
	}
	step(1, "PATH="+strings.TrimSpace(string(added))+string(os.PathListSeparator)+os.Getenv("PATH"),
		"PACKAGES=testdata/Small.ipa\n", "ARGS=--sandbox\n--poll-interval '50ms'\n", "WAIT=true", "ASCEND_GROUPS=QA",
		"ASCEND_WHAT_TO_TEST=- the \"new\" tab\n- 'old' ones", "ASCEND_TIMEOUT=", "ASCEND_CONFIG=", "ASCEND_NOTIFY=",
		"ASCEND_REPORT="+temp+"/report.html")
	if page, err := os.ReadFile(filepath.Join(temp, "report.html")); err != nil || !bytes.Contains(page, []byte("</html>")) {
		t.Errorf("there is no report: %v", err)
	}
	output, err := os.ReadFile(filepath.Join(temp, "output"))
	if err != nil || !strings.Contains(string(output), "build-number=43\n") || !strings.Contains(string(output), "state=VALID\n") {
		t.Errorf("%s, %v", output, err)
	}
}

// TestTheActionVerifiesWhatItDownloads gives its first step a release of its
// own: as it should be, changed after its checksum was taken, and without one.
func TestTheActionVerifiesWhatItDownloads(t *testing.T) {
	for _, tool := range []string{"bash", "curl", "tar"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("there is no %s", tool)
		}
	}
	_, action := readAction(t)
	archive := releasedArchive(t)
	sum := func(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }
	const name = "ascend_1.2.3_darwin_arm64.tar.gz"
	for title, c := range map[string]struct {
		checksums string
		works     bool
	}{
		"as released":        {sum(nil) + "  other.tar.gz\n" + sum(archive) + "  " + name + "\n", true},
		"changed":            {sum([]byte("what it was")) + "  " + name + "\n", false},
		"without a checksum": {sum(nil) + "  other.tar.gz\n", false},
	} {
		t.Run(title, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/ascend-cli/ascend/releases/download/v1.2.3/" + name:
					_, _ = w.Write(archive) // the client's fault if it fails
				case "/ascend-cli/ascend/releases/download/v1.2.3/checksums.txt":
					_, _ = io.WriteString(w, c.checksums) // as above
				default:
					http.NotFound(w, r)
				}
			}))
			defer server.Close()
			temp := t.TempDir()
			step := stepCommand(t, action.Runs.Steps[0].Run, "WANTED=v1.2.3", "REF=main",
				"REPOSITORY=ascend-cli/ascend", "SOURCE=/nowhere", "SERVER="+server.URL, "RUNNER_TEMP="+temp,
				"RUNNER_OS=macOS", "RUNNER_ARCH=ARM64", "GITHUB_PATH="+filepath.Join(temp, "path"))
			out, err := step.CombinedOutput()
			if !c.works {
				if _, statErr := os.Stat(filepath.Join(temp, "ascend-bin", "ascend")); err == nil || statErr == nil {
					t.Errorf("it was taken: %v\n%s", err, out)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			said, err := exec.CommandContext(t.Context(), filepath.Join(temp, "ascend-bin", "ascend")).Output()
			if err != nil || string(said) != "released\n" {
				t.Errorf("%s, %v", said, err)
			}
		})
	}
}

// TestTheActionVerifiesTheAttestation has a gh that verifies, one that refuses,
// one that is too old to know of attestations, and none.
func TestTheActionVerifiesTheAttestation(t *testing.T) {
	for _, tool := range []string{"bash", "tar"} {
		if _, err := exec.LookPath(tool); err != nil || runtime.GOOS == "windows" {
			t.Skipf("there is no %s", tool)
		}
	}
	const (
		name     = "ascend_1.2.3_linux_amd64.tar.gz"
		workflow = " --signer-workflow github.com/ascend-cli/ascend/.github/workflows/release.yml"
		verify   = "github.com secret attestation verify " + name + " --repo ascend-cli/ascend"
		ref      = " --source-ref refs/tags/v1.2.3"
		help     = "case \"$*\" in *--help) echo --repo --signer-workflow --source-ref; exit 0 ;; esac\n"
		said     = "echo \"$GH_HOST $GH_TOKEN $*\" >> \"$FIXTURE/asked\"\n"
	)
	for title, c := range map[string]struct {
		gh, server string
		works      bool
		asked      string
	}{
		"verified":                      {help + said, "https://github.com", true, verify + workflow + ref + "\n"},
		"refused":                       {help + said + "exit 1", "https://github.com", false, verify + workflow + ref + "\n"},
		"gh 2.52":                       {strings.ReplaceAll(help, " --source-ref", "") + said, "https://github.com", true, verify + workflow + "\n"},
		"gh 2.49":                       {strings.ReplaceAll(help, " --signer-workflow --source-ref", "") + said, "https://github.com", true, verify + "\n"},
		"a data site":                   {help + said, "https://data.ghe.com", true, strings.NewReplacer("github.com", "data.ghe.com").Replace(verify+workflow) + ref + "\n"},
		"a very old gh":                 {"echo unknown command; exit 1", "https://github.com", true, ""},
		"none":                          {"exit 127", "https://github.com", true, ""},
		"a server without attestations": {help + said + "exit 1", "https://git.example.com", true, ""},
	} {
		t.Run(title, func(t *testing.T) {
			_, action := readAction(t)
			temp, archive := t.TempDir(), releasedArchive(t)
			for file, content := range map[string]string{
				name:            string(archive),
				"checksums.txt": fmt.Sprintf("%x  %s\n", sha256.Sum256(archive), name),
				"curl":          "#!/bin/sh\nfor last; do :; done\ncp \"$FIXTURE/${last##*/}\" \"${last##*/}\"\n",
				"gh":            "#!/bin/sh\n" + c.gh + "\n",
			} {
				if err := os.WriteFile(filepath.Join(temp, file), []byte(content), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			step := stepCommand(t, action.Runs.Steps[0].Run, "WANTED=", "REF=v1.2.3", "REPOSITORY=ascend-cli/ascend",
				"SOURCE=/nowhere", "SERVER="+c.server, "GH_TOKEN=secret", "RUNNER_TEMP="+temp,
				"RUNNER_OS=Linux", "RUNNER_ARCH=X64",
				"FIXTURE="+temp, "GITHUB_PATH="+filepath.Join(temp, "path"),
				"PATH="+temp+string(os.PathListSeparator)+os.Getenv("PATH"))
			out, err := step.CombinedOutput()
			_, installed := os.Stat(filepath.Join(temp, "ascend-bin", "ascend"))
			_, added := os.Stat(filepath.Join(temp, "path"))
			if (err == nil) != c.works || (installed == nil) != c.works || (added == nil) != c.works {
				t.Errorf("%v, %v, %v\n%s", err, installed, added, out)
			}
			asked, err := os.ReadFile(filepath.Join(temp, "asked"))
			if string(asked) != c.asked {
				t.Errorf("gh was asked %q, %v", asked, err)
			}
			if notice := strings.Contains(string(out), "only the checksum of "+name); notice != (c.asked == "") {
				t.Errorf("the log says otherwise:\n%s", out)
			}
			if strings.Contains(string(out), "secret") {
				t.Errorf("the token is in the log:\n%s", out)
			}
		})
	}
}

// TestTheActionRefusesWhatNoReleaseIs looks that a typing error in version, or
// a runner that there is no release for, is not answered with another program.
func TestTheActionRefusesWhatNoReleaseIs(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil || runtime.GOOS == "windows" {
		t.Skip("there is no bash")
	}
	_, action := readAction(t)
	for _, c := range [][]string{
		{"the input version", "WANTED=1.2.3"}, {"the input version", "WANTED=latest"},
		{"the input version", "WANTED=v1.2.3/../../../../other/other/releases/download/v1.2.3"},
		{"the input version", "WANTED=v1.2.3\nv1.2.4"}, {"the input version", "WANTED=v1.2.3$(touch x)"},
		{"architecture", "WANTED=v1.2.3", "RUNNER_ARCH=ARM"}, {"system", "WANTED=v1.2.3", "RUNNER_OS=Plan9"},
	} {
		temp := t.TempDir()
		step := stepCommand(t, action.Runs.Steps[0].Run, append([]string{"RUNNER_OS=Linux", "RUNNER_ARCH=X64", "REF=main",
			"REPOSITORY=ascend-cli/ascend", "SOURCE=" + temp, "SERVER=https://github.invalid", "RUNNER_TEMP=" + temp,
			"GITHUB_PATH=" + filepath.Join(temp, "path")}, c[1:]...)...)
		out, err := step.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "::error title=ascend::") || !strings.Contains(string(out), c[0]) {
			t.Errorf("%q: %v\n%s", c, err, out)
		}
	}
}

// releasedArchive has a program that says so.
func releasedArchive(t *testing.T) []byte {
	t.Helper()
	var archive bytes.Buffer
	compressed := gzip.NewWriter(&archive)
	files := tar.NewWriter(compressed)
	program := "#!/bin/sh\necho released\n"
	err := errors.Join(
		files.WriteHeader(&tar.Header{Name: "ascend", Mode: 0o755, Size: int64(len(program))}),
		second(files.Write([]byte(program))), files.Close(), compressed.Close())
	if err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

// stepCommand is a step as a runner starts it: its script in a file, for a
// bash that stops at the first failure. ASCEND_TEST_BASH names another bash,
// such as the 3.2 of macOS.
func stepCommand(t *testing.T, script string, variables ...string) *exec.Cmd {
	t.Helper()
	shell := os.Getenv("ASCEND_TEST_BASH")
	if shell == "" {
		shell = "bash"
	}
	file := filepath.Join(t.TempDir(), "step.sh")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), shell, "--noprofile", "--norc", "-e", "-o", "pipefail", file)
	c.Env = append(os.Environ(), variables...)
	return c
}

func second[T any](_ T, err error) error { return err }
