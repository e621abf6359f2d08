package contracttest

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

type canned struct {
	status int
	body   string
}

func (c canned) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: c.status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(c.body))}, nil
}

func TestWhatBreaksTheContractIsFound(t *testing.T) {
	const good = `{"data":{"type":"buildUploads","id":"1"},"links":{"self":"https://example.com"}}`
	const create = `{"data":{"type":"buildUploads","attributes":{"cfBundleShortVersionString":"1","cfBundleVersion":"1","platform":"IOS"},"relationships":{"app":{"data":{"type":"apps","id":"1"}}}}}`
	for name, c := range map[string]struct {
		method, path, body string
		next               canned
		wrong              bool
	}{
		"a good create":                  {http.MethodPost, "/v1/buildUploads", create, canned{201, good}, false},
		"an unknown attribute":           {http.MethodPost, "/v1/buildUploads", strings.Replace(create, `"platform"`, `"colour":"red","platform"`, 1), canned{201, good}, true},
		"a wrong platform":               {http.MethodPost, "/v1/buildUploads", strings.Replace(create, "IOS", "PALM_OS", 1), canned{201, good}, true},
		"a missing relationship":         {http.MethodPost, "/v1/buildUploads", `{"data":{"type":"buildUploads","attributes":{"cfBundleShortVersionString":"1","cfBundleVersion":"1","platform":"IOS"}}}`, canned{201, good}, true},
		"an unknown parameter":           {http.MethodGet, "/v1/buildUploads/1?colour=red", "", canned{200, good}, true},
		"an include there is not":        {http.MethodGet, "/v1/buildUploads/1?include=app", "", canned{200, good}, true},
		"a path there is not":            {http.MethodGet, "/v1/uploads/1", "", canned{200, good}, true},
		"nulls in a reply":               {http.MethodGet, "/v1/buildUploads/1?include=build", "", canned{200, `{"data":{"type":"buildUploads","id":"1","attributes":{"uploadedDate":null},"relationships":{"build":{"data":null}}},"links":{"self":"https://example.com"}}`}, false},
		"a reply with a wrong state":     {http.MethodGet, "/v1/buildUploads/1", "", canned{200, `{"data":{"type":"buildUploads","id":"1","attributes":{"state":{"state":"LOST"}}},"links":{"self":"https://example.com"}}`}, true},
		"a reply with a status unheard":  {http.MethodGet, "/v1/buildUploads/1", "", canned{299, good}, true},
		"an error reply without a title": {http.MethodGet, "/v1/buildUploads/1", "", canned{404, `{"errors":[{"status":"404","code":"NOT_FOUND"}]}`}, true},
	} {
		t.Run(name, func(t *testing.T) {
			var complaints []string
			transport := &Transport{T: t, Next: c.next, Wrong: func(s string) { complaints = append(complaints, s) }}
			req, err := http.NewRequest(c.method, "http://127.0.0.1"+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if c.body != "" {
				req.Header.Set("Content-Type", "application/json")
			}
			if _, err := transport.RoundTrip(req); err != nil {
				t.Fatal(err)
			}
			if (len(complaints) > 0) != c.wrong {
				t.Errorf("complaints: %v", complaints)
			}
		})
	}
}
