package release

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/failure"
)

// Listen is how the service tells of changes: a webhook of the app, for as
// long as a wait lasts.
type Listen struct {
	// Addr is where notifications are received, as for [net.Listen].
	Addr string
	// PublicURL is where the service finds that address; https.
	PublicURL string
}

const (
	// webhookName begins the names of webhooks made here, so that those that a
	// killed run left are found.
	webhookName = "ascend wait"
	// maxNotification bounds a notification, in bytes.
	maxNotification = 64 << 10
)

// A listener receives notifications. The nil value receives none.
type listener struct {
	wake  chan struct{}
	close func()
	// proven is set once the service's word has arrived. Until then the wait
	// looks as if there were no webhook: the way to it may be closed.
	proven atomic.Bool
}

// work tells whether notifications arrive.
func (e *listener) work() bool { return e != nil && e.proven.Load() }

// sleep sleeps until a notification arrives.
func (e *listener) sleep(ctx context.Context, sleep func(context.Context, time.Duration) error, d time.Duration) error {
	if e == nil {
		return sleep(ctx, d)
	}
	short, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-e.wake:
			cancel()
		case <-short.Done():
		}
	}()
	if err := sleep(short, d); err != nil && ctx.Err() != nil {
		return err
	}
	return context.Cause(ctx)
}

// listen registers a webhook and receives what it sends. Where the service
// does not let it, the wait does without.
func (r *run) listen(ctx context.Context, app asc.App) (*listener, error) {
	listen := r.plan.Listen
	public, err := url.Parse(listen.PublicURL)
	if err != nil || public.Host == "" || public.Scheme != "https" && public.Scheme != "http" {
		return nil, &failure.Error{Kind: failure.Usage, Message: fmt.Sprintf("--public-url %q is no address", listen.PublicURL), Hint: "the https address under which Apple reaches the port of --listen"}
	}
	if app.ID == "" {
		return nil, &failure.Error{Kind: failure.Usage, Message: "a webhook belongs to an app: which one?", Hint: "name it with --app"}
	}
	secret := rand.Text()
	e := &listener{wake: make(chan struct{}, 1)}
	config := net.ListenConfig{}
	socket, err := config.Listen(ctx, "tcp", listen.Addr)
	if err != nil {
		return nil, &failure.Error{Kind: failure.Usage, Message: "--listen " + listen.Addr + " is not possible", Hint: "is the port taken?", Err: err}
	}
	server := &http.Server{Handler: e.handler(secret, public.Path), ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(socket) // ends with ErrServerClosed
	}()
	stop := func() {
		_ = server.Close() // what is under way does not matter any more
		<-served
	}
	r.removeWebhooks(ctx, app)
	webhook, err := r.Client.CreateWebhook(ctx, app.ID, asc.NewWebhook{
		Name: webhookName + " " + r.Now().UTC().Format(time.RFC3339), URL: listen.PublicURL, Secret: secret, Enabled: true,
		EventTypes: []string{asc.EventBuildUploadState, asc.EventExternalBuildState},
	})
	if err != nil {
		stop()
		r.removeWebhooks(ctx, app) // the reply may have been lost
		if ctx.Err() != nil {
			return nil, err
		}
		r.warn(fmt.Sprintf("the webhook cannot be made, so the wait looks by itself: %v", err))
		return nil, nil
	}
	r.notice("Apple tells of changes at " + listen.PublicURL + " (webhook " + webhook.ID + ")")
	e.close = func() {
		stop()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpFor)
		defer cancel()
		if err := r.Client.DeleteWebhook(ctx, webhook.ID); err != nil && !asc.IsNotFound(err) {
			r.warn(fmt.Sprintf("the webhook %s cannot be removed: %v", webhook.ID, err))
		}
	}
	return e, nil
}

// removeWebhooks removes what an earlier run left at the same address.
func (r *run) removeWebhooks(ctx context.Context, app asc.App) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpFor)
	defer cancel()
	left, err := asc.Collect(r.Client.Webhooks(ctx, app.ID))
	if err != nil {
		return // making one says why
	}
	for _, w := range left {
		if strings.HasPrefix(w.Name, webhookName+" ") && w.URL == r.plan.Listen.PublicURL {
			_ = r.Client.DeleteWebhook(ctx, w.ID) // the next run tries again
		}
	}
}

// handler takes notifications that are signed, each once, and wakes the wait.
// What they say is not believed: the wait looks by itself.
func (e *listener) handler(secret, path string) http.Handler {
	heard := make(chan map[string]bool, 1)
	heard <- map[string]bool{}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxNotification))
		switch {
		case req.Method != http.MethodPost:
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		case strings.Trim(req.URL.Path, "/") != strings.Trim(path, "/"):
			w.WriteHeader(http.StatusNotFound)
			return
		case err != nil:
			w.WriteHeader(http.StatusBadRequest)
			return
		case !asc.VerifySignature(secret, body, req.Header.Get("x-apple-signature")):
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusNoContent)
		e.proven.Store(true)
		var notification struct{ Data struct{ ID string } }
		if json.Unmarshal(body, &notification) != nil {
			return
		}
		seen := <-heard
		repeated := seen[notification.Data.ID]
		if len(seen) < 1000 {
			seen[notification.Data.ID] = true
		}
		heard <- seen
		if repeated {
			return
		}
		select {
		case e.wake <- struct{}{}:
		default: // it is to wake already
		}
	})
}
