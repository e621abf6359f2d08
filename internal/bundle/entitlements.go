package bundle

import (
	"encoding/json"
	"slices"
	"strings"
)

// maxEntitlements bounds a list of entitlements, in bytes.
const maxEntitlements = 256 << 10

// Entitlements are what a program or a profile is allowed: each with its
// values as texts, where a single one stands for itself.
type Entitlements map[string]Values

// Values are the values of one entitlement.
type Values []string

// UnmarshalPlist reads a value, or a list of them.
func (v *Values) UnmarshalPlist(unmarshal func(any) error) error {
	return (*texts)(v).UnmarshalPlist(unmarshal)
}

// MarshalJSON writes a single value as a text.
func (v Values) MarshalJSON() ([]byte, error) {
	if len(v) == 1 {
		return json.Marshal(v[0])
	}
	return json.Marshal([]string(v))
}

func (e Entitlements) text(key string) string {
	if values := e[key]; len(values) > 0 {
		return values[0]
	}
	return ""
}

func (e Entitlements) flag(key string) bool { return e.text(key) == "true" }

// parseEntitlements reads the property list of a signature.
func parseEntitlements(content []byte) (e Entitlements, err error) {
	if len(content) > maxEntitlements {
		return nil, errTooLarge
	}
	return e, decodePlist(content, &e)
}

// allows tells whether a profile's values cover one value. A profile's value
// may end in an asterisk.
func (v Values) allows(value string) bool { return v.permits()(value) }

// permits returns allows for many values: what it takes grows with the number
// of values, not with that of pairs.
func (v Values) permits() func(value string) bool {
	exact := map[string]bool{}
	var prefixes []string
	for _, allowed := range v {
		exact[allowed] = true
		if prefix, wild := strings.CutSuffix(allowed, "*"); wild {
			prefixes = append(prefixes, prefix)
		}
	}
	slices.Sort(prefixes)
	// Behind a prefix follow those that begin with it, and say nothing more.
	last, any := "", false
	prefixes = slices.DeleteFunc(prefixes, func(prefix string) bool {
		if any && strings.HasPrefix(prefix, last) {
			return true
		}
		last, any = prefix, true
		return false
	})
	return func(value string) bool {
		if exact[value] {
			return true
		}
		i, found := slices.BinarySearch(prefixes, value)
		return found || i > 0 && strings.HasPrefix(value, prefixes[i-1])
	}
}
