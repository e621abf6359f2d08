package sandbox_test

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
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

func TestTokensAreCheckedAsTheServiceDoes(t *testing.T) {
	v := start(t)
	now := v.Now().Unix()
	stranger, err := sandbox.NewKey("TESTKEY001", issuer, sandbox.Admin)
	if err != nil {
		t.Fatal(err)
	}
	good := func(change map[string]any) string {
		return v.token(jwt.SigningMethodES256, v.key.Private, v.key.ID, change)
	}
	for name, c := range map[string]struct {
		token  string
		status int
	}{
		"a good token":                         {good(nil), 200},
		"an audience as a list of one":         {good(map[string]any{"aud": []string{"appstoreconnect-v1"}}), 200},
		"exactly twenty minutes":               {good(map[string]any{"iat": now, "exp": now + 1200}), 200},
		"more than twenty minutes":             {good(map[string]any{"iat": now - 60, "exp": now + 1141}), 401},
		"no token":                             {"", 401},
		"no JWT":                               {"hello", 401},
		"expired":                              {good(map[string]any{"iat": now - 700, "exp": now - 1}), 401},
		"issued in the future":                 {good(map[string]any{"iat": now + 120, "exp": now + 600}), 401},
		"no iat, as some clients have it":      {good(map[string]any{"iat": nil}), 200},
		"no iat, for more than twenty minutes": {good(map[string]any{"iat": nil, "exp": now + 1260}), 401},
		"an iat in words":                      {good(map[string]any{"iat": "now"}), 401},
		"no exp":                               {good(map[string]any{"exp": nil}), 401},
		"another audience":                     {good(map[string]any{"aud": "appstoreconnect-v2"}), 401},
		"another issuer":                       {good(map[string]any{"iss": "69a6de70-0000-47e3-e053-5b8c7c11a4d1"}), 401},
		"no issuer":                            {good(map[string]any{"iss": nil}), 401},
		"an issuer and a subject":              {good(map[string]any{"sub": "user"}), 401},
		"signed by another key":                {v.token(jwt.SigningMethodES256, stranger.Private, v.key.ID, nil), 401},
		"a key id nobody knows":                {v.token(jwt.SigningMethodES256, v.key.Private, "UNKNOWN001", nil), 401},
		"another algorithm":                    {v.token(jwt.SigningMethodHS256, []byte("secret"), v.key.ID, nil), 401},
		"no algorithm":                         {v.token(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, v.key.ID, nil), 401},
		"a token whose claims were exchanged":  {tampered(good(nil)), 401},
	} {
		t.Run(name, func(t *testing.T) {
			r := v.askWith(c.token, "GET", "/v1/apps", "")
			if r.status != c.status || c.status == 401 && r.code() != "NOT_AUTHORIZED" {
				t.Errorf("%d %+v, want %d", r.status, r.Errors, c.status)
			}
		})
	}
}

func tampered(token string) string {
	parts := strings.Split(token, ".")
	parts[1] = parts[1][:len(parts[1])-2] + "AA"
	return strings.Join(parts, ".")
}

func TestAnIndividualKeyNeedsSubjectUserAndNoIssuer(t *testing.T) {
	key, err := sandbox.NewKey("PERSONAL01", "", sandbox.Admin)
	if err != nil {
		t.Fatal(err)
	}
	v := start(t, func(o *sandbox.Options) { o.Keys = []sandbox.Key{key} })
	for name, c := range map[string]struct {
		claims map[string]any
		status int
	}{
		"subject user":             {map[string]any{"iss": nil, "sub": "user"}, 200},
		"no subject":               {map[string]any{"iss": nil}, 401},
		"an issuer as well":        {map[string]any{"sub": "user"}, 401},
		"somebody else as subject": {map[string]any{"iss": nil, "sub": "dana"}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			if r := v.askWith(v.token(jwt.SigningMethodES256, key.Private, key.ID, c.claims), "GET", "/v1/apps", ""); r.status != c.status {
				t.Errorf("%d, want %d", r.status, c.status)
			}
		})
	}
}

