// Command contractgen condenses the App Store Connect API's OpenAPI document
// into what the sandbox needs to be as strict as the service: the parameters
// of every operation, the shape of every request body, and the attributes and
// relationships of every resource.
//
//	go run ./contractgen OPENAPI.json contract.json
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

type object = map[string]any

type generator struct {
	schemas object
	out     struct {
		Fields     map[string][]string   `json:"fields"`
		Types      map[string]*typeSpec  `json:"types"`
		Operations map[string]*operation `json:"operations"`
	}
}

type typeSpec struct {
	Attributes    map[string]attribute    `json:"attributes"`
	Relationships map[string]relationship `json:"relationships"`
}

type attribute struct {
	Kind     string   `json:"kind"`
	Enum     []string `json:"enum,omitempty"`
	Required bool     `json:"required,omitempty"`
	Nullable bool     `json:"nullable,omitempty"`
}

type relationship struct {
	Type     string `json:"type,omitempty"`
	Many     bool   `json:"many,omitempty"`
	Links    bool   `json:"links,omitempty"`
	Data     bool   `json:"data,omitempty"`
	Required bool   `json:"required,omitempty"`
}

type parameter struct {
	Enum     []string `json:"enum,omitempty"`
	Max      int      `json:"max,omitempty"`
	Required bool     `json:"required,omitempty"`
}

type body struct {
	Type          string                  `json:"type"`
	Linkage       string                  `json:"linkage,omitempty"` // one or many
	ID            bool                    `json:"id,omitempty"`
	Attributes    map[string]attribute    `json:"attributes,omitempty"`
	Relationships map[string]relationship `json:"relationships,omitempty"`
	Included      bool                    `json:"included,omitempty"`
}

type operation struct {
	Params map[string]parameter `json:"params,omitempty"`
	Fields []string             `json:"fields,omitempty"`
	Body   *body                `json:"body,omitempty"`
	Status int                  `json:"status"`
}

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "contractgen:", err)
		os.Exit(1)
	}
}

