package sandbox

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// A refusal is one error object of a reply, with its HTTP status.
type refusal struct {
	status    int
	code      string
	title     string
	detail    string
	pointer   string
	parameter string
	meta      map[string]any
}

func (r *refusal) Error() string { return r.code + ": " + r.detail }

func (r *refusal) json() map[string]any {
	object := map[string]any{
		"id": newID(), "status": strconv.Itoa(r.status), "code": r.code, "title": r.title, "detail": r.detail,
	}
	switch {
	case r.pointer != "":
		object["source"] = map[string]any{"pointer": r.pointer}
	case r.parameter != "":
		object["source"] = map[string]any{"parameter": r.parameter}
	}
	if r.meta != nil {
		object["meta"] = r.meta
	}
	return object
}

func notFound(kind, id string) *refusal {
	return &refusal{
		status: http.StatusNotFound, code: "NOT_FOUND", title: "The specified resource does not exist",
		detail: fmt.Sprintf("There is no resource of type '%s' with id '%s'", kind, id),
	}
}

func badParameter(name, code, detail string) *refusal {
	return &refusal{
		status: http.StatusBadRequest, code: code, title: "A parameter has an invalid value", detail: detail, parameter: name,
	}
}

func badAttribute(name, code, detail string) *refusal {
	return &refusal{
		status: http.StatusConflict, code: code, title: "The provided entity includes an attribute with an invalid value",
		detail: detail, pointer: "/data/attributes/" + name,
	}
}

func invalidValue(name, value string) *refusal {
	return badAttribute(name, "ENTITY_ERROR.ATTRIBUTE.INVALID",
		fmt.Sprintf("'%s' is not a valid value for the attribute '%s'", value, name))
}

func duplicate(name string) *refusal {
	const title = "The provided entity includes an attribute with a value that has already been used"
	refused := badAttribute(name, "ENTITY_ERROR.ATTRIBUTE.INVALID.DUPLICATE", title)
	refused.title = title
	return refused
}

func badRelationship(name, code, detail string) *refusal {
	return &refusal{
		status: http.StatusConflict, code: code, title: "The provided entity includes a relationship with an invalid value",
		detail: detail, pointer: "/data/relationships/" + name,
	}
}

func wrongState(code, detail string) *refusal {
	return &refusal{
		status: http.StatusConflict, code: code, detail: detail,
		title: "The request cannot be fulfilled because of the state of another resource.",
	}
}

func unprocessable(code, title, detail string) *refusal {
	return &refusal{status: http.StatusUnprocessableEntity, code: code, title: title, detail: detail}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone if this fails
}

func writeRefusals(w http.ResponseWriter, refusals ...*refusal) {
	objects := make([]any, len(refusals))
	for i, r := range refusals {
		objects[i] = r.json()
	}
	writeJSON(w, refusals[0].status, map[string]any{"errors": objects})
}

// newID returns a random UUID, as the service's ids are.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
