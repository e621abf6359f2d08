package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"testing"
)

func TestTheContractIsThatOfTheTrimmedDocument(t *testing.T) {
	document, err := read("../contracttest/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	want, err := condense(document)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open("../contract/contract.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	content, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(content); err != nil || !bytes.Equal(got, want) {
		t.Error("contract.json.gz is not what openapi.json gives: run go generate ./internal/sandbox/contract")
	}
	// Trimming what is trimmed changes nothing, if it has the listed operations.
	again, err := trim(document, operations)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile("../contracttest/openapi.json"); err != nil || !bytes.Equal(got, lines(again)) {
		t.Errorf("openapi.json does not have the operations of operations.txt: run contractgen -from DOCUMENT (%v)", err)
	}
}

func TestTrimmingKeepsWhatIsReferredTo(t *testing.T) {
	schema := func(properties object) object { return object{"type": "object", "properties": properties} }
	limit := object{"name": "limit", "in": "query", "description": "prose", "schema": object{"type": "integer", "maximum": 200.0}}
	reply := object{"200": object{"description": "prose", "content": object{"application/json": object{
		"schema": object{"$ref": "#/components/schemas/Reply"},
	}}}}
	list := object{"parameters": []any{limit}, "responses": reply}
	document := object{
		"openapi": "3.0.3", "info": object{"version": "1"},
		"paths": object{
			"/v1/things":                         object{"get": list, "post": object{"responses": reply}},
			"/v1/things/{id}/others":             object{"get": list},
			"/v1/things/{id}/relationships/kind": object{"patch": object{"responses": reply}},
		},
		"components": object{"schemas": object{
			"Reply": schema(object{"data": object{"$ref": "#/components/schemas/Thing"}}),
			"Thing": schema(object{
				"type": object{"enum": []any{"things"}},
				"relationships": schema(object{
					"others": schema(object{"links": object{}}), "kind": schema(object{"links": object{}}), "bare": schema(object{"data": object{}}),
				}),
				"description": object{"type": "string"},
			}),
			"Unused": schema(object{}),
		}},
	}
	kept, err := trim(document, "# what is served\n/v1/things GET\n/v1/things/{id}/others GET\n")
	if err != nil {
		t.Fatal(err)
	}
	schemas := at(kept, "components", "schemas")
	if len(schemas) != 2 || len(at(kept, "components", "parameters")) != 1 {
		t.Errorf("components %v", kept["components"])
	}
	thing := at(schemas, "Thing", "properties")
	if thing["description"] == nil || at(kept, "paths", "/v1/things")["post"] != nil {
		t.Errorf("%v", kept)
	}
	for name, want := range map[string]string{"others": "related", "kind": "self"} {
		if links := stringList(at(thing, "relationships", "properties", name)["x-links"]); len(links) != 1 || links[0] != want {
			t.Errorf("%s has the links %v, not %s", name, links, want)
		}
	}
	for _, list := range []string{"/v1/things DELETE\n", "/v1/nothing GET\n"} {
		if _, err := trim(document, list); err == nil {
			t.Errorf("%s was kept", list)
		}
	}
}
