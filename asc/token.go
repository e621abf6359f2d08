package asc

import (
	"fmt"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Facts about tokens, from Apple's "Generating Tokens for API Requests": the
// lifetime is exp − iat, and the service refuses more than 20 minutes.
const (
	maxTokenLifetime     = 20 * time.Minute
	defaultTokenLifetime = 15 * time.Minute
	minTokenLifetime     = 2 * time.Minute
	// issuedAgo sets iat back, for machines whose clock is ahead of Apple's.
	issuedAgo = time.Minute
	// renewBefore is how long before its end a token is no longer used.
	renewBefore = time.Minute
	audience    = "appstoreconnect-v1"
)

// SignToken makes one token for the API, issued a minute before now so that a
// clock that is ahead does no harm. The second result is when it runs out.
func (k Key) SignToken(now time.Time) (string, time.Time, error) {
	lifetime := k.Lifetime
	switch {
	case lifetime <= 0:
		lifetime = defaultTokenLifetime
	case lifetime > maxTokenLifetime:
		lifetime = maxTokenLifetime
	case lifetime < minTokenLifetime:
		lifetime = minTokenLifetime
	}
	issued := now.Add(-issuedAgo).Truncate(time.Second)
	expires := issued.Add(lifetime)
	// The audience is a plain string: jwt.RegisteredClaims would send a list.
	claims := jwt.MapClaims{"iat": issued.Unix(), "exp": expires.Unix(), "aud": audience}
	if k.Individual() {
		claims["sub"] = "user"
	} else {
		claims["iss"] = k.IssuerID
	}
	token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	token.Header["kid"] = k.ID
	signed, err := token.SignedString(k.Private)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign token: %w", err)
	}
	return signed, expires, nil
}

// tokens hands out one token until shortly before it runs out.
type tokens struct {
	key Key
	now func() time.Time

	mu      sync.Mutex
	current string
	expires time.Time
}

// get returns a token that is good for a while yet.
func (t *tokens) get() (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current != "" && t.now().Before(t.expires.Add(-renewBefore)) {
		return t.current, nil
	}
	signed, expires, err := t.key.SignToken(t.now())
	if err != nil {
		return "", err
	}
	t.current, t.expires = signed, expires
	return signed, nil
}

// discard forgets a token that the service refused, unless another request
// has already replaced it.
func (t *tokens) discard(refused string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current == refused {
		t.current = ""
	}
}
