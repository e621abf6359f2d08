package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ascend-cli/ascend/internal/sandbox"
)

// recorded runs an upload that meets faults, with everything written down, and
// returns the folder.
func recorded(t *testing.T, extra ...string) (dir string, p *process) {
	t.Helper()
	var faults []sandbox.Fault
	for _, rule := range []string{"on=store part=2 nth=1 status=503 code=SlowDown", "on=store part=3 nth=1 do=reset after=50%", "on=api path=/v1/buildUploads/* nth=2 status=503"} {
		fault, err := sandbox.ParseFault(rule)
		if err != nil {
			t.Fatal(err)
		}
		faults = append(faults, fault)
	}
	// The processing ends when it has been looked at a few times.
	var committed atomic.Bool
	var looks atomic.Int64
	const processing = 2 * time.Minute
	s := newSite(t, sandbox.Options{
		PartSize: 8 << 10, UploadProcessing: processing, Faults: faults,
		Now: func() time.Time {
			if looks.Load() > 3 {
				return time.Now().Add(processing)
			}
			return time.Now()
		},
		Intercept: func(_ http.ResponseWriter, r *http.Request) bool {
			if committed.Load() && r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/v1/buildUploads/") {
				looks.Add(1)
			}
			if r.Method == http.MethodPatch {
				committed.Store(true)
			}
			return false
		},
	})
	dir = t.TempDir()
	args := []string{"upload", pack(t, "7", 64<<10), "--groups", "QA", "--state-dir", filepath.Join(dir, "state"), "--report", filepath.Join(dir, "report.html"),
		"--events", filepath.Join(dir, "events.ndjson"), "--trace-http", filepath.Join(dir, "trace.har"), "--verbose", "--dotenv", filepath.Join(dir, "results.env")}
	p = s.command(append(args, extra...)...)
	p.run()
	return dir, p
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestEveryEventIsAsTheSchemaSays(t *testing.T) {
	t.Parallel()
	schema, err := jsonschema.NewCompiler().Compile("../../docs/events.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	dir, p := recorded(t)
	if code := p.code(); code != 0 {
		t.Fatalf("it ended with %d: %s", code, p.err.String())
	}
	seen := map[string]int{}
	for line := range bytes.Lines(read(t, dir, "events.ndjson")) {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s%v", line, err)
		}
		seen[value.(map[string]any)["type"].(string)]++
	}
	for _, kind := range []string{"planned", "inspected", "stage_started", "stage_finished", "transfer_started", "part_started", "part_done", "part_retry", "sent", "waiting", "step", "call", "finished"} {
		if seen[kind] == 0 {
			t.Errorf("there is no event %s: %v", kind, seen)
		}
	}
}

func TestTheTraceIsAnArchive(t *testing.T) {
	t.Parallel()
	dir, p := recorded(t)
	if code := p.code(); code != 0 {
		t.Fatalf("it ended with %d: %s", code, p.err.String())
	}
	var har struct {
		Log struct {
			Version string
			Entries []struct {
				StartedDateTime string
				Request         struct {
					Method, URL string
					Headers     []struct{ Name, Value string }
				}
				Response struct {
					Status  int
					Content struct{ Text string }
				}
			}
		}
	}
	if err := json.Unmarshal(read(t, dir, "trace.har"), &har); err != nil || har.Log.Version != "1.2" || len(har.Log.Entries) < 5 {
		t.Fatalf("%v, %d entries", err, len(har.Log.Entries))
	}
	refused := false
	for _, e := range har.Log.Entries {
		if !strings.Contains(e.Request.URL, "/v1/") {
			t.Errorf("%s is no request of the API", e.Request.URL)
		}
		refused = refused || e.Response.Status == 503 && e.Response.Content.Text != ""
	}
	if !refused {
		t.Error("the refusal's text is missing")
	}
}
