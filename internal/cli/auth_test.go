package cli

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestAuthCheckSaysWhatItDoesNotKnow asks services that tell little, or too
// much, besides their answers.
func TestAuthCheckSaysWhatItDoesNotKnow(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		code   int
		// text and json are what the two forms have to say.
		text, json []string
	}{
		"neither its time nor an allowance": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Date"] = nil
				_, _ = w.Write([]byte(`{"data":[]}`))
			}, 0,
			[]string{"the service does not tell its time", "allowance    the service does not tell", "sees no app", "not known    upload builds, give builds to testers"},
			[]string{`"clock_skew_seconds":null`, `"hourly_limit":null`, `"hourly_remaining":null`, `"allowed":null`},
		},
		"another time, and that the hour is used up": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
				w.Header().Set("X-Rate-Limit", "user-hour-lim:3500;user-hour-rem:0;")
				_, _ = w.Write([]byte(`{"data":[]}`))
			}, 0,
			[]string{"clock differs from the service's by 1h0m", "nearly used up", "0 of 3500 requests left"},
			[]string{`"clock_skew_seconds":36`, `"hourly_limit":3500`, `"hourly_remaining":0`},
		},
		"that the role may nothing": {
			func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPatch {
					w.WriteHeader(http.StatusForbidden)
				}
				_, _ = w.Write([]byte(`{"data":[]}`))
			}, 0,
			[]string{"may not upload builds: the service refuses it (403): the role has to be Developer", "may not      upload builds, give builds to testers"},
			[]string{`"allowed":false`},
		},
		"to go elsewhere": {
			func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://login.example.com/?session=hush", http.StatusFound)
			}, 6,
			[]string{"a redirect to https://login.example.com", "App Store Connect does not redirect"}, []string{`"kind":"transfer"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.answer)
			defer server.Close()
			for _, form := range []string{"text", "json"} {
				p, out, errs := testProgram(t, map[string]string{"ASCEND_KEY_ID": "ABCDEFGHIJ", "ASCEND_KEY": key})
				args := []string{"auth", "check", "--api-url", server.URL, "--retry-for", "0s"}
				wanted := c.text
				if form == "json" {
					args, wanted = append(args, "--json"), c.json
				}
				if code := p.runArguments(context.Background(), args); code != c.code {
					t.Errorf("it ended with %d: %s", code, errs.String())
				}
				said := out.String() + errs.String()
				if form == "json" {
					said = compact(t, out.Bytes())
				}
				for _, words := range wanted {
					if !strings.Contains(said, words) {
						t.Errorf("it does not say %q:\n%s", words, said)
					}
				}
				if strings.Contains(said, "hush") {
					t.Errorf("it repeats what a login takes:\n%s", said)
				}
			}
		})
	}
}

// compact is a document of JSON without its spaces.
func compact(t *testing.T, document []byte) string {
	t.Helper()
	var value any
	if err := json.Unmarshal(document, &value); err != nil {
		t.Fatalf("%v: %s", err, document)
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
