// Command ascend takes a signed Apple build from any machine to TestFlight
// testers.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/adrg/xdg"

	"github.com/ascend-cli/ascend/internal/cli"
	"github.com/ascend-cli/ascend/internal/failure"
	"github.com/ascend-cli/ascend/internal/term"
)

// Set by the linker of a release.
var version, commit, date string

func main() { os.Exit(run()) }

func run() int {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel(failure.ErrInterrupted)
		<-signals
		os.Exit(130) // a second signal means now
	}()
	home, _ := os.UserHomeDir() // without one, ~ stays as it is
	env := cli.Environment{Streams: term.System(os.Getenv), Getenv: os.Getenv, Home: home, StateHome: xdg.StateHome, Now: time.Now}
	env.Version, env.Commit, env.Date = describe()
	return cli.Run(ctx, env, os.Args[1:])
}

// describe falls back to what go install and go build record.
func describe() (string, string, string) {
	v, c, d := version, commit, date
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v, c, d
	}
	if v == "" {
		v = info.Main.Version
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			if c == "" {
				c = setting.Value
			}
		case "vcs.time":
			if d == "" {
				d = setting.Value
			}
		}
	}
	return v, c, d
}
