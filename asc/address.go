package asc

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// ParseURL checks the address of a service that is to receive a token: https,
// or http on a loopback address; no user, query or fragment.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(strings.TrimSpace(text), "/"))
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("API address %q is not a URL such as %s", text, DefaultURL)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("API address must be a plain URL such as %s, without user, query or fragment", DefaultURL)
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && isLoopback(u.Hostname()):
	case u.Scheme == "http":
		return nil, fmt.Errorf("API address %s is plain http: the token would travel in clear text; use https (http is accepted for loopback addresses only)", u)
	default:
		return nil, fmt.Errorf("API address %q is not an https URL", text)
	}
	return u, nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
