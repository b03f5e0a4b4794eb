"""What fewer participants cost: paired by person, and only of seeds that every share has."""

import pytest

from benchmarks.self_supervised.arms import SHARES, STREAMS, Arm
from benchmarks.self_supervised.results import page, table
from neurofuse.models.training.config import read_config

CAPS = "EEG, caps"


def rows(errors, device=CAPS, simulated=6, pretrained=0):
    """Rows of errors by (share, seed, participant)."""
    known = {"stream": "eeg", "device": device, "simulated": simulated, "change": -20.0}
    return [
        known
        | {"share": share, "seed": seed, "participant": person, "error": error}
        | {"trained on": round(40 * share), "pretrained": pretrained}
        for (share, seed, person), error in errors.items()
    ]


def test_costs_are_paired_by_person_and_seed():
    found = {(s, 0, p): e for p, e in (("a", -9.0), ("b", -3.0)) for s in (1.0, 0.1)}
    found[0.1, 0, "a"] += 0.5
    found[1.0, 1, "a"] = 100.0  # its share of a tenth was not trained
    made = table(rows(found))
    line = dict(zip(made.columns, made.rows[0], strict=True))
    assert line["10% of people"] == "-5.8 [-8.5, -3.0]"
    assert line["cost of 10%"] == "0.25 [0.00, 0.50]"
    assert line["people trained on"] == "40 / 4"
    assert line["people tested"] == "2"


def test_a_pretrained_model_is_compared_with_one_from_nothing_on_all_and_on_as_many():
    found = {(s, 0, p): -5.0 + (s < 1) * 0.8 for p in "ab" for s in (1.0, 0.1)}
    better = rows({(0.1, 0, p): -4.5 for p in "ab"}, simulated=0, pretrained=9)
    made = page(rows(found, simulated=0) + better, 250)
    assert [line[0] for line in made.table.rows] == [CAPS, f"{CAPS}, pretrained"]
    assert [line[-1] for line in made.table.rows] == ["0.80 [0.80, 0.80]", "0.50 [0.50, 0.50]"]
    said = " ".join(made.question.split())
    assert "9 steps" in said
    assert "target: not reached" in said
    best = rows({(0.1, 0, p): -5.0 for p in "ab"}, simulated=0, pretrained=9)
    assert "target: reached" in " ".join(
        page(rows(found, simulated=0) + best, 250).question.split()
    )
    assert "by -0.30 [-0.30, -0.30] dB" in said
    assert len(made.data[""].rows) == 6


@pytest.mark.parametrize(("more", "said"), [(0.2, "within 0.3 dB"), (0.5, "more than 0.3 dB")])
def test_the_page_says_whether_people_are_scarce(more, said):
    few = {(s, 0, p): -5.0 + (s < 1) * 0.1 for p in "ab" for s in (1.0, 0.1)}
    scarce = {(s, 0, p): -5.0 + (s < 1) * more for p in "ab" for s in (1.0, 0.1)}
    listed = rows(few) + rows(few, simulated=0) + rows(scarce, "EEG, few", simulated=0)
    made = page(listed, 250)
    beside, alone = " ".join(made.question.split()).split("Beside simulated")[1].split("Without")
    assert "0.10 [0.10, 0.10] dB (EEG, caps): within 0.3 dB" in beside
    assert f"{more:.2f} [{more:.2f}, {more:.2f}] dB (EEG, few): {said}" in alone
    assert len(made.data[""].rows) == 12


@pytest.mark.parametrize("stream", STREAMS)
def test_arms_differ_in_their_participants_alone(stream):
    plans = [read_config(Arm(stream, share, 6, 1, 250).plan) for share in SHARES]
    assert [plan.share_of_participants for plan in plans] == list(SHARES)
    alike = {
        plan.model_copy(update={"share_of_participants": 1.0}).model_dump_json() for plan in plans
    }
    assert len(alike) == 1
    assert 0 < plans[0].warm_steps < plans[0].steps == plans[0].validate_every == 250
    assert plans[0].architecture.streams == (stream,)
    names = {Arm(stream, share, n, s, 250).name for share in SHARES for n in (6, 0) for s in (0, 1)}
    assert len(names) == 4 * len(SHARES)
