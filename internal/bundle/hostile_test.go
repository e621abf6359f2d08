package bundle

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
)

func FuzzCMS(f *testing.F) {
	f.Add(bundletest.CMS([]byte("content"), bundletest.DistributionIdentity(), false))
	f.Add([]byte{0x30, 0x80, 0x30, 0x80, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, message []byte) {
		_, _, _ = parseCMS(message) // that it ends is what counts
	})
}

func FuzzProfile(f *testing.F) {
	f.Add(bundletest.StoreProfile("com.example.demo").Encode(bundletest.XML))
	f.Fuzz(func(t *testing.T, list []byte) {
		if p, err := parseProfileList(list); err == nil && p.Type == "" {
			t.Errorf("%+v has no type", p)
		}
	})
}

func FuzzEntitlements(f *testing.F) {
	f.Add(bundletest.Plist{"get-task-allow": true, "keychain-access-groups": []string{"a", "b"}}.Encode(bundletest.XML))
	f.Fuzz(func(t *testing.T, list []byte) {
		e, err := parseEntitlements(list)
		if err == nil {
			for key, values := range e {
				if values.allows(key) && !slices.ContainsFunc(values, func(v string) bool { return v == key || strings.HasSuffix(v, "*") }) {
					t.Errorf("%q allow %q", values, key)
				}
			}
		}
	})
}

func FuzzMachO(f *testing.F) {
	signed := bundletest.SignedIOS("com.example.demo", "1.0", "7").App().Program
	f.Add(signed.Encode())
	f.Add(bundletest.Universal(*signed, bundletest.Program{CPU: "x86_64"}))
	f.Fuzz(func(t *testing.T, program []byte) {
		for _, r := range []io.Reader{bytes.NewReader(program), io.MultiReader(bytes.NewReader(program))} {
			if e := readExecutable(r, int64(len(program)), 1<<20, newBudget(1<<20)); e.Problem == "" && len(e.Slices) == 0 && e.SignatureUnread == "" {
				t.Errorf("%+v", e)
			}
		}
	})
}

func FuzzCpio(f *testing.F) {
	f.Add(bundletest.Cpio(bundletest.File{Name: "./Demo.app/Contents/Info.plist", Content: []byte("x")}, bundletest.File{Name: "./Demo.app/Contents/MacOS/Demo", Content: bundletest.Program{}.Encode()}))
	f.Fuzz(func(t *testing.T, archive []byte) {
		c, err := readPayload(&cpioReader{r: bytes.NewReader(archive)}, newBudgets(int64(len(archive)), 1<<30))
		if err == nil && len(c.files) > len(archive) {
			t.Errorf("%d files of %d bytes", len(c.files), len(archive))
		}
	})
}

func FuzzPbzx(f *testing.F) {
	f.Add(pbzxOf(xzOf(0x10)))
	f.Add(pbzxOf(xzBlocks(0x10, 3)))
	f.Add(pbzxOf([]byte("as it is")))
	f.Fuzz(func(t *testing.T, stream []byte) {
		// What it takes may not depend on what it asks for.
		n, _ := io.Copy(io.Discard, &pbzxReader{r: bytes.NewReader(stream)})
		if n > 8<<20+10_000*int64(len(stream)) {
			t.Errorf("%d bytes of %d", n, len(stream))
		}
	})
}

func FuzzXar(f *testing.F) {
	f.Add(bundletest.Xar(bundletest.File{Name: "Distribution", Content: []byte("x")}))
	f.Fuzz(func(t *testing.T, archive []byte) {
		a, err := openXar(bytes.NewReader(archive), int64(len(archive)))
		if err != nil {
			return
		}
		for _, e := range a.files {
			_, _ = a.read(e, 1<<16, newBudget(1<<20)) // that it ends is what counts
		}
	})
}

