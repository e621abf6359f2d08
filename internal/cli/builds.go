package cli

import (
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/release"
)

func (p *program) buildsCommand() *cli.Command {
	selection := func() []cli.Flag {
		return []cli.Flag{
			appFlag(),
			&cli.StringFlag{Name: "version", Usage: "marketing `VERSION`; 1.2 and 1.2.0 are the same to Apple"},
			&cli.StringFlag{Name: "platform", Usage: "only those of `PLATFORM`: ios, macos, tvos or visionos"},
		}
	}
	live := &cli.BoolFlag{Name: "live", Usage: "look at the version in the App Store instead of uploads"}
	return &cli.Command{
		Name:      "builds",
		Usage:     "builds of an app, and their numbers",
		UsageText: "ascend builds list --app com.example.demo\nascend builds next-number --app com.example.demo",
		Subcommands: []*cli.Command{
			{
				Name:  "list",
				Usage: "list builds and uploads that are none yet, newest first",
				Flags: flags(selection(), []cli.Flag{
					&cli.StringFlag{Name: "build-number", Usage: "build `NUMBER`"},
					&cli.IntFlag{Name: "limit", Usage: "show at most `N` builds; 0 means all", Value: 30},
				}, outputFlags(), credentialFlags()),
				Action: p.buildsList,
			},
			{
				Name:        "latest",
				Usage:       "print the highest build number",
				Description: "Looks at builds and at uploads in progress. Prints the number alone, for $(…). Ends with 4 if there is none.",
				Flags:       flags(selection(), []cli.Flag{live}, outputFlags(), credentialFlags()),
				Action: func(c *cli.Context) error {
					return p.printNumber(c, func(r *release.Runner, s release.BuildSelection) (release.Number, error) {
						return r.LatestNumber(c.Context, s, c.Bool("live"))
					})
				},
			},
			{
				Name:  "next-number",
				Usage: "print the next free build number",
				Description: "Counts on from the highest number of builds and uploads in progress, and keeps its form: 41 gives 42, 1.2.9 gives\n" +
					"1.2.10, 20261122.3 gives today's date with .1. Prints the number alone, for $(…).",
				Flags: flags(selection(), []cli.Flag{
					live, &cli.StringFlag{Name: "initial", Usage: "the `NUMBER` if there is none yet", Value: "1"},
				}, outputFlags(), credentialFlags()),
				Action: func(c *cli.Context) error {
					if initial := c.String("initial"); initial != "" && !bundle.ValidVersion(initial) {
						return usagef("up to three numbers with dots between, such as 1 or 1.0.1", "--initial %q is not a build number", initial)
					}
					return p.printNumber(c, func(r *release.Runner, s release.BuildSelection) (release.Number, error) {
						return r.NextNumber(c.Context, s, c.Bool("live"), c.String("initial"))
					})
				},
			},
			{
				Name:        "expire",
				Usage:       "take builds from their testers, for good",
				ArgsUsage:   "[ID…]",
				Description: "Either builds by id, or with --app all but the newest --keep of a version or platform.",
				Flags: flags(selection(), []cli.Flag{
					&cli.StringFlag{Name: "build-number", Usage: "build `NUMBER`"},
					&cli.IntFlag{Name: "keep", Usage: "with --app: leave the newest `N` alone"},
					&cli.BoolFlag{Name: "dry-run", Usage: "only say what would be expired"},
				}, outputFlags(), credentialFlags()),
				Action: p.buildsExpire,
			},
		},
	}
}

// selection reads the flags that name builds.
func (p *program) selection(c *cli.Context) (release.BuildSelection, error) {
	app, err := requireApp(c)
	if err != nil {
		return release.BuildSelection{}, err
	}
	platform, err := platformFlag(c)
	return release.BuildSelection{App: app, Version: c.String("version"), BuildNumber: c.String("build-number"), Platform: asc.Platform(platform)}, err
}

// buildReport is the JSON form of a build.
type buildReport struct {
	BuildID         string    `json:"build_id"`
	Version         string    `json:"version"`
	BuildNumber     string    `json:"build_number"`
	Platform        string    `json:"platform"`
	State           string    `json:"state"`
	InternalState   string    `json:"internal_state"`
	ExternalState   string    `json:"external_state"`
	BetaReviewState string    `json:"beta_review_state"`
	Expired         bool      `json:"expired"`
	Uploaded        time.Time `json:"uploaded"`
}

