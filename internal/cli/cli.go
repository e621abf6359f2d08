// Package cli is the command line: one file per command, each a thin
// translation of flags into a call of the packages below.
package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/term"
)

// An Environment is what a run of the program may touch.
type Environment struct {
	Streams term.Streams
	// Getenv looks a variable up; an empty one counts as unset.
	Getenv func(string) string
	// Home is the user's folder, or empty. StateHome is where programs keep
	// what they have to remember, or empty.
	Home, StateHome string
	// Version, Commit and Date describe the build of the program.
	Version, Commit, Date string
	Now                   func() time.Time
}

// program is one run.
type program struct {
	Environment
	recording *recording
}

// Run carries out a command line, without the program's name, and returns the
// exit code.
func Run(ctx context.Context, env Environment, args []string) int {
	dropEmptyVariables()
	env.Streams = env.Streams.Guarded()
	p := &program{Environment: env}
	if len(args) > 0 && args[0] == "pilot" {
		return p.runPilot(ctx, args[1:])
	}
	return p.runArguments(ctx, args)
}

func (p *program) runArguments(ctx context.Context, args []string) int {
	app := p.app()
	if len(args) > 0 && (args[0] == "--version" || args[0] == "-v") {
		args = append([]string{"version"}, args[1:]...)
	}
	if n := len(args); n > 0 && args[n-1] == completeWord {
		p.complete(app.Commands, args[:n-1])
		return 0
	}
	err := misplacedArgument(args, "key")
	if err == nil {
		args, err = arrange(app, args, p.Getenv)
	}
	if err == nil {
		p.Streams.CI, err = ciOf(args, p.Getenv)
		p.Streams.Live = p.Streams.Live && p.Streams.CI == term.NoCI // its lines are for a log
	}
	if err == nil {
		err = app.RunContext(ctx, append([]string{"ascend"}, args...))
	}
	return p.exit(args, err)
}

// dropEmptyVariables makes an empty variable count as unset: CI systems set
// one for every secret and input that has no value.
func dropEmptyVariables() {
	for _, entry := range os.Environ() {
		if name, value, _ := strings.Cut(entry, "="); value == "" && strings.HasPrefix(name, "ASCEND_") {
			_ = os.Unsetenv(name) // it exists
		}
	}
}

func (p *program) app() *cli.App {
	app := &cli.App{
		Name:                   "ascend",
		Usage:                  "take a signed Apple build to TestFlight testers, from any machine",
		UsageText:              "ascend COMMAND [flags] [arguments]",
		Description:            "ascend upload --sandbox Demo.ipa\nascend auth check\nascend upload --groups QA Demo.ipa",
		Version:                p.Version,
		HideVersion:            true,
		Suggest:                true,
		UseShortOptionHandling: false,
		// Lists are split here: a group's name may hold a comma.
		DisableSliceFlagSeparator: true,
		Reader:                    p.Streams.In,
		Writer:                    p.Streams.Out,
		ErrWriter:                 p.Streams.Err,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              usageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand(c.App, c.Args().First())
			}
			return cli.ShowAppHelp(c)
		},
		Commands: []*cli.Command{
			p.uploadCommand(), p.distributeCommand(), p.waitCommand(), p.inspectCommand(), p.uploadsCommand(), p.buildsCommand(), p.groupsCommand(), p.testersCommand(), p.pilotCommand(),
			p.authCommand(), p.explainCommand(), p.sandboxCommand(), p.completionCommand(), p.manualCommand(), p.versionCommand(),
		},
	}
	forEachCommand(app.Name, app.Commands, func(path string, c *cli.Command) {
		c.OnUsageError = usageError
		for _, flag := range c.Flags {
			withVariable(flag)
		}
		c.CustomHelpTemplate = p.helpOf(path, c)
	})
	app.CustomAppHelpTemplate = p.rootHelp(app)
	return app
}

// forEachCommand goes through commands and those below them, with the words
// that call each.
func forEachCommand(path string, commands []*cli.Command, do func(path string, c *cli.Command)) {
	for _, c := range commands {
		do(path+" "+c.Name, c)
		forEachCommand(path+" "+c.Name, c.Subcommands, do)
	}
}

func usageError(_ *cli.Context, err error, _ bool) error {
	return &failure.Error{Kind: failure.Usage, Message: strings.ReplaceAll(err.Error(), "flag provided but not defined: -", "there is no flag -"), Hint: "ascend COMMAND --help lists the flags"}
}

func usagef(hint, format string, args ...any) error {
	return &failure.Error{Kind: failure.Usage, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// ciOf tells the system whose lines the log has, before the commands see their
// flags: also what fails there is annotated.
func ciOf(args []string, getenv func(string) string) (term.CI, error) {
	word := getenv("ASCEND_CI")
	for i, arg := range args {
		if value, ok := strings.CutPrefix(arg, "--ci="); ok {
			word = value
		} else if arg == "--ci" && i+1 < len(args) {
			word = args[i+1]
		} else if arg == "--" {
			break
		}
	}
	if word == "" {
		return term.DetectCI(getenv), nil
	}
	if !slices.Contains(term.CIs, term.CI(word)) {
		return term.NoCI, usagef("none, github, gitlab, azure, teamcity or buildkite", "--ci %q is not known", word)
	}
	return term.CI(word), nil
}

// wantsJSON looks at the arguments themselves: an error may come before they
// were understood.
func wantsJSON(args []string, getenv func(string) string) bool {
	for _, arg := range args {
		switch arg {
		case "--":
			return false
		case "--json", "-json", "--json=true":
			return true
		case "--json=false":
			return false
		}
	}
	switch strings.ToLower(getenv("ASCEND_JSON")) {
	case "1", "t", "true":
		return true
	}
	return false
}
