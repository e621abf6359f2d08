package sandbox

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ascend-cli/ascend/internal/bundle"
)

// choose filters and sorts resources as the query says.
func (w *world) choose(resources []*resource, q query) []*resource {
	var out []*resource
	for _, r := range resources {
		if w.matches(r, q) {
			out = append(out, r)
		}
	}
	for _, key := range slices.Backward(q.sort) {
		name, descending := strings.CutPrefix(key, "-")
		if descending {
			slices.Reverse(out) // of two with the same key, the newer first
		}
		slices.SortStableFunc(out, func(a, b *resource) int {
			order := compareKeys(name, w.sortKey(a, name), w.sortKey(b, name))
			if descending {
				return -order
			}
			return order
		})
	}
	return out
}

func (w *world) matches(r *resource, q query) bool {
	for name, values := range q.filters {
		if !slices.ContainsFunc(values, func(value string) bool { return w.matchesFilter(r, name, value) }) {
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
func (w *world) matchesFilter(r *resource, name, value string) bool {
	if name == "id" {
		return r.id == value
	}
	if head, rest, dotted := strings.Cut(name, "."); dotted {
		return slices.ContainsFunc(w.related(r, head), func(other *resource) bool { return w.matchesFilter(other, rest, value) })
	}
	if _, ok := w.contract.Type(r.kind).Attributes[name]; !ok {
		return slices.ContainsFunc(w.related(r, name), func(other *resource) bool { return other.id == value }) || r.one[name] == value
	}
	switch {
	case r.kind == "apps" && name == "bundleId":
		return strings.HasPrefix(r.text(name), value) // seen on the real service
	case r.kind == "buildUploads" && name == "state":
		return uploadState(r) == value
	case name == "version" || name == "cfBundleVersion" || name == "cfBundleShortVersionString":
		return bundle.SameVersion(r.text(name), value) // 1.1 finds 1.1.0, and 01 finds 1
	case name == "email":
		return strings.EqualFold(r.text(name), value)
	}
	return fmt.Sprint(r.attrs[name]) == value
}

func (w *world) sortKey(r *resource, name string) string {
	if name == "preReleaseVersion" {
		for _, version := range w.related(r, name) {
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
