package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ascend-cli/ascend/internal/outfile"
)

// An AppKey names an app on one platform: what is remembered of its builds
// says something about the next one.
type AppKey struct {
	// API is the address of the service.
	API      string `json:"api"`
	AppID    string `json:"app_id"`
	Platform string `json:"platform"`
}

// Processing is how long the service took for one build.
type Processing struct {
	BuildID string `json:"build_id"`
	// Seconds are those from the end of the upload until the build was seen to
	// be ready.
	Seconds int64 `json:"seconds"`
}

// A History keeps how long the service took for earlier builds, in a folder
// with one file for each app.
type History struct {
	dir string
	now func() time.Time
}

// OpenHistory returns the history in a folder, which is made when it is needed.
func OpenHistory(dir string, now func() time.Time) *History { return &History{dir: dir, now: now} }

// historyFile is the content of a file.
type historyFile struct {
	Format int `json:"format"`
	AppKey
	// Processing is the latest first.
	Processing []Processing `json:"processing"`
}

const (
	historyFormat = 1
	// remembered is how many builds of an app are remembered.
	remembered = 10
	// longestProcessing is what no processing takes: the queue stood still, or a
	// clock was wrong.
	longestProcessing = 24 * time.Hour
	// forgetAppAfter is how long an app is remembered that gets no more builds.
	forgetAppAfter = 200 * 24 * time.Hour
)

func (h *History) path(k AppKey) string {
	return filepath.Join(h.dir, fileName(k.AppID+"-"+k.Platform, k.API, k.AppID, k.Platform)+".json")
}

// Processing returns how long earlier builds of an app took, the latest first.
// A file that cannot be read counts as none, and the error says why.
func (h *History) Processing(k AppKey) ([]Processing, error) {
	content, err := os.ReadFile(h.path(k))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var file historyFile
	if err := json.Unmarshal(content, &file); err != nil || file.Format != historyFormat || file.AppKey != k {
		return nil, fmt.Errorf("%s: written by another version or damaged", h.path(k))
	}
	var known []Processing
	for _, p := range file.Processing {
		if p.valid() {
			known = append(known, p)
		}
	}
	return known, nil
}

func (p Processing) valid() bool {
	return p.BuildID != "" && p.Seconds >= 0 && p.Seconds < int64(longestProcessing/time.Second)
}

// Add remembers how long a build took. Only the first word about a
// build counts: whoever waits for it again sees it ready later than it was.
func (h *History) Add(k AppKey, p Processing) error {
	if !p.valid() {
		return nil
	}
	known, _ := h.Processing(k) // what cannot be read is written anew
	for _, other := range known {
		if other.BuildID == p.BuildID {
			return nil
		}
	}
	known = append([]Processing{p}, known...)
	content, err := json.Marshal(historyFile{Format: historyFormat, AppKey: k, Processing: known[:min(len(known), remembered)]})
	if err != nil {
		return err
	}
	if err := outfile.Folder(h.dir); err != nil {
		return err
	}
	h.prune()
	return outfile.Replace(h.path(k), content)
}

// prune forgets apps that get no more builds, as those of a sandbox that is
// gone.
func (h *History) prune() {
	files, err := filepath.Glob(filepath.Join(h.dir, "*.json"))
	if err != nil {
		return // the folder's name is odd; nothing depends on it
	}
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && h.now().Sub(info.ModTime()) > forgetAppAfter {
			_ = os.Remove(file) // there will be another time
		}
	}
}