func TestADeveloperUploadsButDoesNotDistribute(t *testing.T) {
	v := start(t, func(o *sandbox.Options) { o.Keys[0].Role = sandbox.Developer })
	v.must(201, "POST", "/v1/buildUploads", upload("1.0", "1", appID))
	v.must(200, "GET", "/v1/betaGroups", "")
	r := v.must(403, "POST", "/v1/betaGroups", resource("betaGroups", "", map[string]any{"name": "New"}, "app", "apps", appID))
	if r.code() != "FORBIDDEN_ERROR" {
		t.Errorf("%+v", r.Errors)
	}
}

func TestRequestsAreRefusedWhereTheContractSaysNo(t *testing.T) {
	v := start(t)
	whole := map[string]any{"cfBundleShortVersionString": "1.0", "cfBundleVersion": "1", "platform": "IOS"}
	with := func(name string, value any) map[string]any {
		out := map[string]any{}
		for k, x := range whole {
			out[k] = x
		}
		if out[name] = value; value == nil {
			delete(out, name)
		}
		return out
	}
	create := func(attributes map[string]any) string {
		return resource("buildUploads", "", attributes, "app", "apps", appID)
	}
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		code, at           string
	}{
		"an unknown parameter":            {"GET", "/v1/apps?filter[color]=red", "", 400, "PARAMETER_ERROR.ILLEGAL", "filter[color]"},
		"a parameter of another resource": {"GET", "/v1/apps?filter[processingState]=VALID", "", 400, "PARAMETER_ERROR.ILLEGAL", "filter[processingState]"},
		"an unknown field":                {"GET", "/v1/apps?fields[apps]=nme", "", 400, "PARAMETER_ERROR.INVALID", "fields[apps]"},
		"fields of a foreign type":        {"GET", "/v1/apps?fields[users]=email", "", 400, "PARAMETER_ERROR.ILLEGAL", "fields[users]"},
		"a limit above the maximum":       {"GET", "/v1/apps?limit=201", "", 400, "PARAMETER_ERROR.INVALID", "limit"},
		"a limit of zero":                 {"GET", "/v1/apps?limit=0", "", 400, "PARAMETER_ERROR.INVALID", "limit"},
		"an unknown sort key":             {"GET", "/v1/builds?sort=colour", "", 400, "PARAMETER_ERROR.INVALID", "sort"},
		"an unknown include":              {"GET", "/v1/builds?include=colour", "", 400, "PARAMETER_ERROR.INVALID", "include"},
		"an unknown enum value":           {"GET", "/v1/builds?filter[processingState]=DONE", "", 400, "PARAMETER_ERROR.INVALID", "filter[processingState]"},
		"a broken cursor":                 {"GET", "/v1/apps?cursor=x", "", 400, "PARAMETER_ERROR.INVALID", "cursor"},
		"an unknown path":                 {"GET", "/v1/colours", "", 404, "NOT_FOUND", ""},
		"an unknown id":                   {"GET", "/v1/builds/nope", "", 404, "NOT_FOUND", ""},
		"a method that is not there":      {"DELETE", "/v1/apps/" + appID, "", 403, "FORBIDDEN_ERROR", ""},
		"no JSON":                         {"POST", "/v1/buildUploads", "hello", 409, "ENTITY_ERROR.INVALID", "/data"},
		"an unknown attribute":            {"POST", "/v1/buildUploads", create(with("colour", "red")), 409, "ENTITY_ERROR.ATTRIBUTE.UNKNOWN", "/data/attributes/colour"},
		"a missing attribute":             {"POST", "/v1/buildUploads", create(with("cfBundleVersion", nil)), 409, "ENTITY_ERROR.ATTRIBUTE.REQUIRED", "/data/attributes/cfBundleVersion"},
		"an attribute of another type":    {"POST", "/v1/buildUploads", create(with("cfBundleVersion", 42)), 409, "ENTITY_ERROR.ATTRIBUTE.TYPE", "/data/attributes/cfBundleVersion"},
		"a platform nobody has":           {"POST", "/v1/buildUploads", create(with("platform", "WATCH_OS")), 409, "ENTITY_ERROR.ATTRIBUTE.INVALID", "/data/attributes/platform"},
		"letters in the build number":     {"POST", "/v1/buildUploads", create(with("cfBundleVersion", "42a")), 409, "ENTITY_ERROR.ATTRIBUTE.INVALID", "/data/attributes/cfBundleVersion"},
		"four parts in the version":       {"POST", "/v1/buildUploads", create(with("cfBundleShortVersionString", "1.2.3.4")), 409, "ENTITY_ERROR.ATTRIBUTE.INVALID", "/data/attributes/cfBundleShortVersionString"},
		"no app":                          {"POST", "/v1/buildUploads", resource("buildUploads", "", whole), 409, "ENTITY_ERROR.RELATIONSHIP.REQUIRED", "/data/relationships/app"},
		"an app that is not there":        {"POST", "/v1/buildUploads", upload("1.0", "1", "99"), 409, "ENTITY_ERROR.RELATIONSHIP.INVALID", "/data/relationships/app"},
		"another type":                    {"POST", "/v1/buildUploads", strings.Replace(upload("1.0", "1", appID), `"buildUploads"`, `"builds"`, 1), 409, "ENTITY_ERROR.TYPE_MISMATCH", "/data/type"},
		"an id on a create":               {"POST", "/v1/buildUploads", resource("buildUploads", "mine", whole, "app", "apps", appID), 409, "ENTITY_ERROR.UNEXPECTED_ID", "/data/id"},
		"another id than the path's":      {"PATCH", "/v1/betaGroups/qa", resource("betaGroups", "7", nil), 409, "ENTITY_ERROR.ID_MISMATCH", "/data/id"},
	} {
		t.Run(name, func(t *testing.T) {
			r := v.ask(c.method, c.path, c.body)
			if r.status != c.status || r.code() != c.code {
				t.Fatalf("%d %+v, want %d %s", r.status, r.Errors, c.status, c.code)
			}
			if source := r.Errors[0].Source; cmp.Or(source.Pointer, source.Parameter) != c.at {
				t.Errorf("it points at %+v, want %s", source, c.at)
			}
			if r.Errors[0].Status != strconv.Itoa(c.status) {
				t.Errorf("the status in the body is %q", r.Errors[0].Status)
			}
		})
	}
	if ids := v.must(200, "GET", "/v1/apps/"+appID+"/buildUploads", "").ids(t); len(ids) != 0 {
		t.Errorf("refused requests left %v", ids)
	}
}

