package term

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/outfile"
	"github.com/ascend-cli/ascend/internal/release"
)

// An Outcome is one release for the results of a pipeline.
type Outcome struct {
	Summary release.Summary
	// Problem is nil if it worked.
	Problem *failure.Error
}

// Publish hands results to the rest of a pipeline: outputs of the step, a
// summary page, a file of variables. The first release is the one whose ids
// become outputs. getenv gives the files that the system reads, dotenv is a
// file of the user's choice, or empty. What can be written is written; the
// error joins what could not.
func (s Streams) Publish(outcomes []Outcome, getenv func(string) string, dotenv string) error {
	if len(outcomes) == 0 {
		return nil
	}
	outputs := outputsOf(outcomes[0].Summary)
	var errs []error
	switch s.CI {
	case GitHub:
		errs = append(errs,
			s.appendTo("the outputs (GITHUB_OUTPUT)", getenv("GITHUB_OUTPUT"), dashed(outputs)),
			s.appendTo("the summary page (GITHUB_STEP_SUMMARY)", getenv("GITHUB_STEP_SUMMARY"), markdown(outcomes)))
	case AzureDevOps:
		for _, o := range outputs {
			s.command("##vso[task.setvariable variable=ascend_%s;isOutput=true]%s\n", o[0], azure(o[1]))
		}
	case TeamCity:
		for _, o := range outputs {
			s.command("##teamcity[setParameter name='ascend.%s' value='%s']\n", o[0], teamcity(o[1]))
		}
	}
	if dotenv != "" {
		var content strings.Builder
		for _, o := range outputs {
			fmt.Fprintf(&content, "ASCEND_%s=%s\n", strings.ToUpper(o[0]), o[1])
		}
		errs = append(errs, s.WriteFile("the results (--dotenv)", dotenv, []byte(content.String()), outfile.Shared))
	}
	return errors.Join(errs...)
}

// outputsOf are the names and values of a release for later steps.
func outputsOf(s release.Summary) [][2]string {
	outputs := [][2]string{
		{"build_id", s.BuildID}, {"build_upload_id", s.BuildUploadID}, {"app_id", s.AppID}, {"version", s.Version}, {"build_number", s.BuildNumber},
		{"state", s.State}, {"testflight_url", s.TestFlightURL},
	}
	for i := range outputs {
		outputs[i][1] = variable(outputs[i][1])
	}
	return outputs
}

// dashed writes outputs as GitHub names and reads them.
func dashed(outputs [][2]string) string {
	var b strings.Builder
	for _, o := range outputs {
		fmt.Fprintf(&b, "%s=%s\n", strings.ReplaceAll(o[0], "_", "-"), o[1])
	}
	return b.String()
}

// stageOrder is the order in which a summary shows stages.
var stageOrder = []release.StageName{
	release.StageInspect, release.StagePreflight, release.StageResolve, release.StageReserve, release.StageTransfer, release.StageCommit, release.StageWait, release.StageDistribute,
}

// markdown writes releases as a page: a table of what came of each, and its
// stages on a scale of time.
func markdown(outcomes []Outcome) string {
	var b strings.Builder
	for _, o := range outcomes {
		s := o.Summary
		title := subjectOf(s)
		switch {
		case o.Problem != nil:
			fmt.Fprintf(&b, "### ❌ %s\n\n%s\n\n", markdownText(title), markdownText(o.Problem.Message))
			for _, detail := range o.Problem.Details {
				fmt.Fprintf(&b, "- %s\n", markdownText(detail))
			}
			if o.Problem.Hint != "" {
				fmt.Fprintf(&b, "\n**What to do:** %s\n\n", markdownText(o.Problem.Hint))
			}
		default:
			fmt.Fprintf(&b, "### ✅ %s is %s\n\n", markdownText(title), markdownText(stateOf(s)))
		}
		b.WriteString("| | |\n| --- | --- |\n")
		row := func(name, value string) {
			if value != "" {
				fmt.Fprintf(&b, "| %s | %s |\n", name, value)
			}
		}
		row("Platform", markdownText(s.Platform))
		row("Groups", markdownText(strings.Join(s.Groups, ", ")))
		row("Beta review", markdownText(s.BetaReviewState))
		row("Transfer", markdownText(transferOf(s)))
		if s.TestFlightURL != "" {
			row("TestFlight", markdownLink("open", s.TestFlightURL))
		}
		row("Build", markdownCode(s.BuildID))
		row("Build upload", markdownCode(s.BuildUploadID))
		b.WriteString(timeline(s))
		for _, warning := range First(s.Warnings) {
			fmt.Fprintf(&b, "> ⚠️ %s\n\n", markdownText(Shorten(warning)))
		}
		if more := len(s.Warnings) - maxShown; more > 0 {
			fmt.Fprintf(&b, "> %s\n\n", moreOf(more))
		}
	}
	return b.String()
}

// timeline draws stages as bars, each where it lies in the whole.
func timeline(s release.Summary) string {
	const width = 40
	total := int64(0)
	for _, name := range stageOrder {
		total += s.Stages[string(name)]
	}
	if total == 0 {
		return "\n"
	}
	var b strings.Builder
	b.WriteString("\n```text\n")
	at := int64(0)
	for _, name := range stageOrder {
		took, ok := s.Stages[string(name)]
		if !ok {
			continue
		}
		from, to := at*width/total, (at+took)*width/total
		at += took
		bar := slices.Repeat([]rune{' '}, width)
		for i := from; i < max(to, min(from+1, width)) && i < width; i++ {
			bar[i] = '█'
		}
		fmt.Fprintf(&b, "%-10s │%s│ %s\n", name, string(bar), Duration(time.Duration(took)*time.Millisecond))
	}
	b.WriteString("```\n\n")
	return b.String()
}
