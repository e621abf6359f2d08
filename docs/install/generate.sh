#!/bin/sh
# Writes the manual page and the completions for a release, from the commands themselves.
set -eu
out=${1:-build}
mkdir -p "$out/manual" "$out/completions"
go run ./cmd/ascend manual > "$out/manual/ascend.1"
for shell in bash zsh fish; do
  go run ./cmd/ascend completion "$shell" > "$out/completions/ascend.$shell"
done