func TestABundleIDFilterMatchesByPrefix(t *testing.T) {
	v := start(t)
	if ids := v.must(200, "GET", "/v1/apps?filter[bundleId]="+bundleID, "").ids(t); len(ids) != 2 {
		t.Errorf("%v, want the app and the one whose bundle id begins like it", ids)
	}
	if ids := v.must(200, "GET", "/v1/apps?filter%5BbundleId%5D="+bundleID+".lite", "").ids(t); len(ids) != 1 {
		t.Errorf("%v with encoded brackets", ids)
	}
}

func TestListsArePagedByCursor(t *testing.T) {
	v := start(t, func(o *sandbox.Options) {
		for i := range 5 {
			o.Apps = append(o.Apps, sandbox.App{BundleID: fmt.Sprintf("com.example.more%d", i)})
		}
	})
	var all []string
	next, pages := "/v1/apps?limit=3", 0
	for next != "" {
		r := v.must(200, "GET", next, "")
		all = append(all, r.ids(t)...)
		next = r.Links.Next
		pages++
	}
	slices.Sort(all)
	if pages != 3 || len(all) != 7 || len(slices.Compact(all)) != 7 {
		t.Errorf("%d pages with %v", pages, all)
	}
}

func TestEveryReplySaysWhatIsLeftOfTheHour(t *testing.T) {
	v := start(t, func(o *sandbox.Options) { o.HourlyLimit = 3 })
	for left := 2; left >= 0; left-- {
		if got := v.must(200, "GET", "/v1/apps", "").header.Get("X-Rate-Limit"); got != fmt.Sprintf("user-hour-lim:3;user-hour-rem:%d;", left) {
			t.Errorf("%q", got)
		}
	}
	if r := v.must(429, "GET", "/v1/apps", ""); r.code() != "RATE_LIMIT_EXCEEDED" {
		t.Errorf("%+v", r.Errors)
	}
	v.Advance(time.Hour)
	v.must(200, "GET", "/v1/apps", "")
}

