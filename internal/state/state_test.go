package state

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newStore(t *testing.T) *Store {
	t.Helper()
	return Open(filepath.Join(t.TempDir(), "uploads"), func() time.Time { return noon })
}

func record(build string) Record {
	return Record{
		Key:  Key{API: "https://api.example", BundleID: "com.example.demo", Platform: "IOS", Version: "1.2.0", BuildNumber: build},
		Path: "Demo.ipa", File: Identity{Size: 30, Modified: 1, Changed: 2, Device: 3, Inode: 4}, AppID: "1", BuildUploadID: "u", BuildUploadFileID: "f", Stage: Transferring,
		Parts: []Part{{20, 10, strings.Repeat("b", 32)}, {0, 10, strings.Repeat("a", 32)}},
	}
}

func TestARecordComesBackAsItWasSaved(t *testing.T) {
	s := newStore(t)
	r := record("42")
	if _, found, err := s.Load(r.Key); found || err != nil {
		t.Fatalf("%v, %v in an empty store", found, err)
	}
	if err := s.Save(r); err != nil {
		t.Fatal(err)
	}
	got, found, err := s.Load(r.Key)
	r.Format, r.Updated = 1, noon
	if !found || err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("%v, %v\n got %+v\nwant %+v", found, err, got, r)
	}
	if got.Parts[0].Offset != 0 {
		t.Errorf("parts are not in the order of the file: %+v", got.Parts)
	}
	info, err := os.Stat(s.path(r.Key, ".json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: others can read it", info.Mode(), err)
	}
	if err := s.Remove(r.Key); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(r.Key); err != nil {
		t.Errorf("removing nothing: %v", err)
	}
	if entries, _ := os.ReadDir(s.Dir()); len(entries) != 0 {
		t.Errorf("left over: %v", entries)
	}
}

func TestAnotherUploadsRecordIsNotUsed(t *testing.T) {
	s := newStore(t)
	r := record("42")
	if err := s.Save(r); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Key){
		"another service":      func(k *Key) { k.API = "https://other.example" },
		"another app":          func(k *Key) { k.BundleID = "com.example.other" },
		"another platform":     func(k *Key) { k.Platform = "TV_OS" },
		"another version":      func(k *Key) { k.Version = "1.2.1" },
		"another build number": func(k *Key) { k.BuildNumber = "43" },
		"a look-alike":         func(k *Key) { k.BundleID = "com.example_demo" },
	} {
		k := r.Key
		change(&k)
		if _, found, err := s.Load(k); found || err != nil {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
	// A file that was renamed by hand.
	k := r.Key
	k.BuildNumber = "43"
	if err := os.Rename(s.path(r.Key, ".json"), s.path(k, ".json")); err != nil {
		t.Fatal(err)
	}
	if _, found, err := s.Load(k); found || err == nil {
		t.Errorf("%v, %v for a record of another upload", found, err)
	}
}

func TestADamagedRecordCountsAsNone(t *testing.T) {
	s := newStore(t)
	r := record("42")
	if err := s.Save(r); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(s.path(r.Key, ".json"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"empty": "", "cut off": string(whole[:len(whole)/2]), "another format": strings.Replace(string(whole), `"format":1`, `"format":2`, 1),
		"overlapping parts": strings.Replace(string(whole), `"offset":20`, `"offset":5`, 1), "a part beyond the end": strings.Replace(string(whole), `"length":10`, `"length":99`, 1),
		"a short MD5": strings.Replace(string(whole), "bbbb", "", 1), "an unknown stage": strings.Replace(string(whole), "transferring", "lost", 1), "a list": "[]",
	} {
		if err := os.WriteFile(s.path(r.Key, ".json"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, found, err := s.Load(r.Key); found || err == nil {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if records, err := s.List(); len(records) != 0 || err != nil {
		t.Errorf("%v, %v", records, err)
	}
}

func TestOldRecordsAreForgotten(t *testing.T) {
	s := newStore(t)
	for _, build := range []string{"1", "2"} {
		if err := s.Save(record(build)); err != nil {
			t.Fatal(err)
		}
	}
	s.now = func() time.Time { return noon.Add(29 * 24 * time.Hour) }
	if err := s.Save(record("2")); err != nil {
		t.Fatal(err)
	}
	s.now = func() time.Time { return noon.Add(31 * 24 * time.Hour) }
	s.Prune()
	records, err := s.List()
	if err != nil || len(records) != 1 || records[0].BuildNumber != "2" {
		t.Errorf("%+v, %v", records, err)
	}
}

func TestOneProcessAtATimeWorksOnAnUpload(t *testing.T) {
	s := newStore(t)
	k := record("42").Key
	unlock, err := s.Lock(k)
	if err != nil {
		t.Fatal(err)
	}
	var held *HeldError
	if _, err := s.Lock(k); !errors.As(err, &held) || held.Holder.PID != os.Getpid() || !strings.Contains(err.Error(), "has been uploading the same build since 2026-11-23T12:00:00Z") {
		t.Errorf("%v", err)
	}
	if other, err := s.Lock(record("43").Key); err != nil {
		t.Errorf("another upload is locked too: %v", err)
	} else {
		other()
	}
	unlock()
	if entries, _ := os.ReadDir(s.Dir()); len(entries) != 0 {
		t.Errorf("left over: %v", entries)
	}
	// Many at once: never two at a time.
	var inside, most, total int
	var mu sync.Mutex
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				unlock, err := s.Lock(k)
				if err != nil {
					continue
				}
				mu.Lock()
				inside++
				total++
				most = max(most, inside)
				mu.Unlock()
				mu.Lock()
				inside--
				mu.Unlock()
				unlock()
			}
		})
	}
	group.Wait()
	if most != 1 || total == 0 {
		t.Errorf("%d at a time, %d in all", most, total)
	}
}

// TestFilesArePrivateAlsoWhereTheyExistedBefore has files that an earlier
// version, or somebody else, made for all to read.
func TestFilesArePrivateAlsoWhereTheyExistedBefore(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes mean nothing there")
	}
	s, r := newStore(t), record("42")
	h := OpenHistory(filepath.Join(t.TempDir(), "processing"), s.now)
	app := AppKey{API: "https://api.example", AppID: "1", Platform: "IOS"}
	for path, write := range map[string]func() error{
		s.path(r.Key, ".json"): func() error { return s.Save(r) },
		s.path(r.Key, ".lock"): func() error { unlock, err := s.Lock(r.Key); t.Cleanup(unlock); return err },
		h.path(app):            func() error { return h.Add(app, Processing{BuildID: "b", Seconds: 60}) },
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := write(); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", filepath.Base(path), err, info.Mode())
		}
	}
}

