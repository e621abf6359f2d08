package cli

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/internal/release"
)

func (p *program) waitCommand() *cli.Command {
	return &cli.Command{
		Name:  "wait",
		Usage: "wait until Apple has processed a build",
		Description: "Selects a build by --build or --build-upload, or by --app with --version and --build-number; the latest if no\n" +
			"number is given. Ends with 0 when the build is ready, 7 when Apple refused it, 8 when the time is up.",
		Flags: flags(buildFlags(), waitFlags(), credentialFlags(), resultFlags(), outputFlags()),
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			plan, err := p.plan(c)
			if err != nil {
				return err
			}
			return p.run(c, plan, (*release.Runner).Wait)
		},
	}
}

// run carries out a plan about a build that was uploaded before.
func (p *program) run(c *cli.Context, plan release.Plan, do func(*release.Runner, context.Context, release.Plan) (release.Summary, error)) error {
	narrator := p.narrator(c)
	session, err := p.open(c, nil, narrator)
	if err != nil {
		return err
	}
	defer session.close()
	summary, err := do(&release.Runner{Client: session.client, Observer: narrator, Now: p.Now}, c.Context, plan)
	session.close()
	return p.result(c, summary, err)
}
