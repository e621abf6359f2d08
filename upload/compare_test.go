package upload

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"
)

func md5Hex(content []byte) string {
	sum := md5.Sum(content)
	return hex.EncodeToString(sum[:])
}

func TestOperationsAreComparedWithTheParts(t *testing.T) {
	file := []byte("aaaabbbbcc")
	parts := []Part{{0, 4, md5Hex(file[:4])}, {4, 4, md5Hex(file[4:8])}, {8, 2, md5Hex(file[8:])}}
	operations := func(tags ...string) []Operation {
		var out []Operation
		for i, tag := range tags {
			out = append(out, Operation{
				Method: "PUT", URL: "https://store.example/x?secret",
				Offset: parts[i].Offset, Length: parts[i].Length, EntityTag: tag,
			})
		}
		return out
	}
	same := []string{parts[0].Sum, `"` + strings.ToUpper(parts[1].Sum) + `"`, parts[2].Sum}
	reversed := operations(same...)
	reversed[0], reversed[2] = reversed[2], reversed[0]
	moved := operations(same...)
	moved[0].Length, moved[1].Offset, moved[1].Length = 3, 3, 5
	for name, c := range map[string]struct {
		operations []Operation
		parts      []Part
		want       Comparison
		problem    string
		complete   bool
		told       bool
	}{
		"all are the same":  {operations(same...), parts, Comparison{3, 3, 0, 0}, "", true, true},
		"in another order":  {reversed, parts, Comparison{3, 3, 0, 0}, "", true, true},
		"one is different":  {operations(same[0], parts[0].Sum, same[2]), parts, Comparison{3, 2, 1, 0}, "", false, true},
		"one has not come":  {operations(same[0], "", same[2]), parts, Comparison{3, 2, 0, 1}, "", false, true},
		"only placeholders": {operations("null", "", "-"), parts, Comparison{3, 0, 0, 3}, "", false, false},
		"a local sum is not known": {
			operations(same...), []Part{parts[0], {Offset: 4, Length: 4}, parts[2]}, Comparison{3, 2, 1, 0}, "", false, true,
		},
		"one is missing":     {operations(same[:2]...), parts, Comparison{}, "bytes 8 to 9", false, false},
		"others than before": {moved, parts, Comparison{}, "part 1 has another range", false, false},
		"fewer than before": {
			[]Operation{{Method: "PUT", URL: "https://store.example/x?secret", Length: 10}}, parts, Comparison{}, "1 parts now", false, false,
		},
		"nothing was sent": {operations(same...), nil, Comparison{}, "empty", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Compare(c.operations, c.parts)
			if got != c.want || got.Complete() != c.complete || got.Told() != c.told {
				t.Errorf("%+v, want %+v; complete %v, told %v", got, c.want, got.Complete(), got.Told())
			}
			if c.problem == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var plan *PlanError
			if !errors.As(err, &plan) || !strings.Contains(err.Error(), c.problem) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%v, want %q", err, c.problem)
			}
		})
	}
}

func TestOnlyAnMD5IsAnAcknowledgement(t *testing.T) {
	sum := md5Hex([]byte("x"))
	got := Acknowledged([]Operation{{Offset: 0, EntityTag: ""}, {Offset: 1, EntityTag: `"` + sum + `"`}, {Offset: 2, EntityTag: sum + "-2"}})
	if len(got) != 1 || got[0].Offset != 1 {
		t.Errorf("%+v", got)
	}
}

func TestRangesOfAFileAreSummed(t *testing.T) {
	file := []byte("aaaabbbbcc")
	operations := []Operation{{Offset: 8, Length: 2}, {Offset: 0, Length: 4}}
	sums, err := Sums(t.Context(), bytes.NewReader(file), operations)
	if err != nil || len(sums) != 2 || sums[0] != md5Hex(file[8:]) || sums[1] != md5Hex(file[:4]) {
		t.Errorf("%v, %v", sums, err)
	}
	if _, err := Sums(t.Context(), bytes.NewReader(file[:9]), operations); !errors.Is(err, ErrFileChanged) {
		t.Errorf("%v for a file that is too short", err)
	}
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if sums, err := Sums(ctx, bytes.NewReader(file), operations); sums != nil || !errors.Is(err, cause) {
		t.Errorf("%v, %v after the end", sums, err)
	}
	if err := Check(ctx, bytes.NewReader(file), []Part{{0, 10, md5Hex(file)}}); !errors.Is(err, cause) {
		t.Errorf("%v: a file that was not read counts as unchanged", err)
	}
}

