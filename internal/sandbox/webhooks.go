package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"
)

const (
	// pollEvery is how often a server with webhooks looks for changes that no
	// request has brought about.
	pollEvery = 20 * time.Millisecond
	// deliverWithin is how long a receiver has for its answer.
	deliverWithin = 10 * time.Second
	// keepBody is how much of a receiver's answer a delivery shows, in bytes.
	keepBody = 1 << 10
)

func webhookKinds() map[string]kind {
	return map[string]kind{
		"webhooks": {
			create:   (*Server).createWebhook,
			update:   (*Server).updateWebhook,
			singular: "webhook",
			related:  map[string]string{"deliveries": "webhookDeliveries"},
		},
		"webhookPings":      {create: (*Server).createPing},
		"webhookDeliveries": {create: (*Server).createDelivery},
	}
}

// createWebhook makes a webhook. From then on states advance and are announced
// between requests as well.
func (s *Server) createWebhook(in input) (*resource, *refusal) {
	if refused := checkWebhookURL(in.attrs["url"]); refused != nil {
		return nil, refused
	}
	if len(s.db.all("webhooks")) == 0 {
		s.eachAnnounced(func(a announced, r *resource) { r.announced = a.state(r) })
	}
	webhook := s.insert("webhooks", in)
	webhook.hideSecret()
	if !s.ended {
		s.watching.Do(func() { s.serving.Go(s.watch) })
	}
	return webhook, nil
}

func (s *Server) updateWebhook(webhook *resource, in input) *refusal {
	if address, given := in.attrs["url"]; given {
		if refused := checkWebhookURL(address); refused != nil {
			return refused
		}
	}
	defer webhook.hideSecret()
	return s.assign(webhook, in)
}

// hideSecret takes a secret that was sent out of the attributes, which replies
// show.
func (r *resource) hideSecret() {
	if secret, given := r.attrs["secret"]; given {
		r.secret, _ = secret.(string)
		delete(r.attrs, "secret")
	}
}

// checkWebhookURL takes https, and http on this machine, where there is nobody
// in between.
func checkWebhookURL(value any) *refusal {
	text, _ := value.(string)
	u, err := url.Parse(text)
	if err == nil && u.Host != "" && u.Scheme == "https" {
		return nil
	}
	if err == nil && u.Scheme == "http" {
		if ip := net.ParseIP(u.Hostname()); ip.IsLoopback() || u.Hostname() == "localhost" {
			return nil
		}
	}
	return badAttribute("url", "ENTITY_ERROR.ATTRIBUTE.INVALID", "The url of a webhook must be https.")
}

// watch advances states while there are no requests.
func (s *Server) watch() {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		select {
		case <-s.closing:
			return
		case <-ticker.C:
			s.mu.Lock()
			s.advance(s.options.Now())
			s.announce()
			s.mu.Unlock()
		}
	}
}

// An announced kind of state, and how its notification names things.
type announced struct {
	kind, event, notification, before, after string
	// initial is the state that something new comes from.
	initial string
	state   func(*resource) string
}

var announcements = []announced{
	{
		kind: "buildUploads", event: "BUILD_UPLOAD_STATE_UPDATED", notification: "buildUploadStateUpdated",
		before: "oldState", after: "newState", initial: stateAwaiting, state: uploadState,
	},
	{
		kind: "buildBetaDetails", event: "BUILD_BETA_DETAIL_EXTERNAL_BUILD_STATE_UPDATED",
		notification: "buildBetaDetailExternalBuildStateUpdated",
		before:       "oldExternalBuildState", after: "newExternalBuildState", initial: stateProcessing,
		state: func(r *resource) string { return r.text("externalBuildState") },
	},
}

// announce tells the webhooks of every state that has changed since it was
// told last. The lock is held.
func (s *Server) announce() {
	webhooks := s.db.all("webhooks")
	if len(webhooks) == 0 {
		return
	}
	s.eachAnnounced(func(a announced, r *resource) {
		now := a.state(r)
		before := cmp.Or(r.announced, a.initial)
		if r.announced = now; before == now {
			return
		}
		for _, webhook := range webhooks {
			wanted := webhook.flag("enabled") && contains(webhook.attrs["eventTypes"], a.event)
			if wanted && webhook.one["app"] == s.appOf(r) {
				s.notifyWebhook(webhook, a.event, a.notification, r, map[string]any{a.before: before, a.after: now})
			}
		}
	})
}

