package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
)

func farFuture() time.Time { return time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) }

// A cost is what reading takes, in what does not depend on the machine.
type cost struct {
	// allocated is in bytes, with what has been given back.
	allocated int64
	objects   int64
	// steps is what was spent of all budgets.
	steps int64
}

// costOf measures a reader. The test must not be parallel.
func costOf(f family, content []byte) (cost, error) {
	spend := newBudgets(int64(len(content)), allowance(int64(len(content))))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := f.read(content, spend)
	runtime.ReadMemStats(&after)
	return cost{
		allocated: int64(after.TotalAlloc - before.TotalAlloc), objects: int64(after.Mallocs - before.Mallocs),
		steps: spend.unpacked.used() + spend.documents.used() + spend.signatures.used() + spend.looked.used(),
	}, err
}

func families() map[string]family {
	all := map[string]family{}
	for _, some := range []map[string]family{zipFamilies(), xarFamilies(), payloadFamilies(), listFamilies(), programFamilies(), messageFamilies()} {
		maps.Copy(all, some)
	}
	return all
}

// TestReadingTakesTimeAndMemoryInProportion reads families of hostile input in
// two sizes: four times as much input may take no more than four times as much
// work and memory, with some slack for what does not grow.
func TestReadingTakesTimeAndMemoryInProportion(t *testing.T) {
	if UnderRace {
		t.Skip("memory is measured without the race detector")
	}
	const slack, fixed = 1.5, 4 << 20
	all := families()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			f := all[name]
			small, large := f.make(f.n), f.make(4*f.n)
			first, _ := costOf(f, small)
			second, err := costOf(f, large)
			t.Logf("%d bytes: %+v; %d bytes: %+v (%v)", len(small), first, len(large), second, err)
			grown := slack * float64(len(large)) / float64(len(small))
			for what, pair := range map[string][2]int64{
				"bytes": {first.allocated, second.allocated}, "objects": {first.objects, second.objects}, "steps": {first.steps, second.steps},
			} {
				if most := grown*float64(pair[0]) + fixed; float64(pair[1]) > most {
					t.Errorf("%d %s for %d bytes, but %d for %d", pair[0], what, len(small), pair[1], len(large))
				}
			}
			if err != nil && len(err.Error()) > 2*maxMessage {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		})
	}
}

// TestKnownBombsAreRefused has the packages that took gigabytes and minutes.
func TestKnownBombsAreRefused(t *testing.T) {
	children := strings.Repeat("<file><name>a</name><type>file</type></file>", 19_000)
	folder := "<file><name>" + strings.Repeat("x", 450_000) + "</name><type>directory</type>" + children + "</file>"
	for name, c := range map[string]struct {
		content []byte
		fails   string
	}{
		"a long folder name in a xar archive": {table(folder, nil), "the table of contents is damaged"},
		"references in CFBundleSupportedPlatforms": {bundletest.Zip(bundletest.File{
			Name: "Payload/Demo.app/Info.plist", Content: sharedList("CFBundleSupportedPlatforms", 0)(60_000),
		}), "CFBundleIdentifier"},
		"the same, unfolding": {bundletest.Zip(bundletest.File{
			Name: "Payload/Demo.app/Info.plist", Content: sharedList("CFBundleSupportedPlatforms", 30)(1000),
		}), "when its references are followed"},
	} {
		t.Run(name, func(t *testing.T) {
			if len(c.content) > 4<<10 {
				t.Fatalf("%d bytes are not the instance", len(c.content))
			}
			took, err := costOf(family{read: readPackage}, c.content)
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%v does not say %q", err, c.fails)
			}
			if took.allocated > 24<<20 || took.objects > 400_000 || took.steps > maxDocuments {
				t.Errorf("%d bytes took %+v", len(c.content), took)
			}
		})
	}
}

// TestDenselyPackedInputTakesBoundedMemory has input that is small only because
// it is compressed, with what it may take at most, whatever it says.
func TestDenselyPackedInputTakesBoundedMemory(t *testing.T) {
	if UnderRace {
		t.Skip("memory is measured without the race detector")
	}
	all := families()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		f := all[name]
		if !strings.HasPrefix(name, "plist: ") && !strings.HasPrefix(name, "xar: ") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			content := f.make(60 * f.n)
			if strings.HasPrefix(name, "plist: ") {
				content = bundletest.Zip(bundletest.File{Name: "Payload/Demo.app/Info.plist", Content: content[:min(len(content), maxPlist)]})
				f.read = readPackage
			}
			took, err := costOf(f, content)
			if took.allocated > 96<<20 || took.steps > minUnpacked {
				t.Errorf("%d bytes took %+v (%v)", len(content), took, err)
			}
		})
	}
}

// TestWhatIsQuotedIsShort has values that fill a file, in whatever says
// something about them.
func TestWhatIsQuotedIsShort(t *testing.T) {
	long := strings.Repeat("Ä", 60_000)
	p := bundletest.SignedIOS("com.example.demo", "1.0", "7")
	p.App().Info = p.App().Info.With("CFBundleShortVersionString", long).With("CFBundleVersion", long).With("MinimumOSVersion", long)
	for _, b := range p.Bundles[1:] {
		b.Info = b.Info.With("CFBundleIdentifier", long)
	}
	p.App().Profile = bundletest.StoreProfile(long).With("Name", long)
	content := p.IPA()
	info, err := Inspect("long", bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	findings := Preflight(info, farFuture())
	if len(findings) < 5 {
		t.Errorf("%d findings", len(findings))
	}
	for _, f := range findings {
		if len(f.Message) > 2*maxMessage+3 || len(f.Value) > 2*maxValue+3 || len(f.Path) > 2*maxPath+3 {
			t.Errorf("%s: a message of %d, a value of %d, a path of %d bytes", f.Rule, len(f.Message), len(f.Value), len(f.Path))
		}
	}
	for name, content := range map[string][]byte{
		"an element": []byte("<plist><" + long + "/></plist>"), "a number": []byte("<plist><integer>" + long + "</integer></plist>"),
	} {
		packed := bundletest.Zip(bundletest.File{Name: "Payload/Demo.app/Info.plist", Content: content})
		_, err := Inspect("long", bytes.NewReader(packed), int64(len(packed)))
		if err == nil || !strings.Contains(err.Error(), "not a property list") || len(err.Error()) > 4*maxMessage {
			t.Errorf("%s: an error of %d bytes", name, len(fmt.Sprint(err)))
		}
	}
}

// TestPrefixesOfEntitlements compares the sorted search with each pair.
func TestPrefixesOfEntitlements(t *testing.T) {
	given := Values{"a*", "ab*", "abc", "b.*", "c", "b.c*", "d*e"}
	for _, value := range []string{"", "a", "ab", "abcd", "abc", "b", "b.", "b.c", "b.d", "c", "cc", "d", "d*e", "dxe", "*", "a*"} {
		want := slices.ContainsFunc(given, func(allowed string) bool {
			prefix, wild := strings.CutSuffix(allowed, "*")
			return allowed == value || wild && strings.HasPrefix(value, prefix)
		})
		if got := given.allows(value); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
	if !(Values{"*"}).allows("anything") || (Values{}).allows("") {
		t.Error("an asterisk allows everything, nothing allows nothing")
	}
}
