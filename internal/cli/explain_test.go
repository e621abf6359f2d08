package cli

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ascend-cli/ascend/internal/failure"
)

const errorsPage = "../../docs/errors.md"

// TestTheErrorsPageIsCurrent compares docs/errors.md with the catalogue. Run
// with -update to write it.
func TestTheErrorsPageIsCurrent(t *testing.T) {
	want := errorsDocument()
	if *update {
		if err := os.WriteFile(errorsPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(errorsPage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("run go test ./internal/cli -update\n%s", diff)
	}
}

func errorsDocument() string {
	var b strings.Builder
	b.WriteString("# What App Store Connect's errors mean\n\nWritten by `go test ./internal/cli -update` from the catalogue in internal/failure. " +
		"`ascend explain CODE` prints\nthe same offline, also for a log on stdin: `ascend explain -`.\n\n## Refusals of the API\n\n" +
		"| status | code | where the text says | meaning | passes | what to do |\n| --- | --- | --- | --- | --- | --- |\n")
	processing := ""
	for _, e := range failure.Catalogue() {
		hint := e.Hint
		if e.Link != "" {
			hint += " (<" + e.Link + ">)"
		}
		if e.Status == 0 {
			processing += fmt.Sprintf("| %s | %s | %s |\n", e.Code, e.Meaning, hint)
			continue
		}
		fmt.Fprintf(&b, "| %d | `%s` | %s | %s | %s | %s |\n", e.Status, e.Code, e.Text, e.Meaning, e.Passes, hint)
	}
	b.WriteString("\n## Findings of processing\n\nThe number is that of the ITMS message (ITMS-90683).\n\n| number | meaning | what to do |\n| --- | --- | --- |\n" + processing)
	return b.String()
}

func TestALogIsExplainedByItsCodes(t *testing.T) {
	const log = `ascend: POST /v1/betaAppReviewSubmissions: HTTP 422: The build is not in a valid processing state for this operation. [ENTITY_UNPROCESSABLE]
 - ITMS-90683: Missing purpose string
error: Your app's build 90210 took 91234 ms [FORBIDDEN_ERROR.CONTRACT_NOT_VALID]`
	var codes []string
	for _, e := range inLog(log) {
		codes = append(codes, heading(e))
	}
	want := []string{`ENTITY_UNPROCESSABLE (HTTP 422) with "not in a valid processing state"`, "ITMS-90683", "FORBIDDEN_ERROR.CONTRACT_NOT_VALID (HTTP 403)"}
	if diff := cmp.Diff(want, codes); diff != "" {
		t.Error(diff)
	}
}

func TestEveryEntryOfTheCatalogueCanBeFound(t *testing.T) {
	for _, e := range failure.Catalogue() {
		found := failure.ByCode(e.Code)
		if len(found) == 0 {
			t.Errorf("%s is not found by its code", e.Code)
		}
		if got, ok := failure.Lookup(e.Status, e.Code, e.Text); !ok || got.Text == "" && got != e && e.Text == "" {
			t.Errorf("%s (%d, %q) is hidden by %+v", e.Code, e.Status, e.Text, got)
		}
		if e.Meaning == "" || e.Hint == "" || e.Kind == "" || e.Passes == "" || e.Text != strings.ToLower(e.Text) {
			t.Errorf("%+v is not complete", e)
		}
	}
}
