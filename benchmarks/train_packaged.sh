#!/usr/bin/env bash
# Train the packaged models (about three hours on 2 cores) and put them into models/pretrained:
# 1700 steps from nothing, then 1300 more with the augmented windows of models/augment.py.
# Resumes where it was cut off. Run in the repository's root with the environment active.
set -euo pipefail
export OMP_NUM_THREADS=1
one() {
    mkdir -p "runs/first" "runs/second"
    if [ ! -e "runs/first/$1/done" ]; then
        neurofuse train --config "benchmarks/configs/$1.json" --out "runs/first/$1" --resume \
            >>"runs/first/$1.log" 2>&1
        touch "runs/first/$1/done"
    fi
    neurofuse train --config "benchmarks/configs/$1_2.json" --out "runs/second/$1" --resume \
        >>"runs/second/$1.log" 2>&1
    cp "runs/second/$1/$1.safetensors" "runs/second/$1/$1.json" models/pretrained/
    cat "runs/first/$1/log.jsonl" "runs/second/$1/log.jsonl" >"docs/training/$1.jsonl"
}
mkdir -p runs docs/training
one joint &
(one eeg && one nirs) &
wait
