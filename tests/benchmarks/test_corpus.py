"""The benchmark of corpora on disk: the windows of two processes in one batch, and its table."""

import numpy as np
import pytest
import torch

from benchmarks.corpus.__main__ import rate_table
from benchmarks.corpus.processes import BothShares
from benchmarks.corpus.rate import STREAMS, Spent, many, tiny, tiny_people
from neurofuse.models.training.joint import JointSampling
from neurofuse.models.training.windows import WindowSampling


@pytest.mark.parametrize("head", [0.0, 0.5])
def test_both_shares_are_the_windows_of_two_processes(head):
    corpus = {s: [tiny("x", s, np.random.default_rng(0))] for s in STREAMS}
    sampling, settings = WindowSampling(window=20.0, batch=4, head=head), (3, 0.5)
    half = WindowSampling(window=20.0, batch=2, head=head)
    for step in range(4):
        whole, withheld = BothShares(corpus, sampling, *settings)(step)
        for rank in range(2):
            share, none = JointSampling(corpus, half, *settings, rank=rank)(step)
            assert none == withheld
            own = slice(2 * rank, 2 * rank + 2)
            for s, (seen, target) in share.items():
                assert torch.equal(whole[s][0].signal[own], seen.signal)
                assert torch.equal(whole[s][1].mask[own], target.mask)
                worn = [b.head for b in (whole[s][0], seen) if b.head is not None]
                if seen.head is None:
                    assert not any(h[own].any() for h in worn)
                else:
                    assert torch.equal(worn[0][own], worn[1])


def test_a_store_of_many_people_is_opened_and_drawn_from(tmp_path):
    tiny_people(tmp_path / "tiny.zarr", 3)
    found = many(tmp_path / "tiny.zarr", 2)
    assert found["samples [MB]"] == pytest.approx(3 * 8 * (9600 + 2 * 375) * 8 / 1e6)
    assert found["batch [s]"] > 0


def test_rates_are_relative_to_memory():
    table = rate_table({"memory": Spent([1.0], [1.0]), "store": Spent([2.0], [4.0])})
    assert table.rows[1] == ["store", "2.000", "4.000", "0.50", "0.25"]
