package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/outfile"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/term"
	"github.com/ascend-cli/ascend/internal/testers"
)

func appFlag() cli.Flag {
	return &cli.StringFlag{Name: "app", Usage: "bundle `ID` or Apple ID of the app"}
}

func dryRunFlag() cli.Flag {
	return &cli.BoolFlag{Name: "dry-run", Usage: "only say what would be done"}
}

func (p *program) testersCommand() *cli.Command {
	groups := func(usage string) cli.Flag { return &cli.StringSliceFlag{Name: "groups", Usage: usage} }
	return &cli.Command{
		Name:      "testers",
		Usage:     "testers of an app",
		UsageText: "ascend testers add --app com.example.demo --groups Beta ada@example.com\nascend testers import --app com.example.demo testers.csv",
		Subcommands: []*cli.Command{
			{
				Name: "list", Usage: "list testers, by address",
				Flags:  flags([]cli.Flag{appFlag(), groups("only those of `GROUPS`")}, outputFlags(), credentialFlags()),
				Action: p.testersList,
			},
			{
				Name: "find", Usage: "show testers by e-mail address", ArgsUsage: "EMAIL…",
				Flags:  flags([]cli.Flag{appFlag()}, outputFlags(), credentialFlags()),
				Action: p.testersFind,
			},
			{
				Name: "add", Usage: "add testers to groups", ArgsUsage: "EMAIL…",
				Description: "Who is a tester already is added to the groups that are missing. Running it twice changes nothing.",
				Flags: flags([]cli.Flag{
					appFlag(), groups("beta `GROUPS` by name or id"), &cli.StringFlag{Name: "first-name", Usage: "first `NAME`, for one address"},
					&cli.StringFlag{Name: "last-name", Usage: "last `NAME`, for one address"}, dryRunFlag(),
				}, outputFlags(), credentialFlags()),
				Action: p.testersAdd,
			},
			{
				Name: "remove", Usage: "take testers out of groups, or off the app", ArgsUsage: "EMAIL…",
				Flags:  flags([]cli.Flag{appFlag(), groups("only out of `GROUPS`; without it, off the app"), dryRunFlag()}, outputFlags(), credentialFlags()),
				Action: p.testersRemove,
			},
			{
				Name: "import", Usage: "add the testers of a CSV file", ArgsUsage: "FILE",
				Description: "The columns are first name, last name, e-mail, groups (with ; between), as fastlane pilot has them; a header may name\n" +
					"them in another order. The whole file is checked before anything is done. - reads stdin.",
				Flags:  flags([]cli.Flag{appFlag(), groups("`GROUPS` of rows that name none"), dryRunFlag()}, outputFlags(), credentialFlags()),
				Action: p.testersImport,
			},
			{
				Name: "export", Usage: "write the testers of an app as CSV", ArgsUsage: "[FILE]",
				Description: "Without a file, or with -, to stdout. What it writes, import reads.",
				Flags:       flags([]cli.Flag{appFlag(), groups("only those of `GROUPS`")}, outputFlags(), credentialFlags()),
				Action:      p.testersExport,
			},
		},
	}
}

// app reads --app, which these commands need.
func requireApp(c *cli.Context) (string, error) {
	if app := c.String("app"); app != "" {
		return app, nil
	}
	return "", usagef("--app com.example.demo", "which app?")
}

// emails reads the arguments as addresses.
func emails(c *cli.Context) ([]string, error) {
	list := trimmed(c.Args().Slice())
	if len(list) == 0 {
		return nil, usagef("ascend testers "+c.Command.Name+" --app com.example.demo dana@example.com", "whose e-mail address?")
	}
	for _, email := range list {
		if problem := testers.AddressProblem(email); problem != "" {
			return nil, usagef("", "%s", problem)
		}
	}
	return list, nil
}

func (p *program) testersList(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	return p.withPeople(c, func(app asc.App, people []release.Person) error {
		if c.Bool("json") {
			return p.Streams.JSON(map[string]any{"app_id": app.ID, "bundle_id": app.BundleID, "testers": people})
		}
		p.writePeople(people)
		p.Streams.Line(counted(len(people)))
		return nil
	})
}

func counted(n int) string {
	if n == 1 {
		return "1 tester"
	}
	return fmt.Sprintf("%d testers", n)
}

