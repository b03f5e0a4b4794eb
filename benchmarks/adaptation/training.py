"""Does training for other labs pay: an adversary of labs, CORAL, randomised devices, all three?

    python -m benchmarks.adaptation.training --labs nirsport2

Models as those of `benchmarks.generality` that have not met a lab, with the same steps and seed,
are trained with each of these options and judged in that lab. No model sees the lab, not even
without its truth: what is left of a lab at rest would be truth enough to train on.
"""

import argparse
import logging
import warnings
from pathlib import Path

from benchmarks.adaptation.rows import row, save
from benchmarks.common.paths import recordings_folder
from benchmarks.generality.errors import errors
from benchmarks.generality.labs import LABS
from benchmarks.generality.train import FOLDER, STEPS, finished, plan_of, trained

ARMS = {
    "adversary of labs": {"adversary": 0.1},
    "CORAL": {"coral": 1.0},
    "randomised devices": {"randomised": 0.5},
    "all three": {"adversary": 0.1, "coral": 1.0, "randomised": 0.5},
}
TARGET, WORST = 0.85, 1.02  # of the error without, on average and of the worst participant
TEXT = """**Training for other labs** ({steps} steps, one seed; left out: {labs}; no lab's gap
exceeds 1 dB): an adversary of labs (weight {adversary:g}), CORAL ({coral:g}), both in batches of
several labs at one rate, and randomised devices (probability {randomised:g}). At most {target:g} ×
the error without and nobody above {worst:g} × were asked for."""
LIMITS = """Options for other labs were set once, with few labs left to become alike."""


def adapted(lab: str, arm: str) -> Path:
    """The weights of a model that has not met a lab, trained with an arm."""
    name = f"{LABS[lab].stream}-without-{lab}"
    folder = FOLDER / f"{name}-{arm.replace(' ', '_')}"
    return finished(folder, plan_of(name) | ARMS[arm])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--labs", nargs="+", required=True, choices=list(LABS))
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    options = parser.parse_args()
    recordings_folder()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    rows = []
    for lab in options.labs:
        without = errors(trained(f"{LABS[lab].stream}-without-{lab}"), lab)
        for arm in options.arms:
            rows.append(row(arm, LABS[lab].title, without, errors(adapted(lab, arm), lab)))
            print(rows[-1], flush=True)
    titles = ", ".join(LABS[lab].title for lab in options.labs)
    used = ARMS["all three"] | {"target": TARGET, "worst": WORST, "steps": STEPS, "labs": titles}
    save("training", TEXT.format(**used), rows, LIMITS)


if __name__ == "__main__":
    main()
