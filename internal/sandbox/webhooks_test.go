package sandbox_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/ascend-cli/ascend/internal/sandbox"
)

// TestSignaturesAreThoseOfTheDocumentation uses the vector that Apple gives.
func TestSignaturesAreThoseOfTheDocumentation(t *testing.T) {
	const want = "hmacsha256=7f062172b01cb00b53ca068614674a3d982a34062a0f5d37687d5e3377e54657"
	if got := sandbox.Signature("This is my secret", []byte("Hello, World!")); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestWebhooksAreToldOfEveryState(t *testing.T) {
	type notification struct {
		Data struct {
			Type          string
			Attributes    map[string]string
			Relationships struct {
				Instance struct{ Data struct{ ID string } }
			}
		}
	}
	got := make(chan notification, 20)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, err := io.ReadAll(r.Body)
		var n notification
		if err != nil || json.Unmarshal(content, &n) != nil || r.Header.Get("x-apple-signature") != sandbox.Signature("s3cret", content) {
			t.Errorf("%s, %v", content, err)
		}
		got <- n
	}))
	defer receiver.Close()
	next := func(kind, key, value string) string {
		t.Helper()
		select {
		case n := <-got:
			if n.Data.Type != kind || n.Data.Attributes[key] != value {
				t.Errorf("%+v, want %s %s", n, kind, value)
			}
			return n.Data.Relationships.Instance.Data.ID
		case <-time.After(10 * time.Second):
			t.Fatalf("no %s", kind)
			return ""
		}
	}
	v := start(t)
	for _, address := range []string{"http://example.com/", "ftp://127.0.0.1/", "nonsense"} {
		if r := v.ask("POST", "/v1/webhooks", hook(address)); r.status != 409 {
			t.Errorf("%s: %d", address, r.status)
		}
	}
	made := v.must(201, "POST", "/v1/webhooks", hook(receiver.URL)).object(t)
	if _, shown := made.Attributes["secret"]; shown || made.Attributes["_secret"] != nil {
		t.Errorf("%+v", made)
	}
	if ids := v.must(200, "GET", "/v1/apps/"+appID+"/webhooks", "").ids(t); len(ids) != 1 {
		t.Errorf("%v", ids)
	}
	v.must(201, "POST", "/v1/webhookPings", resource("webhookPings", "", nil, "webhook", "webhooks", made.ID))
	next("webhookPingCreated", "", "")

	r := v.uploaded("1.0", "7", demo("1.0", "7"))
	if id := next("buildUploadStateUpdated", "newState", "PROCESSING"); id != r.uploadID {
		t.Errorf("%s, want %s", id, r.uploadID)
	}
	v.Advance(2 * time.Minute) // nobody asks
	next("buildUploadStateUpdated", "newState", "COMPLETE")

	for range 500 { // the reply is written down behind the receiver's back
		var deliveries []object
		if err := json.Unmarshal(v.must(200, "GET", "/v1/webhooks/"+made.ID+"/deliveries", "").Data, &deliveries); err != nil {
			t.Fatal(err)
		}
		pending := slices.ContainsFunc(deliveries, func(o object) bool { return o.Attributes["deliveryState"] != "SUCCEEDED" })
		if len(deliveries) == 3 && !pending {
			v.must(201, "POST", "/v1/webhookDeliveries", resource("webhookDeliveries", "", nil, "template", "webhookDeliveries", deliveries[0].ID))
			next("webhookPingCreated", "", "")
			v.must(204, "DELETE", "/v1/webhooks/"+made.ID, "")
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the deliveries never succeeded")
}

func hook(address string) string {
	return resource("webhooks", "", map[string]any{"name": "ascend", "secret": "s3cret", "url": address, "enabled": true, "eventTypes": []string{"BUILD_UPLOAD_STATE_UPDATED"}}, "app", "apps", appID)
}

func TestTestersAreInvitedAgain(t *testing.T) {
	v := start(t)
	tester := v.must(201, "POST", "/v1/betaTesters", `{"data":{"type":"betaTesters","attributes":{"email":"dana@example.com"},"relationships":{"betaGroups":{"data":[{"type":"betaGroups","id":"qa"}]}}}}`).object(t)
	v.must(201, "POST", "/v1/betaTesterInvitations", resource("betaTesterInvitations", "", nil, "betaTester", "betaTesters", tester.ID, "app", "apps", appID))
	for what, body := range map[string]string{
		"another app's": resource("betaTesterInvitations", "", nil, "betaTester", "betaTesters", tester.ID, "app", "apps", "6700000002"),
		"nobody":        resource("betaTesterInvitations", "", nil, "app", "apps", appID),
	} {
		if r := v.ask("POST", "/v1/betaTesterInvitations", body); r.status != 409 {
			t.Errorf("%s: %d", what, r.status)
		}
	}
}
