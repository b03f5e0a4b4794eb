"""A short simultaneous pair with movement, made with numpy alone."""

import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter

from neurofuse.io.recording import build, eeg_dataset, nirs_dataset, time_axis

EEG_NAMES = ["Fp1", "Fp2", "C3", "C4", "O1", "O2"]


def _eeg(rng: np.random.Generator, seconds: float, rate: float) -> tuple[np.ndarray, ...]:
    time = time_axis(round(seconds * rate), rate)
    mixing = rng.standard_normal((6, 6))
    brain = lfilter([1], [1, -0.95], rng.standard_normal((6, time.size)), axis=-1)
    brain += 3 * np.sin(2 * np.pi * 10 * time) * rng.uniform(0.5, 1.5, (6, 1))
    brain = 3e-6 * mixing @ brain
    motion = ((time > 20) & (time < 24)) | ((time > 40) & (time < 42))
    push = gaussian_filter1d(rng.standard_normal((2, time.size)), rate / 10, axis=-1)
    artifact = 2e-3 * rng.standard_normal((6, 2)) @ push * motion
    return brain, artifact, np.broadcast_to(motion, brain.shape)


def _nirs(rng: np.random.Generator, seconds: float, rate: float) -> tuple[np.ndarray, ...]:
    time = time_axis(round(seconds * rate), rate)
    pulse = np.sin(2 * np.pi * 1.1 * time) + np.sin(2 * np.pi * 0.1 * time)
    od = 0.01 * pulse * rng.uniform(0.5, 1, (4, 2, 1))
    od = od + 0.002 * gaussian_filter1d(rng.standard_normal((4, 2, time.size)), 2, axis=-1)
    shift = 0.2 * np.clip((time - 20) / 0.5, 0, 1) + 0.3 * np.exp(-(((time - 40) / 0.3) ** 2))
    motion = ((time >= 19.9) & (time < 20.7)) | ((time > 38.5) & (time < 41.5))
    # Exactly constant where nothing moves, so that truth and contaminated differ by a level there.
    steps = np.where(motion, np.diff(shift, prepend=0.0), 0.0)
    artifact = np.cumsum(steps) * rng.uniform(0.5, 1, (4, 2, 1))
    return od, artifact, np.broadcast_to(motion, (4, time.size))


def make_pair(seed: int = 0, seconds: float = 60.0) -> tuple[xr.DataTree, xr.DataTree]:
    """(truth, contaminated): 6 EEG channels at 250 Hz, 4 × 2 fNIRS series at 10 Hz."""
    rng = np.random.default_rng(seed)
    brain, disturbance, eeg_motion = _eeg(rng, seconds, 250.0)
    od, change, nirs_motion = _nirs(rng, seconds, 10.0)
    angle = np.linspace(0, 2 * np.pi, 6, endpoint=False)
    position = 0.09 * np.stack([np.cos(angle), np.sin(angle), np.full(6, 0.5)], axis=-1)
    recordings = []
    for moving in (False, True):
        eeg = eeg_dataset(brain + moving * disturbance, 250.0, EEG_NAMES, position=position)
        nirs = nirs_dataset(
            np.exp(-(od + moving * change)),
            10.0,
            [760, 850],
            ["S1", "S1", "S2", "S2"],
            ["D1", "D2", "D1", "D2"],
            source_position=np.array([[0.07, 0, 0.05]] * 2 + [[0.06, 0.03, 0.05]] * 2),
            detector_position=np.array([[0.07, 0.03, 0.06], [0.06, -0.03, 0.05]] * 2),
        )
        if moving:
            eeg["motion"] = ("channel", "time"), eeg_motion
            nirs["motion"] = ("channel", "time"), nirs_motion
        recordings.append(build(eeg, nirs))
    return recordings[0], recordings[1]


@pytest.fixture(scope="session")
def pair() -> tuple[xr.DataTree, xr.DataTree]:
    """(truth, contaminated); tests must not change them."""
    return make_pair()
