package sandbox

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// A Role is what a key may do.
type Role string

// The roles that differ for this API. A developer uploads and reads, marketing
// reads.
const (
	Admin      Role = "ADMIN"
	AppManager Role = "APP_MANAGER"
	Developer  Role = "DEVELOPER"
	Marketing  Role = "MARKETING"
)

// A Key is an API key that the sandbox accepts.
type Key struct {
	ID string
	// IssuerID is empty for an individual key.
	IssuerID string
	Role     Role
	Private  *ecdsa.PrivateKey
}

// NewKey makes a throw-away key.
func NewKey(id, issuerID string, role Role) (Key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return Key{ID: id, IssuerID: issuerID, Role: role, Private: private}, err
}

// PEM returns the private key as App Store Connect hands it out.
func (k Key) PEM() string {
	der, err := x509.MarshalPKCS8PrivateKey(k.Private)
	if err != nil {
		return "" // P-256 keys can always be marshalled
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

const maxTokenLifetime = 20 * time.Minute

// authenticate checks the token as the service does. It returns the key.
func (s *Server) authenticate(r *http.Request, now time.Time) (Key, *refusal) {
	key, err := s.checkToken(r.Header.Get("Authorization"), now)
	if err == nil {
		return key, nil
	}
	// The service gives no reason. The meta is for people who test here.
	return Key{}, &refusal{
		status: http.StatusUnauthorized, code: "NOT_AUTHORIZED",
		title: "Authentication credentials are missing or invalid.",
		detail: "Provide a properly configured and signed bearer token, and make sure that it has not expired. " +
			"Learn more about Generating Tokens for API Requests https://developer.apple.com/go/?id=api-generating-tokens",
		meta: map[string]any{"sandboxReason": err.Error()},
	}
}

func (s *Server) checkToken(header string, now time.Time) (Key, error) {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return Key{}, errors.New("there is no bearer token")
	}
	var key Key
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{"ES256"}), jwt.WithTimeFunc(func() time.Time { return now }),
		jwt.WithExpirationRequired(), jwt.WithLeeway(0),
	)
	claims := jwt.MapClaims{}
	parsed, err := parser.ParseWithClaims(strings.TrimSpace(token), claims, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		i := slices.IndexFunc(s.options.Keys, func(k Key) bool { return k.ID == kid })
		if i < 0 {
			return nil, errors.New("kid names no key")
		}
		key = s.options.Keys[i]
		return &key.Private.PublicKey, nil
	})
	if err != nil {
		return Key{}, err
	}
	if typ, _ := parsed.Header["typ"].(string); typ != "" && typ != "JWT" {
		return Key{}, errors.New("typ is not JWT")
	}
	if err := checkLifetime(claims, now); err != nil {
		return Key{}, err
	}
	audience, err := claims.GetAudience()
	if err != nil || len(audience) != 1 || audience[0] != "appstoreconnect-v1" {
		return Key{}, errors.New("aud is not appstoreconnect-v1")
	}
	_, hasIssuer := claims["iss"]
	_, hasSubject := claims["sub"]
	switch {
	case key.IssuerID != "" && (claims["iss"] != key.IssuerID || hasSubject):
		return Key{}, errors.New("iss is not the issuer id of this team key, or sub is set")
	case key.IssuerID == "" && (claims["sub"] != "user" || hasIssuer):
		return Key{}, errors.New("an individual key needs sub=user and no iss")
	}
	return key, nil
}

func checkLifetime(claims jwt.MapClaims, now time.Time) error {
	issued, err := claims.GetIssuedAt()
	if err != nil {
		return errors.New("iat is not a number")
	}
	if issued == nil {
		// The documentation asks for it, but clients without it are served: the
		// lifetime then seems to begin with the request.
		issued = jwt.NewNumericDate(now)
	}
	expires, err := claims.GetExpirationTime()
	switch {
	case err != nil || expires == nil:
		return errors.New("exp is missing")
	case expires.Sub(issued.Time) > maxTokenLifetime:
		return errors.New("exp - iat is more than 20 minutes")
	case issued.After(now.Add(time.Minute)):
		return errors.New("iat is in the future")
	}
	return nil
}

// authorize checks the key's role: a developer may read, and upload builds;
// marketing may read.
func authorize(key Key, method, path string) *refusal {
	upload := strings.HasPrefix(path, "/v1/buildUpload")
	switch {
	case key.Role != Developer && key.Role != Marketing, method == http.MethodGet, key.Role == Developer && upload:
		return nil
	}
	return &refusal{
		status: http.StatusForbidden, code: "FORBIDDEN_ERROR", title: "This request is forbidden for security reasons",
		detail: "The API key in use does not allow this request",
	}
}
