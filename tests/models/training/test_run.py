"""The loop of every training, with a learner whose result is known; what it leaves of torch."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from neurofuse.io.errors import ParameterError
from neurofuse.models.training.isolation import isolated
from neurofuse.models.training.learner import Learner, descend
from neurofuse.models.training.run import Clock, run

CPU = torch.device("cpu")


class Mean(Learner[torch.Tensor]):
    """Learns the mean of what it is given."""

    seconds = 0.0

    def __init__(self, folder):
        self.net = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.net.weight)
        self.sgd = torch.optim.SGD(self.net.parameters(), lr=1.0, momentum=0.5)
        super().__init__("mean", folder, {"net": self.net}, {"moments": self.sgd})
        self.seen, self.saved = [], []

    def learning_rate(self):
        return 0.1

    def learn(self, batch):
        self.seen.append(batch.item())
        loss = (self.net(torch.ones(1, 1)) - batch).square().mean()
        descend(self.sgd, self.net, loss)
        return {"loss": loss.item()}

    def validate(self):
        error = abs(self.net.weight.item() - 3.0)
        return error, {"error": error}

    def save_weights(self, scores):
        self.saved.append(self.step)


def batch(step):
    return torch.tensor(float(step % 7))


def test_every_step_once_validation_now_and_then_and_at_the_end(tmp_path):
    learner, done = Mean(tmp_path), []
    run([learner], batch, steps=7, validate_every=3, device=CPU, progress=done.append)
    assert learner.seen == [0, 1, 2, 3, 4, 5, 6]
    assert done == [1, 2, 3, 4, 5, 6, 7]
    rows = [json.loads(row) for row in learner.log_file.read_text().splitlines()]
    assert [row["step"] for row in rows] == [3, 6, 7]
    assert all(row.keys() == {"step", "seconds", "loss", "error"} for row in rows)
    assert learner.best == pytest.approx(min(row["error"] for row in rows), abs=1e-4)


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole, parts = Mean(tmp_path / "a"), Mean(tmp_path / "b")
    run([whole], batch, steps=8, validate_every=2, device=CPU)
    run([parts], batch, steps=4, validate_every=2, device=CPU)
    again = Mean(tmp_path / "b")
    again.restore()
    assert again.step == 4
    run([again], batch, steps=8, validate_every=2, device=CPU)
    assert whole.state_file.read_bytes() == again.state_file.read_bytes()
    run([again], batch, steps=8, validate_every=2, device=CPU)  # nothing is left to do
    assert len(again.log_file.read_text().splitlines()) == 4


def test_one_that_is_behind_catches_up(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = Mean(tmp_path / "a"), Mean(tmp_path / "b")
    run([first], batch, steps=3, validate_every=3, device=CPU)
    run([first, second], batch, steps=5, validate_every=3, device=CPU)
    assert first.seen == second.seen == [0, 1, 2, 3, 4]
    assert first.net.weight.item() == second.net.weight.item()


def test_time_that_is_used_up_ends_a_run(tmp_path):
    learner, file = Mean(tmp_path), tmp_path / "clock.json"
    file.write_text('{"seconds": 100.0}')
    run([learner], batch, seconds=50.0, validate_every=3, clock=Clock(file), device=CPU)
    assert learner.seen == []
    assert json.loads(file.read_text())["seconds"] >= 100
    assert not learner.log_file.exists()


def test_a_gradient_that_is_not_finite_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="a gradient of Linear that is not finite"):
        run(
            [Mean(tmp_path)],
            lambda step: torch.tensor(float("inf")),
            steps=1,
            validate_every=1,
            device=CPU,
        )


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_torch_and_numpy_are_left_as_they_were(error):
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    torch.manual_seed(11)
    before, numpy_before = (
        torch.get_rng_state(),
        np.random.get_state(legacy=False)["state"]["key"].tolist(),
    )

    def disturb():
        with isolated():
            assert torch.get_num_threads() == 1
            torch.manual_seed(5)
            np.random.rand(3)
            if error is not None:
                raise error

    try:
        if error is None:
            disturb()
        else:
            with pytest.raises(error):
                disturb()
        assert torch.get_num_threads() == 2
        assert torch.equal(torch.get_rng_state(), before)
        assert np.random.get_state(legacy=False)["state"]["key"].tolist() == numpy_before
    finally:
        torch.set_num_threads(threads)
