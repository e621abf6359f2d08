package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// shown is what each picture is there for.
var shown = map[string][]string{
	"transfer": {"▸transfer", " of 7 parts, ", "1 retry", "left"},
	"wait":     {"▸wait", "the last 4 builds took 26 s to 31 s", "of about 28 s"},
	"done":     {"com.example.demo 2.1 (314) is VALID", "WAITING_FOR_REVIEW"},
	"several":  {"north.ipa  wait: PROCESSING", "west.ipa   ["},
	"refused":  {"get-task-allow", "what to do:"},
	"check":    {"the key is good"},
}

func TestThePicturesInTheDocumentsShowWhatTheyAreFor(t *testing.T) {
	kept, err := filepath.Glob("../../docs/pictures/*.svg")
	if err != nil || len(kept) != len(shown) || len(scenes()) != len(shown) {
		t.Errorf("%d pictures are in docs/pictures, want %d: run go run ./internal/pictures", len(kept), len(shown))
	}
	checkPictures(t, "../../docs/pictures")
}

// TestThePicturesAreOfRealRuns draws all of them anew. Times and ids differ from
// run to run, so that they cannot be compared with those in the documents: it is
// the same ones, and each shows what it is there for.
func TestThePicturesAreOfRealRuns(t *testing.T) {
	if os.Getenv("SLOW_TESTS") == "" {
		t.Skip("real runs take a while: set SLOW_TESTS=1")
	}
	device, terminal, err := pty.Open()
	if err != nil {
		t.Skipf("there is no pseudo-terminal: %v", err)
	}
	device.Close()
	terminal.Close()
	folder := t.TempDir()
	if err := draw(t.Context(), folder, filepath.Join("..", "..")); err != nil {
		t.Fatal(err)
	}
	checkPictures(t, folder)
}

// checkPictures looks at the pictures in a folder.
func checkPictures(t *testing.T, folder string) {
	t.Helper()
	for name, words := range shown {
		path := filepath.Join(folder, name+".svg")
		text := textOf(t, path)
		for _, word := range words {
			if !strings.Contains(text, word) {
				t.Errorf("%s does not show %q:\n%s", path, word, text)
			}
		}
	}
}

// textOf reads a picture as XML and returns what is written in it.
func textOf(t *testing.T, path string) string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var text strings.Builder
	decoder := xml.NewDecoder(file)
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return text.String()
		}
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if chars, ok := token.(xml.CharData); ok {
			text.Write(chars)
		}
	}
}
