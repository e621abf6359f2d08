package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/pilot"
	"github.com/ascend-cli/ascend/internal/term"
)

const pilotExample = "ascend pilot upload --ipa Demo.ipa --changelog Hello --explain"

// pilotCommand is there for the help. Its arguments are not ascend's, so they
// are taken before the library sees them.
func (p *program) pilotCommand() *cli.Command {
	return &cli.Command{
		Name: "pilot", Usage: "fastlane pilot's own commands and options", ArgsUsage: "COMMAND [options]", SkipFlagParsing: true,
		UsageText:   "ascend pilot upload --ipa Demo.ipa --changelog Hello --explain",
		Description: "Put ascend in the place of fastlane: ascend pilot upload --ipa App.ipa --changelog Hello. --explain shows the\nsame in ascend's own words instead of doing it.",
		Action: func(c *cli.Context) error {
			_, err := p.pilotArguments(c.Args().Slice())
			return err
		},
	}
}

// errDone ends a run that has nothing left to do.
var errDone = errors.New("done")

// pilotKeys are the variables of pilot's that take the key itself.
var pilotKeys = []string{"PILOT_API_KEY", "APP_STORE_CONNECT_API_KEY", "APP_STORE_CONNECT_API_KEY_KEY"}

// pilotArguments turns a command line of pilot's into ascend's.
func (p *program) pilotArguments(args []string) ([]string, error) {
	var key error // a private key where none belongs
	look := func(name string) string {
		value := p.Getenv(name)
		if key == nil && !slices.Contains(pilotKeys, name) && asc.HoldsPrivateKey(value) {
			key = misplaced(name)
		}
		return value
	}
	t, err := pilot.Translate(args, pilot.World{Getenv: look, Dir: os.DirFS(".")})
	if key != nil {
		return args, key
	}
	var refused *pilot.Error
	if errors.As(err, &refused) {
		hint := refused.Hint
		if refused.Unknown != "" {
			hint = didYouMean(refused.Known, refused.Unknown, "") + "ascend pilot --help lists what there is"
		}
		return args, usagef(hint, "pilot: %s", refused.Message)
	}
	if err != nil {
		return args, err
	}
	if t.Help {
		if err := p.Streams.Verbatim(p.pilotHelp()); err != nil {
			return nil, err
		}
		return nil, errDone
	}
	for _, notice := range t.Notices {
		fmt.Fprintln(p.Streams.Err, "  pilot      "+term.Clean(notice))
	}
	if t.Explain {
		line := "ascend " + shellWords(t.Args)
		for _, secret := range t.Hidden {
			line = strings.ReplaceAll(line, secret, "***")
		}
		p.Streams.Line(line)
		if len(t.Secrets) > 0 {
			p.Streams.Line("# with the key of api_key in ASCEND_KEY_ID, ASCEND_ISSUER_ID and ASCEND_KEY")
		}
		return nil, errDone
	}
	getenv := p.Getenv
	p.Getenv = func(name string) string {
		if v, ok := t.Secrets[name]; ok {
			return v
		}
		return getenv(name)
	}
	return t.Args, nil
}

// shellWords quotes arguments so that a shell reads them back.
func shellWords(args []string) string {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = arg
		if arg == "" || strings.Trim(arg, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=:@,+%") != "" {
			words[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// runPilot is a run whose arguments are pilot's.
func (p *program) runPilot(ctx context.Context, args []string) int {
	if n := len(args); n > 0 && args[n-1] == completeWord {
		p.completePilot(args[:n-1])
		return 0
	}
	if err := misplacedArgument(args, "api_key", "api-key"); err != nil {
		return p.exit(args, err)
	}
	native, err := p.pilotArguments(args)
	if errors.Is(err, errDone) {
		return 0
	}
	if err == nil {
		return p.runArguments(ctx, native)
	}
	return p.exit(args, err)
}
