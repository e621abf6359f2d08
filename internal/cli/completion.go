package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ascend-cli/ascend/internal/pilot"
)

// completionScripts ask the program itself what may come next. They are short
// so that they need not change when commands do.
var completionScripts = map[string]string{
	"bash": `# ascend completion bash > /etc/bash_completion.d/ascend
_ascend() {
  local words=("${COMP_WORDS[@]:0:$COMP_CWORD}") current="${COMP_WORDS[$COMP_CWORD]}" offers
  if [[ "$current" == -* ]]; then words+=("$current"); fi
  offers=$("${words[@]}" --complete 2>/dev/null)
  COMPREPLY=($(compgen -W "$offers" -- "$current"))
}
complete -o bashdefault -o default -F _ascend ascend
`,
	"zsh": `#compdef ascend
# ascend completion zsh > "${fpath[1]}/_ascend"
_ascend() {
  local -a offers
  local current="${words[CURRENT]}"
  if [[ "$current" == -* ]]; then
    offers=("${(@f)$(${words[1,CURRENT]} --complete 2>/dev/null)}")
  else
    offers=("${(@f)$(${words[1,CURRENT-1]} --complete 2>/dev/null)}")
  fi
  if [[ -n "${offers[1]}" ]]; then compadd -- "${offers[@]}"; else _files; fi
}
if [ "$funcstack[1]" = _ascend ]; then _ascend; else compdef _ascend ascend; fi
`,
	"fish": `# ascend completion fish > ~/.config/fish/completions/ascend.fish
function __ascend_offers
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  if string match -q -- '-*' $current
    set words $words $current
  end
  $words --complete 2>/dev/null
end
complete -c ascend -a '(__ascend_offers)'
`,
	"powershell": `# ascend completion powershell >> $PROFILE
Register-ArgumentCompleter -Native -CommandName ascend -ScriptBlock {
  param($word, $ast, $cursor)
  $words = @($ast.CommandElements | ForEach-Object { $_.ToString() })
  if ($word -ne '' -and -not $word.StartsWith('-')) { $words = $words[0..($words.Count - 2)] }
  $rest = @($words | Select-Object -Skip 1) + '--complete'
  & $words[0] @rest 2>$null | Where-Object { $_ -like "$word*" } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
`,
}

var shells = []string{"bash", "zsh", "fish", "powershell"}

func (p *program) completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print what makes a shell complete ascend's commands and flags",
		ArgsUsage: strings.Join(shells, "|"),
		Action: func(c *cli.Context) error {
			shell := c.Args().First()
			script, ok := completionScripts[shell]
			if !ok || c.NArg() != 1 {
				return usagef("ascend completion bash", "for which shell? %s", strings.Join(shells, ", "))
			}
			return p.Streams.Verbatim(script)
		},
	}
}

// completeWord is the last word of a question for what may come next.
const completeWord = "--complete"

// complete answers it: the flags of the command if the word before is the
// beginning of one, else its subcommands.
func (p *program) complete(commands []*cli.Command, words []string) {
	var current *cli.Command
	for _, word := range words {
		if i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.Name == word }); i >= 0 {
			current, commands = commands[i], commands[i].Subcommands
		}
	}
	if n := len(words); current != nil && n > 0 && strings.HasPrefix(words[n-1], "-") {
		for _, f := range current.Flags {
			if name := "--" + f.Names()[0]; strings.HasPrefix(name, words[n-1]) {
				fmt.Fprintln(p.Streams.Out, name)
			}
		}
		return
	}
	for _, name := range namesOf(commands) {
		fmt.Fprintln(p.Streams.Out, name)
	}
	if current != nil && current.Name == "completion" {
		fmt.Fprintln(p.Streams.Out, strings.Join(shells, "\n"))
	}
}

// completePilot answers for a command line of pilot's.
func (p *program) completePilot(words []string) {
	n := len(words)
	switch {
	case n > 0 && strings.HasPrefix(words[n-1], "-"):
		for _, name := range pilot.Options() {
			if option := "--" + name; strings.HasPrefix(option, words[n-1]) {
				fmt.Fprintln(p.Streams.Out, option)
			}
		}
	case n == 0:
		fmt.Fprintln(p.Streams.Out, strings.Join(pilot.Commands, "\n"))
	}
}

// manualCommand prints the manual page, for packagers.
func (p *program) manualCommand() *cli.Command {
	return &cli.Command{
		Name: "manual", Usage: "print the manual page", Hidden: true,
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			return p.Streams.Verbatim(p.manual())
		},
	}
}

// manual is the manual page in roff, from the commands themselves.
func (p *program) manual() string {
	var b strings.Builder
	app := p.app()
	fmt.Fprintf(&b, ".TH ASCEND 1\n.SH NAME\nascend \\- %s\n.SH SYNOPSIS\n.B ascend\n.I COMMAND\n[flags] [arguments]\n", roff(app.Usage))
	b.WriteString(".SH DESCRIPTION\nEvery flag can come from a variable: \\-\\-build\\-number is ASCEND_BUILD_NUMBER. Results go to stdout, everything else to stderr.\n.SH COMMANDS\n")
	p.manualOf(&b, "ascend", app.Commands)
	b.WriteString(".SH EXIT STATUS\n")
	for _, e := range exitCodes() {
		fmt.Fprintf(&b, ".TP\n.B %d\n%s\n", e.code, roff(e.meaning))
	}
	return b.String()
}

func (p *program) manualOf(b *strings.Builder, prefix string, commands []*cli.Command) {
	for _, c := range commands {
		if c.Hidden || c.Name == "help" {
			continue
		}
		name := prefix + " " + c.Name
		if len(c.Subcommands) > 0 {
			p.manualOf(b, name, c.Subcommands)
			continue
		}
		fmt.Fprintf(b, ".SS %s %s\n%s\n", roff(name), roff(c.ArgsUsage), roff(c.Usage))
		if c.Description != "" {
			fmt.Fprintf(b, ".PP\n%s\n", roff(c.Description))
		}
		if c.UsageText != "" {
			fmt.Fprintf(b, ".PP\n.nf\n%s\n.fi\n", roff(c.UsageText))
		}
		for _, f := range c.Flags {
			documented, ok := f.(documentedFlag)
			if !ok || f.Names()[0] == "help" {
				continue
			}
			flag, usage := explain(f, documented)
			fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(flag), roff(usage))
		}
	}
}

// roff keeps a text from being read as commands.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\\`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
