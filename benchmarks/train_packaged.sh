#!/usr/bin/env bash
# Train the packaged models (one to one and a half hours on 2 cores) and put them into models/pretrained.
# Resumes where it was cut off. Run in the repository's root with the environment active.
set -euo pipefail
export OMP_NUM_THREADS=1
one() {
    neurofuse train --config "benchmarks/configs/$1.json" --out "runs/$1" --resume >>"runs/$1.log" 2>&1
    cp "runs/$1/$1.safetensors" "runs/$1/$1.json" models/pretrained/
    cp "runs/$1/log.jsonl" "docs/training/$1.jsonl"
}
mkdir -p runs docs/training
one joint &
(one eeg && one nirs) &
wait
