package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/ascend-cli/ascend/internal/sandbox/contract"
)

// noOperation refuses a path that does not exist, or a method that it does not
// have: that is a 403 (F11), though a 405 is documented.
func noOperation(c *contract.Contract, r *http.Request, route contract.Route) *refusal {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	whole := len(parts) == 2 || len(parts) == 3 // not a relationship
	if route.Template == "" && !(whole && c.HasResource(parts[0], parts[1])) {
		return unknownPath(c, parts)
	}
	subject := "resource '" + parts[1] + "'"
	if !whole {
		subject = "relationship '" + parts[len(parts)-1] + "'"
	}
	allowed := []string{}
	for template, methods := range c.Templates(parts) {
		for method := range methods {
			allowed = append(allowed, operationName(method, template))
		}
	}
	slices.Sort(allowed)
	verb := "operation is"
	if len(allowed) > 1 {
		verb = "operations are"
	}
	return &refusal{
		status: http.StatusForbidden, code: "FORBIDDEN_ERROR", title: "The given operation is not allowed",
		detail: fmt.Sprintf("The %s does not allow '%s'. Allowed %s: %s",
			subject, operationName(r.Method, strings.Join(parts, "/")), verb, strings.Join(allowed, ", ")),
	}
}

// operationName is the service's name for a method of a path. Those of resources
// and GET_RELATIONSHIP and REPLACE were seen; that relationships otherwise have
// the names of resources is assumed.
func operationName(method, path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch method {
	case http.MethodGet:
		return []string{"GET_COLLECTION", "GET_INSTANCE", "GET_RELATIONSHIP"}[min(len(parts), 4)-2]
	case http.MethodPost:
		return "CREATE"
	case http.MethodPatch:
		return pick(len(parts) > 3, "REPLACE", "UPDATE")
	}
	return method
}

// unknownPath names the part of a path that does not exist (F36).
func unknownPath(c *contract.Contract, parts []string) *refusal {
	refused := &refusal{status: http.StatusNotFound, code: "NOT_FOUND", title: "The URL path is not valid"}
	switch {
	case len(parts) < 2:
		refused.detail = fmt.Sprintf("The resource '%s' does not exist", parts[0])
	case len(parts) < 4 || !c.HasResource(parts[0], parts[1]):
		refused.detail = fmt.Sprintf("The resource '%s' does not exist", parts[1])
	default:
		refused.detail = fmt.Sprintf("The relationship '%s' does not exist", parts[len(parts)-1])
	}
	return refused
}
