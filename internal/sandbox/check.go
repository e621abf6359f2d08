package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/ascend-cli/ascend/internal/sandbox/contract"
)

// A query is the checked query of a request.
type query struct {
	filters map[string][]string
	exists  map[string]bool
	include []string
	fields  map[string][]string
	sort    []string
	limit   int
	limits  map[string]int
	cursor  int
	raw     url.Values
}

// defaultLimit is the page size without limit; the service picks its own.
const defaultLimit = 20

// checkQuery refuses every parameter that the operation does not have.
func checkQuery(call *contract.Operation, c *contract.Contract, raw string) (query, []*refusal) {
	q := query{filters: map[string][]string{}, exists: map[string]bool{}, fields: map[string][]string{}, limits: map[string]int{}, limit: defaultLimit}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return q, []*refusal{badParameter("", "PARAMETER_ERROR.INVALID", "The query cannot be parsed.")}
	}
	q.raw = values
	var refusals []*refusal
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if r := q.take(call, c, name, strings.Join(values[name], ",")); r != nil {
			refusals = append(refusals, r)
		}
	}
	for name, spec := range call.Params {
		if spec.Required && !values.Has(name) {
			refusals = append(refusals, badParameter(name, "PARAMETER_ERROR.REQUIRED", fmt.Sprintf("The parameter '%s' is required but was not provided", name)))
		}
	}
	return q, refusals
}

func (q *query) take(call *contract.Operation, c *contract.Contract, name, value string) *refusal {
	items := strings.Split(value, ",")
	if name == "cursor" {
		offset, err := decodeCursor(value)
		if err != nil {
			return badParameter(name, "PARAMETER_ERROR.INVALID", "The cursor is not valid.")
		}
		q.cursor = offset
		return nil
	}
	allowed := func(enum []string) *refusal {
		for _, item := range items {
			if len(enum) > 0 && !slices.Contains(enum, item) {
				return badParameter(name, "PARAMETER_ERROR.INVALID", fmt.Sprintf("'%s' is not a valid value for '%s'", item, name))
			}
		}
		return nil
	}
	if kind, ok := strings.CutPrefix(name, "fields["); ok {
		kind = strings.TrimSuffix(kind, "]")
		if !slices.Contains(call.Fields, kind) {
			return badParameter(name, "PARAMETER_ERROR.ILLEGAL", fmt.Sprintf("The parameter '%s' can not be used with this request", name))
		}
		q.fields[kind] = items
		return allowed(c.Fields[kind])
	}
	spec, ok := call.Params[name]
	if !ok {
		return badParameter(name, "PARAMETER_ERROR.ILLEGAL", fmt.Sprintf("The parameter '%s' can not be used with this request", name))
	}
	if value == "" {
		return badParameter(name, "PARAMETER_ERROR.INVALID", fmt.Sprintf("The parameter '%s' has no value", name))
	}
	switch base, rest, _ := strings.Cut(strings.TrimSuffix(name, "]"), "["); base {
	case "limit":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || spec.Max > 0 && n > spec.Max {
			return badParameter(name, "PARAMETER_ERROR.INVALID", fmt.Sprintf("'%s' is not a valid value for '%s': the maximum is %d", value, name, spec.Max))
		}
		if rest != "" {
			q.limits[rest] = n
		} else {
			q.limit = n
		}
		return nil
	case "filter":
		q.filters[rest] = items
	case "exists":
		if value != "true" && value != "false" {
			return badParameter(name, "PARAMETER_ERROR.INVALID", "exists takes true or false")
		}
		q.exists[rest] = value == "true"
	case "include":
		q.include = items
	case "sort":
		q.sort = items
	}
	return allowed(spec.Enum)
}

// An input is the checked body of a request.
type input struct {
	attrs map[string]any
	one   map[string]string
	many  map[string][]string
	// ids are those of a linkage request.
	ids []string
	// included are resources made along, by temporary id.
	included []map[string]any
}

const maxBody = 4 << 20

