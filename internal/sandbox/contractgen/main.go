// Command contractgen makes the contract of the sandbox.
//
//	go run ./internal/sandbox/contractgen                     # contract.json.gz from openapi.json
//	go run ./internal/sandbox/contractgen -from DOCUMENT.json # openapi.json as well
//
// DOCUMENT.json is the OpenAPI document of the App Store Connect API, which
// Apple publishes. operations.txt says which operations the sandbox serves:
// openapi.json is the document trimmed to these, for tests, and contract.json.gz
// what the sandbox needs of it. To add an endpoint, add it to operations.txt
// and run the second form.
package main

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

//go:embed operations.txt
var operations string

// object is a JSON object.
type object = map[string]any

func main() {
	from := flag.String("from", "", "the OpenAPI document to trim")
	flag.Parse()
	if err := run(*from); err != nil {
		fmt.Fprintln(os.Stderr, "contractgen:", err)
		os.Exit(1)
	}
}

func run(from string) error {
	_, here, _, _ := runtime.Caller(0)
	sandbox := filepath.Dir(filepath.Dir(here))
	trimmed := filepath.Join(sandbox, "contracttest", "openapi.json")
	if from != "" {
		document, err := read(from)
		if err != nil {
			return err
		}
		kept, err := trim(document, operations)
		if err != nil {
			return err
		}
		if err := write(trimmed, lines(kept)); err != nil {
			return err
		}
	}
	document, err := read(trimmed)
	if err != nil {
		return err
	}
	condensed, err := condense(document)
	if err != nil {
		return err
	}
	compressed, err := compress(condensed)
	if err != nil {
		return err
	}
	return write(filepath.Join(sandbox, "contract", "contract.json.gz"), compressed)
}

func read(path string) (object, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var document object
	if err := json.Unmarshal(content, &document); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return document, nil
}

func write(path string, content []byte) error { return os.WriteFile(path, content, 0o644) }

func compress(content []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// lines writes a document with one line for each path, parameter, schema and
// so on: small, and differences between two versions can be read.
func lines(document object) []byte {
	var out bytes.Buffer
	writeLines(&out, document, 3, "")
	out.WriteByte('\n')
	return out.Bytes()
}

func writeLines(out *bytes.Buffer, value any, depth int, indent string) {
	members, ok := value.(object)
	if !ok || depth == 0 || len(members) == 0 {
		content, err := json.Marshal(value)
		if err != nil {
			panic(err) // what was read from JSON can be written
		}
		out.Write(content)
		return
	}
	out.WriteString("{\n")
	for i, name := range sorted(members) {
		if i > 0 {
			out.WriteString(",\n")
		}
		fmt.Fprintf(out, "%s %q: ", indent, name)
		writeLines(out, members[name], depth-1, indent+" ")
	}
	out.WriteString("\n" + indent + "}")
}
