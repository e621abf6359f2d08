//go:build unix

package outfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/ascend-cli/ascend/internal/outfile"
)

// foreigner is a user that is not the one who runs the tests.
const foreigner = 65534

// folder is one with a mode, whatever the umask says.
func folder(t *testing.T, mode fs.FileMode) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, mode); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestLinksOfOthersAreNotFollowed(t *testing.T) {
	const sticky, own = fs.ModeSticky | 0o777, fs.FileMode(0o755)
	for name, c := range map[string]struct {
		mode    fs.FileMode // of the folder that the link is in
		foreign bool
		middle  bool // the link is to a folder on the way
		refused bool
	}{
		"one's own link":                           {mode: own},
		"one's own link in a shared folder":        {mode: sticky},
		"another's link":                           {mode: own, foreign: true, refused: true},
		"another's link in a shared folder":        {mode: sticky, foreign: true, refused: true},
		"one's own link on the way":                {mode: sticky, middle: true},
		"another's link on the way":                {mode: own, foreign: true, middle: true},
		"another's link on the way, in the shared": {mode: sticky, foreign: true, middle: true, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			victims, dir := t.TempDir(), folder(t, c.mode)
			victim, link := filepath.Join(victims, "victim"), filepath.Join(dir, "link")
			if err := os.WriteFile(victim, []byte("before"), 0o600); err != nil {
				t.Fatal(err)
			}
			target, path := victim, link
			if c.middle {
				target, path = victims, filepath.Join(link, "victim")
			}
			if err := os.Symlink(target, link); err != nil {
				t.Fatal(err)
			}
			if c.foreign {
				if err := os.Lchown(link, foreigner, foreigner); err != nil {
					t.Skipf("links cannot be given away here: %v", err)
				}
			}
			for _, access := range []outfile.Access{outfile.Shared, outfile.Private} {
				err := outfile.Write(path, []byte("after"), access)
				content, readErr := os.ReadFile(victim)
				if readErr != nil {
					t.Fatal(readErr)
				}
				if errors.Is(err, outfile.ErrForeignLink) != c.refused || (string(content) == "after") == c.refused {
					t.Errorf("%v, and the file says %s", err, content)
				}
			}
			if err := outfile.Check(path, outfile.Shared); (err != nil) != c.refused {
				t.Errorf("the check says %v", err)
			}
		})
	}
}

func TestALinkToWhatIsNotThereYet(t *testing.T) {
	dir := folder(t, fs.ModeSticky|0o777)
	target, link := filepath.Join(t.TempDir(), "new"), filepath.Join(dir, "link")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := outfile.Write(link, []byte("x"), outfile.Shared); err != nil {
		t.Fatal(err)
	}
	if err := os.Lchown(link, foreigner, foreigner); err != nil {
		t.Skipf("links cannot be given away here: %v", err)
	}
	if err := os.Remove(target); err != nil {
		t.Fatal(err)
	}
	if err := outfile.Write(link, []byte("x"), outfile.Shared); !errors.Is(err, outfile.ErrForeignLink) {
		t.Errorf("%v", err)
	}
	if _, err := os.Lstat(target); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the file was made")
	}
}

func TestALoopOfLinksEnds(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("link", link); err != nil {
		t.Fatal(err)
	}
	if err := outfile.Write(link, nil, outfile.Shared); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("%v", err)
	}
}

func TestPrivateFilesAreTheOwnersOnly(t *testing.T) {
	old := syscall.Umask(0o002)
	t.Cleanup(func() { syscall.Umask(old) })
	path := filepath.Join(t.TempDir(), "file")
	for _, step := range []struct {
		access outfile.Access
		mode   fs.FileMode
	}{{outfile.Shared, 0o664}, {outfile.Private, 0o600}, {outfile.Shared, 0o600}} {
		if err := outfile.Write(path, []byte("x"), step.access); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != step.mode {
			t.Errorf("%v, mode %o, want %o", err, info.Mode().Perm(), step.mode)
		}
	}
	if err := os.Chown(path, foreigner, foreigner); err != nil {
		t.Skipf("files cannot be given away here: %v", err)
	}
	if err := outfile.Write(path, []byte("secret"), outfile.Private); err == nil {
		t.Error("a secret went into another user's file")
	}
}

func TestAFullDiskIsAnError(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no /dev/full")
	}
	if err := outfile.Write("/dev/full", []byte("x"), outfile.Shared); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v", err)
	}
}

func TestAPipeIsNotOpenedToLook(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := outfile.Check(path, outfile.Shared); err != nil { // would wait for a reader
		t.Error(err)
	}
}

func TestDescriptorsAreFiles(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("there is no /proc")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("/proc/self/fd/"+strconv.Itoa(int(w.Fd())), link); err != nil {
		t.Fatal(err)
	}
	if err := outfile.Write(link, []byte("hello"), outfile.Shared); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	got := make([]byte, 10)
	n, _ := r.Read(got)
	if string(got[:n]) != "hello" {
		t.Errorf("%q", got[:n])
	}
}
