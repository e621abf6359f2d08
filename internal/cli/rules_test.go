package cli

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ascend-cli/ascend/internal/bundle"
)

const rulesPage = "../../docs/rules.md"

// TestTheRulesPageIsCurrent compares docs/rules.md with the rules. Run with
// -update to write it.
func TestTheRulesPageIsCurrent(t *testing.T) {
	want := rulesDocument()
	if *update {
		if err := os.WriteFile(rulesPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(rulesPage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("run go test ./internal/cli -update\n%s", diff)
	}
}

func rulesDocument() string {
	var b strings.Builder
	b.WriteString(`# What ascend checks

Written by ` + "`go test ./internal/cli -update`" + ` from the rules in internal/bundle. ` + "`ascend inspect App.ipa`" + ` checks a package offline;
` + "`ascend upload`" + ` does the same before it reserves anything, and stops on errors. ` + "`--ignore RULE`" + ` leaves a rule out,
` + "`--skip-preflight`" + ` uploads in spite of all. The numbers are those of Apple's messages (ITMS-90161), where one is known: when
Apple refuses a build after the upload, its message is explained by the same rule.

A package without any program, signature and profile is none that Xcode exports. It gets the note ` + "`program-missing`" + `, and
the rules about these say nothing. Rules marked *online* need the service.

`)
	for _, severity := range []bundle.Severity{bundle.SeverityError, bundle.SeverityWarning, bundle.SeverityInfo} {
		fmt.Fprintf(&b, "## %s\n\n| rule | Apple's number | what it says | what to do |\n| --- | --- | --- | --- |\n", map[bundle.Severity]string{
			bundle.SeverityError: "Errors", bundle.SeverityWarning: "Warnings", bundle.SeverityInfo: "Notes",
		}[severity])
		for _, r := range bundle.Rules() {
			if r.Severity != severity {
				continue
			}
			id := "`" + r.ID + "`"
			if r.Online {
				id += " *online*"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", id, strings.Join(r.Codes, ", "), r.Title, r.Remedy)
		}
		b.WriteString("\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}
