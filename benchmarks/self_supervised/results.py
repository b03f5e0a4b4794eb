"""Tables of what fewer participants cost, paired by validation participant."""

from typing import Any

import numpy as np

from benchmarks.common.page import Page, Table
from benchmarks.common.statistics import cell
from benchmarks.self_supervised.evaluation import WINDOWS

WANTED = 0.5  # dB by which a pretrained model is to be better than one from nothing
LIMIT = 0.3  # dB; where few participants cost less, no pretraining pays
TITLE = "Training with few participants"
QUESTION = """Pretraining on recordings without a known truth pays where people at rest, into whose
recordings motion is put, are scarce. Are they? Each single-modality model is trained from nothing
for {steps} steps on all training participants and on a share of them, with the same {seeds}
({seed_list}), as in the first stage of the packaged weights; beside simulated participants, as
packaged, and without any. Figures are the error in generated motion of validation participants
[dB], as in training, {windows} windows each, the same for all models: mean over participants, with
its 95 % bootstrap interval; and what fewer participants cost, paired by participant.

{answer}"""
ANSWER = "{place} a tenth of the participants costs at most {most}: {verdict}."
GAIN = """Pretraining there ({steps} steps in which hidden frames and channels of windows are told
from the rest, of all training recordings, those in motion included) changes the error at a tenth
by {gain} dB (below 0 it helps). At least {wanted} dB better than from nothing, and within {limit}
dB of all, was the target: {reached}."""
PLACE = {True: "Beside simulated participants", False: "Without them"}
VERDICT = {
    True: "within {limit} dB, so that pretraining could win back nothing",
    False: "more than {limit} dB, so that people are scarce there",
}
LIMITS = """{steps} steps from nothing are a fraction of what the packaged weights had; a longer
training on few people may still fit these people alone. Of each kind of recordings one person stays
at least. Motion is the generator's, in training and in this test: fewer people whose real movements
are moved to others were not tried, nor was the joint model. Intervals say how validation people
differ, not how seeds or the choice of training people do; those of six or fewer people are too
narrow."""
COMMAND = (
    "OMP_NUM_THREADS=1 python -m benchmarks.self_supervised"
    " --page docs/measured/self_supervised_pretraining.md"
)
COLUMNS = [
    "stream",
    "device",
    "simulated",
    "share",
    "seed",
    "trained on",
    "pretrained",
    "participant",
]
FIGURES = ["error", "change"]  # dB
PRETRAINED = ", pretrained"

Row = dict[str, Any]  # of a validation participant and an arm
Group = tuple[str, int]  # device, and number of simulated participants


def by_person(rows: list[Row]) -> dict[float, list[float]]:
    """Error of each participant by share, mean over the seeds that were trained on every share."""
    shares = sorted({row["share"] for row in rows}, reverse=True)
    found = {(row["share"], row["participant"], row["seed"]): row["error"] for row in rows}
    people = dict.fromkeys(row["participant"] for row in rows)
    seeds = [
        seed
        for seed in sorted({row["seed"] for row in rows})
        if all((share, person, seed) in found for share in shares for person in people)
    ]
    return {
        share: [float(np.mean([found[share, person, seed] for seed in seeds])) for person in people]
        for share in shares
    }


def groups(rows: list[Row]) -> dict[Group, list[Row]]:
    """The rows of each device and number of simulated participants, in order.

    Pretrained models are groups of their own, beside the model trained from nothing on all.
    """
    found: dict[Group, list[Row]] = {}
    for row in rows:
        key = row["device"], row["simulated"]
        if row["pretrained"]:
            everyone = [one for one in found[key] if one["share"] == 1.0]
            key = f"{row['device']}{PRETRAINED}", row["simulated"]
            found.setdefault(key, everyone)
        found.setdefault(key, []).append(row)
    return found


def costs(people: dict[float, list[float]]) -> dict[float, list[float]]:
    """What each share of the participants costs every validation participant [dB].

    Examples
    --------
    >>> costs({1.0: [-6.0, -3.0], 0.1: [-5.5, -3.0]})
    {0.1: [0.5, 0.0]}
    """
    fewer = {share: own for share, own in people.items() if share < 1}
    return {
        share: [a - b for a, b in zip(own, people[1.0], strict=True)]
        for share, own in fewer.items()
    }


def table(rows: list[Row]) -> Table:
    """A line a device and number of simulated participants: errors, and what fewer people cost."""
    shares = sorted({row["share"] for row in rows}, reverse=True)
    heads = ["recordings", "simulated", "people trained on", "people tested"]
    heads += [f"{share:.0%} of people" for share in shares]
    heads += [f"cost of {share:.0%}" for share in shares[1:]]
    lines = []
    for (device, simulated), own in groups(rows).items():
        people = by_person(own)
        each = costs(people)
        trained = {row["share"]: str(row["trained on"]) for row in own}
        line = [
            device,
            str(simulated),
            " / ".join(trained[share] for share in people),
            str(len(people[1.0])),
        ]
        line += [cell(people.get(share, [])) for share in shares]
        lines.append(line + [cell(each.get(share, []), digits=2) for share in shares[1:]])
    return Table(heads, lines)


def answer(rows: list[Row]) -> str:
    """Whether the smallest share of the participants is enough, with simulated ones and without."""
    scratch = [row for row in rows if not row["pretrained"]]
    worst: dict[bool, tuple[float, str]] = {}
    for (device, simulated), own in groups(scratch).items():
        each = costs(by_person(own))
        cost = each[min(each)]
        found = float(np.mean(cost)), f"{cell(cost, digits=2)} dB ({device})"
        worst[simulated > 0] = max(found, worst.get(simulated > 0, found))
    said = [
        ANSWER.format(place=PLACE[place], most=most, verdict=VERDICT[mean <= LIMIT])
        for place, (mean, most) in worst.items()
    ]
    every = groups(rows)
    for (device, simulated), own in every.items():
        if device.endswith(PRETRAINED):
            before = by_person(every[device.removesuffix(PRETRAINED), simulated])
            after = by_person(own)
            share = min(after)
            gain = [a - b for a, b in zip(after[share], before[share], strict=True)]
            left = costs(after)[share]
            reached = np.mean(gain) <= -WANTED and np.mean(left) <= LIMIT
            said.append(
                GAIN.format(
                    steps=own[-1]["pretrained"],
                    gain=cell(gain, digits=2),
                    wanted=WANTED,
                    limit=LIMIT,
                    reached="reached" if reached else "not reached",
                )
            )
    return " ".join(said).format(limit=LIMIT)


def page(rows: list[Row], steps: int) -> Page:
    """The page of the trainings that were done."""
    seeds = sorted({str(row["seed"]) for row in rows})
    question = QUESTION.format(
        steps=steps,
        seeds="seed" if len(seeds) == 1 else "seeds",
        seed_list=", ".join(seeds),
        windows=WINDOWS,
        answer=answer(rows),
    )
    every = [[*(str(row[c]) for c in COLUMNS), *(f"{row[c]:.3f}" for c in FIGURES)] for row in rows]
    return Page(
        title=TITLE,
        question=question,
        table=table(rows),
        limits=LIMITS.format(steps=steps),
        command=COMMAND,
        data={"": Table(COLUMNS + FIGURES, every)},
    )
