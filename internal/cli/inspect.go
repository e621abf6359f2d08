package cli

import (
	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/release"
)

// inspection is the JSON form of one inspected package.
type inspection struct {
	Path                    string           `json:"path"`
	Format                  bundle.Kind      `json:"format"`
	BundleID                string           `json:"bundle_id"`
	Version                 string           `json:"version"`
	BuildNumber             string           `json:"build_number"`
	Platform                bundle.Platform  `json:"platform"`
	Name                    string           `json:"name"`
	MinimumOS               string           `json:"minimum_os"`
	UsesNonExemptEncryption *bool            `json:"uses_non_exempt_encryption"`
	App                     string           `json:"app"`
	Bytes                   int64            `json:"bytes"`
	Findings                []bundle.Finding `json:"findings"`
}

func (p *program) inspectCommand() *cli.Command {
	return &cli.Command{
		Name:        "inspect",
		Usage:       "show what is in a package and what Apple would say about it; offline",
		ArgsUsage:   "PACKAGE…",
		Description: "Reads .ipa, .pkg and .zip files. Ends with 5 if a package cannot be read or would be refused.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "platform", Usage: "`ios`, macos, tvos or visionos, where the package does not tell"},
		}, outputFlags()[:1]...),
		Action: p.inspect,
	}
}

func (p *program) inspect(c *cli.Context) error {
	if !c.Args().Present() {
		return usagef("ascend inspect App.ipa", "which package?")
	}
	plan, err := p.plan(c)
	if err != nil {
		return err
	}
	packages := []inspection{}
	var refused error
	for _, path := range c.Args().Slice() {
		info, err := bundle.InspectFile(path)
		if err != nil {
			return err
		}
		if plan.Platform != "" {
			info.Platform = plan.Platform
		}
		findings := bundle.Preflight(info)
		if fatal := bundle.Fatal(findings); len(fatal) > 0 && refused == nil {
			refused = &release.Error{Kind: release.InvalidPackage, Message: path + ": " + fatal[0].Message, Hint: fatal[0].Remedy}
		}
		if !c.Bool("json") {
			p.Streams.Package(info, findings)
		}
		packages = append(packages, inspection{
			Path: path, Format: info.Kind, BundleID: info.BundleID, Version: info.ShortVersion, BuildNumber: info.BuildVersion,
			Platform: info.Platform, Name: info.Name, MinimumOS: info.MinimumOS, UsesNonExemptEncryption: info.UsesNonExemptEncryption,
			App: info.App, Bytes: info.Size, Findings: findings,
		})
	}
	if refused != nil || !c.Bool("json") {
		return refused
	}
	return p.Streams.JSON(map[string]any{"packages": packages})
}
