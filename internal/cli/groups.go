package cli

import (
	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/release"
)

func (p *program) groupsCommand() *cli.Command {
	return &cli.Command{
		Name:      "groups",
		Usage:     "beta groups of an app",
		UsageText: "ascend groups create --app com.example.demo Friends",
		Subcommands: []*cli.Command{
			{
				Name: "list", Usage: "list beta groups",
				Flags:  flags([]cli.Flag{appFlag()}, outputFlags(), credentialFlags()),
				Action: p.groupsList,
			},
			{
				Name: "create", Usage: "make a beta group, unless there is one of that name", ArgsUsage: "NAME",
				Flags: flags([]cli.Flag{
					appFlag(), &cli.BoolFlag{Name: "internal", Usage: "for members of the team, who need no beta review"},
					&cli.BoolFlag{Name: "all-builds", Usage: "give an internal group every build by itself"},
				}, outputFlags(), credentialFlags()),
				Action: p.groupsCreate,
			},
			{
				Name: "delete", Usage: "remove a beta group; its testers stay testers", ArgsUsage: "NAME",
				Flags:  flags([]cli.Flag{appFlag()}, outputFlags(), credentialFlags()),
				Action: p.groupsDelete,
			},
		},
	}
}

// groupReport is the JSON form of a beta group.
type groupReport struct {
	GroupID    string `json:"group_id"`
	Name       string `json:"name"`
	Internal   bool   `json:"internal"`
	AllBuilds  bool   `json:"all_builds"`
	PublicLink string `json:"public_link"`
}

func reportGroup(g asc.BetaGroup) groupReport {
	return groupReport{GroupID: g.ID, Name: g.Name, Internal: g.Internal, AllBuilds: g.HasAccessToAllBuilds, PublicLink: g.PublicLink}
}

func (p *program) groupsList(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	return p.withApp(c, func(r *release.Runner, name string) error {
		app, groups, err := r.Groups(c.Context, name)
		if err != nil {
			return err
		}
		reports := []groupReport{}
		rows := [][]string{{"NAME", "KIND", "ALL BUILDS", "PUBLIC LINK", "ID"}}
		for _, g := range groups {
			kind, all := "external", ""
			if g.Internal {
				kind = "internal"
			}
			if g.HasAccessToAllBuilds {
				all = "yes"
			}
			reports = append(reports, reportGroup(g))
			rows = append(rows, []string{g.Name, kind, all, g.PublicLink, g.ID})
		}
		if c.Bool("json") {
			return p.Streams.JSON(map[string]any{"app_id": app.ID, "bundle_id": app.BundleID, "groups": reports})
		}
		p.Streams.Columns(rows)
		return nil
	})
}

func (p *program) withApp(c *cli.Context, do func(*release.Runner, string) error) error {
	app, err := requireApp(c)
	if err != nil {
		return err
	}
	return p.withRunner(c, func(runner *release.Runner) error {
		return do(runner, app)
	})
}

func groupName(c *cli.Context) (string, error) {
	if c.NArg() != 1 || c.Args().First() == "" {
		return "", usagef("ascend groups "+c.Command.Name+" --app com.example.demo QA", "which group?")
	}
	return c.Args().First(), nil
}

func (p *program) groupsCreate(c *cli.Context) error {
	name, err := groupName(c)
	if err != nil {
		return err
	}
	if c.Bool("all-builds") && !c.Bool("internal") {
		return usagef("add --internal", "only internal groups can have all builds")
	}
	return p.withApp(c, func(r *release.Runner, app string) error {
		wanted := asc.NewBetaGroup{Name: name, IsInternalGroup: c.Bool("internal")}
		if wanted.IsInternalGroup {
			all := c.Bool("all-builds")
			wanted.HasAccessToAllBuilds = &all
		}
		group, state, err := r.CreateGroup(c.Context, app, wanted)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			return p.Streams.JSON(struct {
				groupReport
				State release.StepState `json:"state"`
			}{reportGroup(group), state})
		}
		word := "created"
		if state == release.StepAlready {
			word = "is there already"
		}
		p.Streams.Line(group.Name + " " + word + ": " + group.ID)
		return nil
	})
}

func (p *program) groupsDelete(c *cli.Context) error {
	name, err := groupName(c)
	if err != nil {
		return err
	}
	return p.withApp(c, func(r *release.Runner, app string) error {
		group, err := r.DeleteGroup(c.Context, app, name)
		if err != nil {
			return err
		}
		if c.Bool("json") {
			return p.Streams.JSON(reportGroup(group))
		}
		p.Streams.Line(group.Name + " deleted")
		return nil
	})
}
