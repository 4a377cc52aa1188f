#!/usr/bin/env bash
# Scores a cases table in N parts by GNU parallel, and joins them: parallel.sh cases.csv PARTS JOINED N
set -euo pipefail
export OMP_NUM_THREADS=1 # the same on every machine: with another number, last digits differ
export CASES="$1" PARTS="$2" N="$4"
joined="$3"

part() { # exit codes 3 and 4: cases were refused, and the part is whole
  local code=0
  nodulus infer "$CASES" -o "$PARTS/$1" --quiet --resume --shard "$1/$N" || code=$?
  [ "$code" = 0 ] || [ "$code" = 3 ] || [ "$code" = 4 ]
}
export -f part
seq "$N" | parallel --jobs 4 --env part --env CASES --env PARTS --env N --env OMP_NUM_THREADS part
nodulus merge "$PARTS"/* -o "$joined" --cases "$CASES" --quiet
