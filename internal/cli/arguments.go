package cli

import (
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/internal/release"
)

// arrange puts flags before arguments, because people write them in any order
// and the library stops looking for flags at the first argument. It knows from
// the command's flags which of them take a value, and refuses those that make
// no sense, also in variables, in words that say what would.
func arrange(app *cli.App, args []string, getenv func(string) string) ([]string, error) {
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
		if len(rest) > 0 && strings.HasPrefix(rest[0], "-") && rest[0] != "--help" && rest[0] != "-h" {
			name, _, _ := strings.Cut(rest[0], "=") // the value may be a secret
			return args, usagef("flags go behind the command: ascend upload "+name+" …", "there is no command before %s", name)
		}
		if len(rest) > 0 && !strings.HasPrefix(rest[0], "-") && rest[0] != "help" && rest[0] != "h" {
			return args, unknownCommand(app, rest[0])
		}
		return args, nil
	}
	if len(command.Subcommands) > 0 {
		if len(rest) > 0 && !strings.HasPrefix(rest[0], "-") && rest[0] != "help" {
			line := "ascend " + strings.Join(path, " ")
			return args, usagef(didYouMean(namesOf(commands), rest[0], "")+line+" --help lists what there is", "there is no command %q under %s", rest[0], line)
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
			name, value, assigned := strings.Cut(strings.TrimLeft(arg, "-"), "=")
			flag := findFlag(command.Flags, name)
			if flag == nil && name != "help" && name != "h" && name != "generate-bash-completion" {
				return args, unknownFlag(command, path, name)
			}
			if flag != nil && !assigned && takesValue(flag) {
				if i++; i == len(rest) || rest[i] == "--" {
					return args, usagef("", "flag --%s needs a value", name)
				}
				value, assigned = rest[i], true
				flags = append(flags, value)
			}
			if assigned {
				if err := checkValue(flag, "--"+name, value); err != nil {
					return args, err
				}
			}
		}
	}
	for _, flag := range command.Flags {
		if err := misplacedVariable(flag, getenv); err != nil {
			return args, err
		}
		if variable := variableOf(flag); getenv(variable) != "" {
			if err := checkValue(flag, variable, getenv(variable)); err != nil {
				return args, err
			}
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

func unknownFlag(command *cli.Command, path []string, name string) error {
	var names []string
	for _, f := range command.Flags {
		names = append(names, f.Names()[0])
	}
	line := "ascend " + strings.Join(path, " ")
	return usagef(didYouMean(names, name, "--")+line+" --help lists the flags", "there is no flag --%s for %s", name, line)
}

func unknownCommand(app *cli.App, name string) error {
	names := namesOf(app.Commands)
	hint := didYouMean(names, name, "") + "the commands are " + strings.Join(names, ", ")
	if strings.HasSuffix(name, ".ipa") || strings.HasSuffix(name, ".pkg") {
		hint = "ascend upload " + name
	}
	return usagef(hint, "there is no command %q", name)
}

// namesOf are the commands that people call.
func namesOf(commands []*cli.Command) (names []string) {
	for _, c := range commands {
		if !c.Hidden && c.Name != "help" {
			names = append(names, c.Name)
		}
	}
	return names
}

// didYouMean is the beginning of a hint, empty if no name is close.
func didYouMean(names []string, wanted, prefix string) string {
	best, least := "", len(wanted)/2+1
	for _, name := range names {
		if d := release.Distance(name, wanted); d < least {
			best, least = name, d
		}
	}
	if best == "" {
		return ""
	}
	return "did you mean " + prefix + best + "? "
}
