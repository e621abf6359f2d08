package sandbox_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
	"github.com/ascend-cli/ascend/internal/sandbox"
	"github.com/ascend-cli/ascend/internal/sandbox/sandboxtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	bundleID = sandboxtest.BundleID
	appID    = sandboxtest.AppID
	issuer   = sandboxtest.IssuerID
)

// session is a client of a server: it knows HTTP and JSON, nothing of ascend.
type session struct {
	*sandboxtest.Clock
	t      *testing.T
	server *sandboxtest.Sandbox
	key    sandbox.Key
	client *http.Client
}

func start(t *testing.T, change ...func(*sandbox.Options)) *session {
	t.Helper()
	v := &session{t: t, client: &http.Client{Transport: &http.Transport{}}, Clock: &sandboxtest.Clock{}}
	options := sandbox.Options{
		Keys:     []sandbox.Key{sandboxtest.NewKey(t, sandboxtest.KeyID, issuer, sandbox.Admin)},
		PartSize: 1000, UploadProcessing: time.Minute, BuildProcessing: time.Minute, Settle: time.Minute,
		Apps: []sandbox.App{{BundleID: bundleID, Name: "Demo", Groups: []sandbox.Group{
			{ID: "team", Name: "Team", Internal: true, AllBuilds: true}, {ID: "qa", Name: "QA", Internal: true}, {ID: "beta", Name: "Beta"},
		}}, {BundleID: bundleID + ".lite"}},
		Now: v.Now,
	}
	for _, f := range change {
		f(&options)
	}
	v.server = sandboxtest.New(t, options)
	v.key = v.server.Key
	t.Cleanup(v.client.CloseIdleConnections)
	return v
}

// token signs claims; those that are nil are left out.
func (v *session) token(method jwt.SigningMethod, signer any, kid string, change map[string]any) string {
	now := v.Now().Unix()
	claims := jwt.MapClaims{"iss": issuer, "iat": now - 60, "exp": now + 600, "aud": "appstoreconnect-v1"}
	for name, value := range change {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"] = kid
	text, err := token.SignedString(signer)
	if err != nil {
		v.t.Fatal(err)
	}
	return text
}

func (v *session) goodToken() string {
	return v.token(jwt.SigningMethodES256, v.key.Private, v.key.ID, nil)
}

// reply is what came back, decoded.
type reply struct {
	status int
	header http.Header
	Data   json.RawMessage
	Links  struct{ Self, Next string }
	Errors []struct {
		Status, Code, Title, Detail string
		Source                      struct{ Pointer, Parameter string }
		Meta                        map[string]any
	}
}

func (r reply) code() string {
	if len(r.Errors) == 0 {
		return ""
	}
	return r.Errors[0].Code
}

type object struct {
	Type, ID      string
	Attributes    map[string]any
	Relationships map[string]struct {
		Data  object
		Links map[string]string
	}
}

func (r reply) object(t *testing.T) object {
	t.Helper()
	var o object
	if err := json.Unmarshal(r.Data, &o); err != nil {
		t.Fatalf("%v: %s", err, r.Data)
	}
	return o
}

func (r reply) ids(t *testing.T) []string {
	t.Helper()
	var list []object
	if err := json.Unmarshal(r.Data, &list); err != nil {
		t.Fatalf("%v: %s", err, r.Data)
	}
	ids := []string{}
	for _, o := range list {
		ids = append(ids, o.ID)
	}
	return ids
}

func (v *session) ask(method, path, body string, change ...func(*http.Request)) reply {
	v.t.Helper()
	return v.askWith(v.goodToken(), method, path, body, change...)
}

func (v *session) askWith(token, method, path, body string, change ...func(*http.Request)) reply {
	v.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = v.server.URL() + path
	}
	req, err := http.NewRequestWithContext(v.t.Context(), method, path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, f := range change {
		f(req)
	}
	resp, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	r := reply{status: resp.StatusCode, header: resp.Header}
	if len(content) > 0 {
		if err := json.Unmarshal(content, &r); err != nil {
			v.t.Fatalf("%s %s: %v: %s", method, path, err, content)
		}
	}
	return r
}

// must asks and checks the status.
func (v *session) must(status int, method, path, body string, change ...func(*http.Request)) reply {
	v.t.Helper()
	r := v.ask(method, path, body, change...)
	if r.status != status {
		v.t.Fatalf("%s %s: %d %+v, want %d", method, path, r.status, r.Errors, status)
	}
	return r
}

// resource is a request document.
func resource(kind, id string, attributes map[string]any, links ...string) string {
	data := map[string]any{"type": kind}
	if id != "" {
		data["id"] = id
	}
	if attributes != nil {
		data["attributes"] = attributes
	}
	relationships := map[string]any{}
	for i := 0; i+2 < len(links); i += 3 {
		relationships[links[i]] = map[string]any{"data": map[string]any{"type": links[i+1], "id": links[i+2]}}
	}
	if len(relationships) > 0 {
		data["relationships"] = relationships
	}
	text, _ := json.Marshal(map[string]any{"data": data})
	return string(text)
}

func linkage(kind string, ids ...string) string {
	list := []any{}
	for _, id := range ids {
		list = append(list, map[string]any{"type": kind, "id": id})
	}
	text, _ := json.Marshal(map[string]any{"data": list})
	return string(text)
}

func upload(version, number, app string) string {
	return resource("buildUploads", "", map[string]any{"cfBundleShortVersionString": version, "cfBundleVersion": number, "platform": "IOS"}, "app", "apps", app)
}

func fileOf(size int, uploadID string) string {
	return resource("buildUploadFiles", "", map[string]any{"assetType": "ASSET", "fileName": "Demo.ipa", "fileSize": size, "uti": "com.apple.ipa"}, "buildUpload", "buildUploads", uploadID)
}

// operation is one upload operation as it came.
type operation struct {
	Method, URL    string
	PartNumber     int64
	Offset, Length int64
	EntityTag      string
	Expiration     time.Time
	RequestHeaders []struct{ Name, Value string }
}

func operationsOf(t *testing.T, o object) []operation {
	t.Helper()
	text, _ := json.Marshal(o.Attributes["uploadOperations"])
	var out []operation
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// put sends a part and returns status, S3 code and ETag.
func (v *session) put(op operation, content []byte, change func(*http.Request)) (int, string, string) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), op.Method, op.URL, bytes.NewReader(content))
	if err != nil {
		v.t.Fatal(err)
	}
	for _, h := range op.RequestHeaders {
		req.Header.Set(h.Name, h.Value)
	}
	if change != nil {
		change(req)
	}
	resp, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	_, code, _ := strings.Cut(string(text), "<Code>")
	code, _, _ = strings.Cut(code, "</Code>")
	return resp.StatusCode, code, resp.Header.Get("ETag")
}

