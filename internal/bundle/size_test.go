package bundle_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/ascend-cli/ascend/internal/bundle"
	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
)

// large is an app of about 300 MB unpacked with 60 nested bundles, whose
// programs are compressed, as in a real one, to about a third.
func large(t testing.TB) []byte {
	t.Helper()
	p := bundletest.SignedIOS("com.example.demo", "1.0", "7")
	noise := rand.NewChaCha8([32]byte{7})
	content := make([]byte, 4<<20)
	_, _ = noise.Read(content[:len(content)/3]) // never fails
	for i := range 60 {
		b := framework(fmt.Sprintf("Frameworks/F%d.framework", i), fmt.Sprintf("com.example.demo.F%d", i))
		program := *b.Program
		program.Body = 1 << 20
		b.Program = &program
		b.Files = []bundletest.File{{Name: "data.bin", Content: content}}
		p.Bundles = append(p.Bundles, b)
	}
	p.App().Program.Body = 20 << 20
	return p.IPA()
}

// BenchmarkInspectALargeApp is inspection of a 300 MB app with 60 nested
// bundles.
func BenchmarkInspectALargeApp(b *testing.B) {
	content := large(b)
	b.ReportMetric(float64(len(content))/1e6, "MB")
	b.ResetTimer()
	for b.Loop() {
		info, err := bundle.Inspect("large", bytes.NewReader(content), int64(len(content)))
		if err != nil || len(info.Bundles) != 63 {
			b.Fatal(len(info.Bundles), err)
		}
		if findings := bundle.Preflight(info, today); len(findings) != 0 {
			b.Fatal(findings)
		}
	}
}

// TestALargeAppTakesLittleMemory asserts what does not depend on the machine:
// what is allocated in total for an inspection.
func TestALargeAppTakesLittleMemory(t *testing.T) {
	if bundle.UnderRace {
		t.Skip("memory is measured without the race detector")
	}
	content := large(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	if _, err := bundle.Inspect("large", bytes.NewReader(content), int64(len(content))); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 40<<20 {
		t.Errorf("it took %d MiB", took>>20)
	}
}
