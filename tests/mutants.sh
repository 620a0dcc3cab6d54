#!/usr/bin/env bash
# Mutation testing: changes `src/` in one place at a time and expects a test to fail.
#
#   tests/mutants.sh [options of cargo mutants]      such as --file 'src/causal/*.rs'
#
# Survivors that are argued to be equivalent are listed in `.cargo/mutants.toml`.
set -euo pipefail
if [ "${1:-}" = run ]; then
  # As the runner of the test binaries: stops at the first test that fails, and bounds memory.
  shift
  ulimit -v 8000000
  exec 3< <("$@" --test-threads=2 --skip corpus:: 2>&1; echo "exit $?")
  while read -r line <&3; do
    echo "$line"
    case "$line" in
      *"... FAILED") pkill -P $! 2>/dev/null || true; exit 101 ;;
      "exit "*) exit "${line#exit }" ;;
    esac
  done
fi
cd "$(dirname "$0")/.."
runner="CARGO_TARGET_$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')_RUNNER"
export "$runner=$PWD/tests/mutants.sh run"
export REJOIN_HISTORIES="${REJOIN_HISTORIES:-60}" REJOIN_OPERATIONS="${REJOIN_OPERATIONS:-2}"
export PROPTEST_MAX_SHRINK_ITERS=0 CARGO_INCREMENTAL=1
exec cargo mutants --no-shuffle "$@"
