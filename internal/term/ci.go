package term

import (
	"fmt"
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

// openGroup begins a part of the log that can be folded.
func (s Streams) openGroup(name string, now time.Time) {
	switch s.CI {
	case GitHub:
		fmt.Fprintf(s.Err, "::group::ascend %s\n", name)
	case GitLab:
		fmt.Fprintf(s.Err, "\x1b[0Ksection_start:%d:ascend_%s\r\x1b[0Kascend %s\n", now.Unix(), name, name)
	case AzureDevOps:
		fmt.Fprintf(s.Err, "##[group]ascend %s\n", name)
	case TeamCity:
		fmt.Fprintf(s.Err, "##teamcity[blockOpened name='ascend %s']\n", teamcity(name))
	case Buildkite:
		fmt.Fprintf(s.Err, "--- ascend %s\n", name)
	}
}

// closeGroup ends it.
func (s Streams) closeGroup(name string, now time.Time) {
	switch s.CI {
	case GitHub:
		fmt.Fprintln(s.Err, "::endgroup::")
	case GitLab:
		fmt.Fprintf(s.Err, "\x1b[0Ksection_end:%d:ascend_%s\r\x1b[0K\n", now.Unix(), name)
	case AzureDevOps:
		fmt.Fprintln(s.Err, "##[endgroup]")
	case TeamCity:
		fmt.Fprintf(s.Err, "##teamcity[blockClosed name='ascend %s']\n", teamcity(name))
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
		fmt.Fprintf(s.Err, "::%s title=ascend::%s\n", severity, github(text))
	case AzureDevOps:
		fmt.Fprintf(s.Err, "##vso[task.logissue type=%s]%s\n", severity, azure("ascend: "+text))
	case TeamCity:
		if severity == "error" {
			fmt.Fprintf(s.Err, "##teamcity[buildProblem description='%s' identity='ascend']\n", teamcity("ascend: "+text))
		} else {
			fmt.Fprintf(s.Err, "##teamcity[message text='%s' status='WARNING']\n", teamcity("ascend: "+text))
		}
	case Buildkite:
		if severity == "error" {
			fmt.Fprintln(s.Err, "^^^ +++") // unfolds what came before
		}
	}
}

// Mask tells the system to hide a secret wherever it comes up in the log. The
// line that tells it is hidden by the system itself. A secret of several lines
// is hidden line by line, short lines left out: they would hide too much.
func (s Streams) Mask(secret string) {
	for _, line := range strings.FieldsFunc(secret, func(r rune) bool { return r == '\n' || r == '\r' }) {
		line = strings.TrimSpace(line)
		if len(line) < minMasked || strings.HasPrefix(line, "-----") {
			continue
		}
		switch s.CI {
		case GitHub:
			fmt.Fprintf(s.Err, "::add-mask::%s\n", github(line))
		case AzureDevOps:
			fmt.Fprintf(s.Err, "##vso[task.setsecret]%s\n", azure(line))
		}
	}
}

// minMasked is the shortest text that is worth hiding.
const minMasked = 6

// github escapes the text of a workflow command.
func github(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

// azure escapes the text of a logging command.
func azure(text string) string {
	return strings.NewReplacer("%", "%AZP25", "\r", "%0D", "\n", "%0A").Replace(text)
}

// teamcity escapes a value of a service message.
func teamcity(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case strings.ContainsRune("|'[]", r):
			b.WriteString("|" + string(r))
		case r == '\n':
			b.WriteString("|n")
		case r == '\r':
			b.WriteString("|r")
		case r > 0x7e:
			if r > 0xffff {
				b.WriteByte('?') // the protocol takes four digits
			} else {
				fmt.Fprintf(&b, "|0x%04X", r)
			}
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
