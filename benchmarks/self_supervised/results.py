"""Tables of what fewer participants cost, paired by validation participant."""

import pandas as pd

from benchmarks.common.page import Page, Table
from benchmarks.common.statistics import cell, interval
from benchmarks.self_supervised.arms import SHARES
from benchmarks.self_supervised.evaluation import BATCHES

LIMIT = 0.3  # dB; with less to gain no pretraining pays
TITLE = "Training with few participants"
QUESTION = """Pretraining on recordings without a known truth pays where people whose clean signal is
known are scarce. Are they? Each single-modality model is trained from nothing for {steps} steps on
all training participants and on a share of them, with the same {seeds} ({seed_list}), as the
first stage of the packaged weights is; once beside simulated participants, as packaged, and once
without any. Figures are the error in generated motion of validation participants [dB], as in
training, {windows} windows each, the same for all models: mean over participants, with its 95 %
bootstrap interval. Beside them what fewer participants cost, paired by participant.

{answer}"""
ANSWER = {
    True: """With a tenth of the participants every model is within {limit} dB of the one trained on
all: {worst} at most. So there is nothing that pretraining could win back, and neurofuse has
none: windows are made anew in every step from generated motion, which is the label, and few people
at rest are enough to learn it.""",
    False: """A tenth of the participants costs more than {limit} dB in {where}, {worst} at most.""",
}
LIMITS = """{steps} steps from nothing are a fraction of what the packaged weights had, so that a
longer training on few people may still fit these people alone. A share is taken of each
kind of recordings, of which one person stays at least, and motion is the generator's in training and in
this test. Intervals say how validation people differ, not how seeds or the choice of training
people do; those of six or fewer people are too narrow."""
COMMAND = (
    "OMP_NUM_THREADS=1 python -m benchmarks.self_supervised{options}"
    " --page docs/measured/self_supervised_pretraining.md"
)
FEWER = [share for share in SHARES if share < 1]


def by_person(rows: pd.DataFrame) -> pd.DataFrame:
    """Error (participant x share), mean over the seeds that all shares of a participant have."""
    table = rows.pivot_table(index=["participant", "seed"], columns="share", values="error")
    return table.dropna().groupby("participant").mean()


def costs(rows: pd.DataFrame) -> dict[tuple[str, int], dict[float, list[float]]]:
    """What each share costs [dB] by participant, for every device and number of simulated ones."""
    found = {}
    for (device, simulated), own in rows.groupby(["device", "simulated"], sort=False):
        table = by_person(own)
        found[str(device), int(simulated)] = {
            share: (table[share] - table[1.0]).tolist() for share in FEWER if share in table
        }
    return found


def table(rows: pd.DataFrame) -> Table:
    """A line a device and number of simulated participants: errors, and what fewer people cost."""
    shares = [share for share in SHARES if share in set(rows.share)]
    fewer = [share for share in shares if share < 1]
    heads = ["recordings", "simulated", "people trained on", "people tested"]
    heads += [f"{share:.0%} of people" for share in shares]
    heads += [f"cost of {share:.0%}" for share in fewer]
    lines = []
    cost = costs(rows)
    for (device, simulated), own in rows.groupby(["device", "simulated"], sort=False):
        people = by_person(own)
        trained = own.groupby("share")["trained on"].first().sort_index(ascending=False)
        line = [str(device), str(simulated), " / ".join(map(str, trained)), str(len(people))]
        line += [cell(people[s].tolist()) if s in people else "–" for s in shares]
        each = cost[str(device), int(simulated)]
        line += [cell(each.get(s, []), digits=2) for s in fewer]
        lines.append(line)
    return Table(heads, lines)


def answer(rows: pd.DataFrame) -> str:
    """One sentence on whether a tenth of the participants is enough."""
    means = {key: interval(each[min(each)])[0] for key, each in costs(rows).items() if each}
    over = [f"{device} ({simulated} simulated)" for (device, simulated), mean in means.items() if mean > LIMIT]
    worst = f"{max(means.values()):.2f} dB"
    return ANSWER[not over].format(limit=LIMIT, worst=worst, where=", ".join(over))


def page(rows: pd.DataFrame, steps: int, options: str = "") -> Page:
    """The page of the trainings that were done."""
    seeds = sorted(set(rows.seed))
    every = rows[["stream", "device", "simulated", "share", "seed", "trained on", "participant", "error", "change"]]
    return Page(
        title=TITLE,
        question=QUESTION.format(
            steps=steps,
            seeds="seed" if len(seeds) == 1 else "seeds",
            seed_list=", ".join(map(str, seeds)),
            windows=4 * BATCHES,
            answer=answer(rows),
        ),
        table=table(rows),
        limits=LIMITS.format(steps=steps),
        command=COMMAND.format(options=options),
        data={"": Table(list(every), [[f"{v:.4g}" if isinstance(v, float) else str(v) for v in row] for row in every.to_numpy()])},
    )
