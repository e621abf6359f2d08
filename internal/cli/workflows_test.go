package cli

import (
	"encoding/base64"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// workflow is what is in a file of .github/workflows.
type workflow struct {
	Permissions map[string]string
	Jobs        map[string]workflowJob
}

type workflowJob struct {
	Needs       yaml.Node
	Uses        string
	Permissions map[string]string
	Steps       []workflowStep
}

type workflowStep struct {
	Name, Uses, Run string
	With, Env       map[string]string
}

func readWorkflows(t *testing.T) map[string]workflow {
	t.Helper()
	files, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	all := map[string]workflow{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var w workflow
		if err := yaml.Unmarshal(content, &w); err != nil {
			t.Fatal(file, err)
		}
		all[filepath.Base(file)] = w
	}
	return all
}

// TestActionsArePinned looks that every action that a workflow uses is named by
// its commit, with the tag beside it, and that there are few to trust.
func TestActionsArePinned(t *testing.T) {
	pinned := regexp.MustCompile(`^actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	files, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	commits := map[string]string{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^\s*(?:- )?uses: *(.*?)\r?$`).FindAllStringSubmatch(string(content), -1) {
			if m[1] == "./.github/workflows/ci.yml" {
				continue
			}
			if !pinned.MatchString(m[1]) {
				t.Errorf("%s uses %s", file, m[1])
			}
			name, commit, _ := strings.Cut(m[1], "@")
			if before, ok := commits[name]; ok && before != commit {
				t.Errorf("%s is used at %s and at %s", name, before, commit)
			}
			commits[name] = commit
		}
	}
	if len(commits) < 3 {
		t.Errorf("only %d actions were found", len(commits))
	}
}

// TestJobsThatCanWriteRunNothingOfTheProject looks that code of the project, of
// its dependencies and of build tools never runs beside a right or a secret.
func TestJobsThatCanWriteRunNothingOfTheProject(t *testing.T) {
	allowed := map[string]map[string]string{
		"attest":  {"id-token": "write", "attestations": "write"},
		"image":   {"contents": "read", "packages": "write", "id-token": "write", "attestations": "write"},
		"publish": {"contents": "write"},
	}
	builds := regexp.MustCompile(`\bgo (run|build|test|install|generate)\b|\.ci/|goreleaser|\.sh\b|\bmake\b|\bcurl\b`)
	secret := regexp.MustCompile(`secrets\.|github\.token`)
	var seen []string
	for file, w := range readWorkflows(t) {
		if w.Permissions == nil {
			t.Errorf("%s has the permissions of the repository's settings", file)
		}
		for name, job := range w.Jobs {
			permissions := job.Permissions
			if permissions == nil {
				permissions = w.Permissions
			}
			writes := slices.Contains(slices.Collect(maps.Values(permissions)), "write")
			if writes {
				seen = append(seen, name)
				if !maps.Equal(permissions, allowed[name]) {
					t.Errorf("%s: the job %s may %v", file, name, permissions)
				}
			}
			for _, step := range job.Steps {
				for _, value := range append(slices.Collect(maps.Values(step.Env)), slices.Collect(maps.Values(step.With))...) {
					writes = writes || secret.MatchString(value)
				}
			}
			for _, step := range job.Steps {
				if writes && (builds.MatchString(step.Run) || strings.HasPrefix(step.Uses, "actions/setup-go")) {
					t.Errorf("%s: the job %s can write, and runs %q", file, name, step.Run+step.Uses)
				}
				if strings.Contains(step.Run, "${{") {
					t.Errorf("%s: the job %s puts an expression into its script", file, name)
				}
				if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != "false" {
					t.Errorf("%s: the job %s leaves its token in the checkout", file, name)
				}
			}
			if job.Uses != "" && writes {
				t.Errorf("%s: %s gives its rights to another workflow", file, name)
			}
		}
	}
	slices.Sort(seen)
	if !slices.Equal(seen, slices.Sorted(maps.Keys(allowed))) {
		t.Errorf("the jobs that can write are %v", seen)
	}
}

