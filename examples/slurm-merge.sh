#!/usr/bin/env bash
# Joins the parts of slurm-array.sh: sbatch slurm-merge.sh cases.csv PARTS JOINED
#SBATCH --job-name=nodulus-merge
#SBATCH --mem=8G
set -euo pipefail
cases="$1" parts="$2" joined="$3"

nodulus merge "$parts"/* -o "$joined" --cases "$cases" --quiet
