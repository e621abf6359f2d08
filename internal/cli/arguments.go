package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/internal/release"
)

// arrange puts flags before arguments, because people write them in any order
// and the library stops looking for flags at the first argument. It knows from
// the command's flags which of them take a value.
func arrange(app *cli.App, args []string) ([]string, error) {
	var path []string
	commands := app.Commands
	var command *cli.Command
	rest := args
	for len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		next := findCommand(commands, rest[0])
		if next == nil {
			break
		}
		command, commands = next, next.Subcommands
		path, rest = append(path, rest[0]), rest[1:]
	}
	if command == nil {
		if len(rest) > 0 && !strings.HasPrefix(rest[0], "-") && rest[0] != "help" && rest[0] != "h" {
			return args, unknownCommand(app, rest[0])
		}
		return args, nil
	}
	if len(command.Subcommands) > 0 {
		if len(rest) > 0 && !strings.HasPrefix(rest[0], "-") && rest[0] != "help" {
			return args, usagef("ascend "+strings.Join(path, " ")+" --help lists what there is", "there is no command %q under %q", rest[0], strings.Join(path, " "))
		}
		return args, nil
	}
	var flags, arguments []string
	for i := 0; i < len(rest); i++ {
		arg := rest[i]
		switch {
		case arg == "--":
			arguments = append(arguments, rest[i+1:]...)
			i = len(rest)
		case arg == "-" || !strings.HasPrefix(arg, "-"):
			arguments = append(arguments, arg)
		default:
			flags = append(flags, arg)
			name, _, assigned := strings.Cut(strings.TrimLeft(arg, "-"), "=")
			flag := findFlag(command.Flags, name)
			if flag == nil && name != "help" && name != "h" && name != "generate-bash-completion" {
				return args, unknownFlag(command, path, name)
			}
			if flag == nil || assigned || !takesValue(flag) {
				continue
			}
			if i+1 == len(rest) {
				return args, usagef("", "flag --%s needs a value", name)
			}
			i++
			flags = append(flags, rest[i])
		}
	}
	out := append(path, flags...)
	if len(arguments) > 0 {
		out = append(append(out, "--"), arguments...)
	}
	return out, nil
}

func findCommand(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

func findFlag(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func takesValue(flag cli.Flag) bool {
	f, ok := flag.(cli.DocGenerationFlag)
	return ok && f.TakesValue()
}

func unknownFlag(command *cli.Command, path []string, name string) error {
	var names []string
	for _, f := range command.Flags {
		names = append(names, f.Names()[0])
	}
	hint := "ascend " + strings.Join(path, " ") + " --help lists the flags"
	if close, ok := closest(names, name); ok {
		hint = "did you mean --" + close + "? " + hint
	}
	return usagef(hint, "there is no flag --%s for ascend %s", name, strings.Join(path, " "))
}

func unknownCommand(app *cli.App, name string) error {
	var names []string
	for _, c := range app.Commands {
		names = append(names, c.Name)
	}
	hint := "the commands are " + strings.Join(names, ", ")
	if strings.HasSuffix(name, ".ipa") || strings.HasSuffix(name, ".pkg") {
		hint = "ascend upload " + name
	} else if close, ok := closest(names, name); ok {
		hint = "did you mean " + close + "? " + hint
	}
	return &release.Error{Kind: release.Usage, Message: fmt.Sprintf("there is no command %q", name), Hint: hint}
}

// closest returns the name that a misspelt one probably means.
func closest(names []string, wanted string) (string, bool) {
	best, least := "", len(wanted)/2+1
	for _, name := range names {
		if d := release.Distance(name, wanted); d < least {
			best, least = name, d
		}
	}
	return best, best != ""
}