func TestCompositesOfParts(t *testing.T) {
	file := []byte("0123456789")
	part := func(from, to int) Part {
		return Part{Offset: int64(from), Length: int64(to - from), Sum: strings.ToUpper(md5Hex(file[from:to]))}
	}
	first, second := md5.Sum(file[:6]), md5.Sum(file[6:])
	for name, c := range map[string]struct {
		parts []Part
		want  Composite
	}{
		"one part":                  {[]Part{part(0, 10)}, Composite{md5Hex(file), 1, 10}},
		"two parts":                 {[]Part{part(0, 6), part(6, 10)}, Composite{md5Hex(append(first[:], second[:]...)), 2, 6}},
		"no part":                   {nil, Composite{}},
		"one of which none is sure": {[]Part{{Length: 10}}, Composite{}},
		"a sum is not known":        {[]Part{part(0, 6), {Offset: 6, Length: 4}}, Composite{}},
		"a sum is not an MD5":       {[]Part{part(0, 6), {6, 4, "null"}}, Composite{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := CompositeOf(c.parts); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestCompositesThatAreNotUnderstood(t *testing.T) {
	sum := md5Hex(nil)
	for text, want := range map[string]Composite{
		sum + "-2-6": {sum, 2, 6},
		` "` + strings.ToUpper(sum) + `-1-999999999999999" `: {sum, 1, 999999999999999},
		sum + "-10000-1":                 {sum, 10000, 1},
		sum + "-10001-1":                 {},
		sum + "-4294967297-1":            {},
		sum + "-2":                       {},
		sum + "-0-6":                     {},
		sum + "-2-0":                     {},
		sum + "--2-6":                    {},
		sum + "-+2-6":                    {},
		sum + "-2-":                      {},
		sum + "-2-9999999999999999":      {},
		sum + "-18446744073709551617-6":  {},
		sum[1:] + "-2-6":                 {},
		strings.Repeat("z", 32) + "-2-6": {},
		"":                               {},
	} {
		if got, ok := ParseComposite(text); got != want || ok != (want != Composite{}) {
			t.Errorf("%q: %+v, %v", text, got, ok)
		}
	}
}

// FuzzParseComposite checks that what is understood says the same when it is
// written, and that nothing else has a value.
func FuzzParseComposite(f *testing.F) {
	for _, text := range []string{
		"", "--", md5Hex(nil) + "-2-5242880", `"` + strings.ToUpper(md5Hex(nil)) + `-01-9"`, md5Hex(nil) + "-99999999999-1",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, ok := ParseComposite(text)
		if !ok {
			if c != (Composite{}) {
				t.Fatalf("%+v", c)
			}
			return
		}
		if c.Parts < 1 || c.Parts > maxCompositeParts || c.PartSize < 1 || len(c.Sum) != 32 {
			t.Fatalf("%+v", c)
		}
		if again, ok := ParseComposite(c.String()); !ok || again != c {
			t.Fatalf("%+v is read as %+v", c, again)
		}
	})
}

func TestAFileIsCut(t *testing.T) {
	type span struct{ offset, length int64 }
	for _, c := range []struct {
		size, partSize int64
		want           []span
	}{
		{10, 4, []span{{0, 4}, {4, 4}, {8, 2}}},
		{8, 4, []span{{0, 4}, {4, 4}}},
		{3, 4, []span{{0, 3}}},
		{0, 4, nil}, {-1, 4, nil}, {10, 0, nil}, {10, -1, nil},
		{math.MaxInt64, math.MaxInt64 - 1, []span{{0, math.MaxInt64 - 1}, {math.MaxInt64 - 1, 1}}},
	} {
		got := Cut(c.size, c.partSize)
		if len(got) != len(c.want) {
			t.Errorf("%d in %d: %+v", c.size, c.partSize, got)
			continue
		}
		for i, op := range got {
			if (span{op.Offset, op.Length}) != c.want[i] {
				t.Errorf("%d in %d: part %d is %+v", c.size, c.partSize, i, op)
			}
		}
	}
}
