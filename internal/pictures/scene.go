package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"

	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
	"github.com/ascend-cli/ascend/internal/sandbox"
	"github.com/ascend-cli/ascend/internal/sandbox/sandboxtest"
	"github.com/ascend-cli/ascend/internal/state"
)

// A scene is a command line, where it runs, and the moment that is caught.
type scene struct {
	name string
	// args are what is typed after ascend.
	args []string
	// files are the packages that lie there.
	files map[string][]byte
	// service is the App Store Connect; its keys are made for each scene.
	service sandbox.Options
	// took is how long earlier builds took, as this machine remembers.
	took []time.Duration
	// moment tells whether the screen shows what is to be seen; nil means the
	// end.
	moment func(screen string) bool
	// title is what the picture is of, for those who do not see it.
	title string
}

const columns, rows = 100, 24

// moving is what a line to the object store takes, so that there is something to
// see.
const moving = 6e6

func showing(words ...string) func(string) bool {
	return func(screen string) bool {
		for _, word := range words {
			if !strings.Contains(screen, word) {
				return false
			}
		}
		return true
	}
}

// padded is a signed package of a size.
func padded(bundleID, version, number string, size int) []byte {
	p := bundletest.SignedIOS(bundleID, version, number)
	padding := bundletest.Padding(size)
	padding.Name = "Assets.car"
	p.App().Files = append(p.App().Files, padding)
	return p.IPA()
}

func scenes() []scene {
	groups := []sandbox.Group{{Name: "QA", Internal: true}, {Name: "Beta"}}
	demo := []sandbox.App{{ID: "6700000001", BundleID: "com.example.demo", Name: "Demo", Groups: groups}}
	app := map[string][]byte{"App.ipa": padded("com.example.demo", "2.1", "314", 30<<20)}
	stall, err := sandbox.ParseFault("on=store part=3 nth=1 do=reset after=50%")
	if err != nil {
		panic(err)
	}
	fleet := map[string][]byte{}
	var apps []sandbox.App
	for i, name := range []string{"north", "south", "east", "west"} {
		id := "com.example." + name
		fleet[name+".ipa"] = padded(id, "2.1", "314", (3+4*i)<<20)
		apps = append(apps, sandbox.App{BundleID: id, Groups: groups})
	}
	usual := []time.Duration{26 * time.Second, 28 * time.Second, 31 * time.Second, 27 * time.Second}
	return []scene{
		{
			name: "transfer", title: "The live view of an upload while parts are sent",
			args: []string{"upload", "--groups", "QA", "App.ipa"}, files: app,
			service: sandbox.Options{Apps: demo, Link: sandbox.Link{Total: moving}, Faults: []sandbox.Fault{stall}},
			moment:  showing("transfer     5", "in flight, 1 retry"),
		},
		{
			name: "wait", title: "The live view while Apple processes the build, with what earlier builds took",
			args: []string{"upload", "--groups", "QA", "App.ipa"}, files: app, took: usual,
			service: sandbox.Options{Apps: demo, UploadProcessing: 3 * time.Second, BuildProcessing: time.Minute},
			moment:  showing("build: PROCESSING, 9 s"),
		},
		{
			name: "done", title: "What an upload leaves on the screen",
			args: []string{"upload", "--groups", "QA,Beta", "App.ipa"}, files: app, took: usual,
			service: sandbox.Options{Apps: demo, UploadProcessing: time.Second, BuildProcessing: time.Second},
		},
		{
			name: "several", title: "Several packages at the same time",
			args: []string{"upload", "--groups", "QA", "north.ipa", "south.ipa", "east.ipa", "west.ipa"}, files: fleet,
			service: sandbox.Options{Apps: apps, Link: sandbox.Link{Total: moving}, UploadProcessing: time.Second, BuildProcessing: time.Minute},
			moment:  showing("north.ipa  wait: ", "south.ipa  [", "east.ipa   [", "west.ipa   ["),
		},
		{
			name: "refused", title: "A package that Apple would refuse, found before anything is sent",
			args: []string{"upload", "--groups", "QA", "App.ipa"}, files: map[string][]byte{"App.ipa": development()},
			service: sandbox.Options{Apps: demo},
		},
		{
			name: "check", title: "Whether a key is good",
			args: []string{"auth", "check"}, service: sandbox.Options{Apps: demo},
		},
	}
}

// development is a package that was exported for development.
func development() []byte {
	p := bundletest.SignedIOS("com.example.demo", "2.1", "314")
	p.App().Program.Signing.Entitlements = p.App().Program.Signing.Entitlements.With("get-task-allow", true)
	return p.IPA()
}

// play runs a scene and returns its picture.
func (s scene) play(ctx context.Context, work string) ([]byte, error) {
	dir := filepath.Join(work, s.name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for name, content := range s.files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return nil, err
		}
	}
	s.service.Dir = dir
	server, err := sandboxtest.Start(s.service)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	memory := filepath.Join(dir, "memory")
	history := state.OpenHistory(filepath.Join(memory, "processing"), time.Now)
	for i, took := range s.took {
		if err := history.Add(state.AppKey{API: server.URL(), AppID: sandboxtest.AppID, Platform: "IOS"}, state.Processing{BuildID: fmt.Sprint(i), Seconds: int64(took.Seconds())}); err != nil {
			return nil, err
		}
	}
	command := exec.CommandContext(ctx, filepath.Join(work, "ascend"), s.args...)
	command.Dir = dir
	command.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TERM=xterm-256color", "LC_ALL=C.UTF-8", "ASCEND_STATE_DIR=" + memory,
	}
	command.Env = append(command.Env, server.Environment()...)
	terminal := vt10x.New(vt10x.WithSize(columns, rows))
	if err := s.watch(command, terminal); err != nil {
		return nil, err
	}
	return picture(terminal, "ascend "+strings.Join(s.args, " "), s.title), nil
}

// watch runs a command on a terminal until the moment has come.
func (s scene) watch(command *exec.Cmd, terminal vt10x.Terminal) error {
	device, err := pty.StartWithSize(command, &pty.Winsize{Rows: rows, Cols: columns})
	if err != nil {
		return err
	}
	defer device.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := device.Read(buffer)
		// The terminal knows no faint text: grey comes close.
		_, _ = terminal.Write(bytes.ReplaceAll(buffer[:n], []byte("\x1b[2m"), []byte("\x1b[90m"))) // it only draws
		if s.moment != nil && s.moment(terminal.String()) {
			_ = command.Process.Kill() // it has been seen
			_ = command.Wait()         // it was killed
			return nil
		}
		if err != nil {
			break // the command has ended
		}
	}
	err = command.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	if s.moment != nil {
		return fmt.Errorf("the moment never came:\n%s", terminal.String())
	}
	return nil
}
