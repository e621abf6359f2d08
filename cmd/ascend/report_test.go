package main

import (
	"bytes"
	"encoding/json"
	"html"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/ascend-cli/ascend/internal/sandbox"
)

// TestTheReportIsAPage looks at what can be known of a page without a browser:
// that it needs nothing else, its landmarks, and that text can be read on its
// ground in both schemes.
func TestTheReportIsAPage(t *testing.T) {
	t.Parallel()
	dir, p := recorded(t)
	if code := p.code(); code != 0 {
		t.Fatalf("it ended with %d: %s", code, p.err.String())
	}
	page := string(read(t, dir, "report.html"))
	for _, want := range []string{`<html lang="en">`, "<header>", "<main>", "<footer", "<h1>", `<section aria-labelledby="stages">`, `role="img"`, "VALID", "2 attempts failed", "POST /v1/buildUploads", `class="retry"`, `scope="row"`} {
		if !strings.Contains(page, want) {
			t.Errorf("it lacks %s", want)
		}
	}
	for _, external := range []string{"src=", "href=", "@import", "url(", "<script"} {
		if strings.Contains(page, external) {
			t.Errorf("it has %s", external)
		}
	}
	schemes := regexp.MustCompile(`:root \{([^}]*)\}`).FindAllStringSubmatch(page, -1)
	if len(schemes) != 2 {
		t.Fatalf("%d colour schemes", len(schemes))
	}
	for _, scheme := range schemes {
		colours := map[string]float64{}
		for _, m := range regexp.MustCompile(`--(\w+): #([0-9a-f]{6})`).FindAllStringSubmatch(scheme[1], -1) {
			colours[m[1]] = luminance(t, m[2])
		}
		for _, text := range []string{"text", "soft", "good", "bad", "care"} {
			for _, ground := range []string{"back", "card"} {
				if ratio := contrast(colours[text], colours[ground]); ratio < 4.5 {
					t.Errorf("%s on %s has a contrast of %.1f", text, ground, ratio)
				}
			}
		}
		for _, shape := range []string{"send", "retry", "wait", "stage"} {
			if ratio := contrast(colours[shape], colours["back"]); ratio < 3 {
				t.Errorf("%s has a contrast of %.1f", shape, ratio)
			}
		}
	}
}

// luminance and contrast are those of WCAG 2.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	channel := func(v uint64) float64 {
		c := float64(v&0xff) / 255
		if c <= 0.03928 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(n>>16) + 0.7152*channel(n>>8) + 0.0722*channel(n)
}

func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }

// A finding of a browser, from testdata/inspect_page.js.
type drawnPage struct {
	Wrong []string
	Facts struct {
		Ground               string
		Texts, Shapes, Stops int
	}
}

// TestTheReportIsDrawnAsItShouldBe has a browser look at the page, where there is
// one: in both colour schemes, in a wide and a narrow window, of a release that
// worked and of one that failed.
func TestTheReportIsDrawnAsItShouldBe(t *testing.T) {
	t.Parallel()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium")
	}
	script, err := os.ReadFile("testdata/inspect_page.js")
	if err != nil {
		t.Fatal(err)
	}
	worked, p := recorded(t)
	if code := p.code(); code != 0 {
		t.Fatalf("it ended with %d: %s", code, p.err.String())
	}
	failed := t.TempDir()
	s := newSite(t, sandbox.Options{FailWith: []sandbox.Detail{{Code: "90683", Description: "Missing purpose string in Info.plist."}}})
	if p := s.start("upload", pack(t, "7", 1<<20), "--report", filepath.Join(failed, "report.html")); p.code() != 7 {
		t.Fatalf("it ended with %d: %s", p.code(), p.err.String())
	}
	for name, dir := range map[string]string{"a release that worked": worked, "one that failed": failed} {
		page := string(read(t, dir, "report.html"))
		path := filepath.Join(t.TempDir(), "inspected.html")
		if err := os.WriteFile(path, []byte(strings.Replace(page, "</html>", "<script>"+string(script)+"</script></html>", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		for scheme, c := range map[string]struct{ setting, ground string }{"light": {"1", "rgb(255, 255, 255)"}, "dark": {"0", "rgb(20, 23, 26)"}} {
			for _, size := range []string{"1200,900", "500,900"} {
				t.Run(name+", "+scheme+", "+size, func(t *testing.T) {
					var out, errs bytes.Buffer
					command := exec.CommandContext(t.Context(), browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--enable-logging=stderr",
						"--user-data-dir="+t.TempDir(), "--window-size="+size, "--blink-settings=preferredColorScheme="+c.setting, "--dump-dom", "file://"+path)
					command.Stdout, command.Stderr = &out, &errs
					if err := command.Run(); err != nil {
						t.Skipf("the browser does not start here: %v", err)
					}
					if strings.Contains(errs.String(), "CONSOLE") {
						t.Errorf("the browser complains: %s", errs.String())
					}
					_, rest, ok := strings.Cut(out.String(), `<pre id="findings">`)
					text, _, _ := strings.Cut(rest, "</pre>")
					var found drawnPage
					if err := json.Unmarshal([]byte(html.UnescapeString(text)), &found); !ok || err != nil {
						t.Fatalf("it was not inspected: %v\n%.500s", err, out.String())
					}
					for _, wrong := range found.Wrong {
						t.Error(wrong)
					}
					if f := found.Facts; f.Ground != c.ground || f.Texts < 40 || f.Shapes < 8 || f.Stops < 3 {
						t.Errorf("what was looked at: %+v", f)
					}
				})
			}
		}
	}
}
