package cli

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/failure"
)

// misplaced refuses a private key where something else belongs. Nothing of it
// is shown, so it has to be found before the value comes into any other error.
func misplaced(where string) error {
	return &failure.Error{
		Kind: failure.Auth, Message: where + " holds a private key, which does not belong there (it is not shown)",
		Hint: "the text of a private key goes to ASCEND_KEY, the path of its file to --key-file or ASCEND_KEY_FILE, " +
			"the path of a JSON key file to --api-key-path or ASCEND_API_KEY_PATH; " +
			"if a log or another process may have seen the key, revoke it in App Store Connect",
	}
}

// misplacedArgument looks for private keys among the words of a command line,
// except where one is expected.
func misplacedArgument(args []string, takesKey ...string) error {
	for i, arg := range args {
		name, value, assigned := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		dashed := strings.HasPrefix(arg, "-")
		before := ""
		if i > 0 && strings.HasPrefix(args[i-1], "-") {
			before = strings.TrimLeft(args[i-1], "-")
		}
		switch {
		case dashed && assigned && slices.Contains(takesKey, name), slices.Contains(takesKey, before):
		case dashed && assigned && !asc.HoldsPrivateKey(name) && asc.HoldsPrivateKey(value):
			return misplaced("--" + name)
		case !asc.HoldsPrivateKey(arg):
		case before != "" && !strings.Contains(before, "=") && !asc.HoldsPrivateKey(before):
			return misplaced("what follows --" + before)
		default:
			return misplaced("an argument")
		}
	}
	return nil
}

// misplacedVariable looks at the variable of a flag.
func misplacedVariable(flag cli.Flag, getenv func(string) string) error {
	name := variableOf(flag)
	if flag.Names()[0] != "key" && asc.HoldsPrivateKey(getenv(name)) {
		return misplaced(name)
	}
	return nil
}

// misplacedCredential looks at the credentials that are a path or an id,
// wherever they come from.
func (p *program) misplacedCredential(c *cli.Context) error {
	for _, name := range []string{"api-key-path", "key-id", "issuer-id", "key-file"} {
		own := ownVariable(name)
		fastlane := fastlaneVariables[name]
		for _, given := range [][2]string{
			{"--" + name, c.String(name)}, {own, p.Getenv(own)}, {fastlane, p.Getenv(fastlane)},
		} {
			if asc.HoldsPrivateKey(given[1]) {
				return misplaced(given[0])
			}
		}
	}
	return nil
}
