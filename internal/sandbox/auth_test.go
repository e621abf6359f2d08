package sandbox_test

import (
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/ascend-cli/ascend/internal/sandbox"
)

func TestTokensAreCheckedAsTheServiceDoes(t *testing.T) {
	v := start(t)
	now := v.Now().Unix()
	stranger, err := sandbox.NewKey("TESTKEY001", issuer, sandbox.Admin)
	if err != nil {
		t.Fatal(err)
	}
	good := func(change map[string]any) string {
		return v.token(jwt.SigningMethodES256, v.key.Private, v.key.ID, change)
	}
	for name, c := range map[string]struct {
		token  string
		status int
	}{
		"a good token":                         {good(nil), 200},
		"an audience as a list of one":         {good(map[string]any{"aud": []string{"appstoreconnect-v1"}}), 200},
		"exactly twenty minutes":               {good(map[string]any{"iat": now, "exp": now + 1200}), 200},
		"more than twenty minutes":             {good(map[string]any{"iat": now - 60, "exp": now + 1141}), 401},
		"no token":                             {"", 401},
		"no JWT":                               {"hello", 401},
		"expired":                              {good(map[string]any{"iat": now - 700, "exp": now - 1}), 401},
		"issued in the future":                 {good(map[string]any{"iat": now + 120, "exp": now + 600}), 401},
		"no iat, as some clients have it":      {good(map[string]any{"iat": nil}), 200},
		"no iat, for more than twenty minutes": {good(map[string]any{"iat": nil, "exp": now + 1260}), 401},
		"an iat in words":                      {good(map[string]any{"iat": "now"}), 401},
		"no exp":                               {good(map[string]any{"exp": nil}), 401},
		"another audience":                     {good(map[string]any{"aud": "appstoreconnect-v2"}), 401},
		"another issuer":                       {good(map[string]any{"iss": "69a6de70-0000-47e3-e053-5b8c7c11a4d1"}), 401},
		"no issuer":                            {good(map[string]any{"iss": nil}), 401},
		"an issuer and a subject":              {good(map[string]any{"sub": "user"}), 401},
		"signed by another key":                {v.token(jwt.SigningMethodES256, stranger.Private, v.key.ID, nil), 401},
		"a key id nobody knows":                {v.token(jwt.SigningMethodES256, v.key.Private, "UNKNOWN001", nil), 401},
		"another algorithm":                    {v.token(jwt.SigningMethodHS256, []byte("secret"), v.key.ID, nil), 401},
		"no algorithm":                         {v.token(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, v.key.ID, nil), 401},
		"a token whose claims were exchanged":  {tampered(good(nil)), 401},
	} {
		t.Run(name, func(t *testing.T) {
			r := v.askWith(c.token, "GET", "/v1/apps", "")
			if r.status != c.status || c.status == 401 && r.code() != "NOT_AUTHORIZED" {
				t.Errorf("%d %+v, want %d", r.status, r.Errors, c.status)
			}
		})
	}
}

func tampered(token string) string {
	parts := strings.Split(token, ".")
	parts[1] = parts[1][:len(parts[1])-2] + "AA"
	return strings.Join(parts, ".")
}

func TestAnIndividualKeyNeedsSubjectUserAndNoIssuer(t *testing.T) {
	key, err := sandbox.NewKey("PERSONAL01", "", sandbox.Admin)
	if err != nil {
		t.Fatal(err)
	}
	v := start(t, func(o *sandbox.Options) { o.Keys = []sandbox.Key{key} })
	for name, c := range map[string]struct {
		claims map[string]any
		status int
	}{
		"subject user":             {map[string]any{"iss": nil, "sub": "user"}, 200},
		"no subject":               {map[string]any{"iss": nil}, 401},
		"an issuer as well":        {map[string]any{"sub": "user"}, 401},
		"somebody else as subject": {map[string]any{"iss": nil, "sub": "dana"}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			if r := v.askWith(v.token(jwt.SigningMethodES256, key.Private, key.ID, c.claims), "GET", "/v1/apps", ""); r.status != c.status {
				t.Errorf("%d, want %d", r.status, c.status)
			}
		})
	}
}

func TestADeveloperUploadsButDoesNotDistribute(t *testing.T) {
	v := start(t, func(o *sandbox.Options) { o.Keys[0].Role = sandbox.Developer })
	v.must(201, "POST", "/v1/buildUploads", upload("1.0", "1", appID))
	v.must(200, "GET", "/v1/betaGroups", "")
	r := v.must(403, "POST", "/v1/betaGroups", resource("betaGroups", "", map[string]any{"name": "New"}, "app", "apps", appID))
	if r.code() != "FORBIDDEN_ERROR" {
		t.Errorf("%+v", r.Errors)
	}
}
