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
		c := exec.CommandContext(t.Context(), "bash", "-c", action.Runs.Steps[i].Run)
		c.Dir, c.Env = root, append(os.Environ(), append(variables, "RUNNER_TEMP="+temp, "RUNNER_OS=Linux", "RUNNER_ARCH=X64", "GITHUB_PATH="+temp+"/path", "GITHUB_OUTPUT="+temp+"/output", "GITHUB_STEP_SUMMARY="+temp+"/summary", "GITHUB_ACTIONS=true")...)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	step(0, "WANTED=", "REPOSITORY=", "SOURCE="+root, "SERVER=")
	added, err := os.ReadFile(filepath.Join(temp, "path"))
	if err != nil {
		t.Fatal(err)
	}
	step(1, "PATH="+strings.TrimSpace(string(added))+string(os.PathListSeparator)+os.Getenv("PATH"), "PACKAGES=testdata/Small.ipa\n", "ARGS=--sandbox --poll-interval 50ms", "ASCEND_GROUPS=QA", "ASCEND_NO_WAIT=false", "ASCEND_TIMEOUT=", "ASCEND_CONFIG=", "ASCEND_NOTIFY=", "ASCEND_REPORT="+temp+"/report.html")
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
	var archive bytes.Buffer
	compressed := gzip.NewWriter(&archive)
	files := tar.NewWriter(compressed)
	program := "#!/bin/sh\necho released\n"
	if err := errors.Join(files.WriteHeader(&tar.Header{Name: "ascend", Mode: 0o755, Size: int64(len(program))}), second(files.Write([]byte(program))), files.Close(), compressed.Close()); err != nil {
		t.Fatal(err)
	}
	sum := func(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }
	const name = "ascend_1.2.3_darwin_arm64.tar.gz"
	for title, c := range map[string]struct {
		checksums string
		works     bool
	}{
		"as released":        {sum(nil) + "  other.tar.gz\n" + sum(archive.Bytes()) + "  " + name + "\n", true},
		"changed":            {sum([]byte("what it was")) + "  " + name + "\n", false},
		"without a checksum": {sum(nil) + "  other.tar.gz\n", false},
	} {
		t.Run(title, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/ascend-cli/ascend/releases/download/v1.2.3/" + name:
					_, _ = w.Write(archive.Bytes()) // the client's fault if it fails
				case "/ascend-cli/ascend/releases/download/v1.2.3/checksums.txt":
					_, _ = io.WriteString(w, c.checksums) // as above
				default:
					http.NotFound(w, r)
				}
			}))
			defer server.Close()
			temp := t.TempDir()
			step := exec.CommandContext(t.Context(), "bash", "-c", action.Runs.Steps[0].Run)
			step.Env = append(os.Environ(), "WANTED=v1.2.3", "REPOSITORY=ascend-cli/ascend", "SOURCE=/nowhere", "SERVER="+server.URL, "RUNNER_TEMP="+temp, "RUNNER_OS=macOS", "RUNNER_ARCH=ARM64", "GITHUB_PATH="+filepath.Join(temp, "path"))
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

func second[T any](_ T, err error) error { return err }
