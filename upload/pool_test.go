package upload

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestAPoolGivesSlotsUntilItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(2, 0)
		leave := p.join(4, 1, hostDialer{}, time.Now)
		defer leave(0)
		for range 2 {
			if err := p.admit(t.Context(), false); err != nil {
				t.Fatal(err)
			}
		}
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		ended, admitted := make(chan error, 1), make(chan error, 1)
		go func() { ended <- p.admit(ctx, false) }()
		synctest.Wait()
		go func() { admitted <- p.admit(t.Context(), false) }()
		cancel(cause)
		if err := <-ended; !errors.Is(err, cause) {
			t.Errorf("%v", err)
		}
		synctest.Wait()
		if len(admitted) != 0 {
			t.Error("more than the limit")
		}
		p.release()
		if err := <-admitted; err != nil {
			t.Error(err)
		}
		if now, peak := p.Concurrency(); now != 2 || peak != 2 {
			t.Errorf("%d, %d", now, peak)
		}
	})
}

func TestThePoolMeasuresByTheClockOfItsUploads(t *testing.T) {
	p := NewPool(3, 0)
	now := epoch
	p.now = func() time.Time { return now }
	var ended [3]error
	var attempts [3]*attempt
	for i := range attempts {
		attempts[i] = &attempt{cancel: func(err error) { ended[i] = err }}
		p.start(attempts[i], now)
		for range fewestPauses {
			now = now.Add(time.Millisecond)
			p.moved(attempts[i], 1000, now, false)
		}
	}
	now = now.Add(stillAtLeast)
	p.moved(attempts[1], 1000, now, false)
	p.moved(attempts[2], 1000, now, false)
	p.stalls = stallDetector{}
	for range fewestPauses {
		p.stalls.paused(time.Millisecond)
	}
	p.tick()
	if !errors.Is(ended[0], errStalled) || !p.suspected(attempts[0]) || ended[1] != nil || ended[2] != nil {
		t.Errorf("%v", ended)
	}
}

func TestTheWatchEndsWithTheLastUpload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ticks atomic.Int64
		clock := func() time.Time { ticks.Add(1); return time.Now() }
		p := NewPool(0, 0)
		leave := p.join(2, 1, hostDialer{}, clock)
		also := p.join(3, 1, hostDialer{}, clock)
		leave(2)
		time.Sleep(10*tickInterval + tickInterval/2)
		if ticks.Load() != 10 {
			t.Errorf("%d ticks, want 10", ticks.Load())
		}
		also(3)
		time.Sleep(10 * tickInterval)
		if ticks.Load() != 10 || p.slots.unsent != 0 {
			t.Errorf("%d ticks, %d parts at the end", ticks.Load(), p.slots.unsent)
		}
	})
}

// roundTripper is a transport without connections.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestAnAttemptEndsWhenNothingHappens(t *testing.T) {
	acknowledge := func(req *http.Request) (*http.Response, error) {
		_, err := io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
		return &http.Response{StatusCode: 200, Body: http.NoBody, Request: req}, err
	}
	hang := func(req *http.Request) (*http.Response, error) {
		defer req.Body.Close()
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	for name, c := range map[string]struct {
		first   func(*http.Request) (*http.Response, error)
		options Options
		after   time.Duration
		want    error
	}{
		"no byte is taken":     {hang, Options{}, defaultStallTimeout, errStalled},
		"not for the time set": {hang, Options{StallTimeout: time.Hour}, time.Hour, errStalled},
		"no reply comes": {func(req *http.Request) (*http.Response, error) {
			_, _ = io.Copy(io.Discard, req.Body)
			return hang(req)
		}, Options{}, defaultReplyTimeout, errNoReply},
		"no reply comes after a long transfer": {func(req *http.Request) (*http.Response, error) {
			for range 20 {
				time.Sleep(defaultStallTimeout - time.Second)
				_, _ = io.CopyN(io.Discard, req.Body, 5)
			}
			_, _ = io.Copy(io.Discard, req.Body)
			return hang(req)
		}, Options{}, 2 * 20 * (defaultStallTimeout - time.Second), errNoReply},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				c.options.Transport = roundTripper(func(req *http.Request) (*http.Response, error) {
					if tries++; tries == 1 {
						return c.first(req)
					}
					return acknowledge(req)
				})
				c.options.Random = func() float64 { return 0 }
				var failed []PartEvent
				c.options.Observer = eventFunc(func(e PartEvent) {
					if e.State == PartRetry {
						failed = append(failed, e)
					}
				})
				operations := []Operation{{Method: "PUT", URL: "https://store.example/", Length: 100}}
				_, err := Upload(t.Context(), bytes.NewReader(make([]byte, 100)), 100, operations, c.options)
				if err != nil || len(failed) != 1 {
					t.Fatalf("%v, %+v", err, failed)
				}
				if e := failed[0]; !errors.Is(e.Err, c.want) || e.Duration != c.after || e.Wait != firstWait/10 {
					t.Errorf("%v after %s, want %v after %s; then %s", e.Err, e.Duration, c.want, c.after, e.Wait)
				}
			})
		})
	}
}

// eventFunc is an observer of parts.
type eventFunc func(PartEvent)

func (eventFunc) Progress(int64)     {}
func (f eventFunc) Part(e PartEvent) { f(e) }
