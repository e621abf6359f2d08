package sandbox

import (
	"slices"
	"time"

	"github.com/ascend-cli/ascend/internal/sandbox/contract"
)

// A resource is one object of the world. Relationships are stored on one side
// only; [world.related] derives the other.
type resource struct {
	kind  string
	id    string
	attrs map[string]any
	one   map[string]string
	many  map[string][]string
}

// set changes attributes, given as pairs.
func (r *resource) set(pairs ...any) *resource {
	for i := 0; i+1 < len(pairs); i += 2 {
		r.attrs[pairs[i].(string)] = pairs[i+1]
	}
	return r
}

func (r *resource) text(name string) string {
	s, _ := r.attrs[name].(string)
	return s
}

func (r *resource) flag(name string) bool {
	b, _ := r.attrs[name].(bool)
	return b
}

// world is all resources, in the order of their creation.
type world struct {
	contract *contract.Contract
	order    map[string][]*resource
	byID     map[string]map[string]*resource
}

func newWorld(c *contract.Contract) *world {
	return &world{contract: c, order: map[string][]*resource{}, byID: map[string]map[string]*resource{}}
}

func (w *world) add(kind, id string) *resource {
	r := &resource{kind: kind, id: id, attrs: map[string]any{}, one: map[string]string{}, many: map[string][]string{}}
	w.order[kind] = append(w.order[kind], r)
	if w.byID[kind] == nil {
		w.byID[kind] = map[string]*resource{}
	}
	w.byID[kind][id] = r
	return r
}

func (w *world) get(kind, id string) *resource { return w.byID[kind][id] }

func (w *world) remove(r *resource) {
	delete(w.byID[r.kind], r.id)
	w.order[r.kind] = slices.DeleteFunc(w.order[r.kind], func(other *resource) bool { return other == r })
}

func (w *world) all(kind string) []*resource { return w.order[kind] }

// singular and plural are the names under which a resource of a kind is
// referred to from the other side.
var singular = map[string]string{
	"apps": "app", "builds": "build", "buildUploads": "buildUpload", "preReleaseVersions": "preReleaseVersion", "betaGroups": "betaGroup",
	"buildBundles": "buildBundle", "betaAppClipInvocations": "betaAppClipInvocation", "webhooks": "webhook",
}
var plural = map[string][]string{
	"apps": {"apps"}, "builds": {"builds"}, "betaGroups": {"betaGroups"}, "betaTesters": {"betaTesters", "individualTesters"},
}

// related returns the resources of a relationship.
func (w *world) related(r *resource, name string) []*resource {
	if id, ok := r.one[name]; ok {
		if other := w.get(w.relationKind(r.kind, name), id); other != nil {
			return []*resource{other}
		}
		return nil
	}
	kind := w.relationKind(r.kind, name)
	if ids, ok := r.many[name]; ok {
		var out []*resource
		for _, id := range ids {
			if other := w.get(kind, id); other != nil {
				out = append(out, other)
			}
		}
		return out
	}
	if name == "buildBetaDetail" {
		if other := w.get("buildBetaDetails", r.id); other != nil {
			return []*resource{other}
		}
		return nil
	}
	var out []*resource
	for _, other := range w.all(kind) {
		if w.refersTo(other, r, name) {
			out = append(out, other)
		}
	}
	return out
}

// refersTo tells whether other is related to r by what is stored on other.
func (w *world) refersTo(other, r *resource, name string) bool {
	if s := singular[r.kind]; s != "" && other.one[s] == r.id {
		return true
	}
	for _, p := range plural[r.kind] {
		if r.kind == "betaTesters" && (name == "builds") != (p == "individualTesters") {
			continue
		}
		if slices.Contains(other.many[p], r.id) {
			return true
		}
	}
	// An internal group with access to all builds has them without a link.
	return r.kind == "betaGroups" && name == "builds" && r.flag("hasAccessToAllBuilds") && other.one["app"] == r.one["app"]
}

// relationKind is the type of the resources of a relationship. Relationships
// that replies show as links only have it from their name.
func (w *world) relationKind(kind, name string) string {
	if related := w.contract.Type(kind).Relationships[name].Type; related != "" {
		return related
	}
	switch {
	case name == "betaGroup":
		return "betaGroups"
	case name == "deliveries":
		return "webhookDeliveries"
	case w.contract.Types[name] != nil:
		return name
	case w.contract.Types[name+"s"] != nil:
		return name + "s"
	}
	return name
}

func stamp(t time.Time) string { return t.Format("2006-01-02T15:04:05.000-07:00") }
