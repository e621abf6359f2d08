package main

import (
	"context"
	"errors"
	"os/exec"
)

func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, name, args...)
}

func memory(context.Context) error { return errors.New("later") }

func resume(context.Context) error { return errors.New("later") }
