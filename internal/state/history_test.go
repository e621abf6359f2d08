package state

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var demo = AppKey{API: "https://api.example", AppID: "6700000001", Platform: "IOS"}

func newHistory(t *testing.T) *History {
	t.Helper()
	return OpenHistory(filepath.Join(t.TempDir(), "processing"), time.Now)
}

func TestTheLastTenBuildsOfAnAppAreRemembered(t *testing.T) {
	h := newHistory(t)
	if known, err := h.Processing(demo); known != nil || err != nil {
		t.Fatalf("%v, %v in an empty store", known, err)
	}
	for i := range 12 {
		if err := h.Add(demo, Processing{BuildID: fmt.Sprint("b", i), Seconds: int64(100 + i)}); err != nil {
			t.Fatal(err)
		}
	}
	known, err := h.Processing(demo)
	if err != nil || len(known) != 10 || known[0] != (Processing{"b11", 111}) || known[9] != (Processing{"b2", 102}) {
		t.Errorf("%v, %v", known, err)
	}
	for name, k := range map[string]AppKey{
		"another service":  {"https://other.example", demo.AppID, demo.Platform},
		"another app":      {demo.API, "6700000002", demo.Platform},
		"another platform": {demo.API, demo.AppID, "TV_OS"},
	} {
		if known, err := h.Processing(k); known != nil || err != nil {
			t.Errorf("%s: %v, %v", name, known, err)
		}
	}
}

func TestOnlyTheFirstWordAboutABuildCounts(t *testing.T) {
	h := newHistory(t)
	for _, p := range []Processing{{"b", 300}, {"b", 9000}, {"", 5}, {"negative", -1}, {"of last week", 7 * 24 * 3600}} {
		if err := h.Add(demo, p); err != nil {
			t.Fatal(err)
		}
	}
	if known, err := h.Processing(demo); err != nil || len(known) != 1 || known[0] != (Processing{"b", 300}) {
		t.Errorf("%v, %v", known, err)
	}
}

func TestADamagedHistoryIsReportedAndReplaced(t *testing.T) {
	for name, content := range map[string]string{
		"nothing":         "",
		"another format":  `{"format":2,"api":"https://api.example","app_id":"6700000001","platform":"IOS"}`,
		"another app's":   `{"format":1,"api":"https://api.example","app_id":"1","platform":"IOS","processing":[{"build_id":"b","seconds":1}]}`,
		"a text":          `"hello"`,
		"another content": `{"format":1,"processing":"long"}`,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHistory(t)
			if err := os.MkdirAll(h.dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(h.path(demo), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if known, err := h.Processing(demo); known != nil || err == nil {
				t.Errorf("%v, %v", known, err)
			}
			if err := h.Add(demo, Processing{"b", 60}); err != nil {
				t.Fatal(err)
			}
			if known, err := h.Processing(demo); len(known) != 1 || err != nil {
				t.Errorf("%v, %v", known, err)
			}
		})
	}
}

func TestAppsWithoutNewBuildsAreForgotten(t *testing.T) {
	h := newHistory(t)
	other := AppKey{demo.API, "6700000002", demo.Platform}
	for _, k := range []AppKey{demo, other} {
		if err := h.Add(k, Processing{"b", 60}); err != nil {
			t.Fatal(err)
		}
	}
	h.now = func() time.Time { return time.Now().Add(forgetAppAfter + time.Hour) }
	if err := h.Add(other, Processing{"c", 70}); err != nil {
		t.Fatal(err)
	}
	if known, err := h.Processing(demo); known != nil || err != nil {
		t.Errorf("%v, %v", known, err)
	}
	if known, err := h.Processing(other); len(known) != 2 || err != nil {
		t.Errorf("%v, %v: its own were lost", known, err)
	}
}
