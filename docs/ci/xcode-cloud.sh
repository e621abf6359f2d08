#!/bin/sh
# Xcode Cloud: ci_scripts/ci_post_xcodebuild.sh, with notes.txt beside it. It takes the place of the workflow's TestFlight
# post-action, and gives the build a note and groups. Set ASCEND_KEY_ID, ASCEND_ISSUER_ID and ASCEND_KEY as secret
# environment variables.
set -eu
if [ "${CI_XCODEBUILD_ACTION:-}" != archive ] || [ ! -d "${CI_APP_STORE_SIGNED_APP_PATH:-}" ]; then
  exit 0
fi
brew install go
go install github.com/ascend-cli/ascend/cmd/ascend@latest
"$(go env GOPATH)/bin/ascend" upload --groups QA --what-to-test "@$(dirname "$0")/notes.txt" "$CI_APP_STORE_SIGNED_APP_PATH"/*.ipa
