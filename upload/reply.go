package upload

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxReply is how much of a reply is read.
const maxReply = 16 << 10

// readSuccess checks that a success is one: the store acknowledges the bytes
// with that sum, and nothing else has answered in its place. If not, it says in
// failure why. The acknowledgement is verified if it comes with the sum.
func readSuccess(resp *http.Response, sum string, failure *PartError, now time.Time) (verified, ok bool) {
	// Reading to the end lets the connection be used again. A reply that ends
	// early is judged by what came: the status and the headers did.
	content, readErr := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if isRefusal(resp.Header.Get("Content-Type"), content, readErr != nil) {
		failure.refusedBy(resp, content, now)
		failure.Err = errNotTheStore
		if failure.Code != "" {
			failure.Err = nil
		}
		return false, false
	}
	switch entityTag(resp.Header.Get("ETag")) {
	case "":
		return false, true
	case sum:
		return true, true
	}
	failure.Status, failure.Err = resp.StatusCode, errMismatch
	return false, false
}

// readRefusal takes the store's reason from its XML, or from whatever it said.
func readRefusal(resp *http.Response, into *PartError, now time.Time) {
	content, _ := io.ReadAll(io.LimitReader(resp.Body, maxReply)) // the status alone is reason enough
	into.refusedBy(resp, content, now)
}

// refusedBy takes the reason from the body of a refusal.
func (e *PartError) refusedBy(resp *http.Response, content []byte, now time.Time) {
	e.Status = resp.StatusCode
	e.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), now)
	content = withoutSignature(content, resp.Request)
	var refusal struct {
		Code    string `xml:"Code"`
		Message string `xml:"Message"`
	}
	if xml.Unmarshal(content, &refusal) == nil && refusal.Code != "" {
		e.Code, e.Message = oneLine(refusal.Code), oneLine(refusal.Message)
		return
	}
	e.Message = oneLine(string(content))
	if e.Message == "" {
		e.Message = http.StatusText(resp.StatusCode)
	}
}

// isRefusal reports whether the body of a success says the opposite: S3 answers
// 200 with an <Error> where it fails late, and a portal with a page of HTML.
// Cut tells that the body did not arrive whole.
func isRefusal(contentType string, content []byte, cut bool) bool {
	if strings.Contains(strings.ToLower(contentType), "html") {
		return cut || len(trimSpace(content)) > 0
	}
	return slices.Contains([]string{"error", "html", "head", "body", "title", "script", "meta"}, rootElement(content))
}

// rootElement returns the name of the first element of XML or HTML, in lower
// case and without a namespace, or "" if there is none. A declaration that the
// document is HTML counts as its element.
func rootElement(content []byte) string {
	content = bytes.ToLower(content)
	for {
		content = trimSpace(content)
		end := ">"
		switch {
		case bytes.HasPrefix(content, []byte("<?")):
			end = "?>"
		case bytes.HasPrefix(content, []byte("<!--")):
			end = "-->"
		case bytes.HasPrefix(content, []byte("<!")):
			declared, isType := bytes.CutPrefix(content, []byte("<!doctype"))
			if isType && bytes.HasPrefix(trimSpace(declared), []byte("html")) {
				return "html"
			}
		case bytes.HasPrefix(content, []byte("<")):
			name := content[1:]
			if i := bytes.IndexAny(name, " \t\r\n/>"); i >= 0 {
				name = name[:i]
			}
			return string(name[bytes.IndexByte(name, ':')+1:])
		default:
			return ""
		}
		i := bytes.Index(content, []byte(end))
		if i < 0 {
			return ""
		}
		content = content[i+len(end):]
	}
}

// trimSpace removes white space, and a byte order mark, from the start.
func trimSpace(content []byte) []byte { return bytes.TrimLeft(content, "\ufeff \t\r\n") }

// withoutSignature removes what a request's URL is signed with from what came
// back: a gateway may repeat the URL, which is a secret.
func withoutSignature(content []byte, req *http.Request) []byte {
	if req == nil || req.URL.RawQuery == "" {
		return content
	}
	const shortest = 16 // of what could be a secret
	content = bytes.ReplaceAll(content, []byte(req.URL.RawQuery), []byte("…"))
	for _, values := range req.URL.Query() {
		for _, value := range values {
			if len(value) >= shortest {
				content = bytes.ReplaceAll(content, []byte(value), []byte("…"))
				content = bytes.ReplaceAll(content, []byte(url.QueryEscape(value)), []byte("…"))
			}
		}
	}
	return content
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if runes := []rune(s); len(runes) > 200 {
		s = string(runes[:200]) + "…"
	}
	return s
}

func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := time.ParseDuration(strings.TrimSpace(header) + "s"); err == nil && seconds > 0 {
		return seconds
	}
	if at, err := http.ParseTime(header); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