// TestNothingIsPublishedBeforeItWasChecked follows what the jobs need.
func TestNothingIsPublishedBeforeItWasChecked(t *testing.T) {
	jobs := readWorkflows(t)["release.yml"].Jobs
	var before func(string) []string
	before = func(name string) (all []string) {
		needs := jobs[name].Needs
		names := []string{needs.Value}
		for _, node := range needs.Content {
			names = append(names, node.Value)
		}
		for _, n := range names {
			if n != "" {
				all = append(append(all, n), before(n)...)
			}
		}
		return all
	}
	for name, want := range map[string][]string{
		"attest": {"check", "build"}, "image": {"check", "build"},
		"publish": {"check", "build", "attest", "image"}, "tap": {"check", "publish"},
	} {
		for _, w := range want {
			if !slices.Contains(before(name), w) {
				t.Errorf("%s does not wait for %s", name, w)
			}
		}
	}
	if jobs["check"].Uses != "./.github/workflows/ci.yml" {
		t.Errorf("check is %s", jobs["check"].Uses)
	}
}

// releaseStep runs a step of release.yml in a folder with the files of a
// release. docker and gh are replaced by a program that writes down how it was
// called, with what on its input, and prints what is in a file named like its
// second argument; it fails where there is none for a gh api that reads.
func releaseStep(t *testing.T, job, name string, files map[string]string, variables ...string) (calls, output string, err error) {
	t.Helper()
	if _, err := exec.LookPath("bash"); err != nil || runtime.GOOS == "windows" {
		t.Skip("there is no bash")
	}
	steps := readWorkflows(t)["release.yml"].Jobs[job].Steps
	i := slices.IndexFunc(steps, func(s workflowStep) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("the job %s has no step %q", job, name)
	}
	work, bin := t.TempDir(), t.TempDir()
	stub := "#!/bin/bash\n{ printf '%s' \"${0##*/}\"; printf ' <%s>' \"$@\"; echo; } >> \"$CALLS\"\n" +
		"case \"$*\" in *--password-stdin*) echo \"input <$(cat)>\" >> \"$CALLS\" ;; esac\n" +
		"case \"$*\" in *--metadata-file*) cat image-metadata > image.json ;; esac\n" +
		"case \"$*\" in *.sha*) cat before ;; esac\n"
	for _, program := range []string{"docker", "gh"} {
		if err := os.WriteFile(filepath.Join(bin, program), []byte(stub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for file, content := range files {
		path := filepath.Join(work, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	record := filepath.Join(bin, "calls")
	c := stepCommand(t, steps[i].Run, append([]string{"CALLS=" + record, "GITHUB_OUTPUT=" + filepath.Join(work, "output"),
		"GITHUB_REF_NAME=v1.2.3", "GITHUB_REPOSITORY=ascend-cli/ascend", "GITHUB_ACTOR=dana",
		"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH")}, variables...)...)
	c.Dir = work
	out, err := c.CombinedOutput()
	said, readErr := os.ReadFile(record)
	if readErr != nil && !os.IsNotExist(readErr) {
		t.Fatal(readErr)
	}
	results, readErr := os.ReadFile(filepath.Join(work, "output"))
	if readErr != nil && !os.IsNotExist(readErr) {
		t.Fatal(readErr)
	}
	return string(said), string(out) + string(results), err
}

func TestTheRegistryIsLoggedInToBeforeThePush(t *testing.T) {
	steps := readWorkflows(t)["release.yml"].Jobs["image"].Steps
	login := slices.IndexFunc(steps, func(s workflowStep) bool { return strings.Contains(s.Run, "docker login") })
	push := slices.IndexFunc(steps, func(s workflowStep) bool { return strings.Contains(s.Run, "--push") })
	attest := slices.IndexFunc(steps, func(s workflowStep) bool { return strings.HasPrefix(s.Uses, "actions/attest@") })
	if login < 0 || push < login || attest < push {
		t.Fatalf("the login is step %d, the push %d, the attestation %d", login, push, attest)
	}
	calls, output, err := releaseStep(t, "image", steps[login].Name, nil, "TOKEN=s3cret")
	if err != nil || calls != "docker <login> <ghcr.io> <--username> <dana> <--password-stdin>\ninput <s3cret>\n" ||
		strings.Contains(output, "s3cret") {
		t.Errorf("%v, %s, %s", err, calls, output)
	}
	digest := "sha256:" + strings.Repeat("0a", 32)
	metadata := map[string]string{"image-metadata": "{\n  \"buildx.build.ref\": \"x\",\n  \"containerimage.digest\": \"" + digest + "\"\n}\n"}
	for version, latest := range map[string]bool{"v1.2.3": true, "v1.2.3-rc.1": false} {
		calls, output, err = releaseStep(t, "image", steps[push].Name, metadata, "IMAGE=ghcr.io/Ascend-CLI/ascend", "GITHUB_REF_NAME="+version)
		tag := " <--tag> <ghcr.io/ascend-cli/ascend:" + version[1:] + ">"
		if err != nil || !strings.Contains(calls, tag) || strings.Contains(calls, ":latest>") != latest {
			t.Errorf("%s: %v, %s", version, err, calls)
		}
		if output != "image=ghcr.io/ascend-cli/ascend\ndigest="+digest+"\n" {
			t.Errorf("%s: %s", version, output)
		}
	}
	if _, output, err = releaseStep(t, "image", steps[push].Name, map[string]string{"image-metadata": "{}"}, "IMAGE=x"); err == nil {
		t.Errorf("an image without a digest was taken: %s", output)
	}
}

func TestAReleaseIsPublishedOnce(t *testing.T) {
	files := map[string]string{
		"dist/ascend_1.2.3_linux_amd64.tar.gz": "a", "dist/ascend.deb": "b", "dist/ascend.rpm": "c", "dist/ascend.apk": "d",
		"dist/ascend_1.2.3_linux_amd64.tar.gz.sbom.json": "e", "dist/CHANGELOG.md": "## Changelog\n",
		// The sum of the first file.
		"dist/checksums.txt": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  ascend_1.2.3_linux_amd64.tar.gz\n",
	}
	calls, output, err := releaseStep(t, "publish", "Make the release", files, "GH_TOKEN=s3cret")
	for _, word := range []string{"<release> <create> <v1.2.3> <--verify-tag>", "sbom.json>", "<dist/ascend.deb>", "<dist/checksums.txt>"} {
		if err != nil || !strings.Contains(calls, word) || strings.Contains(calls+output, "s3cret") {
			t.Errorf("%v, %s, %s", err, calls, output)
		}
	}
	if strings.Contains(calls, "--prerelease") || strings.Contains(calls, "<>") {
		t.Errorf("%s", calls)
	}
	calls, _, err = releaseStep(t, "publish", "Make the release", files, "GITHUB_REF_NAME=v1.2.3-rc.1")
	if err != nil || !strings.Contains(calls, "<--prerelease>") {
		t.Errorf("%v, %s", err, calls)
	}
	files["dist/ascend_1.2.3_linux_amd64.tar.gz"] = "changed on the way"
	if calls, _, err = releaseStep(t, "publish", "Make the release", files); err == nil || calls != "" {
		t.Errorf("files that changed were published: %s", calls)
	}
}

func TestTheCaskIsWrittenWithATokenOfItsOwn(t *testing.T) {
	const step = "Write the cask"
	cask := "cask \"ascend\" do\n" + strings.Repeat("  # a line\n", 50) + "end\n"
	files := map[string]string{"dist/homebrew/Casks/ascend.rb": cask, "before": "0123abcd\n"}
	calls, output, err := releaseStep(t, "tap", step, files, "GH_TOKEN=", "TAP=ascend-cli/homebrew-tap")
	if err != nil || calls != "" || !strings.Contains(output, "::notice title=Homebrew::the secret HOMEBREW_TAP_TOKEN is not set") {
		t.Errorf("without a token: %v, %s, %s", err, calls, output)
	}
	want := "<--method> <PUT> <repos/ascend-cli/homebrew-tap/contents/Casks/ascend.rb> <-f> <message=ascend 1.2.3> <-f> <content=" +
		base64.StdEncoding.EncodeToString([]byte(cask)) + ">"
	calls, output, err = releaseStep(t, "tap", step, files, "GH_TOKEN=s3cret", "TAP=ascend-cli/homebrew-tap")
	if err != nil || !strings.Contains(calls, want+" <-f> <sha=0123abcd> <--silent>") || strings.Contains(calls+output, "s3cret") {
		t.Errorf("in place of another: %v, %s, %s", err, calls, output)
	}
	delete(files, "before")
	calls, _, err = releaseStep(t, "tap", step, files, "GH_TOKEN=s3cret", "TAP=ascend-cli/homebrew-tap")
	if err != nil || !strings.Contains(calls, want+" <--silent>") {
		t.Errorf("for the first time: %v, %s", err, calls)
	}
	for _, job := range readWorkflows(t)["release.yml"].Jobs {
		for _, s := range job.Steps {
			if token := s.Env["GH_TOKEN"]; s.Name == step && token != "${{ secrets.HOMEBREW_TAP_TOKEN }}" {
				t.Errorf("the token is %s", token)
			}
		}
	}
}
