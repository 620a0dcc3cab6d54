#!/usr/bin/env bash
# Counts the instructions of each operation of benches/instructions/main.rs under valgrind, and fails
# where one takes a tenth more than in benches/instructions.txt:
#
#   benches/instructions.sh          compares
#   benches/instructions.sh --save   makes what is counted the baseline
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v valgrind >/dev/null; then
  echo "skipped: no valgrind, so no instructions were counted"
  exit 0
fi
baseline=benches/instructions.txt
compiler="rustc $(rustc -vV | sed -n 's/^\(host\|release\): //p' | paste -sd' ')"
# Another compiler makes other instructions of the same code, and another target too.
if [ "${1-}" != --save ] && ! grep -qxF "$compiler" "$baseline"; then
  echo "skipped: instructions are compared for $(head -n 1 "$baseline"), and this is $compiler"
  exit 0
fi
CARGO_TERM_COLOR=never cargo build --release -p rejoin-instructions
binary=${CARGO_TARGET_DIR:-target}/release/instructions
kept=$(mktemp -d)
trap 'rm -rf "$kept"' EXIT

# The instructions of one operation: those in the function `measured` alone.
count() {
  local times collected
  times=$(valgrind --tool=callgrind --toggle-collect='*instructions::measured*' \
    --callgrind-out-file=/dev/null --log-file="$kept/log" "$binary" "$1")
  collected=$(sed -n 's/.*Collected : //p' "$kept/log")
  [ "${collected:-0}" -gt 0 ] || { echo "nothing was counted of $1" >&2; return 1; }
  echo $((collected / times))
}

names=$("$binary")
echo "$compiler" >"$kept/counts"
slower=()
printf '%-26s %14s %14s %7s\n' operation instructions baseline ratio
for name in $names; do
  counted=$(count "$name")
  echo "$name $counted" >>"$kept/counts"
  before=$(awk -v name="$name" '$1 == name { print $2 }' "$baseline" 2>/dev/null || true)
  ratio=$(awk -v now="$counted" -v then="${before:-0}" \
    'BEGIN { if (then) printf "%.3f", now / then; else print "none" }')
  printf '%-26s %14d %14s %7s\n' "$name" "$counted" "${before:-none}" "$ratio"
  if [ -z "$before" ] || [ $((counted * 10)) -gt $((before * 11)) ]; then slower+=("$name"); fi
done

if [ "${1-}" = --save ]; then
  cp "$kept/counts" "$baseline"
elif [ ${#slower[@]} -gt 0 ]; then
  echo "a tenth above the baseline, or without one: ${slower[*]}" >&2
  exit 1
fi
