#!/bin/sh
# Writes what a release needs besides the program: the manual page and the completions, from the commands themselves, and the
# certificates for the container image, from the machine that makes the release.
set -eu
out=${1:-build}
mkdir -p "$out/manual" "$out/completions"
go run ./cmd/ascend manual > "$out/manual/ascend.1"
for shell in bash zsh fish; do
  go run ./cmd/ascend completion "$shell" > "$out/completions/ascend.$shell"
done
for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
  if [ -s "$bundle" ]; then
    cp "$bundle" "$out/ca-certificates.crt"
    exit 0
  fi
done
echo "this machine has no bundle of certificates for the container image" >&2
exit 1