// checkBody refuses everything that the contract does not say, with the codes
// and pointers of the service.
func checkBody(call *contract.Operation, w *world, r *http.Request, id string) (input, []*refusal) {
	in := input{attrs: map[string]any{}, one: map[string]string{}, many: map[string][]string{}}
	content, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return in, []*refusal{{status: http.StatusBadRequest, code: "PARAMETER_ERROR.INVALID", title: "The request body could not be read", detail: err.Error()}}
	}
	if call.Body == nil {
		if len(content) > 0 {
			return in, []*refusal{{status: http.StatusBadRequest, code: "PARAMETER_ERROR.INVALID", title: "A body is not allowed", detail: "This request takes no body."}}
		}
		return in, nil
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return in, []*refusal{{status: http.StatusUnsupportedMediaType, code: "UNSUPPORTED_MEDIA_TYPE", title: "The specified Content-Type is not supported", detail: fmt.Sprintf("'%s' is not supported: use application/json", r.Header.Get("Content-Type"))}}
	}
	var document map[string]json.RawMessage
	if err := json.Unmarshal(content, &document); err != nil || document["data"] == nil {
		return in, []*refusal{{status: http.StatusConflict, code: "ENTITY_ERROR.INVALID", title: "The request entity is not a valid JSON:API document", detail: "The body must be a JSON object with a member 'data'.", pointer: "/data"}}
	}
	var refusals []*refusal
	for name := range document {
		if name != "data" && (name != "included" || !call.Body.Included) {
			refusals = append(refusals, unexpected("/"+name))
		}
	}
	if raw, ok := document["included"]; ok && json.Unmarshal(raw, &in.included) != nil {
		refusals = append(refusals, unexpected("/included"))
	}
	if call.Body.Linkage != "" {
		return in, append(refusals, in.linkages(call.Body, w, document["data"])...)
	}
	var data map[string]any
	if err := json.Unmarshal(document["data"], &data); err != nil {
		return in, append(refusals, unexpected("/data"))
	}
	return in, append(refusals, in.resource(call.Body, w, data, id)...)
}

func unexpected(pointer string) *refusal {
	return &refusal{status: http.StatusConflict, code: "ENTITY_ERROR.INVALID", title: "The request entity is not valid", detail: "'" + pointer + "' is not allowed here or has the wrong type", pointer: pointer}
}

func (in *input) linkages(spec *contract.Body, w *world, raw json.RawMessage) []*refusal {
	var links []map[string]any
	if spec.Linkage == "one" {
		var link map[string]any
		if json.Unmarshal(raw, &link) != nil {
			return []*refusal{unexpected("/data")}
		}
		links = append(links, link)
	} else if json.Unmarshal(raw, &links) != nil {
		return []*refusal{unexpected("/data")}
	}
	var refusals []*refusal
	for i, link := range links {
		id, r := checkLink(link, spec.Type, w, fmt.Sprintf("/data/%d", i))
		if r != nil {
			refusals = append(refusals, r)
			continue
		}
		in.ids = append(in.ids, id)
	}
	return refusals
}

// checkLink reads {type, id} and makes sure that the resource exists.
func checkLink(link map[string]any, kind string, w *world, pointer string) (string, *refusal) {
	id, _ := link["id"].(string)
	if link["type"] != kind || id == "" || len(link) != 2 {
		return "", &refusal{status: http.StatusConflict, code: "ENTITY_ERROR.RELATIONSHIP.INVALID", title: "The provided entity includes a relationship with an invalid value", detail: fmt.Sprintf("The relationship must name a resource of type '%s' by type and id", kind), pointer: pointer}
	}
	if strings.HasPrefix(id, "${") { // a resource made along in included
		return id, nil
	}
	if w.get(kind, id) == nil {
		return "", &refusal{status: http.StatusConflict, code: "ENTITY_ERROR.RELATIONSHIP.INVALID", title: "The provided entity includes a relationship with an invalid value", detail: fmt.Sprintf("There is no resource of type '%s' with id '%s'", kind, id), pointer: pointer}
	}
	return id, nil
}

func (in *input) resource(spec *contract.Body, w *world, data map[string]any, id string) []*refusal {
	var refusals []*refusal
	for name := range data {
		if !slices.Contains([]string{"type", "id", "attributes", "relationships"}, name) {
			refusals = append(refusals, unexpected("/data/"+name))
		}
	}
	if data["type"] != spec.Type {
		refusals = append(refusals, &refusal{status: http.StatusConflict, code: "ENTITY_ERROR.TYPE_MISMATCH", title: "The type does not match the path", detail: fmt.Sprintf("'%v' is not '%s'", data["type"], spec.Type), pointer: "/data/type"})
	}
	_, hasID := data["id"]
	switch {
	case !spec.ID && hasID:
		refusals = append(refusals, &refusal{status: http.StatusConflict, code: "ENTITY_ERROR.UNEXPECTED_ID", title: "The request entity must not have an id", detail: "A resource that is created gets its id from the service.", pointer: "/data/id"})
	case spec.ID && data["id"] != id:
		refusals = append(refusals, &refusal{status: http.StatusConflict, code: "ENTITY_ERROR.ID_MISMATCH", title: "The id does not match the path", detail: fmt.Sprintf("'%v' is not '%s'", data["id"], id), pointer: "/data/id"})
	}
	attributes, _ := data["attributes"].(map[string]any)
	if data["attributes"] != nil && attributes == nil {
		refusals = append(refusals, unexpected("/data/attributes"))
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if r := checkAttribute(spec, name, attributes[name]); r != nil {
			refusals = append(refusals, r)
			continue
		}
		in.attrs[name] = attributes[name]
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Attributes)) {
		if _, ok := attributes[name]; !ok && spec.Attributes[name].Required {
			refusals = append(refusals, badAttribute(name, "ENTITY_ERROR.ATTRIBUTE.REQUIRED", fmt.Sprintf("You must provide a value for the attribute '%s' with this request", name)))
		}
	}
	return append(refusals, in.relationships(spec, w, data)...)
}

