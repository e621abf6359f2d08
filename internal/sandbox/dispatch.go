package sandbox

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ascend-cli/ascend/internal/sandbox/contract"
)

// dispatch carries out a request that passed all checks of its form but the
// body. The lock is held.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request, route contract.Route, q query) {
	call := route.Methods[r.Method]
	parts := strings.Split(strings.Trim(route.Template, "/"), "/") // v1, kind, {id}, …
	kind, id := parts[1], route.ID
	var target *resource
	if len(parts) > 2 {
		if target = s.db.get(kind, id); target == nil {
			writeRefusals(w, notFound(kind, id))
			return
		}
	}
	in, refusals := checkBody(call, s.db, r, id)
	if len(refusals) > 0 {
		writeRefusals(w, refusals...)
		return
	}
	relation := parts[len(parts)-1]
	switch {
	case len(parts) == 2 && r.Method == http.MethodGet:
		s.writeList(w, r, s.db.choose(s.db.all(kind), q), q, false)
	case len(parts) == 2:
		created, refused := s.create(kind, in)
		if refused != nil {
			writeRefusals(w, refused)
			return
		}
		w.Header().Set("Location", q.base+"/v1/"+kind+"/"+created.id)
		s.writeOne(w, r, http.StatusCreated, created, q)
	case len(parts) == 3 && r.Method == http.MethodGet:
		s.writeOne(w, r, http.StatusOK, target, q)
	case len(parts) == 3 && r.Method == http.MethodPatch:
		if refused := s.update(target, in); refused != nil {
			writeRefusals(w, refused)
			return
		}
		s.writeOne(w, r, http.StatusOK, target, q)
	case len(parts) == 3:
		if refused := s.remove(target); refused != nil {
			writeRefusals(w, refused)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	case slices.Contains(parts, "metrics"):
		writeRefusals(w, &refusal{
			status: http.StatusNotImplemented, code: "NOT_IMPLEMENTED", title: "The sandbox does not offer this",
			detail: "Usage metrics are not simulated.",
		})
	case parts[3] == "relationships" && r.Method != http.MethodGet:
		if refused := s.link(target, relation, in.ids, r.Method); refused != nil {
			writeRefusals(w, refused)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		s.writeRelated(w, r, call, target, relation, parts[3] == "relationships", q)
	}
}

// writeRelated answers a read of a relationship: a page, one resource, or the
// 404 of a to-one relationship that has no value.
func (s *Server) writeRelated(
	w http.ResponseWriter, r *http.Request, call *contract.Operation, target *resource, relation string,
	linkagesOnly bool, q query,
) {
	related := s.db.related(target, relation)
	if _, isList := call.Params["limit"]; isList {
		s.writeList(w, r, s.db.choose(related, q), q, linkagesOnly)
		return
	}
	if len(related) == 0 {
		writeRefusals(w, notFound(s.db.relatedKind(target.kind, relation), target.id))
		return
	}
	if linkagesOnly {
		writeJSON(w, http.StatusOK, map[string]any{
			"data":  map[string]any{"type": related[0].kind, "id": related[0].id},
			"links": map[string]any{"self": selfLink(r)},
		})
		return
	}
	s.writeOne(w, r, http.StatusOK, related[0], q)
}