func (p *program) writePeople(people []release.Person) {
	rows := [][]string{{"FIRST", "LAST", "EMAIL", "GROUPS", "STATE"}}
	for _, t := range people {
		rows = append(rows, []string{t.FirstName, t.LastName, t.Email, strings.Join(t.Groups, ";"), t.State})
	}
	p.Streams.Columns(rows)
}

// withPeople reads the testers that --app and --groups name.
func (p *program) withPeople(c *cli.Context, do func(asc.App, []release.Person) error) error {
	app, err := requireApp(c)
	if err != nil {
		return err
	}
	return p.withRunner(c, func(runner *release.Runner) error {
		found, people, err := runner.Testers(c.Context, app, trimmed(c.StringSlice("groups")))
		if err != nil {
			return err
		}
		return do(found, people)
	})
}

func (p *program) testersFind(c *cli.Context) error {
	wanted, err := emails(c)
	if err != nil {
		return err
	}
	return p.withPeople(c, func(app asc.App, people []release.Person) error {
		found, missing := []release.Person{}, []string{}
		for _, email := range wanted {
			at := len(found)
			for _, t := range people {
				if strings.EqualFold(t.Email, email) {
					found = append(found, t)
				}
			}
			if len(found) == at {
				missing = append(missing, email)
			}
		}
		if c.Bool("json") && len(missing) == 0 {
			return p.Streams.JSON(map[string]any{"app_id": app.ID, "bundle_id": app.BundleID, "testers": found})
		}
		if !c.Bool("json") && len(found) > 0 {
			p.writePeople(found)
		}
		if len(missing) > 0 {
			return &failure.Error{Kind: failure.NotFound, Message: fmt.Sprintf("no tester of %s: %s", app.BundleID, strings.Join(missing, ", ")), Hint: "ascend testers list --app " + app.BundleID}
		}
		return nil
	})
}

func (p *program) testersAdd(c *cli.Context) error {
	list, err := emails(c)
	if err != nil {
		return err
	}
	groups := trimmed(c.StringSlice("groups"))
	if len(groups) == 0 {
		return usagef("--groups QA", "to which groups?")
	}
	if len(list) > 1 && (c.String("first-name") != "" || c.String("last-name") != "") {
		return usagef("add them one by one, or import a CSV file", "a name goes with one address, but there are %d", len(list))
	}
	var people []release.Person
	for _, email := range list {
		people = append(people, release.Person{Email: email, FirstName: c.String("first-name"), LastName: c.String("last-name"), Groups: groups})
	}
	return p.addPeople(c, people)
}

func (p *program) addPeople(c *cli.Context, people []release.Person) error {
	return p.changePeople(c, "added", func(r *release.Runner, app string) ([]release.TesterResult, error) {
		return r.AddTesters(c.Context, app, people, c.Bool("dry-run"))
	})
}

func (p *program) testersRemove(c *cli.Context) error {
	list, err := emails(c)
	if err != nil {
		return err
	}
	return p.changePeople(c, "removed", func(r *release.Runner, app string) ([]release.TesterResult, error) {
		return r.RemoveTesters(c.Context, app, list, trimmed(c.StringSlice("groups")), c.Bool("dry-run"))
	})
}

// changePeople runs a command that changes testers and writes its results.
func (p *program) changePeople(c *cli.Context, done string, change func(*release.Runner, string) ([]release.TesterResult, error)) error {
	app, err := requireApp(c)
	if err != nil {
		return err
	}
	return p.withRunner(c, func(runner *release.Runner) error {
		results, err := change(runner, app)
		if results == nil {
			return err
		}
		return p.writeResults(c, done, results, err)
	})
}

