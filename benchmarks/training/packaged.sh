#!/usr/bin/env bash
# Train the packaged models (about two and a half hours on 2 cores) and put them into
# models/pretrained: 1700 steps from nothing, 1300 more with the augmented windows of
# models/training/augment.py, 400 in which errors of the fNIRS baseline level decay as
# models/joint/baseline_level.py assumes, and 1500 and 1000 with few channels, partners that share
# nothing, real movements, other devices and an IMU (models/training/windows.py).
# Then the live model: 800 steps from the joint one, and the settings chosen on validation people;
# and the student of the joint one, in four stages of which the last also looks at the filters' output.
# Resumes where it was cut off. Run in the repository's root with the environment active.
set -euo pipefail
export OMP_NUM_THREADS=1
export NEUROFUSE_DATA=${NEUROFUSE_DATA:-../shared/data} # the recordings of split.json
stage() { # name of the model, of the stage, configuration
    mkdir -p "runs/$2"
    if [ ! -e "runs/$2/$1/done" ]; then
        neurofuse train --config "benchmarks/training/configs/$3.json" --out "runs/$2/$1" --resume \
            >>"runs/$2/$1.log" 2>&1
        touch "runs/$2/$1/done"
    fi
}
one() {
    stage "$1" first "$1"
    stage "$1" second "$1_2"
    stage "$1" third "$1_3"
    stage "$1" fourth "$1_4"
    stage "$1" fifth "$1_5"
}
pack() { # the settings chosen on validation people; the joint model gets the other two as parts
    stage "$1" sixth "$1_6"
    cp "runs/sixth/$1/$1.safetensors" "runs/sixth/$1/$1.json" models/pretrained/
    cat runs/{first,second,third,fourth,fifth,sixth}/"$1/log.jsonl" \
        >"docs/measured/data/training/$1.jsonl"
}
mkdir -p docs/measured/data/training
one joint &
(one eeg && one nirs) &
wait
pack eeg
pack nirs
pack joint
stage joint-live live joint-live
stage joint-live live_settings joint-live_2
cp runs/live_settings/joint-live/joint-live.{safetensors,json} models/pretrained/
cp runs/live/joint-live/log.jsonl docs/measured/data/training/joint-live.jsonl
small() { # folder of the stage, configuration; each begins from the one before
    mkdir -p "runs/edge/$1"
    neurofuse train --config "benchmarks/training/configs/$2.json" --out "runs/edge/$1" --resume \
        >>"runs/edge/$1.log" 2>&1
}
small first joint-small # that of the packaged one was stopped after 1000 steps
small joint-small joint-small_2
small third joint-small_3
small fourth joint-small_4
cp runs/edge/fourth/joint-small.{safetensors,json} models/pretrained/
cat runs/edge/{first,joint-small,third,fourth}/log.jsonl >docs/measured/data/training/joint-small.jsonl
