package asc

import (
	"encoding/json"
	"strings"
	"time"
)

// document is a JSON:API document whose data is one resource.
type document[A any] struct {
	Data     resource[A] `json:"data"`
	Included included    `json:"included"`
}

// listDocument is a JSON:API document whose data is a page of resources.
type listDocument[A any] struct {
	Data     []resource[A] `json:"data"`
	Included included      `json:"included"`
	Links    struct {
		Next string `json:"next"`
	} `json:"links"`
}

// resource is one JSON:API resource with attributes of type A. Attributes may
// be missing or null everywhere in replies, so A holds pointers wherever zero
// and absent differ.
type resource[A any] struct {
	Type          string                  `json:"type"`
	ID            string                  `json:"id"`
	Attributes    A                       `json:"attributes"`
	Relationships map[string]relationship `json:"relationships"`
}

// relationship is kept raw: its data is one linkage, a list of them, null, or
// absent.
type relationship struct {
	Data json.RawMessage `json:"data"`
}

// linkage names a resource.
type linkage struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

// one returns the id of a to-one relationship, or "".
func (r resource[A]) one(name string) string {
	var l linkage
	_ = json.Unmarshal(r.Relationships[name].Data, &l) // absent and null are no link
	return l.ID
}

// many returns the ids of a to-many relationship; only the first page of them.
func (r resource[A]) many(name string) []string {
	var links []linkage
	_ = json.Unmarshal(r.Relationships[name].Data, &links) // absent and null are no links
	ids := make([]string, len(links))
	for i, l := range links {
		ids[i] = l.ID
	}
	return ids
}

// included are the resources that came along with the ones asked for.
type included []json.RawMessage

// find decodes the included resource of that type and id.
func find[A any](in included, kind, id string) (resource[A], bool) {
	if id == "" {
		return resource[A]{}, false
	}
	for _, raw := range in {
		var l linkage
		if json.Unmarshal(raw, &l) != nil || l.Type != kind || l.ID != id {
			continue
		}
		var r resource[A]
		if json.Unmarshal(raw, &r) == nil {
			return r, true
		}
	}
	return resource[A]{}, false
}

// A date is a point in time as the service writes it: ISO 8601 with a zone
// offset, with or without a fraction and a colon in the offset. Anything else
// is the zero time: a strange date must not fail an upload.
type date struct{ time.Time }

func (d *date) UnmarshalJSON(raw []byte) error {
	text := strings.Trim(string(raw), `"`)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04Z07:00", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			d.Time = t
			return nil
		}
	}
	d.Time = time.Time{}
	return nil
}

// The bodies of requests.

type payload struct {
	Data any `json:"data"`
	// Included are resources to be made along.
	Included any `json:"included,omitempty"`
}

type newResource struct {
	Type          string          `json:"type"`
	ID            string          `json:"id,omitempty"`
	Attributes    any             `json:"attributes,omitempty"`
	Relationships map[string]link `json:"relationships,omitempty"`
}

// link is the data of a relationship in a request.
type link struct {
	Data any `json:"data"`
}

func toOne(kind, id string) link { return link{Data: linkage{Type: kind, ID: id}} }

func linkages(kind string, ids []string) payload {
	links := make([]linkage, len(ids))
	for i, id := range ids {
		links[i] = linkage{Type: kind, ID: id}
	}
	return payload{Data: links}
}