func TestAnUploadGoesFromReservationToBuild(t *testing.T) {
	v := start(t)
	content := bundletest.IPA(demo("1.0", "7"), bundletest.Padding(3000))
	r := v.reserve("1.0", "7", content)
	if len(r.operations) != (len(content)+999)/1000 {
		t.Fatalf("%d operations for %d bytes", len(r.operations), len(content))
	}
	for _, op := range r.operations {
		status, _, tag := v.put(op, content[op.Offset:op.Offset+op.Length], nil)
		sum := md5.Sum(content[op.Offset : op.Offset+op.Length])
		if want := `"` + strings.ToUpper(hex.EncodeToString(sum[:])) + `"`; status != 200 || tag != want {
			t.Errorf("part %d: %d %s, want the quoted MD5 in upper case", op.PartNumber, status, tag)
		}
	}
	for _, op := range operationsOf(t, v.must(200, "GET", "/v1/buildUploadFiles/"+r.fileID, "").object(t)) {
		if op.EntityTag == "" {
			t.Errorf("part %d has no entity tag after it was stored", op.PartNumber)
		}
	}
	file := v.must(200, "PATCH", "/v1/buildUploadFiles/"+r.fileID, commitBody(r.fileID)).object(t)
	if file.Attributes["uploadOperations"] != nil || file.Attributes["assetDeliveryState"].(map[string]any)["state"] != "UPLOAD_COMPLETE" {
		t.Errorf("%v", file.Attributes)
	}
	state := func() any {
		return v.must(200, "GET", "/v1/buildUploads/"+r.uploadID, "").object(t).Attributes["state"].(map[string]any)["state"]
	}
	if state() != "PROCESSING" {
		t.Errorf("%v after the commit", state())
	}
	if id := v.buildOf(r); id != "" {
		t.Errorf("build %s before the processing ended", id)
	}
	v.Advance(time.Minute)
	if state() != "COMPLETE" {
		t.Errorf("%v after a minute", state())
	}
	build := v.must(200, "GET", "/v1/builds/"+v.buildOf(r), "").object(t)
	if build.Attributes["processingState"] != "PROCESSING" || build.Attributes["version"] != "7" {
		t.Errorf("%v", build.Attributes)
	}
	v.Advance(time.Minute)
	if got := v.must(200, "GET", "/v1/builds/"+build.ID, "").object(t).Attributes["processingState"]; got != "VALID" {
		t.Errorf("%v after two minutes", got)
	}
	v.must(404, "GET", "/v1/builds/"+build.ID+"/buildBetaDetail", "")
	v.Advance(time.Minute)
	v.must(200, "GET", "/v1/builds/"+build.ID+"/buildBetaDetail", "")
	sum := sha256.Sum256(content)
	if got, whole := v.server.Object(r.uploadID); !whole || got != hex.EncodeToString(sum[:]) {
		t.Errorf("stored %s (%v)", got, whole)
	}
}

