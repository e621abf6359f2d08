package asc

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A RateLimit is what the service last said about the key's allowance, in its
// X-Rate-Limit headers. There are two budgets: reads tell of the hour
// ("user-hour-lim:3500;user-hour-rem:500;"), which is rolling and counts all
// users of the key, and writes at times of the minute only
// ("user-minute-lim:150;user-minute-rem:149;"). A reply that tells of one says
// nothing about the other.
type RateLimit struct {
	// Limit and Remaining are requests per hour.
	Limit, Remaining int
	// MinuteLimit and MinuteRemaining are requests per minute. Both are zero
	// when the service has said nothing about them for a minute.
	MinuteLimit, MinuteRemaining int
}

// Known tells whether the service has said anything yet about the hour.
func (r RateLimit) Known() bool { return r.Limit > 0 }

// MinuteKnown tells whether the service said something about the minute within
// the last one.
func (r RateLimit) MinuteKnown() bool { return r.MinuteLimit > 0 }

// RateLimit returns what the service last said about the allowance.
func (c *Client) RateLimit() RateLimit {
	c.mu.Lock()
	defer c.mu.Unlock()
	limit := c.limit
	if c.now().Sub(c.minuteTold) >= time.Minute {
		limit.MinuteLimit, limit.MinuteRemaining = 0, 0
	}
	return limit
}

// parseRateLimit reads the figures of all header lines of a reply. Joined lines
// have a comma between them.
func parseRateLimit(lines []string) map[string]int {
	figures := map[string]int{}
	for _, line := range lines {
		for _, field := range strings.FieldsFunc(line, func(r rune) bool { return r == ';' || r == ',' }) {
			name, value, _ := strings.Cut(field, ":")
			if n, err := strconv.Atoi(strings.TrimSpace(value)); err == nil && n >= 0 {
				figures[strings.ToLower(strings.TrimSpace(name))] = n
			}
		}
	}
	return figures
}

// take keeps the figures that a reply told, and leaves the others. It reports
// whether there was one of the minute.
func (r *RateLimit) take(figures map[string]int) (minute bool) {
	takeBudget(figures, "user-hour", &r.Limit, &r.Remaining)
	return takeBudget(figures, "user-minute", &r.MinuteLimit, &r.MinuteRemaining)
}

// takeBudget needs what remains: a limit alone would look like one used up.
func takeBudget(figures map[string]int, name string, limit, remaining *int) bool {
	rem, told := figures[name+"-rem"]
	if lim, ok := figures[name+"-lim"]; ok && (told || *limit > 0) {
		*limit = lim
	}
	if told && *limit > 0 {
		*remaining = rem
	}
	return told
}

// parseRetryAfter reads both forms of the header. Zero means none.
func parseRetryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if seconds, err := strconv.ParseFloat(header, 64); err == nil && seconds > 0 {
		return time.Duration(min(seconds, 86400) * float64(time.Second))
	}
	if at, err := http.ParseTime(header); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
