package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/ascend-cli/ascend/internal/sandbox/contract"
)

// noOperation refuses a path that does not exist, or a method that it does not
// have.
func noOperation(c *contract.Contract, w http.ResponseWriter, r *http.Request, route contract.Route) *refusal {
	if route.Template == "" {
		return unknownPath(c, r.URL.Path)
	}
	allowed := strings.Join(slices.Sorted(maps.Keys(route.Methods)), ", ")
	w.Header().Set("Allow", allowed)
	return &refusal{
		status: http.StatusMethodNotAllowed, code: "METHOD_NOT_ALLOWED", title: "The request method is not supported",
		detail: fmt.Sprintf("%s is not allowed here: use %s", r.Method, allowed),
	}
}

// unknownPath names the part of a path that does not exist (F36).
func unknownPath(c *contract.Contract, path string) *refusal {
	refused := &refusal{status: http.StatusNotFound, code: "NOT_FOUND", title: "The URL path is not valid"}
	parts := strings.Split(strings.Trim(path, "/"), "/")
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
