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

// The bounds of one list. The longest that is known is that of an app's 10,000
// external testers; links that never end must not use up the key's allowance.
const (
	maxPages = 500
	maxItems = 200 * maxPages
	maxList  = 8 * maxReply // bytes
	maxLink  = 8 << 10
)

// pages walks a list of resources of one type through all its pages, in the
// service's order. The first error ends it, and is yielded with a zero value.
func pages[A, T any](
	ctx context.Context, c *Client, kind, path string, query url.Values, convert func(resource[A], included) T,
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		seen := map[string]bool{}
		items, bytes := 0, 0
		next := request{method: http.MethodGet, path: path, query: query}
		for {
			var page listDocument[A]
			accept := acceptList(kind, &page)
			next.accept = func(body []byte) error {
				bytes += len(body)
				return accept(body)
			}
			if err := c.do(ctx, next); err != nil {
				yield(zero, err)
				return
			}
			items += len(page.Data)
			for _, r := range page.Data {
				if !yield(convert(r, page.Included), nil) {
					return
				}
			}
			link := page.Links.Next
			if link == "" {
				return
			}
			if reason := refuseNext(link, seen, items, bytes); reason != "" {
				yield(zero, &LinkError{Reason: "from " + path + " " + reason})
				return
			}
			seen[link] = true
			next = request{method: http.MethodGet, path: absolute(c, link)}
		}
	}
}

// refuseNext says what is wrong with a link to the page after those seen, after
// so many items and bytes.
func refuseNext(link string, seen map[string]bool, items, bytes int) string {
	switch {
	case seen[link]:
		return "to a next page that was read already"
	case len(seen)+1 >= maxPages:
		return fmt.Sprintf("to page %d: a list ends after %d pages at the latest", maxPages+1, maxPages)
	case items >= maxItems:
		return fmt.Sprintf("to a next page after %d items: a list ends after %d at the latest", items, maxItems)
	case bytes >= maxList:
		return fmt.Sprintf("to a next page after %d MiB: a list ends after %d MiB at the latest", bytes>>20, maxList>>20)
	case len(link) > maxLink:
		return fmt.Sprintf("of %d bytes to a next page", len(link))
	}
	return ""
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

// get reads the resource of a type with an id.
func get[A, T any](
	ctx context.Context, c *Client, kind, id string, query url.Values, convert func(resource[A], included) T,
) (T, error) {
	var doc document[A]
	return read(ctx, c, request{
		method: http.MethodGet, path: "/v1/" + kind + "/" + segment(id), query: query, accept: acceptOne(kind, id, &doc),
	}, &doc, convert)
}

// related reads the resource of a to-one relationship. Where there is none,
// [IsNotFound] holds.
func related[A, T any](
	ctx context.Context, c *Client, kind, path string, query url.Values, convert func(resource[A], included) T,
) (T, error) {
	var doc document[A]
	return read(ctx, c, request{
		method: http.MethodGet, path: path, query: query, accept: acceptRelated(kind, &doc),
	}, &doc, convert)
}

// call sends a request whose body is a resource, and whose reply is what became
// of it.
func call[A, T any](ctx context.Context, c *Client, r request, convert func(resource[A], included) T) (T, error) {
	var doc document[A]
	var sent newResource
	if body, ok := r.body.(payload); ok {
		sent, _ = body.Data.(newResource)
	}
	r.accept = acceptOne(sent.Type, sent.ID, &doc)
	result, err := read(ctx, c, r, &doc, convert)
	if err == nil {
		c.remember(linkage{Type: doc.Data.Type, ID: doc.Data.ID})
	}
	return result, err
}

// read sends a request that reads its reply into doc.
func read[A, T any](
	ctx context.Context, c *Client, r request, doc *document[A], convert func(resource[A], included) T,
) (T, error) {
	if err := c.do(ctx, r); err != nil {
		var zero T
		return zero, err
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
