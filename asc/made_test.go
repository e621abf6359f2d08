package asc

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func notThere(kind, id string) string {
	return fmt.Sprintf(`{"errors":[{"status":"404","code":"NOT_FOUND","title":"The specified resource does not exist","detail":"There is no resource of type '%s' with id '%s'"}]}`, kind, id)
}

func TestWhatWasJustMadeIsWaitedFor(t *testing.T) {
	ctx := context.Background()
	create := func(c *Client) error { _, err := c.CreateBuildUpload(ctx, "9", NewBuildUpload{}); return err }
	commit := func(c *Client) error { _, err := c.CommitBuildUploadFile(ctx, "1"); return err }
	group := func(c *Client) error { _, err := c.CreateBetaGroup(ctx, "9", NewBetaGroup{}); return err }
	expire := func(c *Client) error { _, err := c.ExpireBuild(ctx, "1"); return err }
	nothing := func(*Client) error { return nil }
	look := func(c *Client) error { _, err := c.BuildUpload(ctx, "1"); return err }
	lookAtFile := func(c *Client) error { _, err := c.BuildUploadFile(ctx, "1"); return err }
	remove := func(c *Client) error { return c.DeleteBuildUpload(ctx, "1") }
	testers := func(c *Client) error { return c.AddTestersToBetaGroup(ctx, "1", []string{"t"}) }
	file := func(c *Client) error { _, err := c.CreateBuildUploadFile(ctx, "1", NewBuildUploadFile{}); return err }
	detail := func(c *Client) error { _, err := c.BuildBetaDetail(ctx, "1"); return err }
	for name, c := range map[string]struct {
		before func(*Client) error
		after  time.Duration
		call   func(*Client) error
		body   string
		times  int
		works  bool
		flaky  bool
		asked  int
	}{
		"a look at once":             {create, 0, look, notThere("buildUploads", "1"), 3, true, false, 4},
		"a look, without a text":     {create, 0, look, `{"errors":[{"code":"NOT_FOUND"}]}`, 3, true, false, 4},
		"a look, for good":           {create, 0, look, notThere("buildUploads", "1"), 99, false, true, 6},
		"a look a minute later":      {create, 61 * time.Second, look, notThere("buildUploads", "1"), 1, false, false, 1},
		"a look at another's":        {nothing, 0, look, notThere("buildUploads", "1"), 1, false, false, 1},
		"a look at another id":       {create, 0, look, notThere("buildUploads", "12"), 1, false, false, 1},
		"a look at another type":     {create, 0, look, notThere("builds", "1"), 1, false, false, 1},
		"a file after its commit":    {commit, 0, lookAtFile, notThere("buildUploadFiles", "1"), 2, true, false, 3},
		"a group gets testers":       {group, 0, testers, notThere("betaGroups", "1"), 2, true, false, 3},
		"a testers' list of another": {nothing, 0, testers, notThere("betaGroups", "1"), 1, false, false, 1},
		"an upload gets a file":      {create, 0, file, notThere("buildUploads", "1"), 1, false, true, 1},
		"a deletion":                 {create, 0, remove, notThere("buildUploads", "1"), 1, true, false, 2},
		"a beta detail is not it":    {expire, 0, detail, notThere("buildBetaDetails", "1"), 1, false, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			left := 0
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if left--; left >= 0 {
					answer(w, 404, c.body)
					return
				}
				if r.Method == http.MethodDelete || strings.Contains(r.URL.Path, "/relationships/") {
					w.WriteHeader(204)
					return
				}
				fmt.Fprint(w, resourceReply(r))
			})
			if err := c.before(s.client); err != nil {
				t.Fatal(err)
			}
			s.mu.Lock()
			s.now = s.now.Add(c.after)
			s.mu.Unlock()
			left = c.times
			before := s.count()
			err := c.call(s.client)
			if c.works != (err == nil) || IsFlakyNotFound(err) != c.flaky || IsTemporary(err) != c.flaky || s.count()-before != c.asked {
				t.Errorf("%d requests, flaky %v: %v", s.count()-before, IsFlakyNotFound(err), err)
			}
			if err != nil && (!IsNotFound(err) || IsUnclear(err)) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestWhatWasDeletedIsGone(t *testing.T) {
	for name, first := range map[string]int{"and the reply came": 204, "and the reply was lost": 502} {
		t.Run(name, func(t *testing.T) {
			deletions := 0
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.Method == http.MethodPost:
					fmt.Fprint(w, resourceReply(r))
				case r.Method == http.MethodDelete && deletions == 0:
					deletions++
					w.WriteHeader(first)
				default:
					answer(w, 404, notThere("buildUploads", "1"))
				}
			})
			if _, err := s.client.CreateBuildUpload(t.Context(), "9", NewBuildUpload{}); err != nil {
				t.Fatal(err)
			}
			if err := s.client.DeleteBuildUpload(t.Context(), "1"); err != nil {
				t.Error(err)
			}
			before := s.count()
			if _, err := s.client.BuildUpload(t.Context(), "1"); !IsNotFound(err) || IsFlakyNotFound(err) || s.count() != before+1 {
				t.Errorf("%d requests, %v", s.count()-before, err)
			}
		})
	}
}

func TestListsOfManyBytesEnd(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range []struct {
		bytes   int
		refused bool
	}{{maxList - 1, false}, {maxList, true}} {
		if reason := refuseNext("/v1/apps?cursor=1", seen, 1, c.bytes); (reason != "") != c.refused {
			t.Errorf("%d bytes: %q", c.bytes, reason)
		}
	}
}
