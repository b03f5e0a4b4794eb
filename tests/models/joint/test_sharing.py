"""How far a modality believes the other one."""

import pytest
import torch

from neurofuse.models.joint.architecture import Sharing
from neurofuse.models.joint.sharing import agreement, partner_weight


def movements(seed, share=0.0):
    """Probabilities of motion (1, 1200): bouts at random, a share of them those of seed 0."""
    places = []
    for number in (seed, 0):
        draw = torch.Generator().manual_seed(number)
        places.append(torch.randint(0, 1180, (20,), generator=draw))
    chosen = torch.where(torch.arange(20) < 20 * share, places[1], places[0])
    out = torch.zeros(1, 1200)
    for begin in chosen.tolist():
        out[0, begin : begin + 20] = 0.9
    return out


def test_shared_movements_agree_and_others_do_not():
    own = movements(0)
    found = {s: float(agreement(own, movements(5, s), 10.0, Sharing())) for s in (0.0, 0.5, 1.0)}
    assert found[1.0] > 0.99
    assert 0.2 < found[0.5] < 0.8
    assert abs(found[0.0]) < 0.2


@pytest.mark.parametrize("shift", [-3, 3])
def test_a_small_shift_is_no_disagreement(shift):
    own = movements(0)
    assert float(agreement(own, own.roll(shift, -1), 10.0, Sharing())) > 0.95


def test_a_partner_that_never_moves_counts_for_nothing():
    still = torch.full((1, 1200), 0.01)
    found = agreement(movements(0), still, 10.0, Sharing())
    assert float(found) == 0
    assert float(partner_weight(found, Sharing())) == 0


def test_weight_rises_between_the_limits():
    weight = partner_weight(torch.tensor([-0.5, 0.05, 0.175, 0.3, 1.0]), Sharing())
    torch.testing.assert_close(weight, torch.tensor([0.0, 0.0, 0.5, 1.0, 1.0]))


@pytest.mark.parametrize("frames", [1, 2, 3, 7])
def test_a_moment_tells_nothing_but_a_number(frames):
    moment = torch.rand(1, frames, generator=torch.Generator().manual_seed(0))
    assert torch.isfinite(agreement(moment, moment, 10.0, Sharing())).all()
