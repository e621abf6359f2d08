package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/outfile"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/term"
)

// inspection is the JSON form of one inspected package.
type inspection struct {
	Path                    string            `json:"path"`
	Format                  bundle.Kind       `json:"format"`
	BundleID                string            `json:"bundle_id"`
	Version                 string            `json:"version"`
	BuildNumber             string            `json:"build_number"`
	Platform                bundle.Platform   `json:"platform"`
	Name                    string            `json:"name"`
	MinimumOS               string            `json:"minimum_os"`
	UsesNonExemptEncryption *bool             `json:"uses_non_exempt_encryption"`
	App                     string            `json:"app"`
	Bytes                   int64             `json:"bytes"`
	Bundles                 []bundle.Bundle   `json:"bundles"`
	Installer               *bundle.Installer `json:"installer"`
	SwiftSupport            bool              `json:"swift_support"`
	Symbols                 bool              `json:"symbols"`
	Partial                 string            `json:"partial"`
	Findings                []bundle.Finding  `json:"findings"`
}

// The values of --fail-on.
const (
	failOnError   = "error"
	failOnWarning = "warning"
	failNever     = "never"
)

func (p *program) inspectCommand() *cli.Command {
	return &cli.Command{
		Name:        "inspect",
		Usage:       "show what is in a package and what Apple would say about it; offline",
		ArgsUsage:   "PACKAGE…",
		UsageText:   "ascend inspect Demo.ipa\nascend inspect --json --fail-on warning Demo.ipa",
		Description: "Reads .ipa, .pkg and .zip files. Ends with 5 if a package cannot be read or would be refused. docs/rules.md\nsays what is checked.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "platform", Usage: "`PLATFORM`, where the package does not tell: ios, macos, tvos or visionos"},
			&cli.BoolFlag{Name: "rules", Usage: "list what is checked, instead of checking"},
			&cli.StringFlag{Name: "fail-on", Usage: "end with 5 on findings of this `SEVERITY` and above: error, warning or never", Value: failOnError},
			ignoreFlag(),
			&cli.BoolFlag{Name: "online", Usage: "ask App Store Connect as well: app, version, build number, groups, role; needs a key, changes nothing"},
			&cli.StringSliceFlag{Name: "groups", Usage: "with --online: beta `GROUP`s that are to get the build"},
			&cli.StringFlag{Name: "sarif", Usage: "write the findings to a `FILE` for code-scanning views (SARIF 2.1.0)"},
		}, flags(outputFlags(), credentialFlags())...),
		Action: p.inspect,
	}
}

// ignoreFlag is shared by inspect and upload.
func ignoreFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "ignore", Usage: "the id of a `RULE` to leave out; repeatable"}
}

// ignored reads the rules that are left out.
func ignored(c *cli.Context) ([]string, error) {
	ids := trimmed(c.StringSlice("ignore"))
	for _, id := range ids {
		if _, ok := bundle.RuleByID(id); !ok {
			return nil, usagef("ascend inspect --rules lists them", "there is no rule %q", id)
		}
	}
	return ids, nil
}

func (p *program) inspect(c *cli.Context) error {
	ignore, err := ignored(c)
	failOn := c.String("fail-on")
	switch {
	case err != nil:
		return err
	case !slices.Contains([]string{failOnError, failOnWarning, failNever}, failOn):
		return usagef("error, warning or never", "--fail-on %q", failOn)
	case c.Bool("rules"):
		return p.listRules(c)
	case !c.Args().Present():
		return usagef("ascend inspect App.ipa", "which package?")
	}
	if err := p.Streams.CheckFile(c.String("sarif"), outfile.Shared); err != nil {
		return cannotWrite("sarif", err)
	}
	plan, err := p.plan(c)
	if err != nil {
		return err
	}
	plan.Distribution.Groups = trimmed(c.StringSlice("groups"))
	if c.Bool("online") {
		return p.withRunner(c, func(runner *release.Runner) error { return p.inspectAll(c, plan, ignore, runner) })
	}
	return p.inspectAll(c, plan, ignore, nil)
}

