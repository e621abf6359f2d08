package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/mail"
	"slices"
	"strings"

	"github.com/ascend-cli/ascend/internal/sandbox/contract"
)

// An input is the checked body of a request.
type input struct {
	attrs map[string]any
	one   map[string]string
	many  map[string][]string
	// ids are those of a linkage request.
	ids []string
	// included are resources that are created as well, by temporary id.
	included []map[string]any
}

const maxBody = 4 << 20

// checkBody refuses everything that the contract does not say, with the codes
// and pointers of the service.
func checkBody(call *contract.Operation, d *database, r *http.Request, id string) (input, []*refusal) {
	in := input{attrs: map[string]any{}, one: map[string]string{}, many: map[string][]string{}}
	content, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return in, []*refusal{{
			status: http.StatusBadRequest, code: "PARAMETER_ERROR.INVALID", title: "The request body could not be read",
			detail: err.Error(),
		}}
	}
	if call.Body == nil {
		if len(content) > 0 {
			return in, []*refusal{{
				status: http.StatusBadRequest, code: "PARAMETER_ERROR.INVALID", title: "A body is not allowed",
				detail: "This request takes no body.",
			}}
		}
		return in, nil
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return in, []*refusal{{
			status: http.StatusUnsupportedMediaType, code: "UNSUPPORTED_MEDIA_TYPE",
			title:  "The specified Content-Type is not supported",
			detail: fmt.Sprintf("'%s' is not supported: use application/json", r.Header.Get("Content-Type")),
		}}
	}
	var document map[string]json.RawMessage
	if err := json.Unmarshal(content, &document); err != nil || document["data"] == nil {
		return in, []*refusal{{
			status: http.StatusConflict, code: "ENTITY_ERROR.INVALID",
			title:  "The request entity is not a valid JSON:API document",
			detail: "The body must be a JSON object with a member 'data'.", pointer: "/data",
		}}
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
		return in, append(refusals, in.linkages(call.Body, d, document["data"])...)
	}
	var data map[string]any
	if err := json.Unmarshal(document["data"], &data); err != nil {
		return in, append(refusals, unexpected("/data"))
	}
	return in, append(refusals, in.resource(call.Body, d, data, id)...)
}

func unexpected(pointer string) *refusal {
	return &refusal{
		status: http.StatusConflict, code: "ENTITY_ERROR.INVALID", title: "The request entity is not valid",
		detail: "'" + pointer + "' is not allowed here or has the wrong type", pointer: pointer,
	}
}

func (in *input) linkages(spec *contract.Body, d *database, raw json.RawMessage) []*refusal {
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
		id, r := checkLink(link, spec.Type, d, fmt.Sprintf("/data/%d", i))
		if r != nil {
			refusals = append(refusals, r)
			continue
		}
		in.ids = append(in.ids, id)
	}
	return refusals
}

// checkLink reads {type, id} and makes sure that the resource exists.
func checkLink(link map[string]any, kind string, d *database, pointer string) (string, *refusal) {
	invalid := func(format string, args ...any) *refusal {
		return &refusal{
			status: http.StatusConflict, code: "ENTITY_ERROR.RELATIONSHIP.INVALID",
			title:  "The provided entity includes a relationship with an invalid value",
			detail: fmt.Sprintf(format, args...), pointer: pointer,
		}
	}
	id, _ := link["id"].(string)
	if link["type"] != kind || id == "" || len(link) != 2 {
		return "", invalid("The relationship must name a resource of type '%s' by type and id", kind)
	}
	if strings.HasPrefix(id, "${") { // a resource of included
		return id, nil
	}
	if d.get(kind, id) == nil {
		return "", invalid("There is no resource of type '%s' with id '%s'", kind, id)
	}
	return id, nil
}

func (in *input) resource(spec *contract.Body, d *database, data map[string]any, id string) []*refusal {
	var refusals []*refusal
	for name := range data {
		if !slices.Contains([]string{"type", "id", "attributes", "relationships"}, name) {
			refusals = append(refusals, unexpected("/data/"+name))
		}
	}
	if data["type"] != spec.Type {
		refusals = append(refusals, &refusal{
			status: http.StatusConflict, code: "ENTITY_ERROR.TYPE_MISMATCH", title: "The type does not match the path",
			detail: fmt.Sprintf("'%v' is not '%s'", data["type"], spec.Type), pointer: "/data/type",
		})
	}
	_, hasID := data["id"]
	switch {
	case !spec.ID && hasID:
		refusals = append(refusals, &refusal{
			status: http.StatusConflict, code: "ENTITY_ERROR.UNEXPECTED_ID", title: "The request entity must not have an id",
			detail: "A resource that is created gets its id from the service.", pointer: "/data/id",
		})
	case spec.ID && data["id"] != id:
		refusals = append(refusals, &refusal{
			status: http.StatusConflict, code: "ENTITY_ERROR.ID_MISMATCH", title: "The id does not match the path",
			detail: fmt.Sprintf("'%v' is not '%s'", data["id"], id), pointer: "/data/id",
		})
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
			refusals = append(refusals, badAttribute(name, "ENTITY_ERROR.ATTRIBUTE.REQUIRED",
				fmt.Sprintf("You must provide a value for the attribute '%s' with this request", name)))
		}
	}
	return append(refusals, in.relationships(spec, d, data)...)
}

