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
	// offset is how far this machine's clock is taken to be ahead of the
	// service's. It is zero until a refused token shows otherwise.
	offset time.Duration
}

// get returns a token that is good for a while yet, and the offset of the clock
// that it was signed with.
func (t *tokens) get() (string, time.Duration, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now().Add(-t.offset)
	if t.current != "" && now.Before(t.expires.Add(-renewBefore)) {
		return t.current, t.offset, nil
	}
	signed, expires, err := t.key.SignToken(now)
	if err != nil {
		return "", 0, err
	}
	t.current, t.expires = signed, expires
	return signed, t.offset, nil
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

// adopt signs with another clock from now on, if skew differs noticeably from
// what is in use. It returns the offset that was in use before.
func (t *tokens) adopt(skew time.Duration) (before time.Duration, changed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before = t.offset
	if (skew - before).Abs() <= clockTolerance {
		return before, false
	}
	if skew.Abs() <= clockTolerance {
		skew = 0
	}
	t.offset, t.current = skew, ""
	return before, true
}
