package cli

import (
	"errors"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/term"
)

// result writes the summary of a run, or passes its error on. What was asked
// for in files is written first, so that the summary can say that it was not.
func (p *program) result(c *cli.Context, summary release.Summary, err error) error {
	outcome := term.Outcome{Summary: summary}
	if err != nil {
		err = &reachedError{error: err, summary: &summary}
		problem := p.problem(err)
		outcome.Problem = &problem
	}
	unwritten := p.publish(c, outcome)
	if err == nil && unwritten != nil {
		err = &reachedError{error: unwritten, summary: &summary}
	}
	if err != nil {
		if outcome.Problem == nil && !c.Bool("json") {
			p.Streams.Summary(summary)
		}
		return err
	}
	if c.Bool("json") {
		return p.Streams.JSON(summary)
	}
	p.Streams.Summary(summary)
	return nil
}

// publish hands results on to the pipeline and ends what is written down. A run
// that worked fails with what could not be written; one that failed only says
// it.
func (p *program) publish(c *cli.Context, outcomes ...term.Outcome) error {
	err := p.Streams.Publish(outcomes, p.Getenv, c.String("dotenv"))
	if p.recording != nil {
		p.recording.outcomes = outcomes
		err = errors.Join(err, p.recording.end(p.Streams, p.Version, nil))
	}
	if err == nil {
		return nil
	}
	p.recording.logUnwritten(err)
	for _, outcome := range outcomes {
		if outcome.Problem != nil {
			p.warnUnwritten(c, err)
			break
		}
	}
	return unwritten(err)
}

func (p *program) warnUnwritten(c *cli.Context, err error) {
	narrator := p.narrator(c)
	for line := range strings.SplitSeq(err.Error(), "\n") {
		narrator.Warn(line)
	}
}

// unwritten is the failure of a run that did all that it should, except for a
// file.
func unwritten(err error) *failure.Error {
	lines := strings.Split(err.Error(), "\n")
	e := &failure.Error{
		Kind: failure.Internal, Message: lines[0],
		Hint: "everything else was done, so this run need not be repeated: make room on the disk, or look at the rights of the file and its folder",
	}
	if len(lines) > 1 {
		e.Details = lines
	}
	return e
}