func (in *input) relationships(spec *contract.Body, d *database, data map[string]any) []*refusal {
	var refusals []*refusal
	relationships, _ := data["relationships"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(relationships)) {
		rel, ok := spec.Relationships[name]
		object, isObject := relationships[name].(map[string]any)
		if !ok || !isObject {
			refusals = append(refusals, badRelationship(name, "ENTITY_ERROR.RELATIONSHIP.UNKNOWN",
				fmt.Sprintf("The relationship '%s' is not known here", name)))
			continue
		}
		refusals = append(refusals, in.relationship(name, rel, d, object)...)
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Relationships)) {
		if _, ok := relationships[name]; !ok && spec.Relationships[name].Required {
			refusals = append(refusals, badRelationship(name, "ENTITY_ERROR.RELATIONSHIP.REQUIRED",
				fmt.Sprintf("You must provide a value for the relationship '%s' with this request", name)))
		}
	}
	return refusals
}

// relationship reads one relationship.
func (in *input) relationship(name string, rel contract.Relationship, d *database, object map[string]any) []*refusal {
	pointer := "/data/relationships/" + name
	if !rel.Many {
		link, _ := object["data"].(map[string]any)
		id, r := checkLink(link, rel.Type, d, pointer+"/data/id") // F14
		if r != nil {
			return []*refusal{r}
		}
		in.one[name] = id
		return nil
	}
	list, isList := object["data"].([]any)
	if !isList {
		return []*refusal{badRelationship(name, "ENTITY_ERROR.RELATIONSHIP.INVALID", "The relationship takes a list")}
	}
	var refusals []*refusal
	for i, item := range list {
		link, _ := item.(map[string]any)
		id, r := checkLink(link, rel.Type, d, fmt.Sprintf("%s/data/%d", pointer, i))
		if r != nil {
			refusals = append(refusals, r)
			continue
		}
		in.many[name] = append(in.many[name], id)
	}
	return refusals
}

func checkAttribute(spec *contract.Body, name string, value any) *refusal {
	a, ok := spec.Attributes[name]
	switch {
	case !ok:
		return badAttribute(name, "ENTITY_ERROR.ATTRIBUTE.UNKNOWN",
			fmt.Sprintf("The attribute '%s' is not known on this resource", name))
	case value == nil && a.Nullable:
		return nil
	case value == nil:
		return badAttribute(name, "ENTITY_ERROR.ATTRIBUTE.REQUIRED", fmt.Sprintf("The attribute '%s' must not be null", name))
	case !hasKind(value, a.Kind):
		return badAttribute(name, "ENTITY_ERROR.ATTRIBUTE.TYPE",
			fmt.Sprintf("The attribute '%s' must be of type %s", name, a.Kind))
	}
	switch v := value.(type) {
	case string:
		if len(a.Enum) > 0 && !slices.Contains(a.Enum, v) {
			return invalidValue(name, v)
		}
		if name == "email" {
			if _, err := mail.ParseAddress(v); err != nil {
				return badAttribute(name, "ENTITY_ERROR.ATTRIBUTE.INVALID", fmt.Sprintf("'%s' is not a valid email address", v))
			}
		}
	case []any:
		for _, item := range v {
			if s, ok := item.(string); ok && len(a.Enum) > 0 && !slices.Contains(a.Enum, s) {
				return badAttribute(name, "ENTITY_ERROR.ATTRIBUTE.INVALID",
					fmt.Sprintf("'%s' is not a valid value in '%s'", s, name))
			}
		}
	}
	return nil
}

// hasKind tells whether a value of JSON is of a kind of the contract.
func hasKind(value any, kind string) bool {
	switch v := value.(type) {
	case string:
		return kind == "string" || kind == "date"
	case bool:
		return kind == "boolean"
	case float64:
		return kind == "number" || kind == "integer" && v == float64(int64(v))
	case map[string]any:
		return kind == "object"
	case []any:
		return kind == "array"
	}
	return true
}