func (s *Server) eachAnnounced(do func(announced, *resource)) {
	for _, a := range announcements {
		for _, r := range s.db.all(a.kind) {
			do(a, r)
		}
	}
}

func (s *Server) appOf(r *resource) string {
	if r.kind == "buildBetaDetails" {
		r = s.db.get("builds", r.id)
	}
	return r.one["app"]
}

func contains(list any, value string) bool {
	values, _ := list.([]any)
	return slices.Contains(values, any(value))
}

// notifyWebhook makes an event and delivers it.
func (s *Server) notifyWebhook(
	webhook *resource, event, notification string, about *resource, attributes map[string]any,
) {
	now := s.options.Now()
	attributes["timestamp"] = now.UTC().Format(time.RFC3339)
	id := newID()
	payload, err := json.Marshal(map[string]any{"data": map[string]any{
		"type": notification, "id": id, "version": 1, "attributes": attributes,
		"relationships": map[string]any{"instance": map[string]any{
			"data":  map[string]any{"type": about.kind, "id": about.id},
			"links": map[string]any{"self": s.apiURL + "/v1/" + about.kind + "/" + about.id},
		}},
	}})
	if err != nil {
		return // made of texts and maps: it does not fail
	}
	made := s.db.add("webhookEvents", id).set(
		"eventType", event, "payload", string(payload), "ping", about.kind == "webhooks", "createdDate", stamp(now),
	)
	s.deliver(webhook, made, false)
}

// deliver sends an event to a webhook in the background. The lock is held.
func (s *Server) deliver(webhook, event *resource, again bool) *resource {
	now := s.options.Now()
	address, secret, payload := webhook.text("url"), webhook.secret, event.text("payload")
	delivery := s.db.add("webhookDeliveries", newID()).set(
		"createdDate", stamp(now), "deliveryState", "PENDING", "redelivery", again, "request", map[string]any{"url": address},
	)
	delivery.one["webhook"], delivery.one["event"] = webhook.id, event.id
	if s.ended {
		return delivery
	}
	s.serving.Go(func() {
		status, body, err := s.post(address, secret, []byte(payload))
		s.mu.Lock()
		defer s.mu.Unlock()
		delivery.set("sentDate", stamp(s.options.Now()))
		if err != nil {
			delivery.set("deliveryState", "FAILED", "errorMessage", err.Error())
			return
		}
		delivery.set(
			"deliveryState", pick(status/100 == 2, "SUCCEEDED", "FAILED"),
			"response", map[string]any{"httpStatusCode": status, "body": body},
		)
	})
	return delivery
}

// Signature is the x-apple-signature of a notification, with the prefix that
// the documentation of webhooks gives it.
func Signature(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "hmacsha256=" + hex.EncodeToString(mac.Sum(nil))
}

func (s *Server) post(address, secret string, payload []byte) (int, string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), deliverWithin)
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-s.closing:
			cancel()
		case <-stop:
		}
	}()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(payload))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("x-apple-signature", Signature(secret, payload))
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	reply, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer reply.Body.Close()
	var body bytes.Buffer
	_, _ = body.ReadFrom(http.MaxBytesReader(nil, reply.Body, keepBody)) // what came is shown
	return reply.StatusCode, body.String(), nil
}

// createPing sends a test notification.
func (s *Server) createPing(in input) (*resource, *refusal) {
	webhook := s.db.get("webhooks", in.one["webhook"])
	s.notifyWebhook(webhook, "PING", "webhookPingCreated", webhook, map[string]any{})
	return &resource{kind: "webhookPings", id: newID()}, nil
}

// createDelivery delivers an event again.
func (s *Server) createDelivery(in input) (*resource, *refusal) {
	template := s.db.get("webhookDeliveries", in.one["template"])
	webhook := s.db.get("webhooks", template.one["webhook"])
	if webhook == nil {
		return nil, badRelationship("template", "ENTITY_ERROR.RELATIONSHIP.INVALID",
			"The webhook of the delivery has been deleted.")
	}
	return s.deliver(webhook, s.db.get("webhookEvents", template.one["event"]), true), nil
}
