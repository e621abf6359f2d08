package asc

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

func TestRateLimitHeaders(t *testing.T) {
	hour := RateLimit{Limit: 3500, Remaining: 500}
	for name, c := range map[string]struct {
		lines []string
		from  RateLimit
		want  RateLimit
	}{
		"the hour":                    {[]string{"user-hour-lim:3500;user-hour-rem:500;"}, RateLimit{}, hour},
		"in another order":            {[]string{"user-hour-rem:0;user-hour-lim:3600"}, RateLimit{}, RateLimit{Limit: 3600}},
		"none":                        {nil, hour, hour},
		"an empty one":                {[]string{""}, hour, hour},
		"the minute only":             {[]string{"user-minute-lim:250;user-minute-rem:244;"}, hour, RateLimit{3500, 500, 250, 244}},
		"the hour only":               {[]string{"user-hour-lim:3600;user-hour-rem:7;"}, RateLimit{3500, 500, 250, 244}, RateLimit{3600, 7, 250, 244}},
		"two lines":                   {[]string{"user-hour-lim:3600;user-hour-rem:3598;", "user-minute-lim:150;user-minute-rem:149;"}, RateLimit{}, RateLimit{3600, 3598, 150, 149}},
		"two lines, the other way":    {[]string{"user-minute-lim:150;user-minute-rem:149;", "user-hour-lim:3600;user-hour-rem:3598;"}, RateLimit{}, RateLimit{3600, 3598, 150, 149}},
		"two lines that were joined":  {[]string{"user-hour-lim:3600;user-hour-rem:3598;, user-minute-lim:150;user-minute-rem:149;"}, RateLimit{}, RateLimit{3600, 3598, 150, 149}},
		"spaces and letter case":      {[]string{" User-Hour-Lim : 3500 ; user-hour-rem: 500"}, RateLimit{}, hour},
		"no figures":                  {[]string{"user-hour-lim:;user-hour-rem:x;", "user-hour-rem:-1"}, hour, hour},
		"other words":                 {[]string{"user-day-lim:5;user-day-rem:0;x"}, hour, hour},
		"what remains only":           {[]string{"user-hour-rem:3"}, hour, RateLimit{Limit: 3500, Remaining: 3}},
		"what remains of nothing":     {[]string{"user-hour-rem:3"}, RateLimit{}, RateLimit{}},
		"a limit alone says nothing":  {[]string{"user-hour-lim:3500"}, RateLimit{}, RateLimit{}},
		"another limit, no remainder": {[]string{"user-hour-lim:3600"}, hour, RateLimit{Limit: 3600, Remaining: 500}},
	} {
		got := c.from
		got.take(parseRateLimit(c.lines))
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestTheAllowanceIsWhatWasToldLast(t *testing.T) {
	var lines []string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for _, line := range lines {
			w.Header().Add("X-Rate-Limit", line)
		}
		fmt.Fprint(w, resourceReply(r))
	})
	for i, step := range []struct {
		after time.Duration
		lines []string
		want  RateLimit
	}{
		{0, nil, RateLimit{}},
		{0, []string{"user-minute-lim:150;user-minute-rem:3;"}, RateLimit{0, 0, 150, 3}},
		{0, []string{"user-hour-lim:3600;user-hour-rem:3598;", "user-minute-lim:150;user-minute-rem:2;"}, RateLimit{3600, 3598, 150, 2}},
		{59 * time.Second, nil, RateLimit{3600, 3598, 150, 2}},
		{time.Second, []string{"user-hour-lim:3600;user-hour-rem:3597;"}, RateLimit{Limit: 3600, Remaining: 3597}},
		{0, []string{"user-minute-lim:150;user-minute-rem:149;"}, RateLimit{3600, 3597, 150, 149}},
	} {
		s.mu.Lock()
		s.now = s.now.Add(step.after)
		s.mu.Unlock()
		lines = step.lines
		if _, err := s.client.App(t.Context(), "1"); err != nil {
			t.Fatal(err)
		}
		got := s.client.RateLimit()
		if got != step.want || got.Known() != (step.want.Limit > 0) || got.MinuteKnown() != (step.want.MinuteLimit > 0) {
			t.Errorf("step %d: %+v, want %+v", i, got, step.want)
		}
	}
}

func TestTooManyRequestsWithoutATimeBackOff(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 429, `{"errors":[{"status":"429","code":"RATE_LIMIT_EXCEEDED","title":"The request rate limit has been reached."}]}`)
	})
	if _, err := s.client.CreateBuildUpload(t.Context(), "1", NewBuildUpload{}); StatusOf(err) != 429 || IsUnclear(err) {
		t.Errorf("%v", err)
	}
	if len(s.slept) < 5 {
		t.Fatalf("slept %v", s.slept)
	}
	for i := range 4 {
		if s.slept[i+1] != 2*s.slept[i] {
			t.Errorf("pauses do not double: %v", s.slept)
		}
	}
}

func TestATimeToComeBackIsOfTheServicesClock(t *testing.T) {
	left := 1
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if left--; left >= 0 {
			w.Header().Set("Date", "Tue, 24 Nov 2026 10:00:00 GMT")
			w.Header().Set("Retry-After", "Tue, 24 Nov 2026 10:00:40 GMT")
			w.WriteHeader(503)
			return
		}
		fmt.Fprint(w, resourceReply(r))
	})
	if _, err := s.client.App(t.Context(), "1"); err != nil || len(s.slept) != 1 || s.slept[0].Truncate(time.Second) != 40*time.Second {
		t.Errorf("slept %v, %v", s.slept, err)
	}
}
