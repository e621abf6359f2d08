package state

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/ascend-cli/ascend/internal/outfile"
)

// A Store keeps records in a folder, one file each.
type Store struct {
	dir string
	now func() time.Time
}

// Open returns the store in a folder, which is made when it is needed.
func Open(dir string, now func() time.Time) *Store { return &Store{dir: dir, now: now} }

// Dir is the store's folder.
func (s *Store) Dir() string { return s.dir }

func (s *Store) path(k Key, extension string) string {
	return filepath.Join(s.dir, fileName(k.BundleID+"-"+k.Version+"-"+k.BuildNumber+"-"+k.Platform, k.API, k.BundleID, k.Platform, k.Version, k.BuildNumber)+extension)
}

// fileName can be read by people, and its hash of the key keeps keys apart that
// look alike.
func fileName(readable string, key ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(key, "\x00")))
	name := strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, readable)
	const longest = 100
	return name[:min(len(name), longest)] + "-" + hex.EncodeToString(sum[:6])
}

// Load returns the record of a key. One that cannot be read counts as none,
// and the error says why.
func (s *Store) Load(k Key) (Record, bool, error) {
	content, err := os.ReadFile(s.path(k, ".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return Record{}, false, nil
	}
	if err != nil {
		return Record{}, false, err
	}
	r, err := parse(content)
	if err == nil && r.Key != k {
		err = errFormat
	}
	if err != nil {
		return Record{}, false, fmt.Errorf("%s: %w", s.path(k, ".json"), err)
	}
	return r, true, nil
}

// Save writes a record so that a reader sees the old one or the new one, also
// after a power loss.
func (s *Store) Save(r Record) error {
	r.Format, r.Updated = format, s.now().UTC()
	slices.SortFunc(r.Parts, func(a, b Part) int { return cmp.Compare(a.Offset, b.Offset) })
	content, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := outfile.Folder(s.dir); err != nil {
		return err
	}
	return outfile.Replace(s.path(r.Key, ".json"), content)
}

// Remove forgets a record. There may be none.
func (s *Store) Remove(k Key) error {
	if err := os.Remove(s.path(k, ".json")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// List returns all records, the latest first. Files that are none are left
// out.
func (s *Store) List() ([]Record, error) {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var records []Record
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".json" {
			continue
		}
		content, err := os.ReadFile(filepath.Join(s.dir, entry.Name()))
		if err != nil {
			continue // removed just now, or not ours
		}
		if r, err := parse(content); err == nil {
			records = append(records, r)
		}
	}
	slices.SortFunc(records, func(a, b Record) int { return b.Updated.Compare(a.Updated) })
	return records, err
}

// forgetAfter is how long a record is kept that nobody comes back for. The
// service drops upload operations after a week.
const forgetAfter = 30 * 24 * time.Hour

// Prune forgets what nobody came back for.
func (s *Store) Prune() {
	records, err := s.List()
	if err != nil {
		return // there will be another time
	}
	for _, r := range records {
		if s.now().Sub(r.Updated) > forgetAfter {
			_ = s.Remove(r.Key) // there will be another time
		}
	}
}

// A HeldError says that another process works on the same upload.
type HeldError struct {
	// Holder is what that process says of itself.
	Holder Holder
}

// A Holder is a process that holds a lock.
type Holder struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
}

func (e *HeldError) Error() string {
	if e.Holder.PID == 0 {
		return "another process uploads the same build"
	}
	return fmt.Sprintf("process %d on %s has been uploading the same build since %s", e.Holder.PID, e.Holder.Host, e.Holder.Since.Format(time.RFC3339))
}

// Lock makes sure that no other process on this machine works on the same
// upload. The error is a [*HeldError] if one does.
func (s *Store) Lock(k Key) (unlock func(), err error) {
	if err := outfile.Folder(s.dir); err != nil {
		return nil, err
	}
	path := s.path(k, ".lock")
	for {
		// A link is not followed: the lock is taken on what is there.
		lock := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR|outfile.NoFollow), flock.SetPermissions(0o600))
		held, err := lock.TryLock()
		if err != nil {
			return nil, err
		}
		if !held {
			var e HeldError
			if content, err := os.ReadFile(path); err == nil {
				_ = json.Unmarshal(content, &e.Holder) // it may be being written
			}
			return nil, &e
		}
		if !s.current(lock, path) {
			_ = lock.Close() // its file was removed by the one before: take the new one
			continue
		}
		host, _ := os.Hostname() // a name for people only
		if holder, err := json.Marshal(Holder{PID: os.Getpid(), Host: host, Since: s.now().UTC()}); err == nil {
			_ = outfile.Write(path, holder, outfile.Private) // for people too; the lock holds without
		}
		return func() {
			_ = os.Remove(path) // while it is held, so that nobody else's is removed
			_ = lock.Close()
		}, nil
	}
}

// current tells whether a lock is on the file that is there now.
func (s *Store) current(lock *flock.Flock, path string) bool {
	held, err := lock.Stat()
	if err != nil {
		return false
	}
	now, err := os.Stat(path)
	return err == nil && os.SameFile(held, now)
}
