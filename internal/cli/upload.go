package cli

import (
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/sandbox"
	"github.com/ascend-cli/ascend/upload"
)

func (p *program) uploadCommand() *cli.Command {
	return &cli.Command{
		Name:      "upload",
		Usage:     "upload a package, wait for its processing, give it to testers",
		ArgsUsage: "PACKAGE",
		Description: "Goes the whole way: reads the package, finds the app, sends the parts in parallel, waits until Apple has\n" +
			"processed the build, and distributes it. Without distribution flags it ends when the build is ready.\n" +
			"Run it again after a failure: it sends only what is missing.",
		Flags: flags(
			[]cli.Flag{
				&cli.BoolFlag{Name: "sandbox", Usage: "rehearse against an embedded App Store Connect; no key needed"},
				&cli.StringFlag{Name: "app", Usage: "bundle `ID` or Apple ID the package must belong to (default: found by the package's bundle id)"},
				&cli.StringFlag{Name: "platform", Usage: "`ios`, macos, tvos or visionos, where the package does not tell"},
				&cli.BoolFlag{Name: "no-wait", Usage: "stop after the upload, before Apple's processing"},
				&cli.BoolFlag{Name: "skip-preflight", Usage: "upload in spite of preflight errors"},
				&cli.IntFlag{Name: "concurrency", Usage: "parts in flight, fixed (default: adaptive, from 8 on)"},
				&cli.IntFlag{Name: "max-concurrency", Usage: "parts in flight at most, where it adapts", Value: 48},
				&cli.StringFlag{Name: "limit-rate", Usage: "bound the upload to `RATE`, such as 10MB/s"},
				&cli.DurationFlag{Name: "retry-for", Usage: "how long a failing part is tried again", Value: 15 * time.Minute},
			},
			distributionFlags(), waitFlags(), credentialFlags(), outputFlags(),
		),
		Action: p.upload,
	}
}

func (p *program) upload(c *cli.Context) error {
	if c.NArg() != 1 {
		if c.NArg() == 0 {
			return usagef("ascend upload App.ipa", "which package?")
		}
		return usagef("run ascend upload once for each", "one package at a time, but got %d: %q …", c.NArg(), c.Args().Slice()[:2])
	}
	plan, err := p.plan(c)
	if err != nil {
		return err
	}
	plan.Path, plan.NoWait, plan.SkipPreflight = c.Args().First(), c.Bool("no-wait"), c.Bool("skip-preflight")
	if plan.Distribution, err = p.distribution(c); err != nil {
		return err
	}
	if plan.NoWait && plan.Distribution.Wanted() {
		return usagef("leave --no-wait out, or run ascend distribute later", "--no-wait stops before a build can be distributed, so the distribution flags would do nothing")
	}
	limit, err := parseRate(c.String("limit-rate"))
	if err != nil {
		return usagef("", "--limit-rate: %v", err)
	}
	for _, name := range []string{"concurrency", "max-concurrency"} {
		if n := c.Int(name); n < 0 || n > 128 || n == 0 && c.IsSet(name) {
			return usagef("", "--%s must be between 1 and 128", name)
		}
	}
	var override *asc.Options
	if c.Bool("sandbox") {
		server, err := p.rehearsal(plan)
		if err != nil {
			return err
		}
		defer server.Close()
		key := server.Keys()[0]
		override = &asc.Options{Key: asc.Key{ID: key.ID, IssuerID: key.IssuerID, Private: key.Private}, URL: server.URL()}
	}
	session, err := p.open(c, override)
	if err != nil {
		return err
	}
	defer session.close()
	if override != nil {
		session.narrator.Observe(release.Notice{Text: "rehearsal against the embedded App Store Connect at " + override.URL + ": nothing reaches Apple"})
	}
	runner := &release.Runner{
		Client: session.client, Observer: session.narrator, Pool: upload.NewPool(c.Int("concurrency"), c.Int("max-concurrency")), Limit: limit, RetryFor: c.Duration("retry-for"), Now: p.Now,
	}
	summary, err := runner.Upload(c.Context, plan)
	session.close()
	return p.result(c, summary, err)
}

// rehearsalTime is how long each half of the processing takes in a rehearsal:
// long enough to be seen, short enough not to be waited for.
const rehearsalTime = 1500 * time.Millisecond

// rehearsal starts an App Store Connect with an app that fits the package and
// with the groups that are asked for. A package that cannot be read gets an
// empty one: the upload itself says what is wrong.
func (p *program) rehearsal(plan release.Plan) (*sandbox.Server, error) {
	options := sandbox.Options{UploadProcessing: rehearsalTime, BuildProcessing: rehearsalTime, Now: p.Now}
	if info, err := bundle.InspectFile(plan.Path); err == nil {
		app := sandbox.App{BundleID: info.BundleID, Name: info.Name}
		for _, name := range plan.Distribution.Groups {
			app.Groups = append(app.Groups, sandbox.Group{Name: name})
		}
		options.Apps = append(options.Apps, app)
	}
	return sandbox.Start(options)
}
