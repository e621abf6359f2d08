package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ascend-cli/ascend/internal/sandbox/contract"
)

// A condenser turns a document into a contract.
type condenser struct {
	document object
	out      contract.Contract
}

// condense writes what the sandbox needs of a trimmed document.
func condense(document object) ([]byte, error) {
	c := &condenser{document: document, out: contract.Contract{
		Fields: map[string][]string{}, Types: map[string]*contract.Type{}, Operations: map[string]*contract.Operation{},
	}}
	for _, schema := range at(document, "components", "schemas") {
		c.addType(schema.(object))
	}
	for path, item := range at(document, "paths") {
		for method, operation := range item.(object) {
			if method == "parameters" {
				continue
			}
			if err := c.addOperation(strings.ToUpper(method)+" "+path, operation.(object)); err != nil {
				return nil, err
			}
		}
	}
	content, err := json.Marshal(c.out)
	if err != nil {
		return nil, err
	}
	var plain object
	if err := json.Unmarshal(content, &plain); err != nil {
		return nil, err
	}
	return lines(plain), nil
}

// at walks nested objects; a missing step is an empty object.
func at(o object, path ...string) object {
	for _, step := range path {
		next, _ := o[step].(object)
		o = next
	}
	if o == nil {
		return object{}
	}
	return o
}

func (c *condenser) follow(schema object) object {
	for {
		ref, ok := schema["$ref"].(string)
		if !ok {
			return schema
		}
		schema = at(c.document, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
}

// addType takes a schema that describes a resource in replies.
func (c *condenser) addType(schema object) {
	props := at(schema, "properties")
	kinds := stringList(at(props, "type")["enum"])
	_, hasID := props["id"]
	empty := props["attributes"] == nil && props["relationships"] == nil
	if len(kinds) != 1 || !hasID || empty || props["links"] == nil {
		return
	}
	spec := &contract.Type{Attributes: map[string]contract.Attribute{}, Relationships: map[string]contract.Relationship{}}
	for name, a := range at(props, "attributes", "properties") {
		spec.Attributes[name] = c.attribute(a.(object))
	}
	for name, r := range at(props, "relationships", "properties") {
		spec.Relationships[name] = c.relationship(r.(object))
	}
	c.out.Types[kinds[0]] = spec
}

func (c *condenser) attribute(schema object) contract.Attribute {
	nullable, _ := schema["nullable"].(bool)
	schema = c.follow(schema)
	if n, _ := schema["nullable"].(bool); n {
		nullable = true
	}
	kind, _ := schema["type"].(string)
	if schema["format"] == "date-time" {
		kind = "date"
	}
	a := contract.Attribute{Kind: kind, Enum: stringList(schema["enum"]), Nullable: nullable}
	if kind == "array" {
		a.Enum = stringList(c.follow(at(schema, "items"))["enum"])
	}
	return a
}

func (c *condenser) relationship(schema object) contract.Relationship {
	schema = c.follow(schema)
	props := at(schema, "properties")
	links := stringList(schema["x-links"])
	r := contract.Relationship{Self: slices.Contains(links, "self"), Related: slices.Contains(links, "related")}
	data := c.follow(at(props, "data"))
	if len(data) == 0 {
		return r
	}
	r.Data = true
	if data["type"] == "array" {
		r.Many = true
		data = c.follow(at(data, "items"))
	}
	if kinds := stringList(at(data, "properties", "type")["enum"]); len(kinds) == 1 {
		r.Type = kinds[0]
	}
	return r
}

func (c *condenser) addOperation(name string, op object) error {
	spec := &contract.Operation{Params: map[string]contract.Parameter{}}
	for status := range at(op, "responses") {
		if strings.HasPrefix(status, "2") {
			code := int(status[0]-'0')*100 + int(status[1]-'0')*10 + int(status[2]-'0')
			spec.Status = max(spec.Status, code)
		}
	}
	params, _ := op["parameters"].([]any)
	for _, item := range params {
		p := c.follow(item.(object))
		if p["in"] != "query" {
			continue
		}
		label := p["name"].(string)
		schema := c.follow(at(p, "schema"))
		if label == "limit" || strings.HasPrefix(label, "limit[") {
			maximum, _ := schema["maximum"].(float64)
			spec.Params[label] = contract.Parameter{Max: int(maximum)}
			continue
		}
		items := c.follow(at(schema, "items"))
		enum := stringList(items["enum"])
		if enum == nil {
			enum = stringList(schema["enum"])
		}
		if kind, ok := strings.CutPrefix(label, "fields["); ok {
			kind = strings.TrimSuffix(kind, "]")
			if known := c.out.Fields[kind]; known != nil && !slices.Equal(known, enum) {
				return fmt.Errorf("%s: fields[%s] differs between operations", name, kind)
			}
			c.out.Fields[kind] = enum
			spec.Fields = append(spec.Fields, kind)
			continue
		}
		required, _ := p["required"].(bool)
		spec.Params[label] = contract.Parameter{Enum: enum, Required: required}
	}
	slices.Sort(spec.Fields)
	if content := at(op, "requestBody", "content", "application/json", "schema"); len(content) > 0 {
		spec.Body = c.body(c.follow(content))
	}
	c.out.Operations[name] = spec
	return nil
}

func (c *condenser) body(schema object) *contract.Body {
	b := &contract.Body{Included: at(schema, "properties")["included"] != nil}
	data := c.follow(at(schema, "properties", "data"))
	if data["type"] == "array" {
		b.Linkage = "many"
		data = c.follow(at(data, "items"))
	}
	props := at(data, "properties")
	if kinds := stringList(at(props, "type")["enum"]); len(kinds) == 1 {
		b.Type = kinds[0]
	}
	b.ID = props["id"] != nil
	if b.Linkage == "" && props["attributes"] == nil && props["relationships"] == nil {
		b.Linkage = "one"
	}
	attributes := c.follow(at(props, "attributes"))
	required := stringList(attributes["required"])
	for name, a := range at(attributes, "properties") {
		if b.Attributes == nil {
			b.Attributes = map[string]contract.Attribute{}
		}
		spec := c.attribute(a.(object))
		spec.Required = slices.Contains(required, name)
		b.Attributes[name] = spec
	}
	relationships := c.follow(at(props, "relationships"))
	required = stringList(relationships["required"])
	for name, r := range at(relationships, "properties") {
		if b.Relationships == nil {
			b.Relationships = map[string]contract.Relationship{}
		}
		spec := c.relationship(r.(object))
		spec.Required = slices.Contains(required, name)
		b.Relationships[name] = spec
	}
	return b
}

func stringList(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, item := range list {
		if s, ok := item.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
