"""Witnesses of movement: they say when, as far as they are trusted."""

import pytest
import torch

from neurofuse.models.joint.architecture import Sharing
from neurofuse.models.joint.constants import REACHES
from neurofuse.models.joint.witnesses import agreements, evidence


def bouts(offset=0):
    return (((torch.arange(600) + offset) % 100) < 20).float()[None]


@pytest.mark.parametrize(("head", "trusted"), [(0, 1.0), (50, 0.0)])
def test_a_head_that_moves_along_is_trusted(head, trusted):
    trust = agreements({"nirs": bouts()}, bouts(head), 10.0, Sharing()).trust(Sharing())
    assert float(trust.head["nirs"]) == trusted
    assert trust.partner is None


def test_a_still_head_says_nothing():
    trust = agreements(
        {"eeg": bouts(), "nirs": bouts()}, torch.zeros(1, 600), 10.0, Sharing()
    ).trust(Sharing())
    assert trust.partner is not None
    assert float(trust.partner) == 1
    assert [float(w) for w in trust.head.values()] == [0, 0]


def test_a_testimony_reaches_as_far_as_said():
    moment = torch.zeros(1, 101)
    moment[0, 50] = 1
    said = evidence(moment, torch.tensor([0.25]), 10.0)
    lengths = [1 + 2 * round(10 * reach) for reach in REACHES]
    assert said.sum(-1).div(0.25)[0].tolist() == [101, *lengths]
