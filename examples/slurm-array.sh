#!/usr/bin/env bash
# Scores one part of a cases table a task: sbatch slurm-array.sh cases.csv PARTS
#SBATCH --job-name=nodulus
#SBATCH --array=1-8
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --requeue
set -euo pipefail
export OMP_NUM_THREADS=1 # the same on every machine: with another number, last digits differ
cases="$1" parts="$2"

code=0
nodulus infer "$cases" -o "$parts/$SLURM_ARRAY_TASK_ID" --quiet --resume \
  --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" --jobs "$SLURM_CPUS_PER_TASK" || code=$?
# 3 and 4: cases were refused, and the part is whole.
[ "$code" = 0 ] || [ "$code" = 3 ] || [ "$code" = 4 ] || exit "$code"
