package asc

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// missing is the text of a 404 as it was recorded.
func missing(kind string) string {
	return fmt.Sprintf(`{"errors":[{"status":"404","code":"NOT_FOUND","title":"The specified resource does not exist","detail":"There is no resource of type '%s' with id '1234567890'"}]}`, kind)
}

func TestA404ThatProvesNothing(t *testing.T) {
	ctx := context.Background()
	calls := map[string]func(*Client) error{
		"list of an app":   func(c *Client) error { _, err := Collect(c.BuildUploads(ctx, "1", BuildUploadFilter{})); return err },
		"build upload":     func(c *Client) error { _, err := c.BuildUpload(ctx, "1"); return err },
		"file":             func(c *Client) error { _, err := c.BuildUploadFile(ctx, "1"); return err },
		"files":            func(c *Client) error { _, err := Collect(c.BuildUploadFiles(ctx, "1")); return err },
		"delete":           func(c *Client) error { return c.DeleteBuildUpload(ctx, "1") },
		"create":           func(c *Client) error { _, err := c.CreateBuildUpload(ctx, "1", NewBuildUpload{}); return err },
		"create a file":    func(c *Client) error { _, err := c.CreateBuildUploadFile(ctx, "1", NewBuildUploadFile{}); return err },
		"commit":           func(c *Client) error { _, err := c.CommitBuildUploadFile(ctx, "1"); return err },
		"build":            func(c *Client) error { _, err := c.Build(ctx, "1"); return err },
		"app":              func(c *Client) error { _, err := c.App(ctx, "1"); return err },
		"versions of apps": func(c *Client) error { _, err := Collect(c.AppStoreVersions(ctx, "1", "", nil)); return err },
	}
	for name, c := range map[string]struct {
		call    string
		times   int
		body    string
		app     int // status of the app itself
		works   bool
		flaky   bool
		asked   int // requests besides those for the app
		appSeen int
	}{
		"once, on the app's path":         {"list of an app", 1, missing("apps"), 200, true, false, 2, 1},
		"three times, on the app's path":  {"list of an app", 3, missing("apps"), 200, true, false, 4, 1},
		"for good, on the app's path":     {"list of an app", 99, missing("apps"), 200, false, true, 4, 1},
		"the app is missing as well":      {"list of an app", 99, missing("apps"), 404, false, false, 1, 1},
		"the app may not be read":         {"list of an app", 99, missing("apps"), 403, false, true, 1, 1},
		"once, a build upload":            {"build upload", 1, missing("apps"), 404, true, false, 2, 0},
		"for good, a build upload":        {"build upload", 99, missing("apps"), 404, false, true, 4, 0},
		"in other letters":                {"build upload", 1, strings.Replace(missing("apps"), "There is no resource", "there is NO Resource", 1), 404, true, false, 2, 0},
		"once, a file":                    {"file", 1, missing("apps"), 404, true, false, 2, 0},
		"twice, files":                    {"files", 2, missing("apps"), 404, true, false, 3, 0},
		"once, deleting":                  {"delete", 1, missing("apps"), 404, true, false, 2, 0},
		"for good, deleting":              {"delete", 99, missing("apps"), 404, false, true, 4, 0},
		"once, creating":                  {"create", 1, missing("apps"), 200, false, true, 1, 0},
		"once, creating a file":           {"create a file", 1, missing("apps"), 200, false, true, 1, 0},
		"once, committing":                {"commit", 1, missing("apps"), 200, false, true, 1, 0},
		"a build upload is missing":       {"build upload", 1, missing("buildUploads"), 200, false, false, 1, 0},
		"a file is missing":               {"file", 1, missing("buildUploadFiles"), 200, false, false, 1, 0},
		"the type is null":                {"build upload", 1, missing("null"), 200, false, false, 1, 0},
		"no text":                         {"build upload", 1, `{"errors":[{"status":"404","code":"NOT_FOUND"}]}`, 200, false, false, 1, 0},
		"an invalid path":                 {"build upload", 1, `{"errors":[{"status":"404","code":"PATH_ERROR","detail":"There is no resource of type 'apps'"}]}`, 200, false, false, 1, 0},
		"a build, which is not concerned": {"build", 1, missing("apps"), 200, false, false, 1, 0},
		"an app that is missing":          {"app", 1, missing("apps"), 404, false, false, 0, 1},
		"versions, not concerned":         {"versions of apps", 1, missing("apps"), 200, false, false, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			left, apps := c.times, 0
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/v1/apps/1") {
					if apps++; c.app != 200 {
						answer(w, c.app, missing("apps"))
						return
					}
					fmt.Fprint(w, appReply)
					return
				}
				if left--; left >= 0 {
					answer(w, 404, c.body)
					return
				}
				switch {
				case r.Method == http.MethodDelete:
					w.WriteHeader(204)
				case strings.HasSuffix(r.URL.Path, "s"):
					fmt.Fprint(w, `{"data":[]}`)
				default:
					fmt.Fprint(w, resourceReply(r))
				}
			})
			err := calls[c.call](s.client)
			if c.works != (err == nil) || IsFlakyNotFound(err) != c.flaky || IsTemporary(err) != c.flaky || err != nil && c.app != 403 && !IsNotFound(err) {
				t.Errorf("flaky %v, temporary %v: %v", IsFlakyNotFound(err), IsTemporary(err), err)
			}
			if IsUnclear(err) {
				t.Error("it is clear that nothing was made")
			}
			if s.count()-apps != c.asked || apps != c.appSeen {
				t.Errorf("%d requests and %d for the app, want %d and %d: %v", s.count()-apps, apps, c.asked, c.appSeen, s.paths)
			}
			for i, pause := range s.slept {
				if least := time.Second << i; pause < least || pause > least+least/4 {
					t.Errorf("pauses %v, want about 1, 2 and 4 s", s.slept)
				}
			}
		})
	}
}

func TestADeletionIsNotDoneByA404ThatProvesNothing(t *testing.T) {
	n := 0
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		switch n++; n {
		case 1:
			w.WriteHeader(502)
		case 2:
			answer(w, 404, missing("apps"))
		default:
			w.WriteHeader(204)
		}
	})
	if err := s.client.DeleteBuildUpload(t.Context(), "1"); err != nil || n != 3 {
		t.Errorf("%d requests, %v", n, err)
	}
}

func TestNoRetriesMeansNone(t *testing.T) {
	for name, status := range map[string]int{"404": 404, "503": 503, "200": 200} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, status, missing("apps")) })
		s.client.retryFor = -1
		if _, err := s.client.BuildUpload(t.Context(), "1"); err == nil || s.count() != 1 {
			t.Errorf("%s: %d requests, %v", name, s.count(), err)
		}
	}
}