// reserved is a reservation with its operations.
type reserved struct {
	uploadID, fileID string
	operations       []operation
	content          []byte
}

func (v *session) reserve(version, number string, content []byte) reserved {
	v.t.Helper()
	up := v.must(201, "POST", "/v1/buildUploads", upload(version, number, appID)).object(v.t)
	file := v.must(201, "POST", "/v1/buildUploadFiles", fileOf(len(content), up.ID)).object(v.t)
	return reserved{up.ID, file.ID, operationsOf(v.t, file), content}
}

func (v *session) send(r reserved) {
	v.t.Helper()
	for _, op := range r.operations {
		if status, code, _ := v.put(op, r.content[op.Offset:op.Offset+op.Length], nil); status != 200 {
			v.t.Fatalf("part %d: %d %s", op.PartNumber, status, code)
		}
	}
}

func commitBody(fileID string) string {
	return resource("buildUploadFiles", fileID, map[string]any{"uploaded": true})
}

// uploaded takes a package through to PROCESSING.
func (v *session) uploaded(version, number string, info bundletest.Plist) reserved {
	v.t.Helper()
	r := v.reserve(version, number, bundletest.IPA(info, bundletest.Padding(3000)))
	v.send(r)
	v.must(200, "PATCH", "/v1/buildUploadFiles/"+r.fileID, commitBody(r.fileID))
	return r
}

// build takes a package through to a VALID build with its beta detail.
func (v *session) build(version, number string, info bundletest.Plist) string {
	v.t.Helper()
	r := v.uploaded(version, number, info)
	v.Advance(3 * time.Minute)
	return v.buildOf(r)
}

// buildOf returns the build that an upload names, or "".
func (v *session) buildOf(r reserved) string {
	v.t.Helper()
	up := v.must(200, "GET", "/v1/buildUploads/"+r.uploadID+"?include=build", "").object(v.t)
	return up.Relationships["build"].Data.ID
}

func demo(version, number string) bundletest.Plist {
	return bundletest.IOS(bundleID, version, number)
}