// hostile are inputs up to 1 MiB that are made to take time and memory.
func hostile() map[string][]byte {
	const mib = 1 << 20
	deep := bytes.Repeat([]byte{0x30, 0x80}, mib/2)
	same := make([]bundletest.File, 0, 5000)
	for i := range cap(same) {
		same = append(same, bundletest.File{Name: fmt.Sprintf("Payload/Demo.app/F%d.framework/Info.plist", i), Content: bytes.Repeat([]byte("<array>"), 40)})
	}
	deepPlists := make([]bundletest.File, 0, 300)
	for i := range cap(deepPlists) {
		deepPlists = append(deepPlists, bundletest.File{Name: fmt.Sprintf("Payload/Demo.app/F%d.framework/Info.plist", i), Content: bytes.Repeat([]byte("<dict><key>a</key>"), 14_000)})
	}
	nested := "<xar><toc>" + strings.Repeat("<file><name>aaaaaaaa</name>", 8000) + strings.Repeat("</file>", 8000) + "</toc></xar>"
	bomb := make([]byte, 256<<20)
	copy(bomb, bundletest.Cpio(bundletest.File{Name: "./Demo.app/Contents/Info.plist", Content: bytes.Repeat([]byte("<dict>"), 100_000)}))
	return map[string][]byte{
		"a deep signed message": deep,
		"a deep profile":        bundletest.IPA(bundletest.IOS("a.b", "1", "1"), bundletest.File{Name: "Payload/Demo.app/embedded.mobileprovision", Content: deep[:maxCMS]}),
		"many bundles":          bundletest.Zip(append(same, bundletest.File{Name: "Payload/Demo.app/Info.plist", Content: bundletest.IOS("a.b", "1", "1").Encode(bundletest.XML)})...),
		"many deep plists":      bundletest.Zip(append(deepPlists, bundletest.File{Name: "Payload/Demo.app/Info.plist", Content: bundletest.IOS("a.b", "1", "1").Encode(bundletest.XML)})...),
		"a plist of zeros":      bundletest.Zip(bundletest.File{Name: "Payload/Demo.app/Info.plist", Content: make([]byte, 512<<20)}),
		"a deep plist":          bundletest.Zip(bundletest.File{Name: "Payload/Demo.app/Info.plist", Content: bytes.Repeat([]byte("<dict><key>a</key>"), 50_000)}),
		"a program of zeros":    bundletest.IPA(bundletest.IOS("a.b", "1", "1").With("CFBundleExecutable", "X"), bundletest.File{Name: "Payload/Demo.app/X", Content: append(bundletest.Program{}.Encode(), make([]byte, 512<<20)...)}),
		"a payload of zeros":    bundletest.Xar(bundletest.File{Name: "PackageInfo", Content: []byte("<pkg-info/>")}, bundletest.File{Name: "Payload", Content: bundletest.Gzip(bomb), Stored: true}),
		"a deep table":          bundletest.RawXar([]byte(nested)),
	}
}

// watchHeap samples how much memory is in use, until end is called.
func watchHeap() (peak *atomic.Uint64, end func()) {
	peak = &atomic.Uint64{}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			peak.Store(max(peak.Load(), now.HeapAlloc))
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	return peak, func() { close(stop); <-stopped }
}

func TestHostileInputTakesLittleMemory(t *testing.T) {
	if UnderRace {
		t.Skip("memory is measured without the race detector")
	}
	// What waits to be collected is not what is in use.
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	for name, content := range hostile() {
		t.Run(name, func(t *testing.T) {
			if len(content) > 2<<20 {
				t.Fatalf("%d bytes are too many to be hostile", len(content))
			}
			var before runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			peak, end := watchHeap()
			_, err := Inspect("hostile", bytes.NewReader(content), int64(len(content)))
			end()
			if took := int64(peak.Load()) - int64(before.HeapAlloc); took > 64<<20 {
				t.Errorf("it took %d MiB (%v)", took>>20, err)
			}
		})
	}
	t.Run("a deep signed message by itself", func(t *testing.T) {
		if _, _, err := parseCMS(bytes.Repeat([]byte{0x30, 0x80}, maxCMS/2)); err == nil || !strings.Contains(err.Error(), "too deeply") {
			t.Errorf("%v", err)
		}
	})
}
