package sandbox_test

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
	"github.com/ascend-cli/ascend/internal/sandbox"
)

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