func (p *program) buildsList(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	selection, err := p.selection(c)
	if err != nil {
		return err
	}
	return p.withRunner(c, func(runner *release.Runner) error {
		app, builds, uploads, err := runner.Builds(c.Context, selection)
		if err != nil {
			return err
		}
		total := len(builds)
		if limit := c.Int("limit"); limit > 0 {
			builds = builds[:min(limit, total)]
		}
		reports, pending, paths := []buildReport{}, []uploadReport{}, localPaths(runner.State)
		rows := [][]string{{"VERSION", "BUILD", "PLATFORM", "STATE", "INTERNAL", "EXTERNAL", "UPLOADED", "ID"}}
		for _, u := range uploads {
			pending = append(pending, reportUpload(u, paths))
			rows = append(rows, []string{u.CFBundleShortVersionString, u.CFBundleVersion, string(u.Platform), "upload " + u.State.State, "", "", when(u.CreatedDate), u.ID})
		}
		for _, b := range builds {
			r := buildReport{
				BuildID: b.ID, Version: b.PreReleaseVersion.Version, BuildNumber: b.Version, Platform: string(b.PreReleaseVersion.Platform), State: b.ProcessingState,
				BetaReviewState: b.ReviewState, Expired: b.Expired, Uploaded: b.UploadedDate,
			}
			if b.BetaDetail != nil {
				r.InternalState, r.ExternalState = b.BetaDetail.InternalBuildState, b.BetaDetail.ExternalBuildState
			}
			state := r.State
			if r.Expired {
				state += ", expired"
			}
			reports = append(reports, r)
			rows = append(rows, []string{r.Version, r.BuildNumber, r.Platform, state, r.InternalState, r.ExternalState, when(r.Uploaded), r.BuildID})
		}
		if c.Bool("json") {
			return p.Streams.JSON(map[string]any{"app_id": app.ID, "bundle_id": app.BundleID, "total": total, "builds": reports, "build_uploads": pending})
		}
		p.Streams.Columns(rows)
		if total > len(builds) {
			p.Streams.Line("and " + strconv.Itoa(total-len(builds)) + " older builds; --limit 0 shows them all")
		}
		return nil
	})
}

func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04")
}

func (p *program) printNumber(c *cli.Context, find func(*release.Runner, release.BuildSelection) (release.Number, error)) error {
	if err := noArguments(c); err != nil {
		return err
	}
	selection, err := p.selection(c)
	if err != nil {
		return err
	}
	return p.withRunner(c, func(runner *release.Runner) error {
		number, err := find(runner, selection)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			return p.Streams.JSON(number)
		}
		p.Streams.Line(number.BuildNumber)
		return nil
	})
}

func (p *program) buildsExpire(c *cli.Context) error {
	ids := c.Args().Slice()
	selection, err := release.BuildSelection{}, error(nil)
	switch {
	case len(ids) > 0 && (c.String("app") != "" || c.IsSet("keep")):
		return usagef("give ids, or --app with --keep, --version or --build-number", "ids and --app do not go together")
	case len(ids) == 0:
		if selection, err = p.selection(c); err != nil {
			return err
		}
		if !c.IsSet("keep") && selection.BuildNumber == "" {
			return usagef("--keep 0 expires them all", "how many builds of %s are to stay (--keep)?", selection.App)
		}
	}
	if c.Int("keep") < 0 {
		return usagef("", "--keep must not be negative")
	}
	return p.withRunner(c, func(runner *release.Runner) error {
		expired, err := runner.Expire(c.Context, ids, selection, c.Int("keep"), c.Bool("dry-run"))
		if c.Bool("json") && err == nil {
			return p.Streams.JSON(map[string]any{"builds": expired})
		}
		words := map[release.StepState]string{release.StepChanged: "expired", release.StepAlready: "was expired before", release.StepSkipped: "would be expired", release.StepFailed: "failed"}
		for _, e := range expired {
			p.Streams.Line(words[e.State] + ": " + e.Version + " (" + e.BuildNumber + ") " + e.Platform + " " + e.ID)
		}
		if len(expired) == 0 && err == nil {
			p.Streams.Line("there is nothing to expire")
		}
		return err
	})
}
