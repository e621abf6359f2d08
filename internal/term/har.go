package term

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxTraced is how much of a refusal's body a trace keeps, in bytes.
const maxTraced = 64 << 10

// A Trace writes requests to the API down in the form of HTTP archives (HAR
// 1.2). Tokens and cookies are left out, and so are bodies except those of
// refusals: the others hold passwords and the URLs of upload operations. The
// object store's requests are not traced: their URLs are secrets.
type Trace struct {
	next http.RoundTripper
	now  func() time.Time

	mu      sync.Mutex
	entries []map[string]any
}

// NewTrace returns a trace of what goes through next.
func NewTrace(next http.RoundTripper, now func() time.Time) *Trace {
	return &Trace{next: next, now: now}
}

// RoundTrip implements [http.RoundTripper].
func (t *Trace) RoundTrip(r *http.Request) (*http.Response, error) {
	start := t.now()
	reply, err := t.next.RoundTrip(r)
	took := float64(t.now().Sub(start)) / float64(time.Millisecond)
	query := []map[string]string{}
	for name, values := range r.URL.Query() {
		for _, v := range values {
			query = append(query, map[string]string{"name": name, "value": v})
		}
	}
	entry := map[string]any{
		"startedDateTime": start.Format(time.RFC3339Nano), "time": took, "cache": map[string]any{},
		"timings": map[string]any{"send": 0, "wait": took, "receive": 0},
		"request": map[string]any{
			"method": r.Method, "url": r.URL.String(), "httpVersion": r.Proto, "headers": headers(r.Header), "queryString": query, "cookies": []any{},
			"headersSize": -1, "bodySize": r.ContentLength,
		},
	}
	response := map[string]any{"status": 0, "statusText": "", "httpVersion": "", "headers": []any{}, "cookies": []any{}, "redirectURL": "", "headersSize": -1, "bodySize": -1, "content": map[string]any{"size": 0, "mimeType": ""}}
	if err != nil {
		entry["comment"] = visible(err.Error())
	} else {
		content := map[string]any{"size": max(reply.ContentLength, 0), "mimeType": reply.Header.Get("Content-Type")}
		if reply.StatusCode >= 400 && reply.Body != nil {
			body, readErr := io.ReadAll(io.LimitReader(reply.Body, maxTraced))
			if readErr == nil {
				content["text"] = withoutToken(string(body), r.Header)
			}
			reply.Body = readCloser{io.MultiReader(bytes.NewReader(body), reply.Body), reply.Body}
		}
		response["status"], response["statusText"], response["httpVersion"] = reply.StatusCode, http.StatusText(reply.StatusCode), reply.Proto
		response["headers"], response["content"] = headers(reply.Header), content
	}
	entry["response"] = response
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entries = append(t.entries, entry)
	return reply, err
}

// withoutToken removes a request's token from what came back: a gateway may
// repeat the request.
func withoutToken(text string, header http.Header) string {
	if _, token, ok := strings.Cut(header.Get("Authorization"), " "); ok && token != "" {
		return strings.ReplaceAll(text, token, "(removed)")
	}
	return text
}

type readCloser struct {
	io.Reader
	io.Closer
}

// CloseIdleConnections passes on.
func (t *Trace) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// headers lists headers without those that are secrets.
func headers(h http.Header) []map[string]string {
	out := []map[string]string{}
	for name, values := range h {
		for _, v := range values {
			if slices.Contains([]string{"authorization", "cookie", "set-cookie", "proxy-authorization"}, strings.ToLower(name)) {
				v = "(removed)"
			}
			out = append(out, map[string]string{"name": name, "value": v})
		}
	}
	slices.SortFunc(out, func(a, b map[string]string) int { return strings.Compare(a["name"]+a["value"], b["name"]+b["value"]) })
	return out
}

// Content is the archive as a file, for its owner only.
func (t *Trace) Content(version string) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	entries := t.entries
	if entries == nil {
		entries = []map[string]any{}
	}
	content, err := json.MarshalIndent(map[string]any{"log": map[string]any{
		"version": "1.2", "creator": map[string]string{"name": "ascend", "version": version}, "entries": entries,
	}}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the trace: %w", err)
	}
	return escapeJSON(content), nil
}
