package cli

import (
	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/term"
)

// result writes the summary of a run, or passes its error on.
func (p *program) result(c *cli.Context, summary release.Summary, err error) error {
	outcome := term.Outcome{Summary: summary}
	if err != nil {
		err = &failure{error: err, summary: &summary}
		problem := p.problem(err)
		outcome.Problem = &problem
	}
	p.publish(c, outcome)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return p.Streams.JSON(summary)
	}
	p.Streams.Summary(summary)
	return nil
}

// publish hands results on to the pipeline. That this fails is no reason to
// fail a release that worked.
func (p *program) publish(c *cli.Context, outcomes ...term.Outcome) {
	if p.recording != nil {
		p.recording.outcomes = outcomes
	}
	if err := p.Streams.Publish(outcomes, p.Getenv, c.String("dotenv")); err != nil {
		p.narrator(c).Warn(err.Error())
	}
}
