package asc

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
)

// maxPageSize is the contract's maximum of limit on every list.
const maxPageSize = "200"

// pages walks a list through all its pages, in the service's order. The first
// error ends it, and is yielded with a zero value.
func pages[A, T any](ctx context.Context, c *Client, path string, query url.Values, convert func(resource[A], included) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		seen := map[string]bool{}
		next := request{method: http.MethodGet, path: path, query: query}
		for {
			var page listDocument[A]
			if err := c.do(ctx, next, &page); err != nil {
				yield(zero, err)
				return
			}
			for _, r := range page.Data {
				if r.ID == "" {
					yield(zero, &TransportError{Method: http.MethodGet, URL: c.base.String() + path, Sent: true, Attempts: 1,
						Err: fmt.Errorf("the list holds a resource without an id: this is not the App Store Connect API")})
					return
				}
				if !yield(convert(r, page.Included), nil) {
					return
				}
			}
			link := page.Links.Next
			if link == "" {
				return
			}
			if seen[link] {
				yield(zero, &LinkError{Reason: "from " + path + " to a next page that was read already"})
				return
			}
			seen[link] = true
			next = request{method: http.MethodGet, path: absolute(c, link)}
		}
	}
}

// absolute makes a link without a host one on the API's host.
func absolute(c *Client, link string) string {
	if strings.HasPrefix(link, "/") && !strings.HasPrefix(link, "//") {
		return c.base.Scheme + "://" + c.base.Host + link
	}
	return link
}

// Collect reads a whole list into memory.
func Collect[T any](list iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for item, err := range list {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}

// get reads one resource.
func get[A, T any](ctx context.Context, c *Client, path string, query url.Values, convert func(resource[A], included) T) (T, error) {
	return call(ctx, c, request{method: http.MethodGet, path: path, query: query}, convert)
}

// call sends a request whose reply is one resource.
func call[A, T any](ctx context.Context, c *Client, r request, convert func(resource[A], included) T) (T, error) {
	var doc document[A]
	var zero T
	if err := c.do(ctx, r, &doc); err != nil {
		return zero, err
	}
	if doc.Data.ID == "" {
		return zero, &TransportError{Method: r.method, URL: c.base.String() + r.path, Sent: true, Attempts: 1,
			Err: fmt.Errorf("the reply holds no resource: this is not the App Store Connect API")}
	}
	return convert(doc.Data, doc.Included), nil
}

// values builds a query from names and comma-joined values, leaving out the
// empty ones.
func values(pairs ...string) url.Values {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	return query
}

// list joins the values of a list parameter (style=form, explode=false).
func list(items []string) string { return strings.Join(items, ",") }

// segment escapes an id for use in a path.
func segment(id string) string { return url.PathEscape(id) }
