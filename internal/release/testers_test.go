package release_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ascend-cli/ascend/asc"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/release"
	"github.com/ascend-cli/ascend/internal/sandbox"
)

func persons(groups string, emails ...string) []release.Person {
	var out []release.Person
	for _, email := range emails {
		out = append(out, release.Person{Email: email, FirstName: "Dana", Groups: strings.Split(groups, ",")})
	}
	return out
}

func outcomes(results []release.TesterResult) string {
	var out []string
	for _, r := range results {
		out = append(out, string(r.State))
	}
	return strings.Join(out, " ")
}

func TestTestersComeAndGo(t *testing.T) {
	b := newBench(t)
	add := func(want string, people ...release.Person) {
		t.Helper()
		results, err := b.runner.AddTesters(t.Context(), bundleID, people, false)
		if err != nil || outcomes(results) != want {
			t.Errorf("%s, %v, want %s", outcomes(results), err, want)
		}
	}
	dry, err := b.runner.AddTesters(t.Context(), bundleID, persons("QA", "a@example.com"), true)
	if err != nil || outcomes(dry) != "skipped" {
		t.Errorf("%v, %v", dry, err)
	}
	add("changed changed", persons("QA", "a@example.com", "b@example.com")...)
	add("already changed", append(persons("QA", "A@example.com"), persons("QA,Beta", "b@example.com")...)...)
	_, people, err := b.runner.Testers(t.Context(), bundleID, nil)
	if err != nil || len(people) != 2 || people[1].Email != "b@example.com" || strings.Join(people[1].Groups, ",") != "QA,Beta" || people[0].FirstName != "Dana" {
		t.Errorf("%+v, %v", people, err)
	}
	_, people, err = b.runner.Testers(t.Context(), bundleID, []string{"Beta"})
	if err != nil || len(people) != 1 {
		t.Errorf("%+v, %v", people, err)
	}
	for _, groups := range []string{"Nope", "Twin"} {
		if _, err := b.runner.AddTesters(t.Context(), bundleID, persons("QA,"+groups, "c@example.com"), false); err == nil {
			t.Errorf("%s was taken", groups)
		}
	}
	_, err = b.runner.AddTesters(t.Context(), bundleID, []release.Person{{Email: "c@example.com"}}, false)
	wantError(t, err, failure.Usage, "in no group")

	remove := func(want string, groups []string, emails ...string) {
		t.Helper()
		results, err := b.runner.RemoveTesters(t.Context(), bundleID, emails, groups, false)
		if err != nil || outcomes(results) != want {
			t.Errorf("%s, %v, want %s", outcomes(results), err, want)
		}
	}
	if dry, err = b.runner.RemoveTesters(t.Context(), bundleID, []string{"a@example.com"}, nil, true); err != nil || outcomes(dry) != "skipped" {
		t.Errorf("%v, %v", dry, err)
	}
	remove("already changed already", []string{"Beta"}, "a@example.com", "b@example.com", "nobody@example.com")
	remove("already already", []string{"Beta"}, "a@example.com", "b@example.com")
	remove("changed", nil, "b@example.com")
	remove("already", nil, "b@example.com")
	if _, people, err = b.runner.Testers(t.Context(), bundleID, nil); err != nil || len(people) != 1 {
		t.Errorf("%+v, %v", people, err)
	}
}

func TestGroupsAreMadeOnce(t *testing.T) {
	b := newBench(t, faulty(t, "on=api method=POST path=/v1/betaGroups nth=1 do=lose"))
	group, state, err := b.runner.CreateGroup(t.Context(), bundleID, asc.NewBetaGroup{Name: "New"})
	if err != nil || state != release.StepChanged || group.Name != "New" {
		t.Errorf("%+v, %s, %v", group, state, err)
	}
	again, state, err := b.runner.CreateGroup(t.Context(), bundleID, asc.NewBetaGroup{Name: "New"})
	if err != nil || state != release.StepAlready || again.ID != group.ID || b.made("/v1/betaGroups") != 1 {
		t.Errorf("%+v, %s, %v", again, state, err)
	}
	_, _, err = b.runner.CreateGroup(t.Context(), bundleID, asc.NewBetaGroup{Name: "New", IsInternalGroup: true})
	wantError(t, err, failure.Conflict, "other kind")
	if _, err = b.runner.DeleteGroup(t.Context(), bundleID, group.ID); err != nil {
		t.Error(err)
	}
	_, err = b.runner.DeleteGroup(t.Context(), bundleID, "New")
	wantError(t, err, failure.NotFound, "QA")
}

