package pilot

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// An Error says what is wrong with a command line of pilot's.
type Error struct {
	Message, Hint string
	// Unknown is a word that is none of Known, such as a misspelt option.
	Unknown string
	Known   []string
}

func (e *Error) Error() string { return e.Message }

func fail(hint, format string, args ...any) error {
	return &Error{Message: fmt.Sprintf(format, args...), Hint: hint}
}

// A value is what an option was given, and where.
type value struct {
	text     string
	explicit bool // on the command line, not from a variable
	source   string
}

// invocation is a command line taken apart.
type invocation struct {
	command   string
	explain   bool
	help      bool
	verbose   bool
	json      bool
	values    map[string]value
	arguments []string
}

// truths are the words for yes and no. pilot itself takes fewer, and takes
// others for yes.
var truths = map[string]bool{
	"yes": true, "true": true, "on": true, "1": true, "no": false, "false": false, "off": false, "0": false,
}

// parse takes a command line apart as pilot's parser does: long options with
// underscores or hyphens, with = or a space, short ones with the value attached
// or not, and booleans with or without a word.
func parse(args []string, getenv func(string) string) (invocation, error) {
	in := invocation{values: map[string]value{}}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			in.arguments = append(in.arguments, args[i+1:]...)
			i = len(args)
			continue
		case !strings.HasPrefix(arg, "-") || arg == "-":
			if in.command == "" && slices.Contains(Commands, arg) {
				in.command = arg
			} else {
				in.arguments = append(in.arguments, arg)
			}
			continue
		case in.global(arg):
			continue
		}
		o, given, assigned, err := findArgument(arg)
		if err != nil {
			return in, err
		}
		if !assigned && o.kind == boolean {
			given = "true"
			if i+1 < len(args) {
				if _, word := truths[strings.ToLower(args[i+1])]; word {
					i++
					given = args[i]
				}
			}
		} else if !assigned {
			if i+1 == len(args) {
				return in, fail("", "--%s needs a value", o.name)
			}
			i++
			given = args[i]
		}
		in.put(o, given, true, "--"+o.name)
	}
	for i := range options {
		o := &options[i]
		if _, ok := in.values[o.name]; ok {
			continue
		}
		for _, name := range o.variables {
			if v := getenv(name); v != "" { // empty counts as unset
				in.put(o, v, false, name)
				break
			}
		}
	}
	return in, in.check()
}

// global takes the flags that are not options.
func (in *invocation) global(arg string) bool {
	switch arg {
	case "--explain":
		in.explain = true
	case "--json":
		in.json = true
	case "--verbose":
		in.verbose = true
	case "-h", "--help":
		in.help = true
	default:
		return false
	}
	return true
}

func findArgument(arg string) (o *option, given string, assigned bool, err error) {
	if long, ok := strings.CutPrefix(arg, "--"); ok {
		var name string
		name, given, assigned = strings.Cut(long, "=")
		name = strings.ReplaceAll(name, "-", "_")
		if o = findOption(name); o == nil {
			if name == "env" {
				return nil, "", false, fail("load the file in the step before, such as with . fastlane/.env.NAME", "--env loads files of variables, which ascend leaves to the shell")
			}
			return nil, "", false, &Error{Message: "there is no option --" + name, Unknown: "--" + name, Known: longOptions()}
		}
		return o, given, assigned, nil
	}
	if o = findShort(arg[1:2]); o == nil {
		return nil, "", false, fail("", "there is no option %s", arg[:2])
	}
	return o, strings.TrimPrefix(arg[2:], "="), len(arg) > 2, nil
}

// longOptions are the options as they are typed.
func longOptions() []string {
	names := Options()
	for i, name := range names {
		names[i] = "--" + name
	}
	return names
}

// put keeps a value; a list that is given again grows.
func (in *invocation) put(o *option, text string, explicit bool, source string) {
	if old, ok := in.values[o.name]; ok && o.kind == list && explicit {
		text = old.text + "," + text
	}
	in.values[o.name] = value{text, explicit, source}
}

// check converts every value once, so that a bad one is told before anything
// is done.
func (in *invocation) check() error {
	for _, o := range options {
		v, ok := in.values[o.name]
		if !ok {
			continue
		}
		switch o.kind {
		case boolean:
			if _, ok := truths[strings.ToLower(v.text)]; !ok {
				return fail("yes, no, true, false, on, off, 1 or 0", "%s: %q is neither yes nor no", v.source, v.text)
			}
		case integer:
			if n, err := strconv.Atoi(v.text); err != nil || n <= 0 {
				return fail("a number of seconds", "%s: %q is not a number above zero", v.source, v.text)
			}
		case object:
			var fields map[string]any
			if err := json.Unmarshal([]byte(v.text), &fields); err != nil {
				return fail(`an object such as {"key": "value"}`, "%s is not a JSON object", v.source) // it may hold a secret
			}
		}
	}
	return nil
}

func (in *invocation) text(name string) string { return in.values[name].text }

func (in *invocation) given(name string) bool { _, ok := in.values[name]; return ok }

// flag is a boolean, or otherwise if it was not given.
func (in *invocation) flag(name string, otherwise bool) bool {
	if v, ok := in.values[name]; ok {
		return truths[strings.ToLower(v.text)]
	}
	return otherwise
}

// items are those of a list: JSON, or text with commas.
func (in *invocation) items(name string) []string {
	text := strings.TrimSpace(in.text(name))
	var out []string
	if strings.HasPrefix(text, "[") && json.Unmarshal([]byte(text), &out) == nil {
		return out
	}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}
