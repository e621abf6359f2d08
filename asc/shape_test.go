package asc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// badReplies are successes that hold no list and no resource.
var badReplies = map[string]struct {
	status int
	body   string
}{
	"an empty object":              {200, `{}`},
	"null":                         {200, `null`},
	"data null":                    {200, `{"data":null}`},
	"no data but other members":    {200, `{"links":{"self":"x"},"meta":{"paging":{"total":0,"limit":200}}}`},
	"data a text":                  {200, `{"data":"x"}`},
	"data a number":                {200, `{"data":0}`},
	"data false":                   {200, `{"data":false}`},
	"data in another letter case":  {200, `{"date":[]}`},
	"a list outside a document":    {200, `[]`},
	"a text":                       {200, `"ok"`},
	"no content":                   {204, ``},
	"accepted":                     {202, ``},
	"an empty body":                {200, ``},
	"white space":                  {200, "\n \n"},
	"another success without body": {205, ``},
	"HTML":                         {200, `<html><body>Sign in</body></html>`},
	"half a document":              {200, `{"data":[`},
	"errors in a success":          {200, `{"errors":[{"status":"500","code":"UNEXPECTED_ERROR"}]}`},
}

// badLists and badResources are wrong for one and right for the other, or wrong
// in what they hold.
var badLists = map[string]string{
	"a resource in place of the list": `{"data":{"type":"apps","id":"1"}}`,
	"a resource without an id":        `{"data":[{"type":"apps"}]}`,
	"a resource that is null":         `{"data":[null]}`,
	"a resource without a type":       `{"data":[{"id":"1"}]}`,
	"a resource of another type":      `{"data":[{"type":"apps","id":"1"},{"type":"builds","id":"2"}]}`,
	"a list in the list":              `{"data":[[]]}`,
	"attributes of another kind":      `{"data":[{"type":"apps","id":"1","attributes":[]}]}`,
}

var badResources = map[string]string{
	"an empty list":              `{"data":[]}`,
	"a list":                     `{"data":[{"type":"apps","id":"1"}]}`,
	"a resource without an id":   `{"data":{"type":"apps"}}`,
	"a resource without a type":  `{"data":{"id":"1"}}`,
	"a resource of another type": `{"data":{"type":"builds","id":"1"}}`,
	"another resource":           `{"data":{"type":"apps","id":"2"}}`,
	"an id that is a number":     `{"data":{"type":"apps","id":1}}`,
}

func answer(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	fmt.Fprint(w, body)
}

func TestAReadWithoutItsDocumentIsRepeatedAndThenFails(t *testing.T) {
	type reply struct {
		status int
		body   string
	}
	type read struct {
		call func(*Client) error
		bad  map[string]reply
		good string
	}
	lists, resources := map[string]reply{}, map[string]reply{}
	for name, r := range badReplies {
		lists[name], resources[name] = reply(r), reply(r)
	}
	for name, body := range badLists {
		lists[name] = reply{200, body}
	}
	for name, body := range badResources {
		resources[name] = reply{200, body}
	}
	for kind, c := range map[string]read{
		"list":     {func(c *Client) error { _, err := Collect(c.Apps(context.Background(), "")); return err }, lists, `{"data":[]}`},
		"resource": {func(c *Client) error { _, err := c.App(context.Background(), "1"); return err }, resources, appReply},
	} {
		for name, bad := range c.bad {
			t.Run(kind+": "+name, func(t *testing.T) {
				left := 2
				s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
					if left--; left >= 0 {
						answer(w, bad.status, bad.body)
						return
					}
					fmt.Fprint(w, c.good)
				})
				if err := c.call(s.client); err != nil || s.count() != 3 {
					t.Errorf("twice, then a good one: %d requests, %v", s.count(), err)
				}
				left = 1 << 30
				start := s.now
				err := c.call(s.client)
				var transport *TransportError
				if !errors.As(err, &transport) || !IsTemporary(err) || IsNotFound(err) || transport.Attempts < 3 {
					t.Errorf("for good: %v", err)
				}
				if took := s.now.Sub(start); took > defaultRetryFor {
					t.Errorf("tried for %s", took)
				}
			})
		}
	}
}