// inspectAll inspects the packages of a command line. Without a runner it is
// offline.
func (p *program) inspectAll(c *cli.Context, plan release.Plan, ignore []string, runner *release.Runner) error {
	failOn := c.String("fail-on")
	packages := []inspection{}
	var refused *failure.Error
	for _, path := range c.Args().Slice() {
		info, err := bundle.InspectFile(path)
		if err != nil {
			return err
		}
		if plan.Platform != "" {
			info.Platform = plan.Platform
		}
		findings := bundle.Preflight(info, p.Now())
		if runner != nil {
			online, err := runner.Check(c.Context, info, plan)
			if err != nil {
				return err
			}
			findings = append(findings, online...)
		}
		findings = slices.DeleteFunc(findings, func(f bundle.Finding) bool { return slices.Contains(ignore, f.Rule) })
		if failing := failing(findings, failOn); len(failing) > 0 && refused == nil {
			refused = &failure.Error{Kind: failure.InvalidPackage, Message: path + ": " + failing[0].Message, Hint: failing[0].Remedy}
			for _, f := range failing[1:] {
				refused.Details = append(refused.Details, f.Message+" ["+f.Rule+"]")
			}
		}
		if !c.Bool("json") {
			p.Streams.Package(info, findings)
		}
		packages = append(packages, inspectionOf(info, findings))
	}
	if file := c.String("sarif"); file != "" {
		if err := p.writeSARIF(file, packages); err != nil && refused != nil {
			p.warnUnwritten(c, err)
		} else if err != nil {
			refused = unwritten(err)
		}
	}
	return p.inspected(c, packages, refused)
}

// inspected ends an inspection. Findings are part of its JSON also where they
// make it fail.
func (p *program) inspected(c *cli.Context, packages []inspection, refused *failure.Error) error {
	switch {
	case refused == nil && c.Bool("json"):
		return p.Streams.JSON(map[string]any{"packages": packages})
	case refused == nil:
		return nil
	case !c.Bool("json"):
		return refused
	}
	if err := p.Streams.JSON(map[string]any{"packages": packages, "error": p.problem(refused)}); err != nil {
		return err
	}
	return &batchFailure{error: refused}
}

// failing are the findings that make an inspection fail.
func failing(findings []bundle.Finding, failOn string) []bundle.Finding {
	switch failOn {
	case failNever:
		return nil
	case failOnWarning:
		return slices.DeleteFunc(slices.Clone(findings), func(f bundle.Finding) bool { return f.Severity == bundle.SeverityInfo })
	}
	return bundle.Fatal(findings)
}

func inspectionOf(info bundle.Info, findings []bundle.Finding) inspection {
	bundles := info.Bundles
	if bundles == nil {
		bundles = []bundle.Bundle{}
	}
	return inspection{
		Path: info.Path, Format: info.Kind, BundleID: info.BundleID, Version: info.ShortVersion, BuildNumber: info.BuildVersion,
		Platform: info.Platform, Name: info.Name, MinimumOS: info.MinimumOS, UsesNonExemptEncryption: info.UsesNonExemptEncryption,
		App: info.App, Bytes: info.Size, Bundles: bundles, Installer: info.Installer, SwiftSupport: info.SwiftSupport, Symbols: info.Symbols,
		Partial: info.Partial, Findings: findings,
	}
}

// listRules writes the catalogue.
func (p *program) listRules(c *cli.Context) error {
	rules := bundle.Rules()
	if c.Bool("json") {
		return p.Streams.JSON(map[string]any{"rules": rules})
	}
	for _, rule := range rules {
		p.Streams.Line(fmt.Sprintf("%-30s %-8s %s%s", rule.ID, rule.Severity, rule.Title, codesOf(rule)))
	}
	return nil
}

func codesOf(rule bundle.Rule) string {
	if len(rule.Codes) == 0 {
		return ""
	}
	return " (ITMS-" + strings.Join(rule.Codes, ", ITMS-") + ")"
}

// writeSARIF writes the findings of packages to a file.
func (p *program) writeSARIF(file string, packages []inspection) error {
	var results []term.Scanned
	for _, pkg := range packages {
		results = append(results, term.Scanned{Path: pkg.Path, Findings: pkg.Findings})
	}
	content, err := term.SARIF(bundle.Rules(), results)
	if err != nil {
		return fmt.Errorf("write SARIF: %w", err)
	}
	return p.Streams.WriteFile("the findings (--sarif)", file, content, outfile.Shared)
}
