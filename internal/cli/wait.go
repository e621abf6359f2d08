package cli

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/internal/release"
)

func (p *program) waitCommand() *cli.Command {
	return &cli.Command{
		Name:      "wait",
		Usage:     "wait until Apple has processed a build",
		UsageText: "ascend wait --app com.example.demo --timeout 30m",
		Description: "Selects a build by --build or --build-upload, or by --app with --version and --build-number; the latest if no\n" +
			"number is given. Ends with 0 when the build is ready, 7 when Apple refused it, 8 when the time is up.",
		Flags: flags(buildFlags(), waitFlags(), under(waitCategory,
			&cli.StringFlag{Name: "listen", Usage: "have Apple tell of changes by a webhook, received at `[HOST]:PORT`; removed at the end"},
			&cli.StringFlag{Name: "public-url", Usage: "with --listen: the https `URL` under which Apple reaches that port"},
		), resultFlags(), outputFlags(), stateFlags(), credentialFlags()),
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			plan, err := p.plan(c)
			if err != nil {
				return err
			}
			if plan.Listen, err = listenFlags(c); err != nil {
				return err
			}
			return p.run(c, plan, (*release.Runner).Wait)
		},
	}
}

// listenFlags read where a wait is told of changes.
func listenFlags(c *cli.Context) (*release.Listen, error) {
	listen, public := c.String("listen"), c.String("public-url")
	switch {
	case listen == "" && public == "":
		return nil, nil
	case listen == "" || public == "":
		return nil, usagef("ascend wait --listen :8080 --public-url https://hooks.example.com/ascend", "--listen and --public-url go together")
	}
	return &release.Listen{Addr: listen, PublicURL: public}, nil
}

// run carries out a plan about a build that was uploaded before.
func (p *program) run(c *cli.Context, plan release.Plan, do func(*release.Runner, context.Context, release.Plan) (release.Summary, error)) error {
	if err := p.record(c); err != nil { // before anything is told
		return err
	}
	narrator := p.narrator(c)
	session, err := p.open(c, nil, narrator)
	if err != nil {
		return err
	}
	defer session.close()
	summary, err := do(&release.Runner{Client: session.client, Observer: p.recording.observe(narrator), History: p.history(c), Now: p.Now}, c.Context, plan)
	session.close()
	return p.result(c, summary, err)
}