// writeResults writes what became of testers; err is the first that failed.
func (p *program) writeResults(c *cli.Context, done string, results []release.TesterResult, err error) error {
	counts := map[release.StepState]int{}
	for _, r := range results {
		counts[r.State]++
	}
	if c.Bool("json") {
		document := map[string]any{
			done: counts[release.StepChanged], "already": counts[release.StepAlready], "would_be_" + done: counts[release.StepSkipped], "failed": counts[release.StepFailed], "testers": results,
		}
		if err != nil {
			document["error"] = p.problem(err)
		}
		if writeErr := p.Streams.JSON(document); writeErr != nil || err == nil {
			return writeErr
		}
		return &batchFailure{error: err}
	}
	for _, r := range results {
		if r.State == release.StepFailed {
			p.Streams.Line("failed: " + r.Email + ": " + r.Error)
		}
	}
	if len(results) <= 20 {
		words := map[release.StepState]string{release.StepChanged: done, release.StepAlready: "nothing to do", release.StepSkipped: "would be " + done}
		for _, r := range results {
			if word := words[r.State]; word != "" {
				text := word + ": " + r.Email
				if len(r.Groups) > 0 {
					text += " (" + strings.Join(r.Groups, ", ") + ")"
				}
				p.Streams.Line(text)
			}
		}
	}
	line := fmt.Sprintf("%d %s, %d as asked before, %d failed", counts[release.StepChanged], done, counts[release.StepAlready], counts[release.StepFailed])
	if n := counts[release.StepSkipped]; n > 0 {
		line = fmt.Sprintf("%d would be %s, %d are as asked already", n, done, counts[release.StepAlready])
	}
	p.Streams.Line(line)
	return err
}

func (p *program) testersImport(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("ascend testers import --app com.example.demo testers.csv", "which file?")
	}
	source, name := p.Streams.In, c.Args().First()
	if name != "-" {
		file, err := os.Open(p.expand(name))
		if err != nil {
			return usagef("", "%v", err)
		}
		defer file.Close()
		source = file
	}
	content, err := readAll(c.Context, io.LimitReader(source, maxList))
	if err != nil {
		return err
	}
	list, err := testers.Read(bytes.NewReader(content))
	if err != nil {
		return &failure.Error{Kind: failure.Usage, Message: name + " cannot be imported, and nothing was done", Hint: "mend the lines and import again", Details: strings.Split(err.Error(), "\n")}
	}
	if len(list) == 0 {
		return usagef("the columns are first name, last name, e-mail, groups", "%s holds no testers", name)
	}
	groups := trimmed(c.StringSlice("groups"))
	var people []release.Person
	var lost []string
	for _, t := range list {
		if len(t.Groups) == 0 {
			t.Groups = groups
		}
		if len(t.Groups) == 0 {
			lost = append(lost, fmt.Sprintf("line %d: %s is in no group", t.Line, t.Email))
		}
		people = append(people, release.Person{Email: t.Email, FirstName: t.FirstName, LastName: t.LastName, Groups: t.Groups})
	}
	if len(lost) > 0 {
		return &failure.Error{Kind: failure.Usage, Message: fmt.Sprintf("%d rows of %s name no group, and nothing was done", len(lost), name), Hint: "give --groups, or fill the fourth column", Details: lost[:min(len(lost), 10)]}
	}
	return p.addPeople(c, people)
}

// maxList is the largest file of testers that is read.
const maxList = 64 << 20

func (p *program) testersExport(c *cli.Context) error {
	if c.NArg() > 1 {
		return usagef("ascend testers export --app com.example.demo testers.csv", "one file at most")
	}
	return p.withPeople(c, func(app asc.App, people []release.Person) error {
		var list []testers.Tester
		for _, t := range people {
			list = append(list, testers.Tester{FirstName: t.FirstName, LastName: t.LastName, Email: t.Email, Groups: t.Groups})
		}
		path := c.Args().First()
		printed := path == "" || path == "-" || path == "/dev/stdout"
		for i := range list {
			if t := &list[i]; printed { // testers choose their names
				t.FirstName, t.LastName, t.Email = term.Clean(t.FirstName), term.Clean(t.LastName), term.Clean(t.Email)
			}
		}
		var b bytes.Buffer
		if err := testers.Write(&b, list); err != nil {
			return err
		}
		if printed {
			_, err := p.Streams.Out.Write(b.Bytes())
			return err
		}
		path = p.expand(path)
		if err := p.Streams.CheckFile(path, outfile.Private); err != nil {
			return usagef("is the folder there, and can it be written?", "%v", err)
		}
		if err := p.Streams.WriteFile("the list of testers", path, b.Bytes(), outfile.Private); err != nil {
			return unwritten(err)
		}
		if c.Bool("json") {
			return p.Streams.JSON(map[string]any{"app_id": app.ID, "bundle_id": app.BundleID, "file": path, "testers": len(list)})
		}
		p.Streams.Line(fmt.Sprintf("%s written to %s", counted(len(list)), filepath.Base(path)))
		return nil
	})
}
