package term

import (
	"regexp"
	"strings"
)

// markdownText writes text from outside into a line or a cell of a page: no
// HTML, no image, no link, no heading, and it does not end the cell. Words that
// a reader of the page would make a link of by itself are written as code.
func markdownText(text string) string {
	words := strings.Fields(visible(text))
	for i, word := range words {
		if linkLike.MatchString(word) {
			words[i] = markdownCode(word)
			continue
		}
		words[i] = markdownSigns.Replace(word)
		for strings.Contains(words[i], "::") { // the page may be shown in a log
			words[i] = strings.ReplaceAll(words[i], "::", `:\:`)
		}
		if i == 0 {
			words[i] = listItem.ReplaceAllString(words[i], `$1\$2`) // no rule, list or heading
		}
	}
	return strings.Join(words, " ")
}

// linkLike is what becomes a link without being written as one: addresses,
// e-mail addresses, and names of users and issues.
var linkLike = regexp.MustCompile(`(?i)[a-z]:/|//|www\.|@|xmpp:|mailto:|#[0-9]`)

// listItem is what begins a list, or is a rule or the line below a heading.
var listItem = regexp.MustCompile(`^([0-9]*)([-+=_]|[.)]$)`)

var markdownSigns = strings.NewReplacer(
	`\`, `\\`, "[", `\[`, "]", `\]`, "*", `\*`, "~", `\~`, "#", `\#`, "$", `\$`, "!", `\!`,
	"<", "&lt;", ">", "&gt;", "&", "&amp;", "|", `\|`, "`", "'",
)

// markdownCode writes text from outside as code.
func markdownCode(text string) string {
	text = strings.Join(strings.Fields(Clean(text)), " ")
	if text == "" {
		return ""
	}
	return "`" + strings.NewReplacer("`", "'", "|", `\|`).Replace(text) + "`"
}

// ownAddress is an address that ascend made, with nothing in it that ends a
// link.
var ownAddress = regexp.MustCompile(`^https://[A-Za-z0-9.-]+/[A-Za-z0-9/._-]*$`)

// markdownLink writes an address of ascend's own as a link.
func markdownLink(text, address string) string {
	if !ownAddress.MatchString(address) {
		return markdownText(address)
	}
	return "[" + text + "](" + address + ")"
}
