package asc

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Key is an App Store Connect API key, ready to sign tokens. A key with an
// issuer id is a team key; one without is an individual key.
type Key struct {
	// ID is the key id, the "kid" of every token (ten characters).
	ID string
	// IssuerID is the team's issuer id, a UUID. Empty for an individual key.
	IssuerID string
	// Private is the P-256 private key from the .p8 file.
	Private *ecdsa.PrivateKey
	// Lifetime is how long one token is to live. Zero means the default of
	// 15 minutes; more than 20 minutes is cut to what the service accepts.
	Lifetime time.Duration
}

// Individual tells whether the key belongs to a person instead of a team.
func (k Key) Individual() bool { return k.IssuerID == "" }

// ErrEnterpriseKey says that a key belongs to the Apple Developer Enterprise
// Program, whose API has no apps, builds or TestFlight.
var ErrEnterpriseKey = errors.New("this is an Apple Developer Enterprise Program key (in_house): that programme has no App Store Connect, so nothing can be uploaded or distributed with it")

// A KeyError says why the text of a key cannot be used. It never holds any of
// the text.
type KeyError struct {
	// Reason is a sentence without a full stop.
	Reason string
	// Hint says what to do about it. It may be empty.
	Hint string
}

func (e *KeyError) Error() string { return "API key: " + e.Reason }

// NewKey makes a [Key] from its parts. The private key may be given in any
// form that CI systems make of a .p8 file: PEM, PEM with literal \n, PEM in
// quotes, or base64 of any of these. The error is a [*KeyError].
func NewKey(id, issuerID, private string) (Key, error) {
	id = trimValue(id)
	issuerID = trimValue(issuerID)
	switch {
	case id == "":
		return Key{}, &KeyError{Reason: "the key id is missing", Hint: "it is the ten characters in the file name AuthKey_<key id>.p8"}
	case MayBeSecret(id):
		return Key{}, &KeyError{
			Reason: "what is given as the key id is no id, but may be a key (it is not shown)",
			Hint:   "the key id is the ten characters in the file name AuthKey_<key id>.p8; the text of the key has a place of its own",
		}
	case MayBeSecret(issuerID):
		return Key{}, &KeyError{
			Reason: "what is given as the issuer id is no id, but may be a key (it is not shown)",
			Hint:   "the issuer id is the UUID that App Store Connect shows above the keys; the text of the key has a place of its own",
		}
	}
	parsed, err := ParsePrivateKey(private)
	if err != nil {
		return Key{}, err
	}
	return Key{ID: id, IssuerID: issuerID, Private: parsed}, nil
}

// trimValue removes white space and the quotes that a CI variable often keeps.
func trimValue(s string) string {
	return strings.TrimSpace(strings.Trim(strings.TrimSpace(s), `"'`))
}

// ParsePrivateKey reads the private half of an API key: PKCS#8 as Apple hands
// it out, or SEC 1, which some tools make of it. The error is a [*KeyError]
// that describes the text without quoting it.
func ParsePrivateKey(text string) (*ecdsa.PrivateKey, error) {
	block, err := decodePEM(text)
	if err != nil {
		return nil, err
	}
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
		return nil, &KeyError{
			Reason: "the private key is protected by a password",
			Hint:   "Apple's .p8 files have no password: use the file as it was downloaded, or remove it with `openssl pkcs8 -in key.p8 -out plain.p8`",
		}
	case strings.Contains(block.Type, "PUBLIC KEY"), block.Type == "CERTIFICATE":
		return nil, &KeyError{
			Reason: fmt.Sprintf("the text is a %s, not a private key", strings.ToLower(block.Type)),
			Hint:   "use the AuthKey_<key id>.p8 file downloaded from App Store Connect",
		}
	}
	var parsed any
	switch block.Type {
	case "EC PRIVATE KEY":
		parsed, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		if parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes); err != nil {
			if sec1, sec1Err := x509.ParseECPrivateKey(block.Bytes); sec1Err == nil {
				parsed, err = sec1, nil
			}
		}
	}
	if err != nil {
		return nil, &KeyError{
			Reason: "the text between BEGIN and END is not a private key: it is damaged or cut off",
			Hint:   "compare its length with the downloaded .p8 file, which has about 257 bytes; CI variables often lose line breaks or the last line",
		}
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, &KeyError{
			Reason: fmt.Sprintf("the private key is of type %T; App Store Connect keys are ECDSA on curve P-256", parsed),
			Hint:   "use the AuthKey_<key id>.p8 file downloaded from App Store Connect",
		}
	}
	if key.Curve != elliptic.P256() {
		return nil, &KeyError{
			Reason: fmt.Sprintf("the private key is on curve %s; App Store Connect keys are on P-256", key.Curve.Params().Name),
			Hint:   "use the AuthKey_<key id>.p8 file downloaded from App Store Connect",
		}
	}
	return key, nil
}

