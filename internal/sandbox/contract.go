package sandbox

import (
	_ "embed"
	"encoding/json"
	"strings"
	"sync"
)

//go:embed contract.json
var contractJSON []byte

// contract is what the API's OpenAPI document says, as far as it is needed
// here. See contractgen.
type contract struct {
	Fields     map[string][]string          `json:"fields"`
	Types      map[string]typeSpec          `json:"types"`
	Operations map[string]*contractCall     `json:"operations"`
	routes     map[string]map[string]string // segments → method → template
}

type typeSpec struct {
	Attributes    map[string]attributeSpec    `json:"attributes"`
	Relationships map[string]relationshipSpec `json:"relationships"`
}

type attributeSpec struct {
	Kind     string   `json:"kind"`
	Enum     []string `json:"enum"`
	Required bool     `json:"required"`
	Nullable bool     `json:"nullable"`
}

type relationshipSpec struct {
	Type     string `json:"type"`
	Many     bool   `json:"many"`
	Links    bool   `json:"links"`
	Data     bool   `json:"data"`
	Required bool   `json:"required"`
}

type parameterSpec struct {
	Enum     []string `json:"enum"`
	Max      int      `json:"max"`
	Required bool     `json:"required"`
}

type bodySpec struct {
	Type          string                      `json:"type"`
	Linkage       string                      `json:"linkage"`
	ID            bool                        `json:"id"`
	Attributes    map[string]attributeSpec    `json:"attributes"`
	Relationships map[string]relationshipSpec `json:"relationships"`
	Included      bool                        `json:"included"`
}

// contractCall is one operation of the contract.
type contractCall struct {
	Params map[string]parameterSpec `json:"params"`
	Fields []string                 `json:"fields"`
	Body   *bodySpec                `json:"body"`
	Status int                      `json:"status"`
}

var loadContract = sync.OnceValue(func() *contract {
	c := &contract{routes: map[string]map[string]string{}}
	if err := json.Unmarshal(contractJSON, c); err != nil {
		panic("sandbox: the embedded contract is damaged: " + err.Error())
	}
	for operation := range c.Operations {
		method, template, _ := strings.Cut(operation, " ")
		if c.routes[template] == nil {
			c.routes[template] = map[string]string{}
		}
		c.routes[template][method] = operation
	}
	return c
})

// match finds the operation of a path. The id is that of {id}. allowed tells
// which methods the path has.
func (c *contract) match(method, path string) (call *contractCall, template, id string, allowed []string) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	candidates := []string{"/" + strings.Join(parts, "/")}
	if len(parts) >= 3 {
		id = parts[2]
		generic := append([]string{}, parts...)
		generic[2] = "{id}"
		candidates = append(candidates, "/"+strings.Join(generic, "/"))
	}
	for _, candidate := range candidates {
		methods, ok := c.routes[candidate]
		if !ok {
			continue
		}
		if operation, ok := methods[method]; ok {
			return c.Operations[operation], candidate, id, nil
		}
		for m := range methods {
			allowed = append(allowed, m)
		}
	}
	return nil, "", id, allowed
}
