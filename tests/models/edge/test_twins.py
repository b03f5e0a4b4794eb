"""Stages without torch beside those with it, over random inputs."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from neurofuse.models.edge import across_channels as edge_across
from neurofuse.models.edge import bands as edge_bands
from neurofuse.models.edge import evidence as edge_evidence
from neurofuse.models.edge import features as edge_features
from neurofuse.models.edge import network as edge_network
from neurofuse.models.edge import spectral_gain as edge_gain
from neurofuse.models.edge import wiener as edge_wiener
from neurofuse.models.edge import witnesses as edge_witnesses
from neurofuse.models.inference.evidence import speakers
from neurofuse.models.joint import across_channels, bands, features, sharing, wiener, witnesses
from neurofuse.models.joint.architecture import AcrossChannels, Architecture, Quiet, Sharing
from neurofuse.models.joint.network import neighbours
from neurofuse.models.joint.spectral_gain import spectral_gain
from neurofuse.models.joint.tensors import Stream

CLOSE = 1e-5


def noise(*shape, seed=0):
    """Samples with a slow part, and a movement in the middle third of some channels."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape) + 0.1 * np.cumsum(rng.normal(size=shape), -1)
    third = shape[-1] // 3
    x[: max(shape[0] // 2, 1), ..., third : 2 * third] *= 20
    return x.astype(np.float32)


def mask(channels, length, seed=1):
    """A motion mask that is open in the middle third of half of the channels."""
    gate = np.zeros((channels, length), np.float32)
    third = length // 3
    gate[: (channels + 1) // 2, third : 2 * third] = 0.9
    gate[0, third - 5 : third] = np.random.default_rng(seed).random(min(5, third))
    return gate


def tensor(x):
    return torch.from_numpy(np.ascontiguousarray(x))[None]


def close(found, wanted, tolerance=CLOSE):
    wanted = wanted.numpy() if isinstance(wanted, torch.Tensor) else wanted
    assert found.shape == wanted.shape
    assert_allclose(found, wanted, atol=tolerance * np.abs(wanted).max(), rtol=0)


@pytest.mark.parametrize("rate", [5.0, 62.5, 250.0])
@pytest.mark.parametrize("length", [37, 1250])
def test_bands_frames_and_energies(rate, length):
    x, edges = noise(3, length), Architecture().bands.eeg
    split, theirs = edge_bands.split(x, rate, edges), bands.split(torch.from_numpy(x), rate, edges)
    close(split, theirs)
    close(edge_bands.to_frames(x, rate, 10.0), bands.to_frames(torch.from_numpy(x), rate, 10.0))
    close(
        edge_bands.to_samples(x, rate, 500, 10.0),
        bands.to_samples(torch.from_numpy(x), rate, 500, 10.0),
    )
    energy = bands.to_frames(theirs**2, rate, 10.0).numpy()
    for found, wanted in zip(
        edge_bands.log_energy(energy, 0.3),
        bands.log_energy(theirs, rate, 10.0, 0.3),
        strict=True,
    ):
        close(found, wanted)
    close(
        edge_bands.degrees_of_freedom(edges, rate, length),
        bands.degrees_of_freedom(edges, rate, length),
    )
    close(
        edge_bands.agreement(x, x[::-1], rate, 10.0),
        bands.agreement(torch.from_numpy(x), torch.from_numpy(x).flip(0), rate, 10.0),
    )


def test_some_samples_are_those_of_all():
    x, some = noise(2, 40), np.array([3, 17, 90])
    whole = edge_bands.to_samples(x, 25.0, 100, 10.0)
    assert np.array_equal(edge_bands.to_samples(x, 25.0, 100, 10.0, some), whole[:, some])


@pytest.mark.parametrize(("modality", "rate"), [("eeg", 250.0), ("eeg", 128.0), ("nirs", 7.8)])
@pytest.mark.parametrize("channels", [1, 5])
def test_features(modality, rate, channels):
    shape = (channels, 1500) if modality == "eeg" else (channels, 2, 400)
    x = noise(*shape)
    stream = Stream(tensor(x), torch.full((1, channels, 3), torch.nan), rate)
    wanted = features.features(modality, stream, Architecture())
    for found, theirs in zip(
        edge_features.features(modality, x, rate, Architecture()), wanted, strict=True
    ):
        close(found, theirs[0], 1e-4)  # logarithms of small residuals


def test_quiet_weight():
    x, gate = noise(4, 3, 900), mask(4, 900)
    wanted = features.quiet_weight(torch.from_numpy(x), torch.from_numpy(gate), 50.0)
    close(edge_features.quiet_weight(x, gate, 50.0, Quiet()), wanted)


@pytest.mark.parametrize("lags", [[0], [-3, 0, 3]])
def test_spatial_filter(lags):
    x, gate = noise(6, 800), mask(6, 800)
    rough, quiet = 0.8 * gate * x, 1 - gate.max(0)
    settings = {"size": 100, "lags": lags, "shrinkage": 0.03, "pooling": 0.3}
    wanted = wiener.spatial_filter(*map(tensor, (x, rough, quiet)), **settings)
    close(edge_wiener.spatial_filter(x, rough, quiet, **settings), wanted[0], 1e-4)
    assert not edge_wiener.spatial_filter(x, 0 * rough, quiet, **settings).any()


@pytest.mark.parametrize("open_share", [0.1, 0.9])
def test_temporal_filter(open_share):
    x, reach = noise(3, 2, 300), np.array([8.0, 2.0, 0.5], np.float32)
    gate = np.zeros((3, 300), np.float32)
    gate[:2, 50 : 50 + int(200 * open_share)] = 0.8
    parts = np.stack([0.5 * x, 0.3 * x, 0.1 * x], 1) * gate[:, None, None]
    spread, size = 0.1 * parts.sum(1) ** 2, 40
    active = (wiener.frames_of(torch.from_numpy(parts.sum(1)), size, size // 2) != 0).any(-1)
    wanted = wiener.temporal_filter(
        *map(torch.from_numpy, (x, parts, spread, 1 - gate)),
        size=size,
        reach=torch.from_numpy(reach),
        active=active.any(-1),
    )
    found = edge_wiener.temporal_filter(x, parts, spread, 1 - gate, size=size, reach=reach)
    close(found, wanted, 1e-4)
    assert not found[2].any()


def test_a_matrix_that_rounding_made_indefinite_is_solved_all_the_same():
    root = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    matrix = root @ root.T - 1e-6 * np.eye(6, dtype=np.float32)
    assert np.isfinite(edge_wiener.solve(matrix, matrix[:, 0])).all()
    with pytest.raises(np.linalg.LinAlgError):
        edge_wiener.inverse(-np.eye(6, dtype=np.float32))


@pytest.mark.parametrize("channels", [1, 5])
def test_prediction_from_others(channels):
    x, gate = noise(channels, 2, 400), mask(channels, 400)
    wanted = across_channels.predict_from_others(tensor(x), tensor(gate), 7.8, AcrossChannels())
    found = edge_across.predict_from_others(x, gate, 7.8, AcrossChannels())
    close(found, wanted[0], 1e-4)


@pytest.mark.parametrize("length", [90, 1003])
def test_spectral_gain(length):
    x, quiet = noise(2, length), 1 - mask(2, length)
    wanted = spectral_gain(tensor(x), tensor(quiet), size=100, excess=3.0)
    close(edge_gain.spectral_gain(x, quiet, size=100, excess=3.0), wanted[0])


@pytest.mark.parametrize("shift", [0, 3, 40])
def test_witnesses(shift):
    rng = np.random.default_rng(2)
    moves = np.convolve(rng.random(300) > 0.9, np.ones(9), "same").clip(0, 1).astype(np.float32)
    other = np.roll(moves, shift) * 0.8
    found = edge_witnesses.agreement(moves, other, 10.0, Sharing())
    wanted = sharing.agreement(tensor(moves), tensor(other), 10.0, Sharing())
    assert found == pytest.approx(float(wanted), abs=CLOSE)
    weight = edge_witnesses.partner_weight(found, Sharing())
    assert weight == pytest.approx(float(sharing.partner_weight(wanted, Sharing())), abs=CLOSE)
    said = witnesses.evidence(tensor(moves), torch.tensor([0.7]), 10.0)
    close(edge_witnesses.evidence(moves, 0.7, 10.0), said[0])


def test_neighbours_and_speakers():
    place = np.random.default_rng(3).normal(0, 0.05, (7, 3)).astype(np.float32)
    place[2] = np.nan
    close(edge_network.neighbours(place, 0.05), neighbours(tensor(place), 0.05)[0])
    moving = mask(30, 60)
    assert edge_evidence.speakers(moving).tolist() == speakers(torch.from_numpy(moving)).tolist()
    assert math.isclose(edge_network.neighbours(place[:1], 0.05).item(), 1.0)
