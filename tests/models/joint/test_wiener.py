"""The closed-form stages against plain references, and their identities."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from neurofuse.models.joint.wiener import (
    _stationary_covariance,
    frames_of,
    lagged,
    overlap_add,
    solve,
    spatial_filter,
    temporal_filter,
)
from tests.marks import slow

rng = np.random.default_rng(0)


def tensor(*shape):
    return torch.from_numpy(rng.normal(size=shape))


@pytest.mark.parametrize("length", [50, 64, 101])
def test_overlap_add_undoes_frames(length):
    x, size = tensor(2, 3, length), 16
    taper = torch.hann_window(size, periodic=True, dtype=x.dtype)
    again = overlap_add(frames_of(x, size, size // 2) * taper, size // 2, length)
    torch.testing.assert_close(again, x)


def test_lagged_shifts():
    x = torch.arange(5.0)[None, None]
    shifted = lagged(x, [-1, 0, 1])[0]
    assert shifted.tolist() == [[0, 0, 1, 2, 3], [0, 1, 2, 3, 4], [1, 2, 3, 4, 0]]


def test_spatial_filter_matches_a_plain_solution():
    quiet, artifact = tensor(1, 4, 400), torch.zeros(1, 4, 400, dtype=torch.float64)
    artifact[:, :, 200:232] = 5 * tensor(1, 4, 1) * tensor(1, 1, 32)
    observed, weight = quiet + artifact, torch.ones(1, 400, dtype=torch.float64)
    weight[:, 200:232] = 0
    out = spatial_filter(observed, artifact, weight, size=32, lags=[0], shrinkage=0.1, pooling=0.0)
    y, a = observed[0].numpy(), artifact[0].numpy()
    still = y[:, weight[0].numpy() > 0]
    noise = still @ still.T / still.shape[1]
    noise += np.diag(0.1 * np.diag(noise))
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(32) / 32)
    expected = np.zeros_like(y)
    for start in range(0, 400 - 31, 16):
        piece = a[:, start : start + 32]
        moving = (piece * taper) @ piece.T / taper.sum()
        filtered = moving @ np.linalg.inv(moving + noise) @ y[:, start : start + 32]
        expected[:, start : start + 32] += taper * filtered
    np.testing.assert_allclose(out[0, :, 16:384], expected[:, 16:384], atol=1e-6)


def test_no_rough_artifact_no_artifact():
    x = tensor(1, 4, 400)
    out = spatial_filter(x, 0 * x, torch.ones(1, 400).double(), size=64, lags=[-1, 0, 1])
    assert out.abs().max() == 0


def test_spatial_filter_is_scale_and_permutation_equivariant():
    x, rough = tensor(1, 5, 300), tensor(1, 5, 300)
    weight = torch.ones(1, 300).double()
    plain = spatial_filter(x, rough, weight, size=64, lags=[-2, 0, 2])
    large = spatial_filter(1e4 * x, 1e4 * rough, weight, size=64, lags=[-2, 0, 2])
    torch.testing.assert_close(large, 1e4 * plain, rtol=1e-6, atol=1e-3)
    order = [3, 1, 4, 0, 2]
    permuted = spatial_filter(x[:, order], rough[:, order], weight, size=64, lags=[-2, 0, 2])
    torch.testing.assert_close(permuted, plain[:, order])


def test_temporal_filter_bridges_a_movement():
    """A rhythm is continued through a movement of unknown shape and known time."""
    time = torch.arange(600).double() / 10
    clean = torch.sin(2 * np.pi * 0.4 * time)[None, None] + 0.05 * tensor(1, 1, 600)
    artifact = torch.zeros_like(clean)
    artifact[..., 300:312] = 20 * tensor(1, 1, 12)
    moving = (artifact != 0).double()
    observed = clean + artifact
    found = temporal_filter(
        observed,
        0 * observed[:, None],
        moving * observed**2 + 100 * moving,
        1 - moving[:, 0],
        size=120,
        reach=torch.tensor([2.0]),
        active=torch.ones(1, frames_of(observed, 120, 60).shape[1], dtype=torch.bool),
    )
    left = (found - artifact)[..., 300:312].square().mean()
    assert left < 0.1 * clean[..., 300:312].square().mean()


def test_temporal_filter_without_movement():
    x = tensor(2, 2, 120)
    windows = frames_of(x, 40, 20).shape[1]
    found = temporal_filter(
        x,
        0 * x[:, None],
        0 * x,
        torch.ones(2, 120).double(),
        size=40,
        reach=torch.tensor([3.0]).double(),
        active=torch.zeros(2, windows, dtype=torch.bool),
    )
    assert (found == 0).all()


def test_temporal_filter_is_the_smoother_over_the_whole_window():
    """Samples in motion alone are solved for; all samples at once give the same."""
    size, bands = 40, 2
    observed, rough = tensor(3, 2, 120), tensor(3, bands, 2, 120)
    moving = torch.zeros(3, 1, 120).double()
    moving[0, :, 30:50] = moving[1, :, 70:110] = moving[2, :, :60] = 1
    observed = observed + moving * rough.sum(1)
    rough, variance = moving[:, None] * rough, 0.1 * moving * observed**2
    reach, quiet = torch.tensor([3.0, 1.0]).double(), 1 - moving[:, 0]
    active = torch.ones(3, frames_of(observed, size, size // 2).shape[1], dtype=torch.bool)
    found = temporal_filter(observed, rough, variance, quiet, size=size, reach=reach, active=active)
    hop, lag = size // 2, torch.arange(size).double()
    signal, guess, spread = (
        frames_of(x, size, hop).flatten(2) for x in (observed, rough.flatten(1, 2), variance)
    )
    artifact = torch.diag_embed(spread)
    for part, length in zip(guess.chunk(bands, -1), reach, strict=True):
        tie = torch.exp(-((lag[:, None] - lag) ** 2) / (2 * length**2)).repeat(2, 2)
        artifact = artifact + part[..., :, None] * tie * part[..., None, :]
    clean = _stationary_covariance(observed, quiet, size)[:, None]
    whole = (artifact @ torch.linalg.solve(artifact + clean, signal[..., None])).squeeze(-1)
    taper = torch.hann_window(size, periodic=True).double()
    wanted = overlap_add(whole.unflatten(2, (2, size)) * taper, hop, 120)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("threads", slow([1, 2, 3, 8], {1, 2, 8}))
def test_solve_is_right_whatever_the_threads_are(threads):
    """In a process of its own: torch keeps the number of threads, and could wait for ever."""
    code = (
        "import torch; from neurofuse.models.joint.wiener import solve\n"
        f"torch.set_num_threads({threads})\n"
        "a = torch.randn(100, 156, 156); a = a @ a.mT / 156 + 0.1 * torch.eye(156)\n"
        "b = torch.randn(100, 156, 1); assert (a @ solve(a, b) - b).abs().max() < 1e-3"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=240)


def test_solve_is_that_of_numpy():
    root, right = tensor(4, 6, 6), tensor(4, 6, 2)
    matrix = root @ root.mT + 0.1 * torch.eye(6)
    np.testing.assert_allclose(solve(matrix, right), np.linalg.solve(matrix, right), rtol=1e-9)


def test_solve_lifts_what_rounding_made_indefinite():
    sound, right = 2 * torch.eye(3).double(), tensor(2, 3, 1)
    broken = torch.ones(3, 3).double() - 1e-9 * torch.eye(3)
    found = solve(torch.stack([sound, broken]), right)
    torch.testing.assert_close(found[0], right[0] / 2)
    torch.testing.assert_close(found[1], torch.linalg.solve(broken + 1e-6 * torch.eye(3), right[1]))


def test_solve_does_not_return_what_it_cannot_trust():
    with pytest.raises(RuntimeError, match="not positive"):
        solve(-torch.eye(3).expand(5, 3, 3), torch.ones(5, 3, 2))


def test_solve_does_not_forget_what_was_lifted_when_another_needs_more():
    slightly, further = (torch.ones(3, 3).double() - by * torch.eye(3) for by in (1e-9, 1e-5))
    right = tensor(2, 3, 1)
    found = solve(torch.stack([slightly, further]), right)
    for number, (matrix, share) in enumerate(((slightly, 1e-6), (further, 1e-4))):
        lifted = matrix + share * matrix.diagonal().mean() * torch.eye(3)
        torch.testing.assert_close(found[number], torch.linalg.solve(lifted, right[number]))
