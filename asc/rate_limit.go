package asc

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A RateLimit is what the service last said about the key's hourly allowance,
// from the X-Rate-Limit header ("user-hour-lim:3500;user-hour-rem:500;"). The
// hour is rolling and counts all users of the key.
type RateLimit struct {
	// Limit and Remaining are requests per hour.
	Limit, Remaining int
}

// Known tells whether the service has said anything yet.
func (r RateLimit) Known() bool { return r.Limit > 0 }

func parseRateLimit(header string) (RateLimit, bool) {
	var limit RateLimit
	for field := range strings.SplitSeq(header, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), ":")
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || n < 0 {
			continue
		}
		switch strings.TrimSpace(name) {
		case "user-hour-lim":
			limit.Limit = n
		case "user-hour-rem":
			limit.Remaining = n
		}
	}
	return limit, limit.Known()
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
