package sandbox

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ascend-cli/ascend/internal/bundle"
)

// choose filters and sorts resources as the query says.
func (d *database) choose(resources []*resource, q query) []*resource {
	var out []*resource
	for _, r := range resources {
		if d.matches(r, q) {
			out = append(out, r)
		}
	}
	for _, key := range slices.Backward(q.sort) {
		name, descending := strings.CutPrefix(key, "-")
		if descending {
			slices.Reverse(out) // of two with the same key, the newer first
		}
		slices.SortStableFunc(out, func(a, b *resource) int {
			order := compareKeys(name, d.sortKey(a, name), d.sortKey(b, name))
			if descending {
				return -order
			}
			return order
		})
	}
	return out
}

func (d *database) matches(r *resource, q query) bool {
	for name, values := range q.filters {
		if !slices.ContainsFunc(values, func(value string) bool { return d.matchesFilter(r, name, value) }) {
			return false
		}
	}
	for name, want := range q.exists {
		if (r.attrs[name] != nil) != want {
			return false
		}
	}
	return true
}

// matchesFilter follows a dotted name through relationships to an attribute or
// an id.
func (d *database) matchesFilter(r *resource, name, value string) bool {
	if name == "id" {
		return r.id == value
	}
	if head, rest, dotted := strings.Cut(name, "."); dotted {
		matches := func(other *resource) bool { return d.matchesFilter(other, rest, value) }
		return slices.ContainsFunc(d.related(r, head), matches)
	}
	if _, ok := d.contract.Type(r.kind).Attributes[name]; !ok {
		named := func(other *resource) bool { return other.id == value }
		return r.one[name] == value || slices.ContainsFunc(d.related(r, name), named)
	}
	if filter := d.kinds[r.kind].filters[name]; filter != nil {
		return filter(r, value)
	}
	return fmt.Sprint(r.attrs[name]) == value
}

func (d *database) sortKey(r *resource, name string) string {
	if name == "preReleaseVersion" {
		for _, version := range d.related(r, name) {
			return version.text("version")
		}
	}
	if r.attrs[name] == nil {
		return ""
	}
	return fmt.Sprint(r.attrs[name])
}

func compareKeys(name, a, b string) int {
	switch name {
	case "version", "cfBundleVersion", "preReleaseVersion":
		return bundle.CompareVersions(a, b)
	}
	return strings.Compare(a, b)
}
