package cli

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// The headings of flags in the help, in the words of what they are about.
const (
	packageCategory      = "Package and app"
	buildCategory        = "Which build"
	distributionCategory = "Distribution"
	appInfoCategory      = "Test information and beta review"
	transferCategory     = "Transfer"
	waitCategory         = "Wait"
	outputCategory       = "Output"
	settingsCategory     = "Settings"
	credentialsCategory  = "API key (from ASCEND_… or fastlane's APP_STORE_CONNECT_API_KEY_… where not given)"
)

// flags are those of a command, from groups that commands share.
func flags(groups ...[]cli.Flag) []cli.Flag { return slices.Concat(groups...) }

// under puts flags below a heading.
func under(category string, flags ...cli.Flag) []cli.Flag {
	for _, flag := range flags {
		if f := settable(flag); f.category != nil {
			*f.category = category
		}
	}
	return flags
}

// withVariable lets a flag come from ASCEND_… of the same name.
func withVariable(flag cli.Flag) {
	if _, own := fastlaneVariables[flag.Names()[0]]; own {
		return // looked up with fastlane's names
	}
	if f := settable(flag); f.variables != nil {
		*f.variables = []string{variableOf(flag)}
	}
}

func variableOf(flag cli.Flag) string { return ownVariable(flag.Names()[0]) }

// ownVariable is the variable of a flag's name.
func ownVariable(name string) string {
	return "ASCEND_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// shared are the fields that every kind of flag has and no interface of the
// library's lets one set.
type shared struct {
	category  *string
	variables *[]string
}

func settable(flag cli.Flag) shared {
	switch f := flag.(type) {
	case *cli.StringFlag:
		return shared{&f.Category, &f.EnvVars}
	case *cli.StringSliceFlag:
		return shared{&f.Category, &f.EnvVars}
	case *cli.BoolFlag:
		return shared{&f.Category, &f.EnvVars}
	case *cli.IntFlag:
		return shared{&f.Category, &f.EnvVars}
	case *cli.DurationFlag:
		return shared{&f.Category, &f.EnvVars}
	}
	return shared{}
}

// documentedFlag is what the flags of the library tell of themselves.
type documentedFlag interface {
	cli.Flag
	GetUsage() string
	GetCategory() string
	TakesValue() bool
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

// checkValue refuses a value that is not of the flag's kind.
func checkValue(flag cli.Flag, source, value string) error {
	if kind := takes(flag, value); kind != "" {
		return usagef("", "%s takes %s, not %q", source, kind, value)
	}
	return nil
}

// takes says what a flag takes, or nothing where the value is such. Texts are
// left to the commands.
func takes(flag cli.Flag, value string) string {
	switch flag.(type) {
	case *cli.BoolFlag:
		if _, err := strconv.ParseBool(value); err != nil {
			return "true or false"
		}
	case *cli.IntFlag:
		if _, err := strconv.Atoi(value); err != nil {
			return "a whole number"
		}
	case *cli.DurationFlag:
		if d, err := time.ParseDuration(value); err != nil || d < 0 {
			return "a time such as 90s, 30m or 1h30m"
		}
	}
	return ""
}
