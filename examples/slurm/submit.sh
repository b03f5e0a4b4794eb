#!/bin/sh
# Clean a BIDS data set on a SLURM cluster: an array with one task a recording, then the page.
#
#   sh submit.sh STUDY CLEANED [OPTIONS OF neurofuse app ...]
#
# The first command plans the study and writes CLEANED/logs/slurm.sh; read it before you submit it
# to a cluster for the first time, and add what yours needs (--account, --partition, modules).
set -eu
study=$1
cleaned=$2
shift 2

neurofuse app "$study" "$cleaned" participant --engine slurm --dry-run "$@"
array=$(sbatch --parsable "$cleaned/logs/slurm.sh")
# afterany: a broken recording must not keep the others from their page
sbatch --parsable --dependency="afterany:${array%%;*}" --job-name=neurofuse-group \
    --wrap="neurofuse app '$study' '$cleaned' group"
echo "job ${array%%;*} cleans; when it has ended, look at $cleaned/index.html"