// decodePEM finds the PEM block in whatever CI made of it.
func decodePEM(text string) (*pem.Block, error) {
	text = trimValue(strings.TrimPrefix(text, "\ufeff"))
	if text == "" {
		return nil, &KeyError{Reason: "the private key is empty", Hint: "is the CI secret set for this branch, or the file truncated?"}
	}
	if !strings.Contains(text, "-----BEGIN") {
		if decoded, ok := decodeBase64(text); ok {
			if bytes.Contains(decoded, []byte("-----BEGIN")) {
				text = trimValue(string(decoded))
			} else if len(decoded) > 0 && decoded[0] == 0x30 {
				// The bare base64 of the DER, without the BEGIN and END lines.
				return &pem.Block{Type: "PRIVATE KEY", Bytes: decoded}, nil
			}
		}
	}
	text = strings.ReplaceAll(text, `\r`, "")
	text = strings.ReplaceAll(text, `\n`, "\n")
	text = strings.ReplaceAll(text, "\r", "")
	if !strings.Contains(text, "-----BEGIN") {
		return nil, &KeyError{
			Reason: fmt.Sprintf("the private key is neither PEM (-----BEGIN PRIVATE KEY-----) nor base64 of it: it is %s", describeText(text)),
			Hint:   "give the content of the .p8 file, its base64, or its path with --key-file",
		}
	}
	if block, _ := pem.Decode([]byte(text)); block != nil {
		return block, nil
	}
	// Line breaks turned into spaces, or lost: put them back.
	if block, _ := pem.Decode([]byte(rebreak(text))); block != nil {
		return block, nil
	}
	return nil, &KeyError{
		Reason: "the private key starts like PEM but cannot be decoded: it is damaged or its END line is missing",
		Hint:   "compare it with the downloaded .p8 file; base64 of the file survives every CI system",
	}
}

// rebreak rebuilds a PEM text of one block whose line breaks were lost.
func rebreak(text string) string {
	const dashes = "-----"
	parts := strings.SplitN(text, dashes, 5)
	if len(parts) != 5 {
		return text
	}
	body := strings.Join(strings.Fields(parts[2]), "")
	return dashes + strings.TrimSpace(parts[1]) + dashes + "\n" + body + "\n" + dashes + strings.TrimSpace(parts[3]) + dashes + "\n"
}

func decodeBase64(text string) ([]byte, bool) {
	text = strings.Join(strings.Fields(text), "")
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if decoded, err := encoding.DecodeString(text); err == nil {
			return decoded, true
		}
	}
	return nil, false
}

// describeText says what a text looks like, without giving any of it away.
func describeText(text string) string {
	switch {
	case strings.HasPrefix(text, "{"):
		return fmt.Sprintf("%d bytes of JSON (a JSON key file goes to --api-key-path)", len(text))
	case strings.HasSuffix(text, ".p8") && !strings.Contains(text, "\n"):
		return "a file name (a path goes to --key-file)"
	case strings.HasPrefix(text, "$"):
		return "the name of a variable that was not expanded"
	default:
		return fmt.Sprintf("%d bytes of something else", len(text))
	}
}

// ParseKeyFile reads fastlane's JSON key file: key_id, issuer_id, key,
// is_key_content_base64, duration and in_house; other fields are ignored. A
// file may name a .p8 file (key_filepath or filepath) instead of holding the
// key; readFile opens it. The error is [ErrEnterpriseKey] or a [*KeyError].
func ParseKeyFile(content []byte, readFile func(path string) ([]byte, error)) (Key, error) {
	var file struct {
		KeyID       string          `json:"key_id"`
		IssuerID    string          `json:"issuer_id"`
		Key         string          `json:"key"`
		KeyFilepath string          `json:"key_filepath"`
		Filepath    string          `json:"filepath"`
		Duration    json.RawMessage `json:"duration"`
		InHouse     any             `json:"in_house"`
	}
	if err := json.Unmarshal(bytes.TrimPrefix(content, []byte("\ufeff")), &file); err != nil {
		hint := "it is an object with key_id, issuer_id and key"
		if bytes.Contains(content, []byte("-----BEGIN")) {
			hint = "this looks like the .p8 file itself: give it with --key-file, and its id with --key-id"
		}
		return Key{}, &KeyError{Reason: "the JSON key file cannot be read: " + describeJSONError(err), Hint: hint}
	}
	if truthy(file.InHouse) {
		return Key{}, ErrEnterpriseKey
	}
	path := file.KeyFilepath
	if path == "" {
		path = file.Filepath
	}
	var missing []string
	if trimValue(file.KeyID) == "" {
		missing = append(missing, "key_id")
	}
	if trimValue(file.Key) == "" && path == "" {
		missing = append(missing, "key")
	}
	if len(missing) > 0 {
		return Key{}, &KeyError{
			Reason: "the JSON key file lacks " + strings.Join(missing, " and "),
			Hint:   "it is an object with key_id, issuer_id (team keys only) and key",
		}
	}
	text := file.Key
	if trimValue(text) == "" {
		if MayBeSecret(path) {
			return Key{}, &KeyError{
				Reason: "the JSON key file has what may be a key where the path of one belongs (it is not shown)",
				Hint:   "the text of the private key goes to the field key",
			}
		}
		read, err := readFile(path)
		if err != nil {
			return Key{}, &KeyError{Reason: fmt.Sprintf("the private key named in the JSON key file cannot be read: %v", err)}
		}
		text = string(read)
	}
	key, err := NewKey(file.KeyID, file.IssuerID, text)
	if err != nil {
		return Key{}, err
	}
	if key.Lifetime, err = parseDuration(file.Duration); err != nil {
		return Key{}, err
	}
	return key, nil
}

// describeJSONError keeps the place of a syntax error and drops everything
// that could quote the document.
func describeJSONError(err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("not valid JSON at byte %d", syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Sprintf("field %q must not be a %s", kind.Field, strings.Fields(kind.Value)[0])
	default:
		return "not valid JSON"
	}
}

func parseDuration(raw json.RawMessage) (time.Duration, error) {
	text := strings.Trim(string(raw), `" `)
	if text == "" || text == "null" {
		return 0, nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || seconds <= 0 || seconds > 1e6 {
		return 0, &KeyError{Reason: "duration in the JSON key file must be a number of seconds, 1200 at most"}
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

func truthy(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "", "no", "false", "off", "0":
			return false
		}
		return true
	case float64:
		return v != 0
	}
	return false
}
