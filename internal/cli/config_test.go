package cli

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// TestTheSchemaIsCurrent compares the schema that is shipped with the flags.
func TestTheSchemaIsCurrent(t *testing.T) {
	p, _, _ := testProgram(t, nil)
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(configSchema(p.uploadCommand(), p.distributeCommand())); err != nil {
		t.Fatal(err)
	}
	const path = "../../docs/ascend.schema.json"
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(want, b.Bytes()) {
		t.Errorf("%s is not current (%v); run with -update", path, err)
	}
	var schema struct {
		Properties map[string]any `json:"properties"`
	}
	if err := json.Unmarshal(b.Bytes(), &schema); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"key", "config"} {
		if schema.Properties[secret] != nil {
			t.Errorf("%s may stand in a configuration", secret)
		}
	}
	for _, key := range []string{"groups", "what_to_test", "app_info", "review_info", "timeout", "keep"} {
		if schema.Properties[key] == nil {
			t.Errorf("%s is missing", key)
		}
	}
}
