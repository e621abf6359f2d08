// Package contract is what the sandbox needs of the App Store Connect API's
// OpenAPI document: the parameters of every operation, the shape of every
// request body, and the attributes and relationships of every resource.
//
// contract.json.gz is generated; see the command contractgen. It is compressed
// because the release binary has it.
package contract

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

//go:generate go run ../contractgen

//go:embed contract.json.gz
var document []byte

// A Contract is the condensed document.
type Contract struct {
	// Fields are the values of fields[TYPE], by type.
	Fields map[string][]string `json:"fields"`
	// Types are the resources in replies, by type.
	Types map[string]*Type `json:"types"`
	// Operations are named as "GET /v1/apps/{id}".
	Operations map[string]*Operation `json:"operations"`

	routes map[string]map[string]*Operation // path template, then method
}

// A Type is a resource as replies show it.
type Type struct {
	Attributes    map[string]Attribute    `json:"attributes"`
	Relationships map[string]Relationship `json:"relationships"`
}

// An Attribute is one of a resource in a reply or in a request.
type Attribute struct {
	// Kind is the JSON type, or "date".
	Kind string `json:"kind"`
	// Enum are the values of a text, or of the items of a list.
	Enum     []string `json:"enum,omitempty"`
	Required bool     `json:"required,omitempty"`
	Nullable bool     `json:"nullable,omitempty"`
}

// A Relationship is one of a resource in a reply or in a request.
type Relationship struct {
	// Type is that of the related resources; empty where replies have links
	// only.
	Type string `json:"type,omitempty"`
	Many bool   `json:"many,omitempty"`
	// Self and Related are the links that replies show, Data whether they can
	// show the related resources.
	Self     bool `json:"self,omitempty"`
	Related  bool `json:"related,omitempty"`
	Data     bool `json:"data,omitempty"`
	Required bool `json:"required,omitempty"`
}

// A Parameter is one of an operation's query.
type Parameter struct {
	Enum []string `json:"enum,omitempty"`
	// Max is the maximum of a limit.
	Max      int  `json:"max,omitempty"`
	Required bool `json:"required,omitempty"`
}

// A Body is that of a request.
type Body struct {
	Type string `json:"type"`
	// Linkage is "one" or "many" for a body that is linkages only.
	Linkage       string                  `json:"linkage,omitempty"`
	ID            bool                    `json:"id,omitempty"`
	Attributes    map[string]Attribute    `json:"attributes,omitempty"`
	Relationships map[string]Relationship `json:"relationships,omitempty"`
	Included      bool                    `json:"included,omitempty"`
}

// An Operation is a method of a path.
type Operation struct {
	Params map[string]Parameter `json:"params"`
	// Fields are the types for which the operation takes fields[TYPE].
	Fields []string `json:"fields,omitempty"`
	Body   *Body    `json:"body,omitempty"`
	// Status is that of success.
	Status int `json:"status"`
}

// Load returns the contract of the sandbox. It must not be changed.
var Load = sync.OnceValue(func() *Contract {
	c := &Contract{routes: map[string]map[string]*Operation{}}
	content, err := gzip.NewReader(bytes.NewReader(document))
	if err == nil {
		err = json.NewDecoder(content).Decode(c)
	}
	if err != nil {
		panic("sandbox: the embedded contract is damaged: " + err.Error())
	}
	for name, operation := range c.Operations {
		method, template, _ := strings.Cut(name, " ")
		if c.routes[template] == nil {
			c.routes[template] = map[string]*Operation{}
		}
		c.routes[template][method] = operation
	}
	return c
})

// A Route is the path of a request in the contract.
type Route struct {
	// Template is the path with {id} for the id; empty if there is no such
	// path.
	Template string
	// ID is the part of the path in the place of {id}.
	ID string
	// Methods are those that the path has.
	Methods map[string]*Operation
}

// Match finds the route of a path.
func (c *Contract) Match(path string) Route {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	candidates := []string{"/" + strings.Join(parts, "/")}
	id := ""
	if len(parts) >= 3 {
		id = parts[2]
		parts[2] = "{id}"
		candidates = append(candidates, "/"+strings.Join(parts, "/"))
	}
	for _, candidate := range candidates {
		if methods, ok := c.routes[candidate]; ok {
			return Route{Template: candidate, ID: id, Methods: methods}
		}
	}
	return Route{ID: id}
}

// Type is a resource as replies show it; empty for those that none shows.
func (c *Contract) Type(kind string) Type {
	if t := c.Types[kind]; t != nil {
		return *t
	}
	return Type{}
}

// HasResource tells whether there are paths of a kind of resource in a version
// of the API.
func (c *Contract) HasResource(version, kind string) bool {
	resource := "/" + version + "/" + kind
	for template := range c.routes {
		if template == resource || strings.HasPrefix(template, resource+"/") {
			return true
		}
	}
	return false
}

// Templates are the path templates, with their methods, of what a path names:
// a kind of resource, for its list and its instances alike, or a relationship.
func (c *Contract) Templates(parts []string) map[string]map[string]*Operation {
	out := map[string]map[string]*Operation{}
	for template, methods := range c.routes {
		other := strings.Split(strings.Trim(template, "/"), "/")
		if other[0] != parts[0] || other[1] != parts[1] {
			continue
		}
		resource := len(parts) <= 3 && len(other) <= 3
		if resource || len(parts) > 3 && len(other) > 3 && slices.Equal(parts[3:], other[3:]) {
			out[template] = methods
		}
	}
	return out
}
