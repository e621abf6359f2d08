package upload

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestWhatFollowsAFailedAttempt(t *testing.T) {
	const full = 1.0
	again := func(wait time.Duration) decision { return decision{action: tryAgain, wait: wait} }
	broken := errors.New("the connection was closed")
	for name, c := range map[string]struct {
		failure PartError
		given   circumstances
		want    decision
	}{
		"a connection breaks":          {PartError{Err: broken}, circumstances{}, again(firstWait)},
		"it does while others go on":   {PartError{Err: broken}, circumstances{moving: true}, again(0)},
		"it does for the second time":  {PartError{Err: broken, Attempts: 2}, circumstances{moving: true}, again(2 * firstWait)},
		"it is given up by comparison": {PartError{Err: errStalled, Attempts: 3}, circumstances{suspected: true}, again(0)},
		"often":                        {PartError{Err: broken, Attempts: 60}, circumstances{}, again(30 * time.Second)},
		"for too long": {
			PartError{Err: broken, Attempts: 60}, circumstances{failingFor: 14*time.Minute + 31*time.Second},
			decision{action: giveUp, wait: 30 * time.Second},
		},
		"just not for too long": {
			PartError{Err: broken, Attempts: 60}, circumstances{failingFor: 14*time.Minute + 30*time.Second},
			again(30 * time.Second),
		},
		"a wait past the end": {
			PartError{Status: 503, RetryAfter: 2 * time.Minute}, circumstances{failingFor: 14 * time.Minute},
			decision{action: giveUp, wait: 2 * time.Minute},
		},
		"the store asks for a wait":      {PartError{Status: 503, RetryAfter: 7 * time.Second}, circumstances{moving: true}, again(7 * time.Second)},
		"for a very long one":            {PartError{Status: 503, RetryAfter: time.Hour}, circumstances{}, again(5 * time.Minute)},
		"the store asks for less":        {PartError{Status: 503, Code: "SlowDown"}, circumstances{}, decision{tryAgain, firstWait, true}},
		"too many requests":              {PartError{Status: 429}, circumstances{}, decision{tryAgain, firstWait, true}},
		"the file changed":               {PartError{Err: fmt.Errorf("%w: shorter", ErrFileChanged)}, circumstances{moving: true}, decision{action: giveUp, wait: firstWait}},
		"the operation is refused":       {PartError{Status: 403}, circumstances{failingFor: time.Hour}, decision{action: refreshOperation, wait: firstWait}},
		"an early success":               {PartError{Status: 200, Err: errEarly}, circumstances{}, again(firstWait)},
		"a redirect is followed by none": {PartError{Status: 301}, circumstances{}, decision{action: giveUp, wait: firstWait}},
	} {
		t.Run(name, func(t *testing.T) {
			c.failure.Attempts, c.given.random = max(c.failure.Attempts, 1), full
			if got := (retryPolicy{retryFor: 15 * time.Minute}).decide(&c.failure, c.given); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestWhichRefusalsAreWorthAnotherAttempt(t *testing.T) {
	for _, c := range []struct {
		status int
		code   string
		want   action
	}{
		{400, "RequestTimeout", tryAgain}, {400, "BadDigest", tryAgain}, {400, "IncompleteBody", tryAgain},
		{400, "InvalidRequest", giveUp}, {400, "", giveUp}, {401, "", giveUp}, {403, "AccessDenied", refreshOperation},
		{404, "NoSuchUpload", giveUp}, {408, "", tryAgain}, {413, "", giveUp}, {429, "", tryAgain},
		{500, "", tryAgain}, {502, "", tryAgain}, {503, "", tryAgain}, {504, "", tryAgain}, {200, "InternalError", tryAgain},
	} {
		if got := actionFor(&PartError{Status: c.status, Code: c.code}); got != c.want {
			t.Errorf("%d %s: %v, want %v", c.status, c.code, got, c.want)
		}
	}
}

func TestWaitsAreSpreadByChance(t *testing.T) {
	for _, c := range []struct {
		random float64
		want   time.Duration
	}{{0, 80 * time.Millisecond}, {0.5, 440 * time.Millisecond}, {1, 800 * time.Millisecond}} {
		if got := waitAfter(3, 0, c.random); got != c.want {
			t.Errorf("%v: %s, want %s", c.random, got, c.want)
		}
	}
}

func TestAnOperationIsNotInsistedOnForever(t *testing.T) {
	for refusals, want := range map[int]bool{1: true, 2: true, 3: false, 4: false} {
		if got := (retryPolicy{}).insist(refusals); got != want {
			t.Errorf("%d: %v", refusals, got)
		}
	}
}