// TestTesterCommandsSurviveFaults lets every kind of request fail once, in
// every way, and looks at the end of a second run.
func TestTesterCommandsSurviveFaults(t *testing.T) {
	for _, request := range []string{"method=GET path=/v1/apps", "method=GET path=/v1/betaGroups", "method=GET path=/v1/betaTesters", "method=POST path=/v1/betaTesters", "method=POST path=/v1/betaGroups/*/relationships/betaTesters", "method=DELETE path=/v1/betaGroups/*/relationships/betaTesters", "method=DELETE path=/v1/apps/*/relationships/betaTesters"} {
		for _, fault := range []string{"do=lose", "do=reset", "status=500", "status=429 code=RATE_LIMIT_EXCEEDED"} {
			t.Run(request+" "+fault, func(t *testing.T) {
				b := newBench(t, faulty(t, "on=api nth=1 "+request+" "+fault))
				for run := range 2 {
					results, err := b.runner.AddTesters(t.Context(), bundleID, append(persons("QA,Beta", "a@example.com"), persons("QA", "b@example.com", "c@example.com")...), false)
					if run == 1 && err != nil {
						t.Fatalf("%v: %+v", err, results)
					}
					if _, err := b.runner.AddTesters(t.Context(), bundleID, persons("QA,Beta", "b@example.com"), false); run == 1 && err != nil {
						t.Fatal(err)
					}
					if _, err := b.runner.RemoveTesters(t.Context(), bundleID, []string{"a@example.com"}, []string{"Beta"}, false); run == 1 && err != nil {
						t.Fatal(err)
					}
					if _, err := b.runner.RemoveTesters(t.Context(), bundleID, []string{"c@example.com"}, nil, false); run == 1 && err != nil {
						t.Fatal(err)
					}
				}
				_, people, err := b.runner.Testers(t.Context(), bundleID, nil)
				if err != nil || len(people) != 2 || strings.Join(people[0].Groups, ",") != "QA" || strings.Join(people[1].Groups, ",") != "QA,Beta" {
					t.Errorf("%+v, %v", people, err)
				}
			})
		}
	}
}

// TestThousandsOfTestersKeepWithinTheAllowance adds more people than the hour
// has requests. No request may be refused for it.
func TestThousandsOfTestersKeepWithinTheAllowance(t *testing.T) {
	const many = 5000
	b := newBench(t, func(o *sandbox.Options) { o.HourlyLimit = 3600 })
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client, err := asc.NewClient(asc.Options{Key: b.key, URL: b.server.URL(), Transport: transport, Now: b.clock.Now, Sleep: b.clock.Sleep})
	if err != nil {
		t.Fatal(err)
	}
	b.runner.Client = client // without the contract check, for speed; the others have it
	var emails []string
	for i := range many {
		emails = append(emails, fmt.Sprintf("tester%d@example.com", i))
	}
	start := b.clock.Now()
	results, err := b.runner.AddTesters(t.Context(), bundleID, persons("Beta", emails...), false)
	if err != nil || len(results) != many {
		t.Fatalf("%d results, %v", len(results), err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	refused := 0
	for _, r := range b.requests {
		if r.Status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused > 0 {
		t.Errorf("%d requests were over the limit", refused)
	}
	if took := b.clock.now.Sub(start); took < time.Hour || took > 2*time.Hour {
		t.Errorf("it took %s of an hourly allowance of 3600", took)
	}
}

// TestOneRefusedTesterDoesNotStopTheOthers lets Apple refuse one address.
func TestOneRefusedTesterDoesNotStopTheOthers(t *testing.T) {
	b := newBench(t)
	b.before(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || r.URL.Path != "/v1/betaTesters" {
			return false
		}
		content, err := io.ReadAll(r.Body)
		if err != nil || !bytes.Contains(content, []byte("b@example.com")) {
			r.Body = io.NopCloser(bytes.NewReader(content))
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, `{"errors":[{"status":"409","code":"ENTITY_ERROR.ATTRIBUTE.INVALID","title":"Invalid","detail":"This address cannot be invited."}]}`)
		return true
	})
	results, err := b.runner.AddTesters(t.Context(), bundleID, persons("QA", "a@example.com", "b@example.com", "c@example.com"), false)
	wantError(t, err, failure.Rejected, "1 of 3")
	if outcomes(results) != "changed failed changed" || !strings.Contains(results[1].Error, "cannot be invited") {
		t.Errorf("%+v", results)
	}
}
