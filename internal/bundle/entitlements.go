package bundle

import (
	"encoding/json"
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
func (v Values) allows(value string) bool {
	for _, allowed := range v {
		prefix, wild := strings.CutSuffix(allowed, "*")
		if allowed == value || wild && strings.HasPrefix(value, prefix) {
			return true
		}
	}
	return false
}
