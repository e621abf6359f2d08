// Package testers reads and writes lists of testers as CSV, in the columns
// that fastlane pilot uses: first name, last name, e-mail, groups.
package testers

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"regexp"
	"strings"
)

// A Tester is one row.
type Tester struct {
	// Line is that of the file the row begins on, from 1.
	Line                       int
	FirstName, LastName, Email string
	// Groups are names; none means that the row says nothing about groups.
	Groups []string
}

// A RowError is what is wrong with one row.
type RowError struct {
	Line   int
	Reason string
}

func (e *RowError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// columns are the places of what is read.
type columns struct{ first, last, email, groups int }

// pilotColumns are those of a file without a header.
var pilotColumns = columns{first: 0, last: 1, email: 2, groups: 3}

// names are the headings by which columns are known, in lower case, without
// spaces and dashes.
var names = map[string]string{
	"first": "first", "firstname": "first", "givenname": "first", "last": "last", "lastname": "last", "familyname": "last", "surname": "last",
	"email": "email", "emailaddress": "email", "mail": "email", "group": "groups", "groups": "groups",
}

// Read reads a whole list. A byte order mark, CRLF, quotes, empty lines and a
// header are understood. The error joins a [*RowError] for every bad row, so
// that nothing is done before all is well.
func Read(r io.Reader) ([]Tester, error) {
	buffered := bufio.NewReader(r)
	if mark, _ := buffered.Peek(3); string(mark) == "\ufeff" {
		_, _ = buffered.Discard(3) // it was peeked at
	}
	reader := csv.NewReader(buffered)
	reader.FieldsPerRecord = -1
	reader.TrimLeadingSpace = true
	var out []Tester
	var errs []error
	seen := map[string]int{}
	at := pilotColumns
	for first := true; ; first = false {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return out, errors.Join(errs...)
		}
		var malformed *csv.ParseError
		if errors.As(err, &malformed) {
			// What follows cannot be told apart any more.
			return out, errors.Join(append(errs, &RowError{malformed.StartLine, malformed.Err.Error()})...)
		}
		if err != nil {
			return out, err
		}
		line, _ := reader.FieldPos(0)
		if first {
			if header, ok := headerOf(record); ok {
				at = header
				continue
			}
		}
		tester := Tester{Line: line, FirstName: field(record, at.first), LastName: field(record, at.last), Email: field(record, at.email), Groups: groupsOf(raw(record, at.groups))}
		if reason := tester.problem(); reason != "" {
			errs = append(errs, &RowError{line, reason})
			continue
		}
		key := strings.ToLower(tester.Email)
		if other, twice := seen[key]; twice {
			errs = append(errs, &RowError{line, fmt.Sprintf("%s stands on line %d already", tester.Email, other)})
			continue
		}
		seen[key] = line
		out = append(out, tester)
	}
}

// headerOf tells whether a record is a header: it has a heading for the e-mail
// column, and no address.
func headerOf(record []string) (columns, bool) {
	at := columns{-1, -1, -1, -1}
	for i, cell := range record {
		if strings.Contains(cell, "@") {
			return columns{}, false
		}
		switch names[strings.NewReplacer(" ", "", "-", "", "_", "").Replace(strings.ToLower(strings.TrimSpace(cell)))] {
		case "first":
			at.first = i
		case "last":
			at.last = i
		case "email":
			at.email = i
		case "groups":
			at.groups = i
		}
	}
	return at, at.email >= 0
}

func field(record []string, i int) string { return unguarded(raw(record, i)) }

func raw(record []string, i int) string {
	if i < 0 || i >= len(record) {
		return ""
	}
	return strings.TrimSpace(record[i])
}

func groupsOf(text string) []string {
	var groups []string
	for name := range strings.SplitSeq(text, ";") {
		if name = unguarded(strings.TrimSpace(name)); name != "" {
			groups = append(groups, name)
		}
	}
	return groups
}

func (t Tester) problem() string {
	if t.Email == "" {
		return "there is no e-mail address (the third column, unless a header says otherwise)"
	}
	return AddressProblem(t.Email)
}

// AddressProblem says why a text is no e-mail address, or "".
func AddressProblem(email string) string {
	address, err := mail.ParseAddress(email)
	if err != nil || address.Address != email || strings.ContainsAny(email, " ,;") {
		return fmt.Sprintf("%q is not an e-mail address", email)
	}
	return ""
}

// Header is the first row of an export, as pilot writes it. The last two
// columns stay empty: the API does not offer them for a key.
var Header = []string{"First", "Last", "Email", "Groups", "Installed Version", "Install Date"}

// Write writes a list that [Read] and pilot can read.
func Write(w io.Writer, list []Tester) error {
	writer := csv.NewWriter(w)
	if err := writer.Write(Header); err != nil {
		return err
	}
	for _, t := range list {
		groups := make([]string, len(t.Groups))
		for i, name := range t.Groups {
			groups[i] = guarded(name) // each: some programs split at semicolons
		}
		if err := writer.Write([]string{guarded(t.FirstName), guarded(t.LastName), guarded(t.Email), strings.Join(groups, ";"), "", ""}); err != nil {
			return err
		}
	}
	writer.Flush()
	return writer.Error()
}

// formula matches what a spreadsheet would compute instead of show, with the
// quotes in front of it that say that it is text.
var formula = regexp.MustCompile("^'*[=+\\-@\t\r\n|＝＋－＠]")

// guarded marks a text that looks like a formula as text, as spreadsheets do.
func guarded(text string) string {
	if formula.MatchString(text) {
		return "'" + text
	}
	return text
}

// unguarded takes the mark away again.
func unguarded(text string) string {
	if strings.HasPrefix(text, "'") && formula.MatchString(text) {
		return text[1:]
	}
	return text
}
