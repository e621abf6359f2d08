package release_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/sandbox"
)

// TestAWaitLooksSeldomAndSeesSoon holds the wait to what it may cost: at most
// 40 looks in 20 minutes, and groups within 5 s of the end of a short one.
func TestAWaitLooksSeldomAndSeesSoon(t *testing.T) {
	for name, processing := range map[string]time.Duration{"20 minutes": 10 * time.Minute, "half a minute": 10 * time.Second, "4 seconds": 2 * time.Second} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, func(o *sandbox.Options) {
				o.UploadProcessing, o.BuildProcessing, o.Settle = processing, processing, 0
			})
			start := b.clock.Now()
			b.upload(release.Plan{Path: pack(t, "1.2", "42"), Distribution: release.Distribution{Groups: []string{"QA"}}})
			looks := 2 // the last of each state, after which nothing is waited for
			for _, e := range b.events {
				if _, ok := e.(release.Waiting); ok {
					looks++
				}
			}
			if looks > 40 {
				t.Errorf("%d looks", looks)
			}
			if late := b.clock.Now().Sub(start) - 2*processing; processing <= 10*time.Second && late > 5*time.Second {
				t.Errorf("the groups have it %s after Apple was done", late)
			}
		})
	}
}

// free finds a port that nobody listens at.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// hearing is a bench whose waits go on by notifications alone. It runs a
// function each time a wait has looked and found nothing new.
func hearing(t *testing.T, idle func(*bench)) (b *bench, uploadID, addr string) {
	b = newBench(t)
	sum := b.upload(release.Plan{Path: pack(t, "1.2", "42"), NoWait: true})
	b.runner.Sleep = func(ctx context.Context, _ time.Duration) error {
		idle(b)
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return b, sum.BuildUploadID, free(t)
}

func (b *bench) webhooks() int {
	b.t.Helper()
	left, err := asc.Collect(b.runner.Client.Webhooks(b.t.Context(), "6700000002"))
	if err != nil {
		b.t.Fatal(err)
	}
	return len(left)
}

func TestAWaitHearsOfChanges(t *testing.T) {
	// Enough passes for the next state, of which there is a notification.
	b, uploadID, addr := hearing(t, func(b *bench) { b.clock.pass(11 * time.Minute) })
	listen := &release.Listen{Addr: addr, PublicURL: "http://" + addr + "/hook"}
	sum, err := b.runner.Wait(t.Context(), release.Plan{App: bundleID, BuildUploadID: uploadID, Listen: listen})
	if err != nil || sum.State != "VALID" {
		t.Errorf("%+v, %v", sum, err)
	}
	if n := b.webhooks(); n != 0 {
		t.Errorf("%d webhooks are left", n)
	}
}

// TestAWaitThatHearsNothingLooksAsOften has a webhook to which there is no way.
func TestAWaitThatHearsNothingLooksAsOften(t *testing.T) {
	const processing = 20 * time.Second
	b := newBench(t, func(o *sandbox.Options) { o.UploadProcessing, o.BuildProcessing, o.Settle = processing, processing, 0 })
	sum := b.upload(release.Plan{Path: pack(t, "1.2", "42"), NoWait: true})
	start := b.clock.Now()
	done, err := b.runner.Wait(t.Context(), release.Plan{App: bundleID, BuildUploadID: sum.BuildUploadID, Listen: &release.Listen{Addr: free(t), PublicURL: "http://" + free(t) + "/hook"}})
	if err != nil || done.State != "VALID" {
		t.Fatalf("%+v, %v", done, err)
	}
	if late := b.clock.Now().Sub(start) - 2*processing; late > 5*time.Second {
		t.Errorf("it saw the end %s late", late)
	}
	if n := b.webhooks(); n != 0 {
		t.Errorf("%d webhooks are left", n)
	}
}

func TestAWebhookThatAKilledRunLeftIsRemoved(t *testing.T) {
	waits := make(chan struct{})
	b, uploadID, addr := hearing(t, func(*bench) { close(waits) })
	public := "http://" + addr + "/hook"
	for name, address := range map[string]string{"ascend wait long ago": public, "ascend wait elsewhere": "https://example.com/", "somebody's own": public} {
		if _, err := b.runner.Client.CreateWebhook(t.Context(), "6700000002", asc.NewWebhook{Name: name, URL: address, Secret: "s", Enabled: true, EventTypes: []string{asc.EventBuildUploadState}}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := b.runner.Wait(ctx, release.Plan{App: bundleID, BuildUploadID: uploadID, Listen: &release.Listen{Addr: addr, PublicURL: public}})
		done <- err
	}()
	<-waits
	cancel(failure.ErrInterrupted)
	if err := <-done; failure.KindOf(err) != failure.Interrupted {
		t.Errorf("%v", err)
	}
	if n := b.webhooks(); n != 2 {
		t.Errorf("%d webhooks are left, want those of others", n)
	}
}

// TestNotificationsAreTakenFromAppleOnly sends what Apple would not.
func TestNotificationsAreTakenFromAppleOnly(t *testing.T) {
	waits := make(chan struct{})
	b, uploadID, addr := hearing(t, func(*bench) { close(waits) })
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := b.runner.Wait(ctx, release.Plan{App: bundleID, BuildUploadID: uploadID, Listen: &release.Listen{Addr: addr, PublicURL: "http://" + addr + "/hook"}})
		done <- err
	}()
	<-waits
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for name, c := range map[string]struct {
		method, path, body, signature string
		want                          int
	}{
		"no signature":      {"POST", "/hook", `{"data":{"id":"1"}}`, "", 401},
		"another signature": {"POST", "/hook", `{"data":{"id":"1"}}`, sandbox.Signature("guess", []byte(`{"data":{"id":"1"}}`)), 401},
		"another path":      {"POST", "/", `{}`, "", 404},
		"a look":            {"GET", "/hook", "", "", 405},
		"far too much":      {"POST", "/hook", strings.Repeat("x", 100<<10), "", 400},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, "http://"+addr+c.path, bytes.NewBufferString(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("x-apple-signature", c.signature)
		reply, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, reply.Body) // only the status matters
		reply.Body.Close()
		if reply.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", name, reply.StatusCode, c.want)
		}
	}
	if looks := len(b.calls("GET /v1/buildUploads/")); looks != 1 {
		t.Errorf("it looked %d times", looks)
	}
	cancel(failure.ErrInterrupted)
	<-done
}

