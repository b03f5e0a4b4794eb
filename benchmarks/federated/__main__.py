"""Is a model that centres train without sharing recordings as good as one of all of them?

OMP_NUM_THREADS=1 python -m benchmarks.federated --page docs/measured/federated.md

Trains what is not there yet below `runs/federated` (4 minutes a model and seed on one core, ten a
centre alone), scores it on the validation people and writes the page. Resumable; `--done` leaves
out what was not trained yet.
"""

import argparse
from pathlib import Path

from benchmarks.common.page import Page
from benchmarks.common.paths import ROOT
from benchmarks.federated.arms import (
    BATCH,
    CENTRES,
    FEDERATED,
    LOCAL_STEPS,
    ROUNDS_IN_ALL,
    TRAINING,
    arms,
    bytes_of,
    is_done,
    trained,
)
from benchmarks.federated.scores import BATCHES, WINDOW, scores_of
from benchmarks.federated.tables import answers, by_person, over_seeds, table, with_alone
from neurofuse.models.federated.privacy import epsilon
from neurofuse.models.weights import load_facts

COMMAND = "OMP_NUM_THREADS=1 python -m benchmarks.federated --page docs/measured/federated.md"
NOISE, DELTA = 1.0, 1e-5
QUESTION = """Is a model that centres train without sharing recordings as good as one that is
trained on all of them in one place, and better than what each centre can train alone?

Four centres with the fNIRS of the training part, by lab where a lab has enough people: {centres}.
Models of fNIRS alone (width {width}, {parameters} parameters) from random weights, seed {seeds};
every model is trained on {windows} windows in {steps} steps, of a federation's each centre gives a
quarter: {rounds} rounds of {local} steps. Scored on injected movements in the recordings of
{people} people of the validation part, {batches} windows of {window:g} s each, the same for all
models. Error: energy of (cleaned − true) in motion over that of the true signal, mean over channels
and windows; differences are by person, positive is worse, brackets are 95 % intervals over people.

{answers}

Noise on the sum of updates as large as the largest update gives ε = {epsilon:.0f} (δ = {delta:g},
the unit is a centre) over these rounds, and has {times:.0f} times the norm of an update: with four
centres there is nobody to hide among, and noise is off by default."""
LIMITS = """Seeds trained: {seeds}; intervals are over people and say nothing of others. Short
trainings from nothing, one modality, centres in one process whose messages are those that would
travel (their bytes are counted). Four of the validation people are of the labs of centres, two of a
device (dyads) whose recordings are shorter than a training window; Homer3 is one person, and none
of it is in the validation part. FineMI's people were parted at random: these two centres are alike.
A quarter of a batch is one window, so centres take noisier steps than training in one place does.
No real movements are transplanted, since they are other centres' recordings."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--arms", nargs="+", choices=arms(), default=arms())
    parser.add_argument("--runs", type=Path, default=ROOT / "runs/federated")
    parser.add_argument("--done", action="store_true", help="only what is trained already")
    parser.add_argument("--page", type=Path)
    options = parser.parse_args()
    found, sent = {}, {}
    for arm, seed in ((arm, seed) for seed in options.seeds for arm in options.arms):
        if options.done and not is_done(arm, seed, options.runs):
            continue
        weights = trained(arm, seed, options.runs)
        found[arm, seed] = scores_of(weights, options.runs)
        if arm in FEDERATED:
            sent[arm] = max(bytes_of(weights).values()) / 1e6
        mean = sum(found[arm, seed].values()) / len(found[arm, seed])
        print(f"{arm}, seed {seed}: {mean:.2f} dB", found[arm, seed], flush=True)
    scores = with_alone(over_seeds(found))
    arm, seed = next(iter(found))
    parameters = load_facts(trained(arm, seed, options.runs))["parameters"]
    seeds = sorted({seed for _, seed in found})
    page = Page(
        title="Federated training",
        question=QUESTION.format(
            centres=", ".join(CENTRES),
            width=TRAINING["architecture"]["width"],
            parameters=parameters,
            seeds=", ".join(map(str, seeds)),
            windows=BATCH * ROUNDS_IN_ALL * LOCAL_STEPS,
            steps=ROUNDS_IN_ALL * LOCAL_STEPS,
            rounds=ROUNDS_IN_ALL,
            local=LOCAL_STEPS,
            people=len(next(iter(found.values()))),
            batches=BATCHES * BATCH,
            window=WINDOW,
            answers=answers(scores, sent),
            epsilon=epsilon(NOISE, ROUNDS_IN_ALL, DELTA),
            delta=DELTA,
            times=NOISE * parameters**0.5 / len(CENTRES),
        ),
        table=table(scores, sent),
        limits=LIMITS.format(seeds=len(seeds)),
        command=COMMAND,
        data={"": table(scores, sent), "people": by_person(found)},
    )
    if options.page:
        page.write(options.page)
    print(page.markdown("federated"))


if __name__ == "__main__":
    main()