func (in *input) relationships(spec *contract.Body, w *world, data map[string]any) []*refusal {
	var refusals []*refusal
	relationships, _ := data["relationships"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(relationships)) {
		rel, ok := spec.Relationships[name]
		object, isObject := relationships[name].(map[string]any)
		if !ok || !isObject {
			refusals = append(refusals, badRelationship(name, "ENTITY_ERROR.RELATIONSHIP.UNKNOWN", fmt.Sprintf("The relationship '%s' is not known here", name)))
			continue
		}
		pointer := "/data/relationships/" + name
		if !rel.Many {
			link, _ := object["data"].(map[string]any)
			id, r := checkLink(link, rel.Type, w, pointer)
			if r != nil {
				refusals = append(refusals, r)
				continue
			}
			in.one[name] = id
			continue
		}
		list, isList := object["data"].([]any)
		if !isList {
			refusals = append(refusals, badRelationship(name, "ENTITY_ERROR.RELATIONSHIP.INVALID", "The relationship takes a list"))
			continue
		}
		for i, item := range list {
			link, _ := item.(map[string]any)
			id, r := checkLink(link, rel.Type, w, fmt.Sprintf("%s/data/%d", pointer, i))
			if r != nil {
				refusals = append(refusals, r)
				continue
			}
			in.many[name] = append(in.many[name], id)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Relationships)) {
		if _, ok := relationships[name]; !ok && spec.Relationships[name].Required {
			refusals = append(refusals, badRelationship(name, "ENTITY_ERROR.RELATIONSHIP.REQUIRED", fmt.Sprintf("You must provide a value for the relationship '%s' with this request", name)))
		}
	}
	return refusals
}

func checkAttribute(spec *contract.Body, name string, value any) *refusal {
	a, ok := spec.Attributes[name]
	if !ok {
		return badAttribute(name, "ENTITY_ERROR.ATTRIBUTE.UNKNOWN", fmt.Sprintf("The attribute '%s' is not known on this resource", name))
	}
	if value == nil {
		if a.Nullable {
			return nil
		}
		return badAttribute(name, "ENTITY_ERROR.ATTRIBUTE.REQUIRED", fmt.Sprintf("The attribute '%s' must not be null", name))
	}
	wrongType := badAttribute(name, "ENTITY_ERROR.ATTRIBUTE.TYPE", fmt.Sprintf("The attribute '%s' must be of type %s", name, a.Kind))
	switch v := value.(type) {
	case string:
		if a.Kind != "string" && a.Kind != "date" {
			return wrongType
		}
		if len(a.Enum) > 0 && !slices.Contains(a.Enum, v) {
			return badAttribute(name, "ENTITY_ERROR.ATTRIBUTE.INVALID", fmt.Sprintf("'%s' is not a valid value for the attribute '%s'", v, name))
		}
		if name == "email" {
			if _, err := mail.ParseAddress(v); err != nil {
				return badAttribute(name, "ENTITY_ERROR.ATTRIBUTE.INVALID", fmt.Sprintf("'%s' is not a valid email address", v))
			}
		}
	case bool:
		if a.Kind != "boolean" {
			return wrongType
		}
	case float64:
		if a.Kind != "integer" && a.Kind != "number" || a.Kind == "integer" && v != float64(int64(v)) {
			return wrongType
		}
	case map[string]any:
		if a.Kind != "object" {
			return wrongType
		}
	case []any:
		if a.Kind != "array" {
			return wrongType
		}
		for _, item := range v {
			if s, ok := item.(string); ok && len(a.Enum) > 0 && !slices.Contains(a.Enum, s) {
				return badAttribute(name, "ENTITY_ERROR.ATTRIBUTE.INVALID", fmt.Sprintf("'%s' is not a valid value in '%s'", s, name))
			}
		}
	}
	return nil
}