func TestPartsAreTakenAsTheyWereHandedOut(t *testing.T) {
	v := start(t, func(o *sandbox.Options) { o.OperationLife = time.Hour })
	r := v.reserve("1.0", "7", make([]byte, 2500))
	i := slices.IndexFunc(r.operations, func(op operation) bool { return op.PartNumber == 1 })
	op := r.operations[i]
	changed := func(change func(*operation)) operation {
		c := op
		change(&c)
		return c
	}
	for name, c := range map[string]struct {
		op     operation
		size   int
		change func(*http.Request)
		status int
		code   string
	}{
		"with the API's token": {op, 1000, func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, 400, "InvalidArgument"},
		"by another method":    {changed(func(o *operation) { o.Method = "POST" }), 1000, nil, 405, "MethodNotAllowed"},
		"for another part":     {changed(func(o *operation) { o.URL = strings.Replace(o.URL, "partNumber=1&", "partNumber=2&", 1) }), 1000, nil, 403, "SignatureDoesNotMatch"},
		"with a longer life": {changed(func(o *operation) {
			o.URL = strings.Replace(o.URL, "X-Amz-Expires=3600", "X-Amz-Expires=7200", 1)
		}), 1000, nil, 403, "SignatureDoesNotMatch"},
		"without a signature":      {changed(func(o *operation) { o.URL, _, _ = strings.Cut(o.URL, "&X-Amz-Signature") }), 1000, nil, 403, "SignatureDoesNotMatch"},
		"too short":                {op, 999, nil, 400, "EntityTooLarge"},
		"too long":                 {op, 1001, nil, 400, "EntityTooLarge"},
		"without a content length": {op, 1000, func(r *http.Request) { r.ContentLength = -1 }, 411, "MissingContentLength"},
	} {
		t.Run(name, func(t *testing.T) {
			if status, code, _ := v.put(c.op, make([]byte, c.size), c.change); status != c.status || code != c.code {
				t.Errorf("%d %s, want %d %s", status, code, c.status, c.code)
			}
		})
	}
	v.Advance(time.Hour)
	if status, code, _ := v.put(op, make([]byte, 1000), nil); status != 403 || code != "AccessDenied" {
		t.Errorf("%d %s after the operation's life", status, code)
	}
	fresh := operationsOf(t, v.must(200, "GET", "/v1/buildUploadFiles/"+r.fileID, "").object(t))
	if !slices.ContainsFunc(fresh, func(o operation) bool {
		status, _, _ := v.put(o, make([]byte, o.Length), nil)
		return o.PartNumber == 1 && status == 200
	}) {
		t.Error("a fresh operation is not accepted")
	}
	v.must(204, "DELETE", "/v1/buildUploads/"+r.uploadID, "")
	for _, o := range fresh {
		if status, code, _ := v.put(o, make([]byte, o.Length), nil); status != 404 || code != "NoSuchUpload" {
			t.Errorf("%d %s after the upload was removed", status, code)
		}
	}
}

func TestOperationsStayExpiredIfAsked(t *testing.T) {
	v := start(t, func(o *sandbox.Options) { o.OperationLife, o.KeepExpired = time.Minute, true })
	r := v.reserve("1.0", "7", make([]byte, 10))
	v.Advance(time.Minute)
	if again := operationsOf(t, v.must(200, "GET", "/v1/buildUploadFiles/"+r.fileID, "").object(t)); again[0].URL != r.operations[0].URL {
		t.Error("the operations were renewed")
	}
}

func TestACommitNeedsEveryPart(t *testing.T) {
	v := start(t)
	r := v.reserve("1.0", "7", bundletest.IPA(demo("1.0", "7"), bundletest.Padding(3000)))
	refused := func(want string, body string) {
		t.Helper()
		if got := v.ask("PATCH", "/v1/buildUploadFiles/"+r.fileID, body); got.status != 409 || !strings.HasPrefix(got.code(), want) {
			t.Errorf("%d %+v, want 409 %s", got.status, got.Errors, want)
		}
	}
	refused("STATE_ERROR", commitBody(r.fileID))
	last := r.operations[0]
	r.operations = r.operations[1:]
	v.send(r)
	refused("STATE_ERROR", commitBody(r.fileID))
	v.put(last, r.content[last.Offset:last.Offset+last.Length], nil)
	checksums := map[string]any{"uploaded": true, "sourceFileChecksums": map[string]any{"composite": map[string]any{"hash": "d41d8cd98f00b204e9800998ecf8427e", "algorithm": "MD5"}}}
	refused("ENTITY_ERROR.ATTRIBUTE.INVALID", resource("buildUploadFiles", r.fileID, checksums))
	v.must(200, "PATCH", "/v1/buildUploadFiles/"+r.fileID, commitBody(r.fileID))
	refused("STATE_ERROR", commitBody(r.fileID))
	if got := v.ask("DELETE", "/v1/buildUploads/"+r.uploadID, ""); got.status != 409 {
		t.Errorf("a processing upload was deleted: %d", got.status)
	}
}

