package cli

import (
	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/internal/release"
)

func (p *program) distributeCommand() *cli.Command {
	return &cli.Command{
		Name:      "distribute",
		Usage:     "give a build that was uploaded before to testers",
		UsageText: "ascend distribute --app com.example.demo --groups Beta --submit-review",
		Description: "Selects a build by --build, or by --app with --version and --build-number; the latest if no number is given.\n" +
			"A build that is still processing is waited for. Running it twice changes nothing the second time.",
		Flags: flags(buildFlags(), distributionFlags(), appInfoFlags(), waitFlags(), resultFlags(), outputFlags(), stateFlags(), configFlag(), credentialFlags()),
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			if err := p.configure(c); err != nil {
				return err
			}
			plan, err := p.plan(c)
			if err != nil {
				return err
			}
			if plan.Distribution, err = p.distribution(c); err != nil {
				return err
			}
			if !plan.Distribution.Wanted() {
				return usagef("say what to do: --groups, --what-to-test, --uses-non-exempt-encryption, --submit-review or --notify", "there is nothing to distribute")
			}
			return p.run(c, plan, (*release.Runner).Distribute)
		},
	}
}
