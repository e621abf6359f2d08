package failure

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/bundle"
)

// Passing says whether a refusal ends by itself.
type Passing string

// The ways in which a refusal may end.
const (
	// Never: something has to be changed.
	Never Passing = "never"
	// Soon: within minutes, so that a run waits for it.
	Soon Passing = "within minutes"
	// Later: in hours or days, so that a run ends and says so.
	Later Passing = "in hours or days"
)

// An Entry is what is known of one of the service's codes.
type Entry struct {
	// Code is the service's code, or its beginning up to a dot; for findings of
	// processing it is the number of the ITMS message.
	Code string `json:"code"`
	// Status is the HTTP status, zero for any and for findings of processing.
	Status int `json:"status"`
	// Text is a distinctive part of title or detail, in lower case, where the
	// code alone does not tell; empty otherwise.
	Text string `json:"text"`
	// Meaning is a sentence without a full stop.
	Meaning string  `json:"meaning"`
	Passes  Passing `json:"passes"`
	Kind    Kind    `json:"kind"`
	// Hint says what to do. Link is the page where it is done, or empty.
	Hint string `json:"hint"`
	Link string `json:"link"`
}

// Matches tells whether an entry is about an error with this status (zero for
// any), code and text.
func (e Entry) Matches(status int, code, text string) bool {
	return (e.Status == 0 || status == 0 || e.Status == status) &&
		(e.Code == "" || code == e.Code || strings.HasPrefix(code, e.Code+".")) &&
		(e.Text == "" || strings.Contains(strings.ToLower(text), e.Text))
}

// Lookup finds the entry of an error: the first that matches, since special
// ones stand before general ones.
func Lookup(status int, code, text string) (Entry, bool) {
	for _, e := range Catalogue() {
		if e.Matches(status, code, text) {
			return e, true
		}
	}
	return Entry{}, false
}

// entryOf finds the entry of a refusal by any of its errors. That of the first
// with an entry wins.
func entryOf(err *asc.Error) (Entry, bool) {
	for _, d := range err.Details {
		// The number of an ITMS message may be the last part (F13).
		if number := d.Code[strings.LastIndex(d.Code, ".")+1:]; len(number) == 5 && strings.Trim(number, "0123456789") == "" {
			if found := ByCode(number); len(found) > 0 {
				return found[0], true
			}
		}
		if e, ok := Lookup(err.HTTPStatus, d.Code, d.Title+" "+d.Detail); ok {
			return e, true
		}
	}
	return Entry{}, false
}

// PassesSoon tells whether a refusal ends by itself within minutes.
func PassesSoon(err *asc.Error) bool {
	e, ok := entryOf(err)
	return ok && e.Passes == Soon
}

// ByCode lists the entries of a code, or of an ITMS number with or without its
// prefix. A code's own entries come before those of a more general one.
func ByCode(code string) []Entry {
	code = strings.ToUpper(strings.TrimSpace(code))
	if number, ok := strings.CutPrefix(code, "ITMS-"); ok {
		code = number
	}
	var own, general []Entry
	for _, e := range Catalogue() {
		switch {
		case e.Code == code || strings.HasPrefix(e.Code, code+"."):
			own = append(own, e)
		case e.Code != "" && strings.HasPrefix(code, e.Code+"."):
			general = append(general, e)
		}
	}
	if len(own) > 0 {
		return own
	}
	slices.SortStableFunc(general, func(a, b Entry) int { return cmp.Compare(len(b.Code), len(a.Code)) })
	if len(general) > 0 { // the nearest code, with all that its texts may tell
		nearest := general[0].Code
		general = slices.DeleteFunc(general, func(e Entry) bool { return e.Code != nearest })
	}
	return general
}

// Catalogue lists everything that is known, special entries first: refusals of
// the API, then findings of processing.
func Catalogue() []Entry {
	entries := slices.Concat(forbidden(), unprocessable(), conflicts(), others(), processing())
	for _, rule := range bundle.Rules() {
		for _, code := range rule.Codes {
			if !slices.ContainsFunc(entries, func(e Entry) bool { return e.Code == code }) {
				entries = append(entries, Entry{
					Code: code, Meaning: rule.Title, Passes: Never, Kind: Rejected, Hint: rule.Remedy + " (rule " + rule.ID + ")",
				})
			}
		}
	}
	return entries
}