func TestANumberIsTakenByWhatWasSentOnly(t *testing.T) {
	v := start(t)
	v.must(201, "POST", "/v1/buildUploads", upload("1.0", "7", appID))
	v.must(201, "POST", "/v1/buildUploads", upload("1.0", "7", appID)) // a reservation takes no number
	v.uploaded("1.0", "7", demo("1.0", "7"))
	for number, status := range map[string]int{"7": 409, "07": 409, "6": 409, "7.0": 409, "7.1": 201, "8": 201, "10": 201} {
		r := v.ask("POST", "/v1/buildUploads", upload("1.0", number, appID))
		if r.status != status {
			t.Errorf("%s: %d %+v, want %d", number, r.status, r.Errors, status)
		}
		if status == 409 && (r.code() != "ENTITY_ERROR.ATTRIBUTE.INVALID.DUPLICATE" || r.Errors[0].Meta["previousBundleVersion"] != "7") {
			t.Errorf("%s: %+v", number, r.Errors)
		}
	}
	if r := v.ask("POST", "/v1/buildUploads", upload("1.0.0", "7", appID)); r.status != 409 {
		t.Errorf("1.0.0 is not the same as 1.0: %d", r.status)
	}
	v.must(201, "POST", "/v1/buildUploads", upload("1.1", "7", appID))
}

func TestAPackageThatDisagreesWithTheReservationFails(t *testing.T) {
	for name, c := range map[string]struct {
		info bundletest.Plist
		code string
	}{
		"another bundle id":    {bundletest.IOS("com.example.other", "1.0", "7"), "90054"},
		"another version":      {demo("1.1", "7"), "SANDBOX.VERSION_MISMATCH"},
		"another build number": {demo("1.0", "8"), "SANDBOX.VERSION_MISMATCH"},
	} {
		t.Run(name, func(t *testing.T) {
			v := start(t)
			r := v.uploaded("1.0", "7", c.info)
			v.Advance(time.Minute)
			up := v.must(200, "GET", "/v1/buildUploads/"+r.uploadID, "").object(t)
			state := up.Attributes["state"].(map[string]any)
			problems, _ := state["errors"].([]any)
			if state["state"] != "FAILED" || len(problems) != 1 || problems[0].(map[string]any)["code"] != c.code {
				t.Fatalf("%v", state)
			}
			v.must(201, "POST", "/v1/buildUploads", upload("1.0", "7", appID)) // the number is free again
		})
	}
}

