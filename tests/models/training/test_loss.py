"""What counts as a wrong baseline level in training."""

import numpy as np
import torch
from scipy.signal import lfilter

from neurofuse.models.joint.architecture import BaselineLevel
from neurofuse.models.training.loss import returning_sum, widened

RETURN = BaselineLevel().return_time


def test_a_returning_sum_is_a_leaky_one_at_any_rate():
    changes = np.random.default_rng(0).normal(size=(2, 3, 200))
    for rate in (2.0, 12.5):
        leaky = lfilter([1.0], [1.0, -np.exp(-1 / rate / RETURN)], changes, axis=-1)
        found = returning_sum(torch.from_numpy(changes), rate, RETURN).numpy()
        np.testing.assert_allclose(found, leaky, atol=1e-10)


def test_two_seconds_beside_a_movement_count():
    mask = torch.zeros(1, 1, 100)
    mask[..., 50] = 1
    wide = widened(mask, 10.0)[0, 0]
    assert wide.nonzero().squeeze(1).tolist() == list(range(30, 71))
