// Package contracttest checks HTTP exchanges against the OpenAPI document of
// the App Store Connect API, for tests.
package contracttest

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// document is the OpenAPI document, trimmed by contractgen to what the sandbox
// serves.
//
//go:embed openapi.json
var document []byte

var load = sync.OnceValues(func() (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		return nil, err
	}
	// Schemas are open as published; the service refuses unknown members.
	for name, schema := range doc.Components.Schemas {
		if strings.HasSuffix(name, "Request") {
			closeObjects(schema.Value, map[*openapi3.Schema]bool{})
		}
	}
	return legacy.NewRouter(doc)
})

func closeObjects(schema *openapi3.Schema, seen map[*openapi3.Schema]bool) {
	if schema == nil || seen[schema] {
		return
	}
	seen[schema] = true
	if len(schema.Properties) > 0 {
		closed := false
		schema.AdditionalProperties = openapi3.AdditionalProperties{Has: &closed}
	}
	for _, property := range schema.Properties {
		closeObjects(property.Value, seen)
	}
	if schema.Items != nil {
		closeObjects(schema.Items.Value, seen)
	}
}

// A Transport checks every exchange that passes through it.
type Transport struct {
	T *testing.T
	// Next carries the requests.
	Next http.RoundTripper
	// Wrong, if set, is told of what breaks the contract instead of T.
	Wrong func(string)

	mu    sync.Mutex
	calls int
}

// Calls is the number of checked exchanges.
func (c *Transport) Calls() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls
}

func (c *Transport) wrong(format string, args ...any) {
	if c.Wrong != nil {
		c.Wrong(fmt.Sprintf(format, args...))
		return
	}
	c.T.Errorf(format, args...)
}

// RoundTrip implements [http.RoundTripper].
func (c *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	router, err := load()
	if err != nil {
		c.wrong("load the contract: %v", err)
		return c.Next.RoundTrip(req)
	}
	var body []byte
	if req.Body != nil {
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	// Pages are asked for with a cursor, which no list of parameters has.
	plain, err := url.Parse("https://api.appstoreconnect.apple.com" + req.URL.Path)
	if err != nil {
		return nil, err
	}
	query := req.URL.Query()
	query.Del("cursor")
	plain.RawQuery = query.Encode()
	checked, err := http.NewRequestWithContext(context.Background(), req.Method, plain.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	checked.Header = req.Header.Clone()
	route, params, err := router.FindRoute(checked)
	if err != nil {
		c.wrong("%s %s is not in the contract: %v", req.Method, req.URL.Path, err)
		return c.Next.RoundTrip(req)
	}
	input := &openapi3filter.RequestValidationInput{
		Request: checked, PathParams: params, Route: route,
		Options: &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, MultiError: true,
		},
	}
	if err := openapi3filter.ValidateRequest(context.Background(), input); err != nil {
		c.wrong("request %s %s?%s breaks the contract: %v\n%s", req.Method, req.URL.Path, req.URL.RawQuery, err, body)
	}
	for name := range query {
		if route.Operation.Parameters.GetByInAndName("query", name) == nil {
			c.wrong("request %s %s: the contract has no parameter %s", req.Method, req.URL.Path, name)
		}
	}
	resp, err := c.Next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(content))
	if err != nil {
		return resp, nil // the caller meets the same end
	}
	c.check(input, resp, content)
	return resp, nil
}

func (c *Transport) check(input *openapi3filter.RequestValidationInput, resp *http.Response, content []byte) {
	c.mu.Lock()
	c.calls++
	c.mu.Unlock()
	if resp.StatusCode >= 500 {
		return // in no contract
	}
	header := resp.Header.Clone()
	header.Del("Content-Length")
	err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: resp.StatusCode, Header: header,
		Body:    io.NopCloser(bytes.NewReader(dropNulls(content))),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	})
	if err != nil {
		c.wrong("reply to %s %s breaks the contract: HTTP %d: %v\n%s",
			input.Request.Method, input.Request.URL.Path, resp.StatusCode, err, content)
	}
}

// dropNulls removes what the service sends for a missing value, and the
// contract does not allow for.
func dropNulls(content []byte) []byte {
	var value any
	if len(content) == 0 || json.Unmarshal(content, &value) != nil {
		return content
	}
	cleaned, err := json.Marshal(withoutNulls(value))
	if err != nil {
		return content
	}
	return cleaned
}

func withoutNulls(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			if member == nil {
				delete(v, name)
				continue
			}
			v[name] = withoutNulls(member)
		}
	case []any:
		for i := range v {
			v[i] = withoutNulls(v[i])
		}
	}
	return value
}
