package sandbox

import (
	"maps"
	"net/http"
)

// A kind is what the service does with the resources of a kind beyond what the
// contract says. The zero value has no rules of its own: what was sent is
// stored.
type kind struct {
	// create makes a resource; nil is [Server.insert].
	create func(*Server, input) (*resource, *refusal)
	// update changes a resource; nil is [Server.assign].
	update func(*Server, *resource, input) *refusal
	// remove refuses to delete a resource, or removes what belongs to it.
	remove func(*Server, *resource) *refusal
	// link refuses ids that are to be added to a to-many relationship.
	link func(s *Server, target *resource, name string, ids []string) *refusal
	// singular is the to-one relationship by which others refer to a resource.
	singular string
	// inverse names the to-many relationships that the related resources
	// store, and under which name they store it.
	inverse map[string]string
	// implied tells of relationships that nobody stores.
	implied func(r *resource, name string, other *resource) bool
	// related are the kinds of relationships that cannot be had from their
	// names.
	related map[string]string
	// filters are those that compare otherwise than by equality.
	filters map[string]func(r *resource, value string) bool
}

// kinds is the table of all kinds that have rules, a family of resources in
// each file.
func kinds() map[string]kind {
	table := map[string]kind{}
	for _, family := range []map[string]kind{
		appKinds(), buildUploadKinds(), buildKinds(), betaGroupKinds(), betaTesterKinds(), localizationKinds(),
		betaReviewKinds(), appClipKinds(), webhookKinds(),
	} {
		maps.Copy(table, family)
	}
	return table
}

func (s *Server) create(name string, in input) (*resource, *refusal) {
	if create := s.db.kinds[name].create; create != nil {
		return create(s, in)
	}
	return s.insert(name, in), nil
}

// insert stores what was sent as a new resource.
func (s *Server) insert(name string, in input) *resource {
	created := s.db.add(name, newID())
	created.attrs, created.one = in.attrs, in.one
	for relationship, ids := range in.many {
		s.db.change(created, relationship, ids, true)
	}
	return created
}

func (s *Server) update(target *resource, in input) *refusal {
	if update := s.db.kinds[target.kind].update; update != nil {
		return update(s, target, in)
	}
	return s.assign(target, in)
}

// assign stores what was sent on a resource.
func (s *Server) assign(target *resource, in input) *refusal {
	maps.Copy(target.attrs, in.attrs)
	maps.Copy(target.one, in.one)
	return nil
}

func (s *Server) remove(target *resource) *refusal {
	if remove := s.db.kinds[target.kind].remove; remove != nil {
		if refused := remove(s, target); refused != nil {
			return refused
		}
	}
	s.db.remove(target)
	return nil
}

// link changes a relationship.
func (s *Server) link(target *resource, name string, ids []string, method string) *refusal {
	if check := s.db.kinds[target.kind].link; check != nil && method == http.MethodPost {
		if refused := check(s, target, name, ids); refused != nil {
			return refused
		}
	}
	if method == http.MethodPatch && len(ids) == 1 {
		target.one[name] = ids[0]
	} else {
		s.db.change(target, name, ids, method == http.MethodPost)
	}
	for _, build := range s.db.all("builds") {
		s.deriveBetaStates(build)
	}
	return nil
}

// setDefaults fills attributes that were not given.
func (in input) setDefaults(pairs ...any) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if name := pairs[i].(string); in.attrs[name] == nil {
			in.attrs[name] = pairs[i+1]
		}
	}
}
