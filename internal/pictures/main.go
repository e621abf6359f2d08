// Command pictures draws what a terminal shows while ascend runs, for the
// documents: real runs against the embedded App Store Connect, caught at a
// moment.
//
//	go run ./internal/pictures docs/pictures
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
)

func main() {
	folder := "docs/pictures"
	if len(os.Args) > 1 {
		folder = os.Args[1]
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if err := draw(ctx, folder, "."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// draw writes all pictures into a folder. The repository is where the program
// is built from.
func draw(ctx context.Context, folder, repository string) error {
	work, err := os.MkdirTemp("", "ascend-pictures-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	build := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(work, "ascend"), "./cmd/ascend")
	build.Dir = repository
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build ascend (run this from the repository): %w: %s", err, out)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	var group errgroup.Group
	for _, s := range scenes() {
		group.Go(func() error {
			content, err := s.play(ctx, work)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			return os.WriteFile(filepath.Join(folder, s.name+".svg"), content, 0o644)
		})
	}
	return group.Wait()
}
