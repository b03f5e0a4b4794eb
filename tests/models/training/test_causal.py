"""A causal model begins from one that sees the future."""

import pytest
import torch

from neurofuse.io.errors import ParameterError
from neurofuse.models.joint.network import CausalConv
from neurofuse.models.training.causal import _present_for_future, causal_from
from neurofuse.models.training.config import read_config
from neurofuse.models.weights import load_model

PLAN = {"start": "joint", "architecture": {"causal": True, "single_width": 0}}


def test_what_stands_still_is_seen_as_before():
    torch.manual_seed(0)
    centred = torch.nn.Conv1d(3, 4, 5, padding=4, dilation=2)
    causal = CausalConv(3, 4, 5, dilation=2)
    causal.load_state_dict(centred.state_dict())
    _present_for_future(causal)
    still = torch.randn(1, 3, 1).expand(1, 3, 40)
    torch.testing.assert_close(causal(still)[..., 20:], centred(still)[..., 20:21].expand(1, 4, 20))
    later = torch.randn(1, 3, 40)
    changed = later.clone()
    changed[..., 30:] += 1
    torch.testing.assert_close(causal(changed)[..., :30], causal(later)[..., :30])


def test_a_plan_may_begin_from_the_joint_model_without_its_parts():
    plan = read_config(PLAN)
    model = causal_from(load_model("joint"), plan.architecture)
    assert not model.single
    assert model.architecture.causal
    own = load_model("joint").state_dict()["fusion.absent.eeg"]
    assert torch.equal(model.state_dict()["fusion.absent.eeg"], own)


def test_a_model_that_is_not_causal_cannot_lose_its_parts():
    with pytest.raises(ParameterError, match="architecture"):
        read_config({"start": "joint", "architecture": {"single_width": 0}})
