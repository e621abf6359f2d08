package sandboxtest_test

import (
	"slices"
	"testing"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/sandbox"
	"github.com/ascend-cli/ascend/internal/sandbox/sandboxtest"
)

func TestAServerIsReachedWithWhatItGives(t *testing.T) {
	for _, tls := range []bool{false, true} {
		told := make(chan sandbox.Request, 10)
		tell := func(r sandbox.Request) { told <- r }
		s := sandboxtest.New(t, sandbox.Options{TLS: tls, OnRequest: tell})
		s.OnRequest(tell)
		transport := s.Transport()
		client, err := asc.NewClient(asc.Options{Key: s.ClientKey(), URL: s.URL(), Transport: transport})
		if err != nil {
			t.Fatal(err)
		}
		app, err := client.App(t.Context(), sandboxtest.AppID)
		transport.CloseIdleConnections()
		if err != nil || app.BundleID != sandboxtest.BundleID {
			t.Errorf("%+v, %v", app, err)
		}
		for range 2 {
			if r := <-told; r.Status != 200 {
				t.Errorf("%+v", r)
			}
		}
		if requests := s.Requests(); len(requests) != 1 {
			t.Errorf("%+v", requests)
		}
		if environment := s.Environment(); !slices.Contains(environment, "ASCEND_API_URL="+s.URL()) {
			t.Error(environment)
		}
	}
}
