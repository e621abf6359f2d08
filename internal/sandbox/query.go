package sandbox

import (
	"fmt"
	"maps"
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
	// base is what links begin with.
	base string
}

// defaultLimit is the size of a page without limit (F25).
const defaultLimit = 50

// checkQuery refuses every parameter that the operation does not have.
func checkQuery(call *contract.Operation, c *contract.Contract, raw string) (query, []*refusal) {
	q := query{
		filters: map[string][]string{}, exists: map[string]bool{}, fields: map[string][]string{}, limits: map[string]int{},
		limit: defaultLimit,
	}
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
			refusals = append(refusals, badParameter(name, "PARAMETER_ERROR.REQUIRED",
				fmt.Sprintf("The parameter '%s' is required but was not provided", name)))
		}
	}
	return q, refusals
}

// take reads one parameter.
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
	if kind, ok := strings.CutPrefix(name, "fields["); ok {
		kind = strings.TrimSuffix(kind, "]")
		if !slices.Contains(call.Fields, kind) {
			return illegalParameter(name)
		}
		q.fields[kind] = items
		return checkValues(name, items, c.Fields[kind])
	}
	spec, ok := call.Params[name]
	if !ok {
		return illegalParameter(name)
	}
	if value == "" {
		return badParameter(name, "PARAMETER_ERROR.INVALID", fmt.Sprintf("The parameter '%s' has no value", name))
	}
	switch base, rest, _ := strings.Cut(strings.TrimSuffix(name, "]"), "["); base {
	case "limit":
		return q.takeLimit(name, rest, value, spec.Max)
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
	return checkValues(name, items, spec.Enum)
}

// takeLimit reads the size of a page, or of a relationship that is included.
func (q *query) takeLimit(name, relationship, value string, maximum int) *refusal {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || maximum > 0 && n > maximum {
		return badParameter(name, "PARAMETER_ERROR.INVALID",
			fmt.Sprintf("'%s' is not a valid value for '%s': the maximum is %d", value, name, maximum))
	}
	if relationship != "" {
		q.limits[relationship] = n
	} else {
		q.limit = n
	}
	return nil
}

func illegalParameter(name string) *refusal {
	refused := badParameter(name, "PARAMETER_ERROR.ILLEGAL",
		fmt.Sprintf("The parameter '%s' can not be used with this request", name))
	refused.title = "A given parameter is not allowed for this request" // F28
	return refused
}

func checkValues(name string, items, allowed []string) *refusal {
	for _, item := range items {
		if len(allowed) > 0 && !slices.Contains(allowed, item) {
			return badParameter(name, "PARAMETER_ERROR.INVALID", wrongValue(name, item))
		}
	}
	return nil
}

// wrongValue is what the service says of a value that a parameter does not
// have (F36).
func wrongValue(name, item string) string {
	switch {
	case name == "include":
		return fmt.Sprintf("'%s' is not a valid relationship name", item)
	case name == "sort" || strings.HasPrefix(name, "fields["):
		return fmt.Sprintf("'%s' is not a valid field name", strings.TrimPrefix(item, "-"))
	}
	return fmt.Sprintf("'%s' is not a valid value for '%s'", item, name)
}
