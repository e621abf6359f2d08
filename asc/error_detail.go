package asc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// An ErrorDetail is one error object of a reply, with whatever of it was there:
// any field may be empty. Programs decide by Code, which is dotted from general
// to special; see [ErrorDetail.Is]. Texts are cut where they are very long.
type ErrorDetail struct {
	// ID is a UUID, or 26 letters and digits; errors of a gateway have none.
	ID     string      `json:"id"`
	Status string      `json:"status"`
	Code   string      `json:"code"`
	Title  string      `json:"title"`
	Detail string      `json:"detail"`
	Source ErrorSource `json:"source"`
	// Links are the error's links by name; see [ErrorDetail.See].
	Links map[string]string `json:"links"`
	// Meta is what else there is. A number is a [json.Number], so that a build
	// number keeps its digits.
	Meta map[string]any `json:"meta"`
	// Resource is the path of the resource that an associated error is about;
	// empty for the errors of the reply itself.
	Resource string `json:"-"`
}

// An ErrorSource is the place in the request that an error is about: a JSON
// pointer into the body or the name of a query parameter, never both.
type ErrorSource struct {
	// Pointer begins with a slash, whether or not the service wrote one.
	Pointer   string `json:"pointer"`
	Parameter string `json:"parameter"`
}

// Is tells whether the error's code is code or a special case of it:
// "STATE_ERROR" matches "STATE_ERROR.ENTITY_STATE_INVALID".
func (d ErrorDetail) Is(code string) bool {
	return d.Code == code || strings.HasPrefix(d.Code, code+".")
}

// See is the page on which the cause can be looked at or removed, such as the
// agreements of the team: the link "see", which the service gives as a path of
// App Store Connect. It is empty where there is none.
func (d ErrorDetail) See() string {
	to, err := url.Parse(d.Links["see"])
	if err != nil || d.Links["see"] == "" || to.User != nil {
		return ""
	}
	to = (&url.URL{Scheme: "https", Host: "appstoreconnect.apple.com", Path: "/"}).ResolveReference(to)
	host := strings.ToLower(to.Host)
	if to.Scheme != "https" || host != "apple.com" && !strings.HasSuffix(host, ".apple.com") {
		return "" // no page of Apple's
	}
	return to.String()
}

// String is the error in Apple's words, with its code and its place.
func (d ErrorDetail) String() string {
	var b strings.Builder
	switch {
	case d.Detail != "" && d.Title != "" && d.Detail != d.Title:
		b.WriteString(strings.TrimSuffix(d.Title, ".") + ": " + d.Detail)
	case d.Detail != "":
		b.WriteString(d.Detail)
	case d.Title != "":
		b.WriteString(d.Title)
	case d.Code == "" && d.Status != "":
		b.WriteString("an error without a text, status " + d.Status)
	case d.Code == "":
		b.WriteString("an error without a text")
	}
	if d.Code != "" {
		fmt.Fprintf(&b, " [%s]", d.Code)
	}
	switch {
	case d.Source.Pointer != "":
		fmt.Fprintf(&b, " at %s", d.Source.Pointer)
	case d.Source.Parameter != "":
		fmt.Fprintf(&b, " at parameter %s", d.Source.Parameter)
	}
	if d.Resource != "" {
		fmt.Fprintf(&b, " (%s)", d.Resource)
	}
	return strings.TrimSpace(b.String())
}

const (
	// maxDetails errors of a reply are kept.
	maxDetails = 50
	// maxText and maxName are characters of a text and of a code, id or place.
	maxText = 1000
	maxName = 300
	// maxMeta is how many bytes of an error object's meta are kept whole.
	maxMeta = 8 << 10
	// maxNesting is how deep associated errors may have associated errors.
	maxNesting = 3
)

// parseErrors reads the errors of a reply, and counts those beyond the bound.
func parseErrors(body []byte) (details []ErrorDetail, omitted int) {
	var document struct {
		Errors json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(body, &document) != nil {
		return nil, 0
	}
	var all []json.RawMessage
	if json.Unmarshal(document.Errors, &all) != nil {
		all = []json.RawMessage{document.Errors} // one, outside a list
	}
	c := collector{}
	for _, raw := range all {
		c.add(raw, "", 0)
	}
	return c.details, c.omitted
}

// collector keeps the first errors of a reply.
type collector struct {
	details []ErrorDetail
	omitted int
}

// add reads one error object and the associated errors in its meta. A field of
// an unexpected type costs that field, not the error.
func (c *collector) add(raw json.RawMessage, resource string, depth int) {
	if len(c.details) >= maxDetails {
		c.omitted++
		return
	}
	object := fields(raw)
	if object == nil {
		if detail := word(raw, maxText); detail != "" {
			c.details = append(c.details, ErrorDetail{Detail: detail, Resource: resource})
		}
		return
	}
	source := fields(object["source"])
	detail := ErrorDetail{
		ID: word(object["id"], maxName), Status: word(object["status"], maxName), Code: word(object["code"], maxName),
		Title: word(object["title"], maxText), Detail: word(object["detail"], maxText),
		Source: ErrorSource{Pointer: word(source["pointer"], maxName), Parameter: word(source["parameter"], maxName)},
		Links:  links(object["links"]), Meta: meta(object["meta"]), Resource: cut(resource, maxName),
	}
	if p := detail.Source.Pointer; p != "" && p[0] != '/' && p[0] != '#' {
		detail.Source.Pointer = "/" + p
	}
	c.details = append(c.details, detail)
	associated := fields(fields(object["meta"])["associatedErrors"])
	paths := make([]string, 0, len(associated))
	for path := range associated {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths {
		var errors []json.RawMessage
		_ = json.Unmarshal(associated[path], &errors) // none, where it is no list
		if depth >= maxNesting {
			c.omitted += len(errors)
			continue
		}
		for _, raw := range errors {
			c.add(raw, path, depth+1)
		}
	}
}

// fields are the members of a JSON object, or nil where it is none.
func fields(raw json.RawMessage) map[string]json.RawMessage {
	var object map[string]json.RawMessage
	_ = json.Unmarshal(raw, &object) // nil, where it is no object
	return object
}

// word is a string, number or truth value as text, shortened; "" for others.
func word(raw json.RawMessage, most int) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] == '{' || raw[0] == '[' || string(raw) == "null" {
		return ""
	}
	text := string(raw)
	if raw[0] == '"' && json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return cut(text, most)
}

// links reads a links object, whose members are addresses or objects with one.
func links(raw json.RawMessage) map[string]string {
	var all map[string]string
	for name, value := range fields(raw) {
		to := word(value, maxName)
		if object := fields(value); object != nil {
			to = word(object["href"], maxName)
		}
		if to == "" || len(name) > maxName || len(all) >= maxDetails {
			continue
		}
		if all == nil {
			all = map[string]string{}
		}
		all[name] = to
	}
	return all
}

// meta reads a meta object; of a very large one nothing but what has a size of
// its own that is small.
func meta(raw json.RawMessage) map[string]any {
	object := fields(raw)
	if object == nil {
		return nil
	}
	all := make(map[string]any, len(object))
	for name, value := range object {
		if len(raw) > maxMeta && (len(value) > maxName || len(name) > maxName || len(all) >= maxDetails) {
			continue
		}
		decoder := json.NewDecoder(bytes.NewReader(value))
		decoder.UseNumber()
		var v any
		if decoder.Decode(&v) == nil {
			all[name] = v
		}
	}
	return all
}