func TestTestFlightHasRules(t *testing.T) {
	v := start(t)
	build := v.build("1.0", "7", demo("1.0", "7").With("ITSAppUsesNonExemptEncryption", nil))
	groups := "/v1/builds/" + build + "/relationships/betaGroups"
	unprocessable := func(what, method, path, body string) {
		t.Helper()
		if r := v.ask(method, path, body); r.status != 422 || !strings.HasPrefix(r.code(), "ENTITY_UNPROCESSABLE") {
			t.Errorf("%s: %d %+v", what, r.status, r.Errors)
		}
	}
	review := resource("betaAppReviewSubmissions", "", nil, "build", "builds", build)
	answer := resource("builds", build, map[string]any{"usesNonExemptEncryption": false})
	unprocessable("a group before export compliance", "POST", groups, linkage("betaGroups", "qa"))
	unprocessable("a review before export compliance", "POST", "/v1/betaAppReviewSubmissions", review)
	v.must(200, "PATCH", "/v1/builds/"+build, answer)
	if r := v.ask("PATCH", "/v1/builds/"+build, answer); r.status != 409 {
		t.Errorf("the same answer twice: %d", r.status)
	}
	unprocessable("an internal group with all builds", "POST", groups, linkage("betaGroups", "team"))
	v.must(204, "POST", groups, linkage("betaGroups", "qa", "beta"))
	v.must(204, "POST", groups, linkage("betaGroups", "qa"))
	if ids := v.must(200, "GET", "/v1/builds?filter[betaGroups]=qa", "").ids(t); !slices.Equal(ids, []string{build}) {
		t.Errorf("builds of the group: %v", ids)
	}
	note := resource("betaBuildLocalizations", "", map[string]any{"locale": "en-US", "whatsNew": "Hello"}, "build", "builds", build)
	v.must(201, "POST", "/v1/betaBuildLocalizations", note)
	if r := v.ask("POST", "/v1/betaBuildLocalizations", note); r.status != 409 {
		t.Errorf("a second note in the same locale: %d", r.status)
	}
	for what, attributes := range map[string]map[string]any{
		"emoji":            {"locale": "de-DE", "whatsNew": "Hello 🚀"},
		"an angle bracket": {"locale": "de-DE", "whatsNew": "a < b"},
		"too much":         {"locale": "de-DE", "whatsNew": strings.Repeat("x", 4001)},
		"no such locale":   {"locale": "xx-XX", "whatsNew": "Hello"},
	} {
		if r := v.ask("POST", "/v1/betaBuildLocalizations", resource("betaBuildLocalizations", "", attributes, "build", "builds", build)); r.status != 409 {
			t.Errorf("%s: %d", what, r.status)
		}
	}
	notification := resource("buildBetaNotifications", "", nil, "build", "builds", build)
	if r := v.ask("POST", "/v1/buildBetaNotifications", notification); r.status != 409 {
		t.Errorf("a notification while automatic ones are on: %d", r.status)
	}
	v.must(201, "POST", "/v1/betaAppReviewSubmissions", review)
	unprocessable("a second submission", "POST", "/v1/betaAppReviewSubmissions", review)
	second := v.build("1.0", "8", demo("1.0", "8"))
	unprocessable("a second build of the version in review", "POST", "/v1/betaAppReviewSubmissions", resource("betaAppReviewSubmissions", "", nil, "build", "builds", second))
	v.must(200, "PATCH", "/v1/builds/"+second, resource("builds", second, map[string]any{"expired": true}))
	unprocessable("a group for an expired build", "POST", "/v1/builds/"+second+"/relationships/betaGroups", linkage("betaGroups", "qa"))
	if r := v.ask("PATCH", "/v1/builds/"+second, resource("builds", second, map[string]any{"expired": false})); r.status != 409 {
		t.Errorf("an expired build was brought back: %d", r.status)
	}
}

func TestAReviewEndsAfterItsTime(t *testing.T) {
	v := start(t, func(o *sandbox.Options) { o.ReviewTime = time.Hour })
	build := v.build("1.0", "7", demo("1.0", "7"))
	v.must(204, "POST", "/v1/builds/"+build+"/relationships/betaGroups", linkage("betaGroups", "beta"))
	v.must(201, "POST", "/v1/betaAppReviewSubmissions", resource("betaAppReviewSubmissions", "", nil, "build", "builds", build))
	external := func() any {
		return v.must(200, "GET", "/v1/builds/"+build+"/buildBetaDetail", "").object(t).Attributes["externalBuildState"]
	}
	if external() != "WAITING_FOR_BETA_REVIEW" {
		t.Errorf("%v", external())
	}
	v.Advance(time.Hour)
	if external() != "IN_BETA_TESTING" {
		t.Errorf("%v an hour later", external())
	}
}

func TestTwoServersDoNotShareAnAddress(t *testing.T) {
	v := start(t)
	other, err := sandbox.Start(sandbox.Options{Addr: strings.TrimPrefix(v.server.URL(), "http://")})
	if err == nil {
		other.Close()
		t.Fatal("the address was taken twice")
	}
	if v.server.URL() == v.server.StoreURL() {
		t.Error("API and store are one host")
	}
}
