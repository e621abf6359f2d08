package asc

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// authority answers as the service does to tokens, by a clock of its own. The
// first answers may be scripted: "401", or "401 without a date".
type authority struct {
	t *testing.T
	// ahead is how far the client's clock is ahead of the service's.
	ahead  time.Duration
	script []string
	// lie is added to every Date header.
	lie   time.Duration
	s     *service
	mu    sync.Mutex
	tells []time.Duration
}

func newAuthority(t *testing.T, ahead, lie time.Duration, script ...string) *authority {
	a := &authority{t: t, ahead: ahead, lie: lie, script: script}
	a.s = serve(t, a.answer)
	a.s.client.onSkew = func(skew time.Duration) { a.tells = append(a.tells, skew) }
	return a
}

func (a *authority) answer(w http.ResponseWriter, r *http.Request) {
	a.s.mu.Lock()
	now, token := a.s.now.Add(-a.ahead), a.s.auths[len(a.s.auths)-1]
	a.s.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("Date", now.Add(a.lie).Format(http.TimeFormat))
	step := ""
	if len(a.script) > 0 {
		step, a.script = a.script[0], a.script[1:]
	}
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(token, claims); err != nil {
		a.t.Error(err)
	}
	issued, expires := time.Unix(int64(claims["iat"].(float64)), 0), time.Unix(int64(claims["exp"].(float64)), 0)
	valid := !issued.After(now.Add(time.Second)) && expires.After(now) && expires.Sub(now) <= 20*time.Minute
	if step == "401 without a date" {
		w.Header()["Date"] = nil
	}
	if step != "" || !valid {
		answer(w, 401, `{"errors":[{"status":"401","code":"NOT_AUTHORIZED","title":"t"}]}`)
		return
	}
	fmt.Fprint(w, resourceReply(r))
}

func TestClocksThatAreOff(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for _, ahead := range []time.Duration{
		0, 30 * time.Second, -30 * time.Second, 90 * time.Second, 10 * time.Minute, -10 * time.Minute, -16 * time.Minute,
		3 * time.Hour, -3 * time.Hour, year, -year, 56 * year, // the last is a clock without a battery
	} {
		for name, script := range map[string][]string{
			"nothing else":              nil,
			"a refusal besides":         {"401"},
			"a refusal without a date":  {"401 without a date"},
			"two refusals without date": {"401 without a date", "401 without a date"},
			"two refusals":              {"401", "401"},
		} {
			t.Run(fmt.Sprint(ahead, " ", name), func(t *testing.T) {
				a := newAuthority(t, ahead, 0, script...)
				for range 3 {
					if _, err := a.s.client.App(t.Context(), "1"); err != nil {
						t.Fatal(err)
					}
					a.s.now = a.s.now.Add(20 * time.Minute) // a token ran out
				}
				if _, err := a.s.client.CreateBuildUpload(t.Context(), "1", NewBuildUpload{}); err != nil {
					t.Error(err)
				}
				// A clock that is ten minutes behind makes tokens that are valid for
				// four minutes, so it is not always noticed.
				noticed := ahead > time.Minute || ahead < -15*time.Minute
				if len(a.tells) > 1 || noticed && (len(a.tells) == 0 || (a.tells[0]-ahead).Abs() > time.Second) {
					t.Errorf("told %v of %s", a.tells, ahead)
				}
			})
		}
	}
}

func TestAClockThatIsSetRightIsTrustedAgain(t *testing.T) {
	a := newAuthority(t, 3*time.Hour, 0)
	for _, ahead := range []time.Duration{3 * time.Hour, 0, -2 * time.Hour, 10 * time.Minute} {
		a.s.mu.Lock()
		a.s.now = a.s.now.Add(ahead - a.ahead)
		a.ahead = ahead
		a.s.mu.Unlock()
		if _, err := a.s.client.App(t.Context(), "1"); err != nil {
			t.Errorf("%s ahead: %v", ahead, err)
		}
	}
	if len(a.tells) != 1 {
		t.Errorf("told %v, want once", a.tells)
	}
}

func TestADateThatLiesBreaksNoClock(t *testing.T) {
	for _, lie := range []time.Duration{3 * time.Hour, -3 * time.Hour, 100 * 365 * 24 * time.Hour} {
		for name, script := range map[string][]string{"no refusal": nil, "a refusal": {"401"}, "two refusals": {"401", "401"}, "three refusals": {"401", "401", "401"}} {
			t.Run(fmt.Sprint(lie, " ", name), func(t *testing.T) {
				a := newAuthority(t, 0, lie, script...)
				for range 3 {
					if _, err := a.s.client.App(t.Context(), "1"); err != nil {
						t.Fatal(err)
					}
				}
				if len(a.tells) != 0 {
					t.Errorf("told %v", a.tells)
				}
			})
		}
	}
}

func TestRefusedTokensAreReplacedThreeTimesAtMost(t *testing.T) {
	for name, call := range map[string]func(*Client) error{
		"read": func(c *Client) error { _, err := c.App(context.Background(), "1"); return err },
		"create": func(c *Client) error {
			_, err := c.CreateBuildUpload(context.Background(), "1", NewBuildUpload{})
			return err
		},
		"commit": func(c *Client) error { _, err := c.CommitBuildUploadFile(context.Background(), "1"); return err },
	} {
		for refusals := range 5 {
			t.Run(fmt.Sprint(name, " ", refusals), func(t *testing.T) {
				a := newAuthority(t, 0, 0, slices.Repeat([]string{"401"}, refusals)...)
				start := a.s.now
				err := call(a.s.client)
				if refusals < 3 && (err != nil || a.s.count() != refusals+1) || refusals >= 3 && (!IsUnauthorized(err) || a.s.count() != 3) {
					t.Errorf("%d requests, %v", a.s.count(), err)
				}
				if refusals == 2 && len(slices.Compact(slices.Sorted(slices.Values(a.s.auths)))) != 3 {
					t.Error("a refused token was sent again")
				}
				if took := a.s.now.Sub(start); took > 3*time.Second || refusals > 0 && took == 0 {
					t.Errorf("the pauses took %s", took)
				}
			})
		}
	}
}

func TestARequestOfManyIsRefusedOnce(t *testing.T) {
	a := newAuthority(t, 3*time.Hour, 0)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := a.s.client.App(t.Context(), "1"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(a.tells) != 1 {
		t.Errorf("told %v", a.tells)
	}
}
