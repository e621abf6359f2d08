package testers

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestListsAreReadAsPeopleMakeThem(t *testing.T) {
	dana := Tester{1, "Dana", "Doe", "dana@example.com", []string{"QA", "Beta Two"}}
	on := func(line int, t Tester) Tester { t.Line = line; return t }
	bare := Tester{1, "Dana", "Doe", "dana@example.com", nil}
	for name, c := range map[string]struct {
		text string
		want []Tester
	}{
		"pilot's columns":           {"Dana,Doe,dana@example.com,QA;Beta Two\n", []Tester{dana}},
		"pilot's header":            {"First,Last,Email,Groups,Installed Version,Install Date\nDana,Doe,dana@example.com,QA;Beta Two,1.2 (3),3\n", []Tester{on(2, dana)}},
		"another order":             {"E-Mail,Groups,Last name,First_Name\ndana@example.com,QA; Beta Two ,Doe,Dana", []Tester{on(2, dana)}},
		"no groups column":          {"Dana,Doe,dana@example.com", []Tester{bare}},
		"an empty groups column":    {"Dana,Doe,dana@example.com, ; \n", []Tester{bare}},
		"a byte order mark, CRLF":   {"\ufeffDana,Doe,dana@example.com,QA;Beta Two\r\n\r\n", []Tester{dana}},
		"quotes, commas, new lines": {"\"Dana \"\"D\"\"\",\"Doe, the\nsecond\",dana@example.com,\"QA;Beta Two\"\nx,y,x@example.com", []Tester{{1, `Dana "D"`, "Doe, the\nsecond", "dana@example.com", []string{"QA", "Beta Two"}}, {3, "x", "y", "x@example.com", nil}}},
		"spaces around":             {" Dana , Doe , dana@example.com , QA;Beta Two ", []Tester{dana}},
		"only addresses":            {"email\ndana@example.com\n", []Tester{{2, "", "", "dana@example.com", nil}}},
		"no names":                  {",,dana@example.com", []Tester{{1, "", "", "dana@example.com", nil}}},
		"nothing":                   {"", nil},
		"a header alone":            {"First,Last,Email\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Read(strings.NewReader(c.text))
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%v\n got %+v\nwant %+v", err, got, c.want)
			}
		})
	}
}

func TestEveryBadRowIsNamed(t *testing.T) {
	got, err := Read(strings.NewReader("Dana,Doe,\nDana,Doe,dana.example.com\nDana,Doe,dana@example.com\n\nDina,Doe,Dana@Example.com\nA,B,Dana <dana@example.com>\n"))
	if len(got) != 1 || err == nil {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, want := range []string{"line 1: there is no e-mail", `line 2: "dana.example.com" is not`, "line 5: Dana@Example.com stands on line 3 already", "line 6:"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if _, err := Read(strings.NewReader("a,b,c@example.com\na,\"b,c@example.com\nx")); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("%v for a quote that never ends", err)
	}
}

func TestAnExportIsAnImport(t *testing.T) {
	list := []Tester{{2, "Dana", `D "D", Doe`, "dana@example.com", []string{"QA", "Beta, two"}}, {3, "", "", "x@example.com", nil}}
	var b bytes.Buffer
	if err := Write(&b, list); err != nil {
		t.Fatal(err)
	}
	got, err := Read(&b)
	if err != nil || !reflect.DeepEqual(got, list) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, list)
	}
}

// TestAFormulaIsText has names that a spreadsheet would compute, which testers
// choose themselves.
func TestAFormulaIsText(t *testing.T) {
	for _, name := range []string{"=HYPERLINK(\"https://example.com\")", "+1", "-1", "@SUM(A1)", "'=1", "＝1", "|calc", "=1\n=2"} {
		list := []Tester{{2, name, name, "+dana@example.com", []string{name, "QA"}}}
		var b bytes.Buffer
		if err := Write(&b, list); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(bytes.NewReader(b.Bytes())).ReadAll()
		if err != nil || len(rows) != 2 {
			t.Fatalf("%v: %q", err, b.String())
		}
		for _, cell := range append(rows[1][:3], strings.Split(rows[1][3], ";")...) {
			if cell != "QA" && !strings.HasPrefix(cell, "'") {
				t.Errorf("%q is a cell", cell)
			}
		}
		got, err := Read(&b)
		if err != nil || !reflect.DeepEqual(got, list) {
			t.Errorf("%v\n got %+v\nwant %+v", err, got, list)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("First,Last,Email,Groups\nDana,Doe,dana@example.com,QA;B\n")
	f.Add("\ufeff\"a\"\"b\",c,d@e.f\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := Read(strings.NewReader(text))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := Write(&b, list); err != nil {
			t.Fatal(err)
		}
		again, err := Read(&b)
		if err != nil || len(again) != len(list) {
			t.Fatalf("%v: %d of %d rows of %q", err, len(again), len(list), b.String())
		}
		for i := range list {
			if a, b := list[i], again[i]; fmt.Sprint(a.Email, a.Groups) != fmt.Sprint(b.Email, b.Groups) {
				t.Errorf("%+v became %+v", a, b)
			}
		}
	})
}
