package asc

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func refusal(t *testing.T, body string, header ...string) *Error {
	t.Helper()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		answer(w, 409, body)
	})
	_, err := s.client.App(t.Context(), "1")
	var apiErr *Error
	if !errors.As(err, &apiErr) {
		t.Fatalf("%v", err)
	}
	return apiErr
}

// The objects are parts of replies that were recorded, or one step from them.
func TestErrorObjectsOfAnyForm(t *testing.T) {
	for name, c := range map[string]struct {
		object string
		want   ErrorDetail
		text   string
	}{
		"whole": {
			`{"id":"020add9f-38c7-41c8-a69c-9e8fba508db0","status":"400","code":"PARAMETER_ERROR.ILLEGAL","title":"A given parameter is not allowed for this request","detail":"The parameter 'limit' can not be used with this request","source":{"parameter":"limit"}}`,
			ErrorDetail{
				ID: "020add9f-38c7-41c8-a69c-9e8fba508db0", Status: "400", Code: "PARAMETER_ERROR.ILLEGAL", Title: "A given parameter is not allowed for this request",
				Detail: "The parameter 'limit' can not be used with this request", Source: ErrorSource{Parameter: "limit"},
			},
			"A given parameter is not allowed for this request: The parameter 'limit' can not be used with this request [PARAMETER_ERROR.ILLEGAL] at parameter limit",
		},
		"an id of letters, and a link": {
			`{"id":"ABCDEFGHIJKLMNOPQRSTUVWXYZ","code":"FORBIDDEN.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED","title":"A required agreement is missing or has expired.","links":{"see":"/business"}}`,
			ErrorDetail{
				ID: "ABCDEFGHIJKLMNOPQRSTUVWXYZ", Code: "FORBIDDEN.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED",
				Title: "A required agreement is missing or has expired.", Links: map[string]string{"see": "/business"},
			},
			"A required agreement is missing or has expired. [FORBIDDEN.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED]",
		},
		"no detail, and a pointer": {
			`{"code":"ENTITY_ERROR.RELATIONSHIP.INVALID","title":"T","source":{"pointer":"/data/relationships/app/data/id"}}`,
			ErrorDetail{Code: "ENTITY_ERROR.RELATIONSHIP.INVALID", Title: "T", Source: ErrorSource{Pointer: "/data/relationships/app/data/id"}},
			"T [ENTITY_ERROR.RELATIONSHIP.INVALID] at /data/relationships/app/data/id",
		},
		"a pointer without its slash": {`{"title":"T","source":{"pointer":"data/id"}}`, ErrorDetail{Title: "T", Source: ErrorSource{Pointer: "/data/id"}}, "T at /data/id"},
		"an empty title":              {`{"code":"STATE_ERROR","title":"","detail":"Auto-notify already enabled"}`, ErrorDetail{Code: "STATE_ERROR", Detail: "Auto-notify already enabled"}, "Auto-notify already enabled [STATE_ERROR]"},
		"an empty detail":             {`{"title":"T","detail":""}`, ErrorDetail{Title: "T"}, "T"},
		"nulls":                       {`{"id":null,"status":null,"code":"C","title":null,"detail":null,"source":null,"links":null,"meta":null}`, ErrorDetail{Code: "C"}, "[C]"},
		"a code only":                 {`{"code":"C"}`, ErrorDetail{Code: "C"}, "[C]"},
		"a status only":               {`{"status":"409"}`, ErrorDetail{Status: "409"}, "an error without a text, status 409"},
		"a status that is a number":   {`{"status":409,"code":90186,"title":"T"}`, ErrorDetail{Status: "409", Code: "90186", Title: "T"}, "T [90186]"},
		"nothing":                     {`{}`, ErrorDetail{}, "an error without a text"},
		"fields of other kinds":       {`{"id":[],"code":{},"title":"T","detail":[1],"source":"x","links":[],"meta":"x"}`, ErrorDetail{Title: "T"}, "T"},
		"a text in its place":         {`"too bad"`, ErrorDetail{Detail: "too bad"}, "too bad"},
		"a link that is an object":    {`{"title":"T","links":{"see":{"href":"https://developer.apple.com/account"},"about":null}}`, ErrorDetail{Title: "T", Links: map[string]string{"see": "https://developer.apple.com/account"}}, "T"},
		"a number in meta":            {`{"title":"T","meta":{"previousBundleVersion":2509152209882287}}`, ErrorDetail{Title: "T", Meta: map[string]any{"previousBundleVersion": json.Number("2509152209882287")}}, "T"},
		"four fields in meta":         {`{"title":"T","meta":{"previousBundleVersion":"2.0.53.731"}}`, ErrorDetail{Title: "T", Meta: map[string]any{"previousBundleVersion": "2.0.53.731"}}, "T"},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, `{"errors":[`+c.object+`]}`)
			if diff := cmp.Diff(c.want, err.ErrorDetail); diff != "" || len(err.Details) != 1 || err.Omitted != 0 {
				t.Errorf("%d details\n%s", len(err.Details), diff)
			}
			if got := err.ErrorDetail.String(); got != c.text {
				t.Errorf("got  %s\nwant %s", got, c.text)
			}
		})
	}
}