func TestAWebhookThatIsRefusedIsDoneWithout(t *testing.T) {
	b := newBench(t)
	sum := b.upload(release.Plan{Path: pack(t, "1.2", "42"), NoWait: true})
	b.before(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || r.URL.Path != "/v1/webhooks" {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"errors":[{"status":"403","code":"FORBIDDEN_ERROR","title":"Forbidden","detail":"No."}]}`))
		return true
	})
	addr := free(t)
	done, err := b.runner.Wait(t.Context(), release.Plan{App: bundleID, BuildUploadID: sum.BuildUploadID, Listen: &release.Listen{Addr: addr, PublicURL: "https://example.com/"}})
	if err != nil || done.State != "VALID" || len(done.Warnings) != 1 || !strings.Contains(done.Warnings[0], "the wait looks by itself") {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestAListenerThatCannotBeSaysWhy(t *testing.T) {
	b := newBench(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for want, plan := range map[string]release.Plan{
		"is the port taken":  {App: bundleID, BuildUploadID: "x", Listen: &release.Listen{Addr: taken.Addr().String(), PublicURL: "https://example.com"}},
		"is no address":      {App: bundleID, BuildUploadID: "x", Listen: &release.Listen{Addr: ":0", PublicURL: "nonsense"}},
		"name it with --app": {BuildUploadID: "x", Listen: &release.Listen{Addr: ":0", PublicURL: "https://example.com"}},
	} {
		_, err := b.runner.Wait(t.Context(), plan)
		if failure.KindOf(err) != failure.Usage || !strings.Contains(err.Error()+failure.Explain(err).Hint, want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
