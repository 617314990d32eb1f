#!/bin/sh
# Installs the Slack emulator that our simulator is compared with, once, into .cache/slack-emulator.
# The version is pinned: the package's `latest` is an unrelated program of the same name.
set -eu
version=0.11.2
folder="$(dirname "$0")/../.cache/slack-emulator"
[ -f "$folder/installed-$version" ] && exit 0
if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
  echo "not installed: the Slack emulator, which needs node and npm - the tests that need it will be skipped"
  exit 0
fi
echo "installing for the tests: emulate@$version (Slack emulator)"
rm -rf "$folder"
mkdir -p "$folder"
echo '{"private": true}' > "$folder/package.json"
if (cd "$folder" && npm install "emulate@$version" --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null); then
  touch "$folder/installed-$version"
else
  echo "not installed: the Slack emulator could not be fetched - the tests that need it will be skipped"
fi
