package term

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// A CI is the system that a pipeline runs on, as far as its log understands
// lines of its own.
type CI string

// The systems that are known.
const (
	NoCI        CI = "none"
	GitHub      CI = "github"
	GitLab      CI = "gitlab"
	AzureDevOps CI = "azure"
	TeamCity    CI = "teamcity"
	Buildkite   CI = "buildkite"
)

// CIs are the words that --ci takes.
var CIs = []CI{NoCI, GitHub, GitLab, AzureDevOps, TeamCity, Buildkite}

// DetectCI tells the system from the variables that each sets.
func DetectCI(getenv func(string) string) CI {
	for _, known := range []struct {
		variable, value string
		ci              CI
	}{
		{"GITHUB_ACTIONS", "true", GitHub}, {"GITLAB_CI", "true", GitLab}, {"TF_BUILD", "True", AzureDevOps}, {"TEAMCITY_VERSION", "", TeamCity}, {"BUILDKITE", "true", Buildkite},
	} {
		if v := getenv(known.variable); v != "" && (known.value == "" || strings.EqualFold(v, known.value)) {
			return known.ci
		}
	}
	return NoCI
}

// command writes lines that the system is to act upon. What comes from outside
// is escaped for it before.
func (s Streams) command(format string, values ...any) {
	text := fmt.Sprintf(format, values...)
	if l, ok := s.Err.(*lane); ok {
		l.command(text)
		return
	}
	_, _ = io.WriteString(unguarded(s.Err), text) // the log is gone if this fails
}

// openGroup begins a part of the log that can be folded.
func (s Streams) openGroup(name string, now time.Time) {
	if _, several := s.Err.(*lane); several {
		return // their lines are mixed
	}
	switch s.CI {
	case GitHub:
		s.command("::group::ascend %s\n", name)
	case GitLab:
		s.command("\x1b[0Ksection_start:%d:ascend_%s\r\x1b[0Kascend %s\n", now.Unix(), name, name)
	case AzureDevOps:
		s.command("##[group]ascend %s\n", name)
	case TeamCity:
		s.command("##teamcity[blockOpened name='ascend %s']\n", teamcity(name))
	case Buildkite:
		s.command("--- ascend %s\n", name)
	}
}

// closeGroup ends it.
func (s Streams) closeGroup(name string, now time.Time) {
	if _, several := s.Err.(*lane); several {
		return // their lines are mixed
	}
	switch s.CI {
	case GitHub:
		s.command("::endgroup::\n")
	case GitLab:
		s.command("\x1b[0Ksection_end:%d:ascend_%s\r\x1b[0K\n", now.Unix(), name)
	case AzureDevOps:
		s.command("##[endgroup]\n")
	case TeamCity:
		s.command("##teamcity[blockClosed name='ascend %s']\n", teamcity(name))
	}
}

// annotate repeats a warning or an error in the form that the system shows
// outside of the log. Lines that end the previous group stay in it.
func (s Streams) annotate(severity, text string) {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = Clean(line)
	}
	text = strings.Join(lines, "\n")
	switch s.CI {
	case GitHub:
		s.command("::%s title=ascend::%s\n", severity, github(text))
	case AzureDevOps:
		s.command("##vso[task.logissue type=%s]%s\n", severity, azure("ascend: "+text))
	case TeamCity:
		if severity == "error" {
			s.command("##teamcity[buildProblem description='%s' identity='ascend']\n", teamcity("ascend: "+text))
		} else {
			s.command("##teamcity[message text='%s' status='WARNING']\n", teamcity("ascend: "+text))
		}
	case Buildkite:
		if severity == "error" {
			s.command("^^^ +++\n") // unfolds what came before
		}
	}
}

// Mask tells the system to hide a secret wherever it comes up in the log. The
// system hides the line that tells it, but only in its own log: in a file that
// stderr is redirected to, the secret stays. So this is done on request only.
// A secret of several lines is hidden line by line, short lines left out: they
// would hide too much.
func (s Streams) Mask(secret string) {
	for _, line := range strings.FieldsFunc(secret, func(r rune) bool { return r == '\n' || r == '\r' }) {
		line = strings.TrimSpace(line)
		if len(line) < minMasked || strings.HasPrefix(line, "-----") {
			continue
		}
		switch s.CI {
		case GitHub:
			s.command("::add-mask::%s\n", github(line))
		case AzureDevOps:
			s.command("##vso[task.setsecret]%s\n", azure(line))
		}
	}
}

// minMasked is the shortest text that is worth hiding.
const minMasked = 6
