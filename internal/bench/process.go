package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/ascend-cli/ascend/internal/bundle/bundletest"
	"github.com/ascend-cli/ascend/internal/sandbox"
	"github.com/ascend-cli/ascend/internal/sandbox/sandboxtest"
)

// program is the real program, built for the run, with a service of its own.
type program struct {
	dir    string
	server *sandboxtest.Sandbox
	// sent are the bytes that the store has read, stored those of parts that
	// it keeps.
	sent, stored atomic.Int64
}

func newProgram(ctx context.Context, options sandbox.Options) (*program, error) {
	dir, err := os.MkdirTemp("", "ascend-bench-")
	if err != nil {
		return nil, err
	}
	p := &program{dir: dir}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", p.path("ascend"), "./cmd/ascend")
	if out, err := build.CombinedOutput(); err != nil {
		p.close()
		return nil, fmt.Errorf("build ascend (run this from the repository): %w: %s", err, out)
	}
	options.Dir = dir
	options.OnRequest = func(r sandbox.Request) {
		if r.Host == "store" {
			p.sent.Add(r.Bytes)
			if r.Status == http.StatusOK {
				p.stored.Add(r.Bytes)
			}
		}
	}
	if p.server, err = sandboxtest.Start(options); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *program) path(name string) string { return filepath.Join(p.dir, name) }

func (p *program) close() {
	if p.server != nil {
		_ = p.server.Close()
	}
	_ = os.RemoveAll(p.dir)
}

// upload prepares an upload of the package.
func (p *program) upload(ctx context.Context, flags ...string) *exec.Cmd {
	args := []string{"upload", p.path("Demo.ipa"), "--no-wait", "--quiet", "--state-dir", p.path("state")}
	cmd := exec.CommandContext(ctx, p.path("ascend"), append(args, flags...)...)
	cmd.Env = append(os.Environ(), p.server.Environment()...)
	cmd.Stderr = os.Stderr
	return cmd
}

// memory is the peak resident memory of the process while it uploads a file
// that is far larger.
func memory(ctx context.Context) error {
	const size = 4 << 30
	p, err := newProgram(ctx, sandbox.Options{})
	if err != nil {
		return err
	}
	defer p.close()
	if err := writeSparse(p.path("Demo.ipa"), size); err != nil {
		return err
	}
	cmd := p.upload(ctx, "--concurrency", "32")
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return err
	}
	resident := peakMemory(cmd.ProcessState)
	if resident == 0 {
		return errors.New("this system does not tell")
	}
	fmt.Printf("  %.1f MiB at its peak, %.2f %% of the file (%.0f MB/s)\n", resident, 100*resident/(size>>20), size/1e6/time.Since(start).Seconds())
	return nil
}

// writeSparse writes a package with a member that is one large hole.
func writeSparse(path string, hole int64) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	out := zip.NewWriter(&sparse{file: file})
	small, err := zip.NewReader(bytes.NewReader(bundletest.IPA(bundletest.IOS("com.example.demo", "1.0", "1"))), int64(len(bundletest.IPA(bundletest.IOS("com.example.demo", "1.0", "1")))))
	if err != nil {
		return err
	}
	for _, member := range small.File {
		if err := out.Copy(member); err != nil {
			return err
		}
	}
	w, err := out.CreateHeader(&zip.FileHeader{Name: "Payload/Demo.app/hole", Method: zip.Store})
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, io.LimitReader(zeros{}, hole)); err != nil {
		return err
	}
	return out.Close()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// sparse leaves a hole where a block is all zeros.
type sparse struct{ file *os.File }

func (s *sparse) Write(p []byte) (int, error) {
	if len(p) >= 4<<10 && bytes.Count(p, []byte{0}) == len(p) {
		_, err := s.file.Seek(int64(len(p)), io.SeekCurrent)
		return len(p), err
	}
	return s.file.Write(p)
}

// resume kills an upload when nine tenths are there, and runs it again.
func resume(ctx context.Context) error {
	for _, forget := range []bool{false, true} {
		if err := resumeOnce(ctx, forget); err != nil {
			return err
		}
	}
	return nil
}

func resumeOnce(ctx context.Context, forget bool) error {
	const size = 200 << 20
	p, err := newProgram(ctx, sandbox.Options{PartSize: 1 << 20, Link: sandbox.Link{RoundTrip: 20 * time.Millisecond, Total: 100_000_000}})
	if err != nil {
		return err
	}
	defer p.close()
	if err := writeSparse(p.path("Demo.ipa"), size); err != nil {
		return err
	}
	cmd := p.upload(ctx)
	cmd.Stderr = nil
	if err := cmd.Start(); err != nil {
		return err
	}
	for p.stored.Load() < size*9/10 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // it was killed
	time.Sleep(200 * time.Millisecond)
	there, before := p.stored.Load(), p.sent.Load()
	what := "with local state"
	if forget {
		what = "without local state"
		if err := os.RemoveAll(p.path("state")); err != nil {
			return err
		}
	}
	if err := p.upload(ctx).Run(); err != nil {
		return err
	}
	fmt.Printf("  %s: %.1f %% of the file were there, the next run sent %.1f %%\n", what, 100*float64(there)/size, 100*float64(p.sent.Load()-before)/size)
	return nil
}
