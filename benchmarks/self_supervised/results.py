"""Tables of what fewer participants cost, paired by validation participant."""

from typing import Any

import numpy as np

from benchmarks.common.page import Page, Table
from benchmarks.common.statistics import cell
from benchmarks.self_supervised.evaluation import WINDOWS

LIMIT = 0.3  # dB; with less to gain no pretraining pays
TITLE = "Training with few participants"
QUESTION = """Pretraining on recordings without a known truth pays where people at rest, into whose
recordings motion is put, are scarce. Are they? Each single-modality model is trained from nothing
for {steps} steps on all training participants and on a share of them, with the same {seeds}
({seed_list}), as in the first stage of the packaged weights; beside simulated participants, as
packaged, and without any. Figures are the error in generated motion of validation participants
[dB], as in training, {windows} windows each, the same for all models: mean over participants, with
its 95 % bootstrap interval; and what fewer participants cost, paired by participant.

{answer}"""
ANSWER = {
    True: """A tenth of the participants costs at most {most}: within {limit} dB. So there is
nothing that pretraining could win back, and neurofuse has none: the labels are movements, which
are generated anew in every step, and few people at rest are enough to put them into.""",
    False: """A tenth of the participants costs more than {limit} dB in {where}; at most {most}.""",
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
COLUMNS = ["stream", "device", "simulated", "share", "seed", "trained on", "participant"]
FIGURES = ["error", "change"]  # dB

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
    """The rows of each device and number of simulated participants, in order."""
    found: dict[Group, list[Row]] = {}
    for row in rows:
        found.setdefault((row["device"], row["simulated"]), []).append(row)
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
    """Whether the smallest share of the participants is enough."""
    cost: dict[str, list[float]] = {}
    for (device, simulated), own in groups(rows).items():
        each = costs(by_person(own))
        cost[f"{device} ({simulated} simulated)"] = each[min(each)]
    means = {name: float(np.mean(values)) for name, values in cost.items()}
    over = [name for name, mean in means.items() if mean > LIMIT]
    worst = max(means, key=means.__getitem__)
    return ANSWER[not over].format(
        limit=LIMIT,
        most=f"{cell(cost[worst], digits=2)} dB, {worst}",
        where=", ".join(over),
    )


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
