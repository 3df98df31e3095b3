#!/usr/bin/env bash
# Counts the instructions of one question with valgrind and compares them with benches/instructions.txt. Fails when one takes
# over 5 % more. `--write` stores what was counted: do that with a reason in the commit.
set -euo pipefail
cd "$(dirname "$0")"
command -v valgrind >/dev/null || { echo "skipped: valgrind is not installed"; exit 0; }
cargo build --quiet --release --bin instructions
program="${CARGO_TARGET_DIR:-target}/release/instructions"

# Instructions of `rounds` more rounds, by round and customer: what comes before is the same.
count() { # work rounds customers rules
  local few many
  few=$(run "$1" 2 "$4")
  many=$(run "$1" $((2 + $2)) "$4")
  echo $(((many - few) / ($2 * $3)))
}
run() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$@" 2>&1 | awk '/Collected/ { print $NF }'
}

found="w1 $(count w1 10000 1 1)
w2_1000 $(count w2 20 64 1000)
w2_10000 $(count w2 4 64 10000)
record $(count record 40 30 1)
decide $(count decide 400 1 1)"
if [[ ${1:-} == --write ]]; then
  echo "$found" >instructions.txt
fi
status=0
while read -r work instructions; do
  stored=$(awk -v work="$work" '$1 == work { print $2 }' instructions.txt)
  [[ -n $stored && $instructions -gt 0 ]] || { echo "$work: nothing was counted or nothing is stored"; exit 1; }
  printf '%-8s %6d instructions, stored %6d\n' "$work" "$instructions" "$stored"
  if ((instructions * 100 > stored * 105)); then status=1; fi
done <<<"$found"
exit $status
