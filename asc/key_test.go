package asc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func newPrivate(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func encode(t testing.TB, kind string, der []byte, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func TestPrivateKeysAreReadInEveryFormThatCIMakesOfThem(t *testing.T) {
	key := newPrivate(t, elliptic.P256())
	der, err := x509.MarshalPKCS8PrivateKey(key)
	p8 := encode(t, "PRIVATE KEY", der, err)
	sec1der, err := x509.MarshalECPrivateKey(key)
	sec1 := encode(t, "EC PRIVATE KEY", sec1der, err)
	body := strings.Split(strings.TrimSpace(p8), "\n")
	for name, text := range map[string]string{
		"as downloaded":                    p8,
		"SEC 1":                            sec1,
		"with literal \\n":                 strings.ReplaceAll(p8, "\n", `\n`),
		"with CRLF":                        strings.ReplaceAll(p8, "\n", "\r\n"),
		"in double quotes":                 `"` + strings.ReplaceAll(p8, "\n", `\n`) + `"`,
		"in single quotes with spaces":     "  '" + p8 + "'  ",
		"with a byte order mark":           "\ufeff" + p8,
		"base64":                           base64.StdEncoding.EncodeToString([]byte(p8)),
		"base64 with line breaks":          wrap(base64.StdEncoding.EncodeToString([]byte(p8)), 60),
		"base64 without padding":           base64.RawStdEncoding.EncodeToString([]byte(p8)),
		"base64 of literal \\n":            base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(p8, "\n", `\n`))),
		"line breaks turned into spaces":   strings.ReplaceAll(strings.TrimSpace(p8), "\n", " "),
		"line breaks lost":                 body[0] + strings.Join(body[1:len(body)-1], "") + body[len(body)-1],
		"the body without BEGIN and END":   strings.Join(body[1:len(body)-1], "\n"),
		"the body as one line of base64":   base64.StdEncoding.EncodeToString(der),
		"PKCS#8 under the SEC 1 file name": p8,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParsePrivateKey(text)
			if err != nil {
				t.Fatal(err)
			}
			if !got.Equal(key) {
				t.Error("another key came out")
			}
		})
	}
}

func wrap(s string, width int) string {
	var b strings.Builder
	for len(s) > width {
		b.WriteString(s[:width] + "\n")
		s = s[width:]
	}
	return b.String() + s
}

func TestAUnusableKeySaysWhyAndGivesNothingAway(t *testing.T) {
	p384der, err := x509.MarshalPKCS8PrivateKey(newPrivate(t, elliptic.P384()))
	p384 := encode(t, "PRIVATE KEY", p384der, err)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaDER, err := x509.MarshalPKCS8PrivateKey(rsaKey)
	rsaPEM := encode(t, "PRIVATE KEY", rsaDER, err)
	good := newPrivate(t, elliptic.P256())
	der, err := x509.MarshalPKCS8PrivateKey(good)
	p8 := encode(t, "PRIVATE KEY", der, err)
	public, err := x509.MarshalPKIXPublicKey(&good.PublicKey)
	for name, c := range map[string]struct{ text, want string }{
		"empty":                  {"", "empty"},
		"white space":            {" \n", "empty"},
		"another curve":          {p384, "P-384"},
		"another algorithm":      {rsaPEM, "rsa"},
		"protected by password":  {encode(t, "ENCRYPTED PRIVATE KEY", der, nil), "password"},
		"an old-style password":  {"-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END EC PRIVATE KEY-----", "password"},
		"cut off":                {p8[:len(p8)/2], "END"},
		"damaged":                {encode(t, "PRIVATE KEY", der[:40], nil), "damaged"},
		"a public key":           {encode(t, "PUBLIC KEY", public, err), "public key"},
		"a file name":            {"AuthKey_ABC123DEFG.p8", "--key-file"},
		"a JSON file":            {`{"key_id":"SECRETVALUE"}`, "--api-key-path"},
		"an unexpanded variable": {"$ASC_KEY", "not expanded"},
		"something else":         {"SECRETVALUE SECRETVALUE", "bytes of something else"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParsePrivateKey(c.text)
			var keyErr *KeyError
			if !errors.As(err, &keyErr) {
				t.Fatalf("got %v, want a KeyError", err)
			}
			text := keyErr.Error() + keyErr.Hint
			if !strings.Contains(text, c.want) {
				t.Errorf("%q does not say %q", text, c.want)
			}
			if strings.Contains(text, "SECRETVALUE") {
				t.Errorf("%q gives the text away", text)
			}
		})
	}
}