func run(in, out string) error {
	raw, err := os.ReadFile(in)
	if err != nil {
		return err
	}
	var doc object
	if err := json.Unmarshal(raw, &doc); err != nil {
		return err
	}
	g := &generator{schemas: at(doc, "components", "schemas")}
	g.out.Fields = map[string][]string{}
	g.out.Types = map[string]*typeSpec{}
	g.out.Operations = map[string]*operation{}
	for _, schema := range g.schemas {
		g.addType(schema.(object))
	}
	for path, item := range at(doc, "paths") {
		for method, op := range item.(object) {
			if method == "parameters" {
				continue
			}
			if err := g.addOperation(strings.ToUpper(method)+" "+path, op.(object)); err != nil {
				return err
			}
		}
	}
	content, err := json.MarshalIndent(g.out, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(content, '\n'), 0o644)
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

func (g *generator) follow(schema object) object {
	for {
		ref, ok := schema["$ref"].(string)
		if !ok {
			return schema
		}
		schema = g.schemas[ref[strings.LastIndex(ref, "/")+1:]].(object)
	}
}

// addType takes a schema that describes a resource in replies.
func (g *generator) addType(schema object) {
	props := at(schema, "properties")
	kinds := stringList(at(props, "type")["enum"])
	_, hasID := props["id"]
	if len(kinds) != 1 || !hasID || (props["attributes"] == nil && props["relationships"] == nil) || props["links"] == nil {
		return
	}
	spec := &typeSpec{Attributes: map[string]attribute{}, Relationships: map[string]relationship{}}
	for name, a := range at(props, "attributes", "properties") {
		spec.Attributes[name] = g.attribute(a.(object))
	}
	for name, r := range at(props, "relationships", "properties") {
		spec.Relationships[name] = g.relationship(r.(object))
	}
	g.out.Types[kinds[0]] = spec
}

func (g *generator) attribute(schema object) attribute {
	nullable, _ := schema["nullable"].(bool)
	schema = g.follow(schema)
	if n, _ := schema["nullable"].(bool); n {
		nullable = true
	}
	kind, _ := schema["type"].(string)
	if schema["format"] == "date-time" {
		kind = "date"
	}
	a := attribute{Kind: kind, Enum: stringList(schema["enum"]), Nullable: nullable}
	if kind == "array" {
		a.Enum = stringList(g.follow(at(schema, "items"))["enum"])
	}
	return a
}

func (g *generator) relationship(schema object) relationship {
	schema = g.follow(schema)
	props := at(schema, "properties")
	r := relationship{Links: props["links"] != nil}
	data := g.follow(at(props, "data"))
	if len(data) == 0 {
		return r
	}
	r.Data = true
	if data["type"] == "array" {
		r.Many = true
		data = g.follow(at(data, "items"))
	}
	if kinds := stringList(at(data, "properties", "type")["enum"]); len(kinds) == 1 {
		r.Type = kinds[0]
	}
	return r
}

func (g *generator) addOperation(name string, op object) error {
	spec := &operation{Params: map[string]parameter{}}
	for status := range at(op, "responses") {
		if strings.HasPrefix(status, "2") {
			code := int(status[0]-'0')*100 + int(status[1]-'0')*10 + int(status[2]-'0')
			spec.Status = max(spec.Status, code)
		}
	}
	params, _ := op["parameters"].([]any)
	for _, item := range params {
		p := item.(object)
		if p["in"] != "query" {
			continue
		}
		label := p["name"].(string)
		schema := g.follow(at(p, "schema"))
		if label == "limit" || strings.HasPrefix(label, "limit[") {
			maximum, _ := schema["maximum"].(float64)
			spec.Params[label] = parameter{Max: int(maximum)}
			continue
		}
		items := g.follow(at(schema, "items"))
		enum := stringList(items["enum"])
		if enum == nil {
			enum = stringList(schema["enum"])
		}
		if kind, ok := strings.CutPrefix(label, "fields["); ok {
			kind = strings.TrimSuffix(kind, "]")
			if known := g.out.Fields[kind]; known != nil && !slices.Equal(known, enum) {
				return fmt.Errorf("%s: fields[%s] differs between operations", name, kind)
			}
			g.out.Fields[kind] = enum
			spec.Fields = append(spec.Fields, kind)
			continue
		}
		required, _ := p["required"].(bool)
		spec.Params[label] = parameter{Enum: enum, Required: required}
	}
	slices.Sort(spec.Fields)
	if content := at(op, "requestBody", "content", "application/json", "schema"); len(content) > 0 {
		spec.Body = g.body(g.follow(content))
	}
	g.out.Operations[name] = spec
	return nil
}

func (g *generator) body(schema object) *body {
	b := &body{Included: at(schema, "properties")["included"] != nil}
	data := g.follow(at(schema, "properties", "data"))
	if data["type"] == "array" {
		b.Linkage = "many"
		data = g.follow(at(data, "items"))
	}
	props := at(data, "properties")
	if kinds := stringList(at(props, "type")["enum"]); len(kinds) == 1 {
		b.Type = kinds[0]
	}
	b.ID = props["id"] != nil
	if b.Linkage == "" && props["attributes"] == nil && props["relationships"] == nil {
		b.Linkage = "one"
	}
	attributes := g.follow(at(props, "attributes"))
	required := stringList(attributes["required"])
	for name, a := range at(attributes, "properties") {
		if b.Attributes == nil {
			b.Attributes = map[string]attribute{}
		}
		spec := g.attribute(a.(object))
		spec.Required = slices.Contains(required, name)
		b.Attributes[name] = spec
	}
	relationships := g.follow(at(props, "relationships"))
	required = stringList(relationships["required"])
	for name, r := range at(relationships, "properties") {
		if b.Relationships == nil {
			b.Relationships = map[string]relationship{}
		}
		spec := g.relationship(r.(object))
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
