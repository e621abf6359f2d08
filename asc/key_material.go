package asc

import (
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"
)

// HoldsPrivateKey tells whether a text is a private key or holds one, whole or
// cut off, in any of the forms that CI systems make of a .p8 file: PEM, also
// with literal \n, base64 of it or of the DER inside, hex, or a JSON key file.
// It is for places where a path or an id belongs, to keep a key that was put
// there by mistake from being shown.
func HoldsPrivateKey(text string) bool {
	return holdsKey(text, 0)
}

// pemLine is the first or the last line of a PEM text. A public key or a
// certificate is no secret, but it is no path either.
var pemLine = regexp.MustCompile(`(?i)-{3,}\s*(BEGIN|END)\b|PRIVATE KEY\s*-{2,}`)

// encodedHeads are how base64 begins of "-----BEGIN", and of the DER of keys on
// P-256: PKCS#8 with and without the public half, and SEC 1.
var encodedHeads = regexp.MustCompile(`LS0tLS1CRUdJ|MI[EGH][A-Za-z0-9]AgEAMB|MHcCAQEEI|MHgCAQEEI`)

// keyFields are those of a JSON key file.
var keyFields = regexp.MustCompile(`["'](key|private_?key|key_id|issuer_id)["']\s*(:|=>)`)

func holdsKey(text string, depth int) bool {
	const nested = 3 // base64 of base64 of base64
	if depth > nested || len(text) < 16 {
		return false
	}
	if pemLine.MatchString(text) || encodedHeads.MatchString(text) {
		return true
	}
	trimmed := strings.TrimLeft(trimValue(strings.TrimPrefix(text, "\ufeff")), " \t\r\n")
	if strings.HasPrefix(trimmed, "{") && keyFields.MatchString(trimmed) {
		return true
	}
	if strings.HasPrefix(trimmed, "[") || strings.HasPrefix(trimmed, "{") {
		return jsonHoldsKey(trimmed, depth)
	}
	unescaped := strings.NewReplacer(`\n`, "", `\r`, "").Replace(trimmed)
	if raw, ok := decodeBase64(unescaped); ok && derOrText(raw, depth) {
		return true
	}
	if raw, err := hex.DecodeString(strings.NewReplacer(":", "", " ", "", "\n", "").Replace(unescaped)); err == nil {
		return derOrText(raw, depth)
	}
	return false
}

// derOrText looks at what was decoded.
func derOrText(raw []byte, depth int) bool {
	if _, err := x509.ParsePKCS8PrivateKey(raw); err == nil {
		return true
	}
	if _, err := x509.ParseECPrivateKey(raw); err == nil {
		return true
	}
	return printable(raw) && holdsKey(string(raw), depth+1)
}

func printable(raw []byte) bool {
	for _, c := range raw {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	return len(raw) > 0
}

// jsonHoldsKey looks at the texts in a JSON document.
func jsonHoldsKey(text string, depth int) bool {
	var value any
	if json.Unmarshal([]byte(text), &value) != nil {
		return false
	}
	found := false
	var look func(any)
	look = func(v any) {
		switch v := v.(type) {
		case string:
			found = found || holdsKey(v, depth+1)
		case []any:
			for _, item := range v {
				look(item)
			}
		case map[string]any:
			for _, item := range v {
				look(item)
			}
		}
	}
	look(value)
	return found
}

// MayBeSecret tells whether a text could be a secret rather than a path or an
// id: it holds a key, or is a long run of the letters of base64 with nothing
// in it that paths have. Error texts do not show such a value.
func MayBeSecret(text string) bool {
	const longest = 64 // an issuer id has 36, a name in a folder seldom more
	text = trimValue(text)
	if HoldsPrivateKey(text) || strings.ContainsAny(text, "\n\r{}") {
		return true
	}
	if len(text) < longest || strings.Contains(text, ".") {
		return false
	}
	return strings.Trim(text, base64Letters) == ""
}

const base64Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-"