func TestAnEmptyListIsOne(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"data":[],"links":{"next":null},"meta":null}`)
	})
	if apps, err := Collect(s.client.Apps(t.Context(), "")); err != nil || len(apps) != 0 || s.count() != 1 {
		t.Errorf("%v, %v, %d requests", apps, err, s.count())
	}
}

func TestAWriteWithoutItsDocumentIsUnclear(t *testing.T) {
	ctx := context.Background()
	for kind, call := range map[string]func(*Client) error{
		"create": func(c *Client) error { _, err := c.CreateBuildUpload(ctx, "1", NewBuildUpload{}); return err },
		"commit": func(c *Client) error { _, err := c.CommitBuildUploadFile(ctx, "1"); return err },
		"update": func(c *Client) error { _, err := c.UpdateBetaBuildLocalization(ctx, "1", "x"); return err },
	} {
		for name, bad := range badReplies {
			t.Run(kind+": "+name, func(t *testing.T) {
				s := serve(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, bad.status, bad.body) })
				if err := call(s.client); !IsUnclear(err) || kind != "update" && s.count() != 1 {
					t.Errorf("%d requests, %v", s.count(), err)
				}
			})
		}
		for name, body := range badResources {
			t.Run(kind+": "+name, func(t *testing.T) {
				s := serve(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, body) })
				if err := call(s.client); !IsUnclear(err) || s.count() != 1 {
					t.Errorf("%d requests, %v", s.count(), err)
				}
			})
		}
	}
}

func TestARelationshipMayHaveNoResource(t *testing.T) {
	ctx := context.Background()
	for name, call := range map[string]func(*Client) error{
		"beta detail":   func(c *Client) error { _, err := c.BuildBetaDetail(ctx, "1"); return err },
		"review detail": func(c *Client) error { _, err := c.BetaAppReviewDetail(ctx, "1"); return err },
	} {
		for body, status := range map[string]int{
			`{"data":null}`:                                    200,
			`{"data": null ,"links":{}}`:                       200,
			`{"errors":[{"status":"404","code":"NOT_FOUND"}]}`: 404,
		} {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, status, body) })
			if err := call(s.client); !IsNotFound(err) || IsTemporary(err) || s.count() != 1 {
				t.Errorf("%s, %s: %d requests, %v", name, body, s.count(), err)
			}
		}
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) })
		if err := call(s.client); !IsTemporary(err) || IsNotFound(err) {
			t.Errorf("%s, no data: %v", name, err)
		}
	}
}

func TestListsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		items int
		next  func(n int) string
		says  string
		most  int
	}{
		"links that never end":        {1, func(n int) string { return fmt.Sprintf("/v1/apps?cursor=%d", n) }, "at the latest", maxPages},
		"empty pages that never end":  {0, func(n int) string { return fmt.Sprintf("/v1/apps?cursor=%d", n) }, "at the latest", maxPages},
		"large pages that never end":  {50_000, func(n int) string { return fmt.Sprintf("/v1/apps?cursor=%d", n) }, "at the latest", 2},
		"a link that is a bomb":       {1, func(n int) string { return "/v1/apps?cursor=" + strings.Repeat("x", 1<<20) }, "bytes", 1},
		"two links that take turns":   {1, func(n int) string { return fmt.Sprintf("/v1/apps?cursor=%d", n%2) }, "read already", 3},
		"a page that leads to itself": {1, func(int) string { return "/v1/apps?cursor=1" }, "read already", 2},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			data := strings.TrimSuffix(strings.Repeat(`{"type":"apps","id":"1"},`, c.items), ",")
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				n++
				fmt.Fprintf(w, `{"data":[%s],"links":{"next":%q}}`, data, c.next(n))
			})
			_, err := Collect(s.client.Apps(t.Context(), ""))
			var link *LinkError
			if !errors.As(err, &link) || !strings.Contains(err.Error(), c.says) || len(err.Error()) > 500 {
				t.Errorf("%v", err)
			}
			if s.count() > c.most {
				t.Errorf("%d requests", s.count())
			}
		})
	}
}
