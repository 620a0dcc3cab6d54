#!/usr/bin/env bash
# Builds all fuzz targets and runs each from its seeds, with the options given:
#
#   fuzz/run.sh -runs=20000
set -euo pipefail
cd "$(dirname "$0")/.."
if ! cargo +nightly --version >/dev/null 2>&1; then
  echo "skipped: no nightly compiler, so nothing was fuzzed; cargo test has replayed the seeds"
  exit 0
fi
if ! cargo fuzz --version >/dev/null 2>&1 && ! cargo install cargo-fuzz --locked --quiet; then
  echo "skipped: cargo-fuzz could not be installed, so nothing was fuzzed"
  exit 0
fi
# No sanitizer: all code here is safe, and without one three times as much is tried.
cargo +nightly fuzz build --sanitizer none
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
for target in $(cargo +nightly fuzz list); do
  mkdir "$corpus/$target"
  echo "== $target"
  known=("tests/seeds/$target")
  [ -d "tests/findings/$target" ] && known+=("tests/findings/$target")
  cargo +nightly fuzz run --sanitizer none "$target" "$corpus/$target" "${known[@]}" -- "$@" 2>&1 |
    grep -vE '^#[0-9]+\s+(REDUCE|NEW|RELOAD|pulse)|^\s*$|NEW_FUNC|^WARNING: Failed'
done
