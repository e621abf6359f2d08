package release_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/sandbox"
)

// answering is a service that answers requests from memory.
type answering func(*http.Request) (*http.Response, error)

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

func reply(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
	}
}

// hang answers when the client gives up.
func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, context.Cause(r.Context())
}

func TestTheTimeoutBoundsRequestsAndRetries(t *testing.T) {
	const app = `{"data":{"type":"apps","id":"1","attributes":{"bundleId":"com.example.demo"}}}`
	const build = `{"data":{"type":"builds","id":"b","attributes":{"version":"1","processingState":"PROCESSING"},"relationships":{"app":{"data":{"type":"apps","id":"1"}}}}}`
	key, err := sandbox.NewKey("TESTKEY001", "issuer", sandbox.Admin)
	if err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string]answering{
		"nothing answers": hang,
		"builds hang": func(r *http.Request) (*http.Response, error) {
			if strings.HasPrefix(r.URL.Path, "/v1/builds/") {
				return hang(r)
			}
			return reply(200, app), nil
		},
		"everything is refused": func(*http.Request) (*http.Response, error) { return reply(503, ""), nil },
		"a pause is asked for that is longer": func(*http.Request) (*http.Response, error) {
			resp := reply(429, "")
			resp.Header.Set("Retry-After", "300")
			return resp, nil
		},
		"connections break": func(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset") },
		"the build stays in processing": func(r *http.Request) (*http.Response, error) {
			if strings.HasPrefix(r.URL.Path, "/v1/builds/") {
				return reply(200, build), nil
			}
			return reply(200, app), nil
		},
		"a body that never ends": func(r *http.Request) (*http.Response, error) {
			resp := reply(200, "")
			resp.Body = io.NopCloser(endless{r.Context()})
			return resp, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, err := asc.NewClient(asc.Options{
					Key: asc.Key{ID: key.ID, IssuerID: key.IssuerID, Private: key.Private}, Transport: answer,
				})
				if err != nil {
					t.Fatal(err)
				}
				runner := &release.Runner{Client: client}
				for what, command := range map[string]func() error{
					"wait": func() error {
						_, err := runner.Wait(t.Context(), release.Plan{BuildID: "b", Timeout: 10 * time.Second})
						return err
					},
					"distribute": func() error {
						_, err := runner.Distribute(t.Context(), release.Plan{
							BuildID: "b", Timeout: 10 * time.Second, Distribution: release.Distribution{Groups: []string{"QA"}},
						})
						return err
					},
				} {
					start := time.Now()
					err := command()
					took := time.Since(start)
					if took > 11*time.Second {
						t.Errorf("%s ended after %s", what, took)
					}
					if name == "a pause is asked for that is longer" && failure.KindOf(err) != failure.Timeout {
						t.Errorf("%s gave up after %s: %v", what, took, err)
					}
					// What cannot succeed within the time may end before it.
					if err == nil || took >= 10*time.Second && failure.KindOf(err) != failure.Timeout {
						t.Errorf("%s, after %s: %v", what, took, err)
					}
				}
			})
		})
	}
}

// endless is a body whose next byte does not come.
type endless struct{ ctx context.Context }

func (e endless) Read([]byte) (int, error) {
	<-e.ctx.Done()
	return 0, context.Cause(e.ctx)
}