func TestKeyFile(t *testing.T) {
	key := newPrivate(t, elliptic.P256())
	der, err := x509.MarshalPKCS8PrivateKey(key)
	p8 := encode(t, "PRIVATE KEY", der, err)
	quoted, err := json.Marshal(p8)
	if err != nil {
		t.Fatal(err)
	}
	read := func(path string) ([]byte, error) {
		if path == "key.p8" {
			return []byte(p8), nil
		}
		return nil, os.ErrNotExist
	}
	for name, c := range map[string]struct {
		content, want string
		check         func(Key) bool
	}{
		"a team key":                {`{"key_id":" ABC ","issuer_id":"iss\n","key":` + string(quoted) + `,"duration":"900","comment":1}`, "", func(k Key) bool { return k.ID == "ABC" && k.IssuerID == "iss" && k.Lifetime == 15*time.Minute }},
		"an individual key":         {`{"key_id":"ABC","key":` + string(quoted) + `}`, "", func(k Key) bool { return k.Individual() }},
		"base64 with its flag":      {`{"key_id":"ABC","key":"` + base64.StdEncoding.EncodeToString([]byte(p8)) + `","is_key_content_base64":true}`, "", func(k Key) bool { return k.Private.Equal(key) }},
		"the name of a .p8 file":    {`{"key_id":"ABC","key_filepath":"key.p8"}`, "", func(k Key) bool { return k.Private.Equal(key) }},
		"its other name":            {`{"key_id":"ABC","filepath":"key.p8"}`, "", func(k Key) bool { return k.Private.Equal(key) }},
		"a .p8 file there is not":   {`{"key_id":"ABC","filepath":"other.p8"}`, "cannot be read", nil},
		"not JSON":                  {`hello`, "not valid JSON", nil},
		"the .p8 file itself":       {p8, "--key-file", nil},
		"nothing in it":             {`{}`, "key_id and key", nil},
		"no key":                    {`{"key_id":"ABC","issuer_id":"x"}`, "lacks key", nil},
		"a field of the wrong type": {`{"key_id":5}`, `"key_id"`, nil},
		"a duration in words":       {`{"key_id":"ABC","key":` + string(quoted) + `,"duration":"long"}`, "duration", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseKeyFile([]byte(c.content), read)
			if c.want == "" {
				if err != nil || !c.check(got) {
					t.Errorf("%v, %+v", err, got)
				}
				return
			}
			var keyErr *KeyError
			if !errors.As(err, &keyErr) || !strings.Contains(keyErr.Error()+keyErr.Hint, c.want) {
				t.Errorf("%v does not say %q", err, c.want)
			}
		})
	}
	if _, err := ParseKeyFile([]byte(`{"key_id":"ABC","key":"x","in_house":true}`), read); !errors.Is(err, ErrEnterpriseKey) {
		t.Errorf("an enterprise key: %v", err)
	}
	if _, err := ParseKeyFile([]byte(`{"key_id":"ABC","key":"x","in_house":"yes"}`), read); !errors.Is(err, ErrEnterpriseKey) {
		t.Errorf("an enterprise key in words: %v", err)
	}
}

func TestTokensHaveTheClaimsTheServiceWants(t *testing.T) {
	private := newPrivate(t, elliptic.P256())
	now := time.Date(2026, 11, 23, 12, 0, 0, 500, time.UTC)
	for name, c := range map[string]struct {
		key      Key
		lifetime time.Duration
	}{
		"team":                          {Key{ID: "K", IssuerID: "I", Private: private}, 15 * time.Minute},
		"individual":                    {Key{ID: "K", Private: private}, 15 * time.Minute},
		"a longer life is cut":          {Key{ID: "K", Private: private, Lifetime: time.Hour}, 20 * time.Minute},
		"a useless short one stretched": {Key{ID: "K", Private: private, Lifetime: time.Second}, 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			signed, expires, err := c.key.SignToken(now)
			if err != nil {
				t.Fatal(err)
			}
			claims := jwt.MapClaims{}
			token, err := jwt.NewParser(jwt.WithTimeFunc(func() time.Time { return now })).ParseWithClaims(signed, claims, func(*jwt.Token) (any, error) { return &private.PublicKey, nil })
			if err != nil {
				t.Fatal(err)
			}
			if token.Header["alg"] != "ES256" || token.Header["kid"] != "K" || token.Header["typ"] != "JWT" {
				t.Errorf("header %v", token.Header)
			}
			if claims["aud"] != "appstoreconnect-v1" {
				t.Errorf("aud is %v, want a plain string", claims["aud"])
			}
			issued, exp := int64(claims["iat"].(float64)), int64(claims["exp"].(float64))
			if got := now.Unix() - issued; got != 60 {
				t.Errorf("iat is %d s back, want 60", got)
			}
			if got := time.Duration(exp-issued) * time.Second; got != c.lifetime {
				t.Errorf("lifetime %s, want %s", got, c.lifetime)
			}
			if expires.Unix() != exp {
				t.Errorf("expires %s", expires)
			}
			if c.key.Individual() != (claims["sub"] == "user" && claims["iss"] == nil) || !c.key.Individual() != (claims["iss"] == "I" && claims["sub"] == nil) {
				t.Errorf("claims %v", claims)
			}
		})
	}
}

func FuzzParsePrivateKey(f *testing.F) {
	key := newPrivate(f, elliptic.P256())
	der, err := x509.MarshalPKCS8PrivateKey(key)
	p8 := encode(f, "PRIVATE KEY", der, err)
	f.Add(p8)
	f.Add(base64.StdEncoding.EncodeToString([]byte(p8)))
	f.Add("-----BEGIN PRIVATE KEY-----")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := ParsePrivateKey(text)
		var keyErr *KeyError
		if err != nil && !errors.As(err, &keyErr) || err == nil && key.Curve != elliptic.P256() {
			t.Errorf("%v, %v", key, err)
		}
	})
}

func FuzzParseKeyFile(f *testing.F) {
	f.Add([]byte(`{"key_id":"A","issuer_id":"B","key":"C","duration":500,"in_house":false}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		_, _ = ParseKeyFile(content, func(string) ([]byte, error) { return nil, os.ErrNotExist })
	})
}
