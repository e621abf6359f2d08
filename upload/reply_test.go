package upload

import (
	"bytes"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// cutShort is a body that ends before its end.
type cutShort struct{ io.Reader }

func (c cutShort) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (cutShort) Close() error { return nil }

func TestASuccessIsReadBeforeItIsBelieved(t *testing.T) {
	const errorXML = `<Error><Code>InternalError</Code><Message>try  again</Message></Error>`
	sum := md5Hex([]byte("part"))
	other := md5Hex([]byte("other"))
	long := strings.Repeat("<p>log in</p>\n", 4<<10)
	type verdict int
	const (
		verified verdict = iota
		accepted         // without a sum
		refused          // for the reason in the body
		page             // not the store's
		mismatch
	)
	for name, c := range map[string]struct {
		contentType, tag, body string
		cut                    bool
		want                   verdict
	}{
		"an empty body":                          {"", sum, "", false, verified},
		"an empty body of HTML":                  {"text/html", sum, "", false, verified},
		"an upper-case sum in quotes":            {"", `"` + strings.ToUpper(sum) + `"`, "", false, verified},
		"no sum":                                 {"", "", "", false, accepted},
		"a sum that is not an MD5":               {"", `"` + sum + `-2"`, "", false, accepted},
		"the sum of something else":              {"", other, "", false, mismatch},
		"S3's error":                             {"application/xml", "", errorXML, false, refused},
		"S3's error with a declaration":          {"application/xml", "", `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + errorXML, false, refused},
		"S3's error with a sum":                  {"application/xml", sum, errorXML, false, refused},
		"S3's error without a type":              {"", "", errorXML, false, refused},
		"S3's error after much white space":      {"", "", strings.Repeat(" \n", 4<<10) + errorXML, false, refused},
		"S3's error after a comment":             {"", "", "<!-- late -->" + errorXML, false, refused},
		"S3's error in a namespace":              {"", "", `<s3:Error xmlns:s3="urn:s3"><s3:Code>SlowDown</s3:Code></s3:Error>`, false, refused},
		"S3's error, cut short":                  {"", sum, errorXML[:20], true, page},
		"HTML":                                   {"text/html; charset=utf-8", "", "<html><body>log in</body></html>", false, page},
		"HTML without a type":                    {"", "", "<html><body>log in</body></html>", false, page},
		"HTML with a declaration":                {"", "", "\ufeff\r\n<!DOCTYPE HTML PUBLIC>\n<title>x</title>", false, page},
		"HTML with a broken declaration":         {"", "", "<!doctype\nhtml>", false, page},
		"HTML after a long comment":              {"", "", "<!--" + strings.Repeat("x", 2<<10) + "-->\n<HTML lang=en>", false, page},
		"HTML that is XML":                       {"", "", `<?xml version="1.0"?><!DOCTYPE html><html/>`, false, page},
		"HTML that is only a part":               {"", "", "<script>location='/login'</script>", false, page},
		"text that says it is HTML":              {"TEXT/HTML", "", "log in", false, page},
		"a large page":                           {"text/html", "", "<html>" + long, false, page},
		"a large page without a type":            {"", "", "<html>" + long, false, page},
		"HTML, cut short":                        {"text/html", sum, "<ht", true, page},
		"HTML of which nothing came":             {"text/html", "", "", true, page},
		"XML that is a success":                  {"application/xml", sum, "<PutObjectResult><ETag>x</ETag></PutObjectResult>", false, verified},
		"XML that mentions errors":               {"application/xml", sum, "<Result><Errors>0</Errors><Error/></Result>", false, verified},
		"XML that has a header":                  {"application/xml", sum, "<Response><Header/><Body/></Response>", false, verified},
		"XML after a comment":                    {"application/xml", sum, "<!-- <html> --><Result/>", false, verified},
		"XML that never starts":                  {"", sum, "<!-- ", false, verified},
		"JSON":                                   {"application/json", sum, `{"error":"<html>"}`, false, verified},
		"text":                                   {"text/plain", sum, "ok", false, verified},
		"a large success":                        {"text/plain", sum, strings.Repeat("x", 1<<20), false, verified},
		"cut short":                              {"", sum, "", true, verified},
		"cut short, without a sum":               {"", "", "", true, accepted},
		"cut short, with the sum of other bytes": {"", other, "", true, mismatch},
	} {
		t.Run(name, func(t *testing.T) {
			body := io.NopCloser(strings.NewReader(c.body))
			if c.cut {
				body = cutShort{strings.NewReader(c.body)}
			}
			resp := &http.Response{StatusCode: 200, Header: http.Header{}, Body: body}
			resp.Header.Set("Content-Type", c.contentType)
			resp.Header.Set("ETag", c.tag)
			failure := &PartError{}
			checked, ok := readSuccess(resp, sum, failure, epoch)
			got := verified
			switch {
			case ok && !checked:
				got = accepted
			case ok:
			case errors.Is(failure.Err, errMismatch):
				got = mismatch
			case errors.Is(failure.Err, errNotTheStore) && failure.Code == "":
				got = page
			case failure.Err == nil && failure.Code != "":
				got = refused
			default:
				t.Fatalf("%+v", failure)
			}
			if got != c.want {
				t.Errorf("%v, want %v: %+v", got, c.want, failure)
			}
			if !ok && actionFor(failure) != tryAgain {
				t.Errorf("%v is not tried again", failure)
			}
		})
	}
}

func TestARefusalKeepsItsReasonWithoutTheSignature(t *testing.T) {
	signed, err := url.Parse("https://store.example/x?X-Amz-Signature=0123456789abcdef%2F&part=1")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ body, retryAfter, code, message string }{
		"XML":       {"<Error><Code>A</Code><Message>b\n c</Message></Error>", "7", "A", "b c"},
		"text":      {"no\nway", "", "", "no way"},
		"nothing":   {"", "0", "", "Service Unavailable"},
		"a secret":  {"at " + signed.String(), "", "", "at https://store.example/x?…"},
		"its value": {"bad 0123456789abcdef/ and 0123456789abcdef%2F", "", "", "bad … and …"},
		"much":      {strings.Repeat("é", 300), "", "", strings.Repeat("é", 200) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			resp := &http.Response{
				StatusCode: 503, Header: http.Header{"Retry-After": {c.retryAfter}},
				Body: io.NopCloser(strings.NewReader(c.body)), Request: &http.Request{URL: signed},
			}
			var e PartError
			readRefusal(resp, &e, epoch)
			if e.Status != 503 || e.Code != c.code || e.Message != c.message || (e.RetryAfter == 7*time.Second) != (c.retryAfter == "7") {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestTheWaitThatAStoreAsksFor(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, " 1.5 ": 1500 * time.Millisecond, "-1": 0, "soon": 0,
		epoch.Add(time.Minute).Format(http.TimeFormat):  time.Minute,
		epoch.Add(-time.Minute).Format(http.TimeFormat): 0,
	} {
		if got := retryAfter(header, epoch); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}

func TestACertificateThatIsNotTrustedIsFinal(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a part was sent") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	defer server.Close()
	content := []byte("package")
	operations := []Operation{{Method: http.MethodPut, URL: server.URL + "/part", Length: int64(len(content))}}
	result, err := Upload(t.Context(), bytes.NewReader(content), int64(len(content)), operations, Options{})
	var part *PartError
	if !errors.As(err, &part) || part.Attempts != 1 || result.Retries != 0 || !isCertificateError(err) {
		t.Errorf("%v after %d retries", err, result.Retries)
	}
}