// TestNothingIsWrittenThroughALink has links where records and locks are about
// to be written.
func TestNothingIsWrittenThroughALink(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links take a right of their own there")
	}
	for extension, write := range map[string]func(*Store, Record) error{
		".json": func(s *Store, r Record) error { return s.Save(r) },
		".lock": func(s *Store, r Record) error { unlock, err := s.Lock(r.Key); _ = unlock; return err },
	} {
		s, r := newStore(t), record("42")
		victim := filepath.Join(t.TempDir(), "victim")
		if err := os.MkdirAll(s.Dir(), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(victim, []byte("before"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(victim, s.path(r.Key, extension)); err != nil {
			t.Fatal(err)
		}
		err := write(s, r)
		if content, readErr := os.ReadFile(victim); readErr != nil || string(content) != "before" {
			t.Errorf("%s: %v, and the file says %q", extension, err, content)
		}
	}
}

func TestAFolderThatCannotBeWrittenIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := Open(filepath.Join(file, "uploads"), time.Now)
	if err := s.Save(record("42")); err == nil {
		t.Error("saved below a file")
	}
	if _, err := s.Lock(record("42").Key); err == nil {
		t.Error("locked below a file")
	}
}

func TestAnIdentityChangesWithTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "Demo.ipa")
	look := func() Identity {
		t.Helper()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return Identify(info)
	}
	if err := os.WriteFile(path, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := look()
	if look() != before {
		t.Error("it is not the same twice")
	}
	if err := os.WriteFile(path, []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Time{}, time.Unix(0, before.Modified)); err != nil {
		t.Fatal(err)
	}
	if after := look(); after.Modified != before.Modified || after.Proves() && after == before {
		t.Errorf("a rewritten file with its old time looks the same: %+v", after)
	}
}

func FuzzParse(f *testing.F) {
	r := record("42")
	r.Format = 1
	r.Parts = r.Parts[1:]
	content, _ := json.Marshal(r)
	f.Add(content)
	f.Add([]byte(`{"format":1,"bundle_id":"b","build_upload_id":"u","file":{"size":9},"stage":"committed","parts":[{"offset":0,"length":9,"md5":"00000000000000000000000000000000"}]}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		r, err := parse(content)
		if err != nil {
			return
		}
		var sum int64
		for _, p := range r.Parts {
			sum += p.Length
		}
		if sum > r.File.Size || sum < 0 {
			t.Errorf("%d bytes in parts of a file of %d", sum, r.File.Size)
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parse(again); err != nil {
			t.Errorf("what was read cannot be read again: %v", err)
		}
	})
}
