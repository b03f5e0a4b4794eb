"""Wrong and hostile updates are refused by the name of their centre."""

import pytest
import torch

from neurofuse.io.errors import ParameterError, ReadError
from neurofuse.models.federated.message import pack, unpack
from neurofuse.models.federated.plan import plan_at, read_federation
from neurofuse.models.federated.update import BETAS, SLACK, checked, moved, reach
from neurofuse.models.training.config import Training

PLAN = read_federation({"training": {"name": "ours"}, "local_steps": 2})
WEIGHTS = {"a": torch.zeros(3, 2), "b": torch.zeros(4)}
FACTS = {"kind": "update", "round": 1, "windows": 8, "people": {"eeg": 2}}
GOOD = {"a": torch.full((3, 2), 1e-3).half()}
WITH_NAN = torch.tensor([[float("nan"), 0]] * 3).half()


def refuse(facts=None, tensors=None, plan=PLAN):
    return checked("ben", FACTS | (facts or {}), tensors or GOOD, 1, WEIGHTS, plan)


def test_a_right_update_is_taken():
    assert refuse().people == {"eeg": 2}
    assert refuse().change["a"].dtype == torch.float64


@pytest.mark.parametrize(
    ("facts", "tensors", "reason"),
    [
        ({}, {"a": WITH_NAN}, "not finite"),
        ({}, {"a": torch.full((3, 2), float("inf")).half()}, "not finite"),
        ({}, {"a": torch.zeros(2, 3).half()}, r"shape \(2, 3\)"),
        ({}, {"a": torch.zeros(3, 2)}, "float32"),
        ({}, {"c": torch.zeros(1).half()}, "parameters c"),
        ({}, {"a": torch.full((3, 2), 1000.0).half()}, "a norm of 2.45e[+]03"),
        ({"round": 0}, {}, "of round 0"),
        ({"kind": "joke"}, {}, "'joke'"),
        ({"people": {"eeg": 0}}, {}, "no counts"),
        ({"people": {"ecg": 1}}, {}, "no counts"),
        ({"windows": "8"}, {}, "no counts"),
    ],
)
def test_a_hostile_update_is_refused_by_name(facts, tensors, reason):
    with pytest.raises(ReadError, match=f"centre ben with .*{reason}"):
        refuse(facts, tensors)


def test_no_honest_step_is_refused():
    """Adam's largest step is a dozen steps after a long time without gradient."""
    weight = torch.nn.Parameter(torch.zeros(50))
    optimizer = torch.optim.AdamW([weight], lr=PLAN.training.learning_rate, weight_decay=0.01)
    before = weight.detach().clone()
    for step in range(2000):
        before = weight.detach().clone()
        weight.grad = torch.full((50,), 1e-12 if step < 1988 else 1.0)
        optimizer.step()
    assert optimizer.defaults["betas"] == BETAS
    moved_by = float((weight.detach() - before).norm())
    allowed = SLACK * reach(PLAN, {"w": weight}) / PLAN.local_steps
    assert 0.75 * allowed < moved_by < allowed


@pytest.mark.parametrize(
    "message",
    [b"", b"\0" * 7, b"\xff" * 64, b"cos\nsystem\n(S'x'\ntR.", pack({}, {"a": GOOD["a"]})[:-3]],
)
def test_what_is_no_message_is_refused(message):
    with pytest.raises(ReadError, match="a message that cannot be read"):
        unpack(message)


def test_weights_change_by_what_is_told_and_nothing_else():
    after = moved(WEIGHTS, GOOD)
    torch.testing.assert_close(after["a"], torch.full((3, 2), 1e-3), rtol=1e-3, atol=0)
    assert after["b"] is WEIGHTS["b"]


def test_a_centre_follows_no_path_of_the_server():
    own = Training(own={"train": {"anna": ("anna.edf",)}}, simulated=0, seed=4)
    plan = plan_at(own, PLAN.model_copy(update={"training": Training(start="../x", steps=7)}))
    assert (plan.start, plan.steps, plan.seed, plan.simulated) == ("", 7, 4, 0)
    assert plan.own == own.own
    assert plan_at(Training(), PLAN.model_copy(update={"training": Training(seed=9)})).seed == 9


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"noise": 1.0}, "need `clip`"),
        ({"masked": True}, "need `clip`"),
        ({"masked": True, "clip": 1.0}, "`fewest` must be 2"),
        ({"rounds": 0}, "rounds"),
        ({"rounds": "20"}, "rounds"),
        ({"training": {"teacher": "joint"}}, "teacher"),
        ({"training": {"stepz": 3}}, "stepz"),
        ({"epochs": 3}, "epochs"),
    ],
)
def test_a_federation_that_cannot_be_is_refused(changed, reason):
    with pytest.raises(ParameterError, match=reason):
        read_federation({"training": {}} | changed)
    with pytest.raises(ParameterError, match="a configuration of a federation"):
        read_federation("absent.json")
