#!/usr/bin/env bash
# Plants the classic bugs of this field, one at a time, and tells which layers of tests notice.
# Each is a patch in `tests/planted/`; none is ever part of the library.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
copy="$work/rejoin"
mkdir "$copy"
# The corpus lies beside the project.
[ -d ../shared ] && ln -s "$(cd ../shared && pwd)" "$work/shared"
tar --exclude=./target --exclude=./fuzz/target --exclude=./benches/peers/target --exclude=./.git -c . | tar -x -C "$copy"
cd "$copy"
export CARGO_TARGET_DIR="${PLANTED_TARGET_DIR:-$copy/target}" RUST_BACKTRACE=0
export REJOIN_HISTORIES="${REJOIN_HISTORIES:-500}" REJOIN_OPERATIONS="${REJOIN_OPERATIONS:-3}"
export PROPTEST_MAX_SHRINK_ITERS=0
# What a patch leaves unused is no error.
export RUSTFLAGS="--cap-lints warn"

layers=(units histories small_worlds misuse named_cases laws corpus replay)
declare -A tests=(
  [units]="--lib"
  [histories]="--test it -- _histories properties::"
  [small_worlds]="--test it -- _small_worlds"
  [misuse]="--test it -- _misused"
  [named_cases]="--test it -- pitfalls:: table:: found:: basics::"
  [laws]="--test it -- laws::"
  [corpus]="--test it -- corpus::"
  [replay]="--test it -- replay::"
)
# Without a bug, all of them have to be content.
cargo test --profile mutants --quiet --lib --test it >/dev/null
missed=0
for patch in tests/planted/*.patch; do
  patch --quiet -p1 <"$patch"
  cargo test --profile mutants --quiet --lib --test it --no-run 2>/dev/null
  noticed=()
  for layer in "${layers[@]}"; do
    # shellcheck disable=SC2086 # several words
    timeout 600 cargo test --profile mutants --quiet ${tests[$layer]} >/dev/null 2>&1 || noticed+=("$layer")
  done
  patch --quiet -p1 -R <"$patch"
  echo "$(basename "$patch" .patch): noticed by ${#noticed[@]}: ${noticed[*]:-}"
  [ "${#noticed[@]}" -ge 2 ] || missed=1
done
exit "$missed"
