"""Simulate a simultaneous EEG + fNIRS recording with a task, and the same with head motion."""

import numpy as np
import xarray as xr

from neurofuse.io.absorption import haemoglobin_to_density
from neurofuse.io.errors import ParameterError
from neurofuse.io.recording import build, eeg_dataset, events_dataset, nirs_dataset, note
from neurofuse.synth.brain import eeg_background, haemoglobin
from neurofuse.synth.inject import inject
from neurofuse.synth.montage import electrodes, optodes

WAVELENGTHS = (760.0, 850.0)  # nm
DARK_NOISE = 4e-4  # of the mean intensity, per sample


def simulate(
    duration: float = 300.0,
    *,
    seed: int = 0,
    eeg_rate: float = 250.0,
    nirs_rate: float = 10.0,
    share: str = "timing",
    severity: float = 1.0,
) -> tuple[xr.DataTree, xr.DataTree]:
    """Simulate a person tapping every 20-30 s, seen by 19 electrodes and 12-16 optode pairs.

    Parameters
    ----------
    duration : float
        Length [s], at least 10.
    seed : int
        Seed of all that is drawn; stored in `attrs["seed"]`.
    eeg_rate, nirs_rate : float
        Sampling rates [Hz].
    share, severity
        As in `inject`.

    Returns
    -------
    truth, contaminated : Recording
        EEG in volts, fNIRS as intensity; see `inject`.

    Examples
    --------
    >>> truth, contaminated = simulate(duration=20, seed=3)
    >>> dict(truth["eeg"].sizes)["channel"]
    19
    """
    for name, value, least in (
        ("duration", duration, 10.0),
        ("eeg_rate", eeg_rate, 30.0),
        ("nirs_rate", nirs_rate, 1.0),
    ):
        if not (np.isfinite(value) and value >= least):
            raise ParameterError(f"{name}={value}", f"at least {least:g}", "choose a larger value")
    task_rng, eeg_rng, nirs_rng = np.random.default_rng([seed, 1]).spawn(3)
    onsets = np.cumsum(np.append(task_rng.uniform(5, 8), task_rng.uniform(20, 30, 10_000)))
    onsets = onsets[onsets < duration - 5]

    names, position = electrodes()
    time = np.arange(int(duration * eeg_rate)) / eeg_rate
    eeg = eeg_dataset(
        eeg_background(time, position, onsets, eeg_rng), eeg_rate, names, position=position
    )
    source, detector, source_at, detector_at = optodes()
    time = np.arange(int(duration * nirs_rate)) / nirs_rate
    hbo, hbr = haemoglobin(time, source_at, detector_at, onsets, nirs_rng)
    distance = np.linalg.norm(source_at - detector_at, axis=1)
    density = haemoglobin_to_density(hbo, hbr, np.array(WAVELENGTHS), distance)
    level = nirs_rng.lognormal(0, 0.4, (len(source), len(WAVELENGTHS), 1))
    intensity = level * (np.exp(-density) + DARK_NOISE * nirs_rng.normal(size=density.shape))
    nirs = nirs_dataset(
        intensity,
        nirs_rate,
        WAVELENGTHS,
        source,
        detector,
        source_position=source_at,
        detector_position=detector_at,
    )
    events = events_dataset((float(o), 5.0, "task", "", "") for o in onsets)
    truth = build(eeg, nirs, events=events, measured_at="2026-01-01T12:00:00+00:00")
    truth = note(truth, "simulate", seed=seed, duration=duration)
    truth.attrs["seed"] = seed
    return inject(truth, seed=seed, share=share, severity=severity)
