package upload

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestPlansThatCannotCarryTheFileAreRefused(t *testing.T) {
	op := func(offset, length int64) Operation {
		return Operation{Method: "PUT", URL: "https://store.example/x?y", Offset: offset, Length: length}
	}
	change := func(f func(*Operation)) []Operation {
		o := op(0, 10)
		f(&o)
		return []Operation{o}
	}
	for name, c := range map[string]struct {
		ops  []Operation
		size int64
		want string
	}{
		"one part":                        {[]Operation{op(0, 10)}, 10, ""},
		"parts in any order":              {[]Operation{op(7, 3), op(0, 4), op(4, 3)}, 10, ""},
		"none":                            {nil, 10, "none"},
		"an empty file":                   {[]Operation{op(0, 10)}, 0, "empty"},
		"a gap at the start":              {[]Operation{op(1, 9)}, 10, "bytes 0 to 0"},
		"a gap in the middle":             {[]Operation{op(0, 4), op(5, 5)}, 10, "bytes 4 to 4"},
		"a gap at the end":                {[]Operation{op(0, 9)}, 10, "bytes 9 to 9"},
		"an overlap":                      {[]Operation{op(0, 6), op(5, 5)}, 10, "overlap"},
		"the same part twice":             {[]Operation{op(0, 10), op(0, 10)}, 10, "overlap"},
		"past the end":                    {[]Operation{op(0, 11)}, 10, "the file has 10"},
		"a negative offset":               {[]Operation{op(-1, 11)}, 10, "negative"},
		"no length":                       {[]Operation{op(0, 0)}, 10, "length"},
		"numbers that overflow":           {[]Operation{op(5, 1<<63-1)}, 10, "overflow"},
		"another method":                  {change(func(o *Operation) { o.Method = "DELETE" }), 10, "DELETE"},
		"plain http":                      {change(func(o *Operation) { o.URL = "http://store.example/" }), 10, "plain http"},
		"plain http on loopback":          {change(func(o *Operation) { o.URL = "http://127.0.0.1:1/" }), 10, ""},
		"another scheme":                  {change(func(o *Operation) { o.URL = "ftp://store.example/" }), 10, "ftp"},
		"a file":                          {change(func(o *Operation) { o.URL = "file:///etc/passwd" }), 10, "URL"},
		"no URL":                          {change(func(o *Operation) { o.URL = "" }), 10, "URL"},
		"a header with a line break":      {change(func(o *Operation) { o.Headers = []Header{{"A", "b\r\nC: d"}} }), 10, "header"},
		"a header without a name":         {change(func(o *Operation) { o.Headers = []Header{{"", "b"}} }), 10, "header"},
		"a header with a space":           {change(func(o *Operation) { o.Headers = []Header{{"A B", "b"}} }), 10, "header"},
		"a length that the header denies": {change(func(o *Operation) { o.Headers = []Header{{"content-length", "9"}} }), 10, "Content-Length"},
	} {
		t.Run(name, func(t *testing.T) {
			sorted, err := Validate(c.ops, c.size)
			if c.want == "" {
				if err != nil || !slices.IsSortedFunc(sorted, func(a, b Operation) int { return int(a.Offset - b.Offset) }) {
					t.Errorf("%v, %v", sorted, err)
				}
				return
			}
			var plan *PlanError
			if !errors.As(err, &plan) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v does not say %q", err, c.want)
			}
			if strings.Contains(err.Error(), "?y") {
				t.Errorf("%v gives the URL away", err)
			}
		})
	}
}

// FuzzValidate checks that whatever passes covers the file exactly once.
func FuzzValidate(f *testing.F) {
	f.Add([]byte{0, 4, 4, 4}, int64(8))
	f.Add([]byte{0, 5, 4, 4}, int64(8))
	f.Fuzz(func(t *testing.T, numbers []byte, size int64) {
		var ops []Operation
		for i := 0; i+1 < len(numbers); i += 2 {
			ops = append(ops, Operation{Method: "PUT", URL: "https://store.example/", Offset: int64(int8(numbers[i])), Length: int64(int8(numbers[i+1]))})
		}
		sorted, err := Validate(ops, size)
		if err != nil {
			return
		}
		covered := make([]int, size)
		for _, op := range sorted {
			for i := op.Offset; i < op.Offset+op.Length; i++ {
				covered[i]++
			}
		}
		for i, n := range covered {
			if n != 1 {
				t.Fatalf("byte %d is carried %d times", i, n)
			}
		}
	})
}

func TestEntityTags(t *testing.T) {
	const sum = "0123456789abcdef0123456789abcdef"
	for tag, want := range map[string]string{
		`"` + strings.ToUpper(sum) + `"`: sum, sum: sum, `W/"` + sum + `"`: sum, "": "", `"` + sum + `-4"`: "", "zz" + sum[2:]: "",
	} {
		if got := entityTag(tag); got != want {
			t.Errorf("%q: %q", tag, got)
		}
	}
}
