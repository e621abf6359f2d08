package asc

import (
	"errors"
	"net/http"
	"strings"
	"time"
)

const (
	// madeWindow is how long a 404 for what this client made proves nothing.
	madeWindow = time.Minute
	// madeRepeats is how often such a request is repeated; the pauses double
	// from one second.
	madeRepeats = 5
	// maxMade bounds what is remembered.
	maxMade = 1000
)

// remember keeps what the service said it made or changed.
func (c *Client) remember(made linkage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	for old, at := range c.made {
		if now.Sub(at) > madeWindow {
			delete(c.made, old)
		}
	}
	if c.made == nil {
		c.made = map[linkage]time.Time{}
	}
	if len(c.made) < maxMade {
		c.made[made] = now
	}
}

// forget drops what a request has deleted.
func (c *Client) forget(x *exchange) {
	if parts := pathParts(x.target.Path); x.method == http.MethodDelete && len(parts) == 2 {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.made, linkage{Type: parts[0], ID: parts[1]})
	}
}

// markJustMade marks a 404 about a resource that this client has just made.
func (c *Client) markJustMade(err error) {
	var refusal *Error
	if !errors.As(err, &refusal) || refusal.HTTPStatus != http.StatusNotFound {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for made, at := range c.made {
		if c.now().Sub(at) <= madeWindow && refusal.names(made) {
			refusal.justMade = true
		}
	}
}

// names tells whether a 404 says that a resource is missing: by its text or,
// where it has none that says what, by its path.
func (e *Error) names(r linkage) bool {
	said := false
	for _, detail := range e.Details {
		if strings.Contains(detail.Detail, "'"+r.Type+"' with id '"+r.ID+"'") {
			return true
		}
		said = said || strings.Contains(strings.ToLower(detail.Detail), "no resource of type")
	}
	parts := pathParts(e.Path)
	return !said && len(parts) == 2 && parts[0] == r.Type && parts[1] == r.ID
}
