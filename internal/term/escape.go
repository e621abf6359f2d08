package term

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Text from outside (of packages, of the service and of stores, names and
// paths) passes one function on its way out, which depends on where it goes:
//
//	terminal and log     Clean, and for what was not cleaned a guard (guard.go)
//	GitHub's commands    github, after Clean
//	Azure's commands     azure, after Clean
//	TeamCity's messages  teamcity, after Clean
//	variables            variable: GITHUB_OUTPUT, Azure, TeamCity and dotenv
//	Markdown             markdownText, markdownCode
//	HTML                 Clean, then html/template
//	JSON, HAR, SARIF     escapeJSON
//	CSV                  testers.Write
//
// Clean and the guard apply under every CI system, also one that is not
// detected: logs are copied, and tools run inside of others.

// Clean makes text from outside safe for a line of a terminal or a log: it
// stays one line, control and bidirectional characters become visible, and
// nothing in it is a command of a CI system.
func Clean(s string) string { return breakCommands(visible(s)) }

// visible shows control characters, and those that change the order of the
// text or have no width, as \u and their number. White space becomes a space.
func visible(s string) string {
	if !strings.ContainsFunc(s, hidden) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			b.WriteByte(' ')
		case hidden(r):
			b.WriteString(escaped(r))
		default:
			b.WriteRune(r) // what is not UTF-8 becomes U+FFFD
		}
	}
	return b.String()
}

func escaped(r rune) string {
	if r > 0xffff {
		return fmt.Sprintf(`\U%08x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// hidden tells whether a character is not seen as it is. Those that join
// others are part of words and of emoji.
func hidden(r rune) bool {
	const zeroWidthNonJoiner, zeroWidthJoiner = 0x200c, 0x200d
	switch r {
	case zeroWidthNonJoiner, zeroWidthJoiner:
		return false
	case 0x2028, 0x2029: // ends of lines and paragraphs
		return true
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

// breakCommands puts a space into everything that a CI system could take for a
// command: ##[group], ##vso[…], ##teamcity[…] and ::command:: anywhere in a
// line, and the marks of Buildkite's groups where they are a word.
func breakCommands(text string) string {
	broken, _ := breakAfter('\n', text)
	return broken
}

// breakAfter is breakCommands for text that follows another byte. It returns
// the text's own last byte.
func breakAfter(before byte, text string) (string, byte) {
	if text == "" {
		return "", before
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '#' && before == '#' && opensCommand(text[i+1:]),
			c == ':' && before == ':' && !insideAddress(text, i):
			b.WriteByte(' ')
		case isSpace(before) && isGroupMark(text[i:]):
			b.WriteString(text[i:i+1] + " ")
			i++
			c = text[i]
		}
		b.WriteByte(c)
		before = c
	}
	return b.String(), before
}

// opensCommand tells whether what follows ## is a name and a bracket.
func opensCommand(rest string) bool {
	name := strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
	return strings.HasPrefix(name, "[")
}

var ipv6 = regexp.MustCompile(`\[[0-9a-fA-F:.]{2,45}(%[0-9a-zA-Z]+)?\]`)

// insideAddress tells whether a place is in an IPv6 address in brackets.
func insideAddress(text string, at int) bool {
	const longest = 64
	from := max(0, at-longest)
	for _, place := range ipv6.FindAllStringIndex(text[from:min(len(text), at+longest)], -1) {
		if from+place[0] < at && at < from+place[1] {
			return true
		}
	}
	return false
}

func isGroupMark(text string) bool {
	if len(text) < 3 || len(text) > 3 && !isSpace(text[3]) {
		return false
	}
	switch text[:3] {
	case "---", "+++", "~~~", "^^^":
		return true
	}
	return false
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// github escapes the text of a workflow command.
func github(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

// azure escapes the text of a logging command.
func azure(text string) string {
	return strings.NewReplacer("%", "%AZP25", "\r", "%0D", "\n", "%0A").Replace(text)
}

// teamcity escapes a value of a service message.
func teamcity(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case strings.ContainsRune("|'[]", r):
			b.WriteString("|" + string(r))
		case r == '\n':
			b.WriteString("|n")
		case r == '\r':
			b.WriteString("|r")
		case r > 0x7e:
			if r > 0xffff {
				b.WriteByte('?') // the protocol takes four digits
			} else {
				fmt.Fprintf(&b, "|0x%04X", r)
			}
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// variable is a value that later steps read, often in a shell and without
// quotes. Ids, numbers, states and addresses have none of what is replaced:
// white space, quotes, and what a shell or a CI system expands.
func variable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-+:/@,=", r):
			return r
		}
		return '_'
	}, breakCommands(strings.TrimSpace(text)))
}

// escapeJSON writes a JSON text so that a log may show it: the same values, and
// nothing in them is a command of a CI system or changes what is seen.
func escapeJSON(text []byte) []byte {
	text = bytes.ReplaceAll(text, []byte("#"), []byte(`\u0023`))
	text = bytes.ReplaceAll(text, []byte("::"), []byte(`:\u003a`))
	for _, c := range []byte("-+~^") { // three of them are in strings only
		mark := bytes.Repeat([]byte{c}, 3)
		text = bytes.ReplaceAll(text, mark, append(fmt.Appendf(nil, `\u%04x`, c), mark[1:]...))
	}
	if !bytes.ContainsFunc(text, hiddenInJSON) {
		return text
	}
	var b bytes.Buffer
	for _, r := range string(text) {
		switch {
		case !hiddenInJSON(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}

// hiddenInJSON leaves out what is outside of strings, or escaped already.
func hiddenInJSON(r rune) bool { return r >= 0x7f && hidden(r) }
