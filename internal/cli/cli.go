// Package cli is the command line: one file per command, each a thin
// translation of flags into a call of the packages below.
package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/internal/release"
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
	p := &program{Environment: env}
	if len(args) > 0 && args[0] == "pilot" {
		return p.runPilot(ctx, args[1:])
	}
	return p.runArguments(ctx, args)
}

func (p *program) runArguments(ctx context.Context, args []string) int {
	app := p.app()
	if n := len(args); n > 0 && args[n-1] == completeWord {
		p.complete(app.Commands, args[:n-1])
		return 0
	}
	args, err := arrange(app, args)
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
			p.authCommand(), p.sandboxCommand(), p.completionCommand(), p.manualCommand(), p.versionCommand(),
		},
	}
	forEachCommand(app.Commands, func(c *cli.Command) {
		c.OnUsageError = usageError
		for i, flag := range c.Flags {
			c.Flags[i] = withVariable(flag)
		}
	})
	return app
}

func forEachCommand(commands []*cli.Command, do func(*cli.Command)) {
	for _, c := range commands {
		do(c)
		forEachCommand(c.Subcommands, do)
	}
}

// withVariable lets a flag come from ASCEND_… of the same name.
func withVariable(flag cli.Flag) cli.Flag {
	variable := []string{"ASCEND_" + strings.ToUpper(strings.ReplaceAll(flag.Names()[0], "-", "_"))}
	switch f := flag.(type) {
	case *cli.StringFlag:
		if f.Category != credentialsCategory { // these look it up themselves
			f.EnvVars = variable
		}
	case *cli.StringSliceFlag:
		f.EnvVars = variable
	case *cli.BoolFlag:
		f.EnvVars = variable
	case *cli.IntFlag:
		f.EnvVars = variable
	case *cli.DurationFlag:
		f.EnvVars = variable
	}
	return flag
}

func usageError(_ *cli.Context, err error, _ bool) error {
	return &release.Error{Kind: release.Usage, Message: strings.ReplaceAll(err.Error(), "flag provided but not defined: -", "there is no flag -"), Hint: "ascend COMMAND --help lists the flags"}
}

func usagef(hint, format string, args ...any) error {
	return &release.Error{Kind: release.Usage, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// A failure carries what was reached along with the error.
type failure struct {
	error
	summary *release.Summary
}

func (f *failure) Unwrap() error { return f.error }

// exitCodes are part of the contract.
var exitCodes = map[release.Kind]int{
	release.Internal: 1, release.Usage: 2, release.Auth: 3, release.NotFound: 4, release.InvalidPackage: 5,
	release.Transfer: 6, release.Rejected: 7, release.Timeout: 8, release.Conflict: 9, release.Interrupted: 130,
}

// exit writes an error in the form that was asked for, and returns its code.
func (p *program) exit(args []string, err error) int {
	if err == nil {
		p.endRecording(nil)
		return 0
	}
	problem := p.problem(err)
	p.endRecording(&problem)
	var batch *batchFailure
	if wantsJSON(args, p.Getenv) && !errors.As(err, &batch) {
		out := struct {
			Error term.Problem `json:"error"`
			*release.Summary
		}{Error: problem}
		var f *failure
		if errors.As(err, &f) {
			out.Summary = f.summary
		}
		if err := p.Streams.JSON(out); err != nil {
			return exitCodes[release.Internal]
		}
	}
	p.Streams.Fail(problem)
	return exitCodes[problem.Kind]
}

// endRecording ends what is written down. That this fails is no reason to fail
// a run that worked.
func (p *program) endRecording(problem *term.Problem) {
	if err := p.recording.end(p.Version, problem); err != nil {
		fmt.Fprintln(p.Streams.Err, "ascend: "+err.Error())
	}
}

// problem puts an error into words.
func (p *program) problem(err error) term.Problem {
	problem := term.Problem{Kind: release.KindOf(err), Message: err.Error(), Hint: release.HintOf(err), Details: release.DetailsOf(err)}
	if problem.Details == nil {
		problem.Details = []string{}
	}
	var f *failure
	if !errors.As(err, &f) || f.summary == nil {
		return problem
	}
	if reached := reached(*f.summary); reached != "" && len(problem.Details) == 0 {
		problem.Details = append(problem.Details, reached)
	}
	if problem.Kind == release.Interrupted {
		var stage *release.StageError
		problem.Message = "stopped by the user"
		if errors.As(err, &stage) {
			problem.Message += " during " + string(stage.Stage)
		}
		problem.Hint = "run the same command again: it goes on where it stopped"
		if f.summary.State != "" || errors.As(err, &stage) && (stage.Stage == release.StageWait || stage.Stage == release.StageDistribute) {
			problem.Hint = "Apple goes on without us: go on with ascend distribute" + selector(*f.summary) + " and the flags of this run, or only wait with ascend wait" + selector(*f.summary)
		}
	}
	return problem
}

// reached says how far a run got, with the ids needed to go on.
func reached(s release.Summary) string {
	switch {
	case s.BuildID != "" && s.State != "":
		return "reached: build " + s.BuildID + " (" + s.State + ")"
	case s.BuildID != "":
		return "reached: build " + s.BuildID
	case s.BuildUploadID != "":
		return "reached: build upload " + s.BuildUploadID
	}
	return ""
}

func selector(s release.Summary) string {
	switch {
	case s.BuildID != "":
		return " --build " + s.BuildID
	case s.BuildUploadID != "" && s.AppID != "":
		return " --build-upload " + s.BuildUploadID + " --app " + s.AppID
	case s.BuildUploadID != "":
		return " --build-upload " + s.BuildUploadID
	}
	return ""
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
