package sandbox

import (
	"slices"
	"time"

	"github.com/ascend-cli/ascend/internal/sandbox/contract"
)

// A resource is one object of the service. Relationships are stored on one
// side only; [database.related] derives the other.
type resource struct {
	kind  string
	id    string
	attrs map[string]any
	one   map[string]string
	many  map[string][]string
	hidden
}

// hidden is what the service keeps of a resource and no reply shows.
type hidden struct {
	// processedAt is when the processing of a build upload or a build ends,
	// validAt when a build turned VALID.
	processedAt, validAt time.Time
	// submittedAt is when a build was submitted for beta review.
	submittedAt time.Time
	// parts are the numbers of a build upload file's parts, in the order of its
	// upload operations, and expiresAt when these expire.
	parts     []int64
	expiresAt time.Time
	// secret is that of a webhook.
	secret string
	// announced is the state that webhooks were notified of last.
	announced string
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

// A database is all resources, in the order of their creation.
type database struct {
	contract *contract.Contract
	kinds    map[string]kind
	order    map[string][]*resource
	byID     map[string]map[string]*resource
}

func newDatabase(c *contract.Contract) *database {
	return &database{contract: c, kinds: kinds(), order: map[string][]*resource{}, byID: map[string]map[string]*resource{}}
}

func (d *database) add(kind, id string) *resource {
	r := &resource{kind: kind, id: id, attrs: map[string]any{}, one: map[string]string{}, many: map[string][]string{}}
	d.order[kind] = append(d.order[kind], r)
	if d.byID[kind] == nil {
		d.byID[kind] = map[string]*resource{}
	}
	d.byID[kind][id] = r
	return r
}

func (d *database) get(kind, id string) *resource { return d.byID[kind][id] }

func (d *database) remove(r *resource) {
	delete(d.byID[r.kind], r.id)
	d.order[r.kind] = slices.DeleteFunc(d.order[r.kind], func(other *resource) bool { return other == r })
}

func (d *database) all(kind string) []*resource { return d.order[kind] }

// related returns the resources of a relationship.
func (d *database) related(r *resource, name string) []*resource {
	related := d.relatedKind(r.kind, name)
	if id, ok := r.one[name]; ok {
		if other := d.get(related, id); other != nil {
			return []*resource{other}
		}
		return nil
	}
	var out []*resource
	if ids, ok := r.many[name]; ok {
		for _, id := range ids {
			if other := d.get(related, id); other != nil {
				out = append(out, other)
			}
		}
		return out
	}
	for _, other := range d.all(related) {
		if d.refersTo(other, r, name) {
			out = append(out, other)
		}
	}
	return out
}

// refersTo tells whether other is related to r by what is stored on other.
func (d *database) refersTo(other, r *resource, name string) bool {
	k := d.kinds[r.kind]
	if k.singular != "" && other.one[k.singular] == r.id {
		return true
	}
	if inverse := k.inverse[name]; inverse != "" && slices.Contains(other.many[inverse], r.id) {
		return true
	}
	return k.implied != nil && k.implied(r, name, other)
}

// relatedKind is the kind of the resources of a relationship. Relationships
// that replies show as links only have it from their name.
func (d *database) relatedKind(kind, name string) string {
	if related := d.contract.Type(kind).Relationships[name].Type; related != "" {
		return related
	}
	if related := d.kinds[kind].related[name]; related != "" {
		return related
	}
	if d.contract.Types[name] == nil && d.contract.Types[name+"s"] != nil {
		return name + "s"
	}
	return name
}

// change adds or removes ids of a to-many relationship, on the side that
// stores it.
func (d *database) change(target *resource, name string, ids []string, add bool) {
	inverse := d.kinds[target.kind].inverse[name]
	for _, id := range ids {
		if inverse != "" {
			d.get(d.relatedKind(target.kind, name), id).changeOne(inverse, target.id, add)
		} else {
			target.changeOne(name, id, add)
		}
	}
}

func (r *resource) changeOne(name, id string, add bool) {
	r.many[name] = slices.DeleteFunc(r.many[name], func(other string) bool { return other == id })
	if add {
		r.many[name] = append(r.many[name], id)
	}
}

func stamp(t time.Time) string { return t.Format("2006-01-02T15:04:05.000-07:00") }
