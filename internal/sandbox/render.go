package sandbox

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/ascend-cli/ascend/internal/sandbox/contract"
)

// render writes one resource as the API does: every attribute, null where it
// has no value; relationship links always, data only where included.
func (s *Server) render(r *resource, q query) map[string]any {
	spec := s.contract.Type(r.kind)
	fields, narrowed := q.fields[r.kind]
	wanted := func(name string) bool { return !narrowed || slices.Contains(fields, name) }
	self := q.base + "/v1/" + r.kind + "/" + r.id
	object := map[string]any{"type": r.kind, "id": r.id, "links": map[string]any{"self": self}}
	attributes := map[string]any{}
	for name := range spec.Attributes {
		if wanted(name) {
			attributes[name] = r.attrs[name]
		}
	}
	if len(attributes) > 0 {
		object["attributes"] = attributes
	}
	relationships := map[string]any{}
	for name, rel := range spec.Relationships {
		if !wanted(name) {
			continue
		}
		member := map[string]any{}
		links := map[string]any{}
		if rel.Self {
			links["self"] = self + "/relationships/" + name
		}
		if rel.Related {
			links["related"] = self + "/" + name
		}
		if len(links) > 0 {
			member["links"] = links
		}
		if rel.Data && slices.Contains(q.include, name) {
			s.renderData(member, r, name, rel, q)
		}
		if len(member) > 0 {
			relationships[name] = member
		}
	}
	if len(relationships) > 0 {
		object["relationships"] = relationships
	}
	return object
}

func (s *Server) renderData(member map[string]any, r *resource, name string, rel contract.Relationship, q query) {
	related := s.db.related(r, name)
	if !rel.Many {
		member["data"] = nil
		if len(related) > 0 {
			member["data"] = map[string]any{"type": related[0].kind, "id": related[0].id}
		}
		return
	}
	limit := q.includeLimit(name)
	links := []any{}
	for _, other := range related[:min(limit, len(related))] {
		links = append(links, map[string]any{"type": other.kind, "id": other.id})
	}
	member["data"] = links
	if rel.Self || rel.Related {
		member["meta"] = map[string]any{"paging": map[string]any{"total": len(related), "limit": limit}}
	}
}

// includeLimit is how many resources of a to-many relationship come along.
func (q query) includeLimit(name string) int {
	if n, ok := q.limits[name]; ok {
		return n
	}
	return 10
}

// included renders the resources that come along, each once.
func (s *Server) included(resources []*resource, q query) []any {
	out := []any{}
	seen := map[string]bool{}
	for _, r := range resources {
		for _, name := range q.include {
			related := s.db.related(r, name)
			if s.contract.Type(r.kind).Relationships[name].Many {
				related = related[:min(q.includeLimit(name), len(related))]
			}
			for _, other := range related {
				if key := other.kind + "/" + other.id; !seen[key] {
					seen[key] = true
					out = append(out, s.render(other, query{fields: q.fields, base: q.base}))
				}
			}
		}
	}
	return out
}

// writeOne replies with one resource; nil is the null of a to-one relationship
// without a value.
func (s *Server) writeOne(w http.ResponseWriter, r *http.Request, status int, res *resource, q query) {
	document := map[string]any{"data": nil, "links": map[string]any{"self": selfLink(r)}}
	if res != nil {
		document["data"] = s.render(res, q)
		if len(q.include) > 0 {
			document["included"] = s.included([]*resource{res}, q)
		}
	}
	writeJSON(w, status, document)
}

// writeList replies with a page of resources, or of their ids.
func (s *Server) writeList(w http.ResponseWriter, r *http.Request, resources []*resource, q query, linkagesOnly bool) {
	total := len(resources)
	start := min(q.cursor, total)
	end := min(start+q.limit, total)
	page := resources[start:end]
	data := []any{}
	for _, res := range page {
		if linkagesOnly {
			data = append(data, map[string]any{"type": res.kind, "id": res.id})
		} else {
			data = append(data, s.render(res, q))
		}
	}
	links := map[string]any{"self": selfLink(r)}
	paging := map[string]any{"total": total, "limit": q.limit}
	if end < total {
		cursor := encodeCursor(end)
		next := url.Values{}
		for name, v := range q.raw {
			next[name] = v
		}
		next.Set("cursor", cursor)
		links["next"] = q.base + r.URL.Path + "?" + next.Encode()
		paging["nextCursor"] = cursor
	}
	document := map[string]any{"data": data, "links": links, "meta": map[string]any{"paging": paging}}
	if len(q.include) > 0 {
		document["included"] = s.included(page, q)
	}
	writeJSON(w, http.StatusOK, document)
}

// baseOf is what links in the reply to a request begin with: the host that was
// asked (F34), which can be a proxy's.
func baseOf(r *http.Request) string {
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// selfLink is the link of a reply to itself. It repeats the query, escaped.
func selfLink(r *http.Request) string {
	link := baseOf(r) + r.URL.EscapedPath()
	separator := "?"
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name == "" {
			continue
		}
		link += separator + escapeAgain(name) + "=" + escapeAgain(value)
		separator = "&"
	}
	return link
}

func escapeAgain(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		text = plain
	}
	return url.QueryEscape(text)
}

func encodeCursor(offset int) string {
	return base64.RawURLEncoding.EncodeToString([]byte("sandbox." + strconv.Itoa(offset)))
}

func decodeCursor(cursor string) (int, error) {
	decoded, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return 0, err
	}
	number, ok := strings.CutPrefix(string(decoded), "sandbox.")
	if !ok {
		return 0, errors.New("not a cursor")
	}
	offset, err := strconv.Atoi(number)
	if err != nil || offset < 0 {
		return 0, errors.New("not a cursor")
	}
	return offset, nil
}