func TestAssociatedErrorsMayLackEverything(t *testing.T) {
	err := refusal(t, `{"errors":[{"code":"STATE_ERROR","title":"T","detail":"Submit for review errors found.","meta":{"associatedErrors":{
	 "/v1/appScreenshots/":[{"code":"STATE_ERROR.SCREENSHOT_REQUIRED","title":"App screenshot missing."},{}],
	 "/v1/builds/1":[{"code":"ENTITY_ERROR.ATTRIBUTE.REQUIRED","source":{"pointer":"data/attributes/x"}}],"/v1/none":null}}}]}`)
	var got []string
	for _, d := range err.Details {
		got = append(got, d.String())
	}
	if diff := cmp.Diff([]string{
		"T: Submit for review errors found. [STATE_ERROR]", "App screenshot missing. [STATE_ERROR.SCREENSHOT_REQUIRED] (/v1/appScreenshots/)",
		"an error without a text (/v1/appScreenshots/)", "[ENTITY_ERROR.ATTRIBUTE.REQUIRED] at /data/attributes/x (/v1/builds/1)",
	}, got); diff != "" {
		t.Error(diff)
	}
}

func TestLinksOfErrorsLeadToApple(t *testing.T) {
	for see, want := range map[string]string{
		"/business":                                "https://appstoreconnect.apple.com/business",
		"/agreements/#/":                           "https://appstoreconnect.apple.com/agreements/#/",
		"https://developer.apple.com/account":      "https://developer.apple.com/account",
		"https://evil.example/?x=.apple.com":       "",
		"https://notapple.com/":                    "",
		"https://me@developer.apple.com/":          "",
		"//evil.example/business":                  "",
		"http://developer.apple.com/":              "",
		"javascript:alert(1)":                      "",
		"https://appstoreconnect.apple.com.evil.e": "",
		"":    "",
		"%zz": "",
	} {
		if got := (ErrorDetail{Links: map[string]string{"see": see}}).See(); got != want {
			t.Errorf("%q: got %q, want %q", see, got, want)
		}
	}
}

func TestRefusalsAreBounded(t *testing.T) {
	long := strings.Repeat("ä", 100_000)
	many := strings.TrimSuffix(strings.Repeat(`{"code":"C","title":"T","meta":{"x":"`+strings.Repeat("y", 100)+`"}},`, 20_000), ",")
	deep := `{"code":"C"}`
	for range 500 {
		deep = `{"code":"C","meta":{"associatedErrors":{"/v1/x":[` + deep + `]}}}`
	}
	for name, c := range map[string]struct {
		body          string
		kept, omitted int
	}{
		"thousands":            {`{"errors":[` + many + `]}`, 50, 19_950},
		"thousands associated": {`{"errors":[{"code":"C","meta":{"associatedErrors":{"/v1/x":[` + many + `]}}}]}`, 50, 19_951},
		"deeply associated":    {`{"errors":[` + deep + `]}`, 4, 1},
		"long texts":           {fmt.Sprintf(`{"errors":[{"id":%q,"code":%q,"title":%q,"detail":%q,"source":{"pointer":%q},"links":{"see":%q},"meta":{"x":%q,"y":"kept"}}]}`, long, long, long, long, long, long, long), 1, 0},
		"a long text alone":    {long, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, c.body)
			if len(err.Details) != c.kept || err.Omitted != c.omitted {
				t.Errorf("%d kept, %d omitted", len(err.Details), err.Omitted)
			}
			if size := len(err.Error()); size > 10_000 {
				t.Errorf("the text has %d bytes", size)
			}
			if c.omitted > 0 && !strings.Contains(err.Error(), "more errors") && c.kept > maxShown {
				t.Errorf("the text does not say that more were left out: %s", err.Error())
			}
			kept, jsonErr := json.Marshal(err.Details)
			if jsonErr != nil || len(kept) > 256<<10 {
				t.Errorf("%d bytes are kept, %v", len(kept), jsonErr)
			}
		})
	}
}

func TestARefusalLargerThanAnyKeepsItsStatus(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(403)
		chunk := []byte(strings.Repeat("x", 1<<20))
		for range maxReply>>20 + 1 {
			_, _ = w.Write(chunk)
		}
	})
	if _, err := s.client.App(t.Context(), "1"); !IsForbidden(err) || len(err.Error()) > 1000 || s.count() != 1 {
		t.Errorf("%d requests, status %d", s.count(), StatusOf(err))
	}
}

func TestFailedCallsSayTheirRequestID(t *testing.T) {
	const id = "6ab1d8e6-7a35-4b6b-9d7e-0a8b3f2a5c11"
	for name, c := range map[string]struct {
		header []string
		want   string
	}{
		"Apple's":              {[]string{"x-apple-request-uuid", id, "X-Request-Id", "other"}, id},
		"the correlation key":  {[]string{"x-apple-jingle-correlation-key", "PEKAWYDGKMAE2"}, "PEKAWYDGKMAE2"},
		"a proxy's":            {[]string{"X-Request-ID", "req-1"}, "req-1"},
		"none":                 {nil, ""},
		"one that is too long": {[]string{"X-Apple-Request-Uuid", strings.Repeat("x", 65)}, ""},
		"one with a space":     {[]string{"X-Apple-Request-Uuid", "a b"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, `{"errors":[{"code":"C"}]}`, c.header...)
			if err.RequestID != c.want || strings.Contains(err.Error(), "request id") != (c.want != "") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q in %v", err.RequestID, err)
			}
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				for i := 0; i+1 < len(c.header); i += 2 {
					w.Header().Set(c.header[i], c.header[i+1])
				}
				fmt.Fprint(w, `{}`)
			})
			_, badErr := s.client.CreateBuildUpload(t.Context(), "1", NewBuildUpload{})
			var bad *TransportError
			if !errors.As(badErr, &bad) || bad.RequestID != c.want || bad.Status != 200 || !strings.Contains(bad.Error(), c.want) {
				t.Errorf("a reply of the wrong shape: %v", badErr)
			}
		})
	}
}
