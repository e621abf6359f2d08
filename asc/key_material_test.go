package asc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/ascend-cli/ascend/asc"
)

// keyForms are the forms in which a private key comes, by name.
func keyForms(t *testing.T) map[string]string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	document, err := json.Marshal(map[string]string{"key_id": "ABC", "key": text})
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.StdEncoding.EncodeToString
	body := strings.Join(strings.Split(strings.TrimSpace(text), "\n")[1:4], "\n")
	return map[string]string{
		"PEM":                    text,
		"PEM with literal \\n":   strings.ReplaceAll(text, "\n", `\n`),
		"PEM with CRLF":          strings.ReplaceAll(text, "\n", "\r\n"),
		"PEM without line ends":  strings.ReplaceAll(text, "\n", " "),
		"PEM in quotes":          `"` + text + `"`,
		"PEM cut off":            text[:len(text)/2],
		"the end of PEM":         text[len(text)/2:],
		"SEC 1":                  string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1})),
		"base64 of PEM":          encode([]byte(text)),
		"base64 of PEM, cut off": encode([]byte(text))[:60],
		"base64 in lines":        encode([]byte(text))[:76] + "\n" + encode([]byte(text))[76:],
		"base64 without padding": base64.RawURLEncoding.EncodeToString([]byte(text)),
		"base64 of base64":       encode([]byte(encode([]byte(text)))),
		"base64 of DER":          encode(der),
		"base64 of DER, cut off": encode(der)[:80],
		"base64 of SEC 1":        encode(sec1),
		"lines of PEM":           body,
		"hex of DER":             hex.EncodeToString(der),
		"a JSON key file":        string(document),
		"half of one":            string(document)[:len(document)/2],
		"base64 of one":          encode(document),
		"a path to a key in it":  "/keys/" + text,
	}
}

func TestAPrivateKeyIsRecognised(t *testing.T) {
	for name, text := range keyForms(t) {
		if !asc.HoldsPrivateKey(text) || !asc.MayBeSecret(text) {
			t.Errorf("%s is not: %q", name, text)
		}
	}
	for _, text := range []string{
		"", "key.p8", "AuthKey_ABCDEFGHIJ.p8", "/home/runner/work/_temp/b2c4e6d8-1f3a-4b5c-8d7e-9f0a1b2c3d4e/private_keys/AuthKey_ABCDEFGHIJ.p8", "../keys/key.json", `C:\keys\key.p8`,
		"ABCDEFGHIJ", "57246542-96fe-1a63-e053-0824d011072a", "com.example.demo", "6700000001", "QA", "Demo.ipa", "Begin here", "the private key", "MIGHTY", "{", "[]",
		`{"en-US": "New: the tab."}`, strings.Repeat("word ", 200),
	} {
		if asc.HoldsPrivateKey(text) {
			t.Errorf("%q is one", text)
		}
	}
}

// TestAKeyInAnotherPlaceIsNotShown puts keys where ids and paths belong.
func TestAKeyInAnotherPlaceIsNotShown(t *testing.T) {
	forms := keyForms(t)
	private := forms["PEM"]
	for name, text := range forms {
		field := func(name string) string {
			file := map[string]string{"key_id": "ABC", "issuer_id": "57246542-96fe-1a63-e053-0824d011072a", "key": private}
			if name == "filepath" {
				delete(file, "key")
			}
			file[name] = text
			content, err := json.Marshal(file)
			if err != nil {
				t.Fatal(err)
			}
			return string(content)
		}
		noFile := func(path string) ([]byte, error) { return nil, errors.New("no file " + path) }
		read := func(content string) error { _, err := asc.ParseKeyFile([]byte(content), noFile); return err }
		_, asID := asc.NewKey(text, "", private)
		_, asIssuer := asc.NewKey("ABC", text, private)
		for place, err := range map[string]error{
			"the key id": asID, "the issuer id": asIssuer, "key_id": read(field("key_id")), "issuer_id": read(field("issuer_id")), "filepath": read(field("filepath")),
		} {
			var keyError *asc.KeyError
			if !errors.As(err, &keyError) || keyError.Hint == "" {
				t.Errorf("%s as %s: %v", name, place, err)
				continue
			}
			if middle := text[len(text)/3 : len(text)/2]; strings.Contains(err.Error()+keyError.Hint, middle) {
				t.Errorf("%s as %s is shown: %v", name, place, err)
			}
		}
	}
}
