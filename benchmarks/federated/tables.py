"""What the scores of the models say, as tables and as answers to the targets."""

from collections.abc import Mapping

import numpy as np

from benchmarks.common.page import Table
from benchmarks.common.statistics import cell, interval
from benchmarks.federated.arms import ALONE, FEDERATED, LABS, TOGETHER
from benchmarks.federated.scores import of_centre

Scores = dict[str, dict[str, float]]  # dB by model and person, mean over seeds
NEAR, WEAKEST, GAIN, MOST = 0.3, 0.5, 0.5, 12.0  # dB, dB, dB, MB
FEDAVG = next(iter(FEDERATED))
EVERYONE, OWN = "each centre alone, on everybody", "each centre alone, on people of its lab"


def over_seeds(found: Mapping[tuple[str, int], dict[str, float]]) -> Scores:
    """Mean over seeds of scores by model and seed."""
    arms = dict.fromkeys(arm for arm, _ in found)
    return {
        arm: {
            person: float(np.mean([own[person] for (a, _), own in found.items() if a == arm]))
            for person in next(own for (a, _), own in found.items() if a == arm)
        }
        for arm in arms
    }


def with_alone(scores: Scores) -> Scores:
    """Models of single centres as two rows: on everybody, and on people of the centre's lab."""
    alone = {a.removeprefix(ALONE): own for a, own in scores.items() if a.startswith(ALONE)}
    made = {a: own for a, own in scores.items() if not a.startswith(ALONE)}
    if set(alone) == set(LABS):
        people = next(iter(alone.values()))
        made[EVERYONE] = _mean({p: [own[p] for own in alone.values()] for p in people})
        made[OWN] = _mean(
            {p: [own[p] for centre, own in alone.items() if of_centre(p, centre)] for p in people}
        )
    return made


def _mean(values: dict[str, list[float]]) -> dict[str, float]:
    return {person: float(np.mean(own)) for person, own in values.items() if own}


def differences(one: Mapping[str, float], other: Mapping[str, float]) -> list[float]:
    """Errors of one model less those of another [dB], person by person; positive is worse."""
    return [one[person] - other[person] for person in one]


def weakest(one: Mapping[str, float], other: Mapping[str, float]) -> tuple[str, float]:
    """The centre whose people lose most by one model against another, and how much [dB]."""
    lost = {
        centre: np.mean([one[p] - other[p] for p in one if of_centre(p, centre)])
        for centre in LABS
        if any(of_centre(p, centre) for p in one)
    }
    centre = max(lost, key=lambda name: lost[name])
    return centre, float(lost[centre])


def table(scores: Scores, sent: Mapping[str, float]) -> Table:
    """A row for each model; `sent` are megabytes of a centre."""
    rows = []
    for arm, own in scores.items():
        against = [
            cell(differences(own, scores[base]), digits=2)
            if base in scores and base != arm
            else "–"
            for base in (TOGETHER, FEDAVG)
        ]
        worst = "–"
        if arm in FEDERATED and TOGETHER in scores:
            centre, lost = weakest(own, scores[TOGETHER])
            worst = f"{lost:+.2f} ({centre})"
        megabytes = f"{sent[arm]:.1f}" if arm in sent else "–"
        rows.append([arm, cell(list(own.values()), digits=2), *against, worst, megabytes])
    columns = ["model", "error [dB]", "less all in one place [dB]", "less FedAvg [dB]"]
    return Table([*columns, "weakest centre, less all in one place [dB]", "MB a centre"], rows)


def answers(scores: Scores, sent: Mapping[str, float]) -> str:
    """Whether each target was reached, and whether it pays."""
    made: list[tuple[bool, str]] = []
    least, most = [], []  # ends of the intervals of what taking part gains
    if TOGETHER in scores and FEDAVG in scores:
        off = float(np.mean(differences(scores[FEDAVG], scores[TOGETHER])))
        made.append((off <= NEAR, f"FedAvg at most {NEAR} dB from central training: {off:+.2f} dB"))
        centre, lost = weakest(scores[FEDAVG], scores[TOGETHER])
        told = f"the weakest centre at most {WEAKEST} dB: {lost:+.2f} dB ({centre})"
        made.append((lost <= WEAKEST, told))
    for name, kind in ((EVERYONE, "on everybody"), (OWN, "on people of its own lab")):
        if name in scores and FEDAVG in scores:
            known = {p: scores[FEDAVG][p] for p in scores[name]}
            gain, low, high = interval(differences(scores[name], known))
            told = f"a centre alone at least {GAIN} dB worse {kind}: {gain:+.2f} dB"
            told += f" [{low:.2f}, {high:.2f}]"
            made.append((gain >= GAIN and low > 0, told))
            least.append(low)
            most.append(high)
    if FEDAVG in sent:
        told = f"at most {MOST:g} MB for each centre in all: {sent[FEDAVG]:.1f} MB"
        made.append((sent[FEDAVG] <= MOST, told))
    lines = "; ".join(f"{'reached' if good else 'not reached'}: {told}" for good, told in made)
    if len(least) < 2:
        return lines
    if min(least) > 0:
        verdict = "pays: every interval of what it gains is above 0"
    elif max(most) < GAIN:
        verdict = f"does not pay here: no interval of what it gains reaches {GAIN} dB"
    else:
        verdict = "is not shown to pay here"
    return f"{lines}. **Taking part {verdict}.**"


def by_person(found: Mapping[tuple[str, int], dict[str, float]]) -> Table:
    """Every score."""
    rows = [
        [arm, str(seed), person, f"{score:.4f}"]
        for (arm, seed), own in found.items()
        for person, score in own.items()
    ]
    return Table(["model", "seed", "person", "error [dB]"], rows)
