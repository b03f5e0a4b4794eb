"""Simulate a simultaneous EEG + fNIRS recording, clean and with head motion."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr

from neurofuse.io.errors import ParameterError
from neurofuse.io.optics.absorption import WAVELENGTH_RANGE, absorbs, haemoglobin_to_density
from neurofuse.io.recording import build, eeg_dataset, events_dataset, nirs_dataset, note
from neurofuse.synth import eeg_body, montage
from neurofuse.synth.brain import TASK, Activity, sample_activity, sample_onsets
from neurofuse.synth.detector import intensity_of
from neurofuse.synth.eeg_sources import eeg_of_brain
from neurofuse.synth.haemoglobin import haemoglobin
from neurofuse.synth.heart import Heart, sample_heart
from neurofuse.synth.inject import inject
from neurofuse.synth.montage import Probe

WAVELENGTHS = (760.0, 850.0)  # nm
RATES = {"eeg_rate": (30.0, 20_000.0), "nirs_rate": (1.0, 1_000.0)}  # Hz
TASKS = ("tapping", None)


def simulate(
    duration: float = 300.0,
    *,
    seed: int = 0,
    eeg_rate: float = 250.0,
    nirs_rate: float = 10.0,
    eeg_montage: str | int | Iterable[str] | xr.Dataset | xr.DataTree | None = "10-20",
    nirs_montage: str | xr.Dataset | xr.DataTree | None = "motor",
    wavelengths: Iterable[float] | None = None,
    task: str | None = "tapping",
    coupling: float = 0.0,
    coupling_lag: float = 5.0,
    blinks: bool = False,
    pulse_artifact: bool = False,
    line: float | None = None,
    share: str = "timing",
    severity: float = 1.0,
    types: Iterable[str] | None = None,
    bouts_per_minute: float | None = None,
    lag: float | None = None,
    sensors: bool = False,
) -> tuple[xr.DataTree, xr.DataTree]:
    """Simulate a participant who rests or taps with the right hand every 20-30 s, and moves.

    Parameters
    ----------
    duration : float
        Length [s], at least 10.
    seed : int
        Seed of all random numbers; stored in `attrs["seed"]`.
    eeg_rate, nirs_rate : float
        Sampling rates [Hz].
    eeg_montage : str, int, names, EEG node or None
        "10-20", a name of MNE's montages, a number of electrodes, names of 10-05 positions, or the
        `/eeg` of a Recording; None leaves EEG out.
    nirs_montage : str, fNIRS node or None
        "motor", "prefrontal", "whole-head", each also with "+short", or the `/nirs` of a
        Recording; None leaves fNIRS out.
    wavelengths : floats, optional
        Wavelengths [nm], any number; 760 and 850 by default, or those of the node.
    task : {"tapping", None}
        Whether there is a task: evoked response, desynchronisation over the left motor area,
        haemodynamic response, and events "task".
    coupling : float
        Neurovascular coupling [1]: how much a spontaneous fall of alpha and beta raises HbO of
        their region; 1 explains about a fifth of HbO's variance over the region, 0 nothing.
    coupling_lag : float
        Delay [s] of that haemodynamic response, 1 to 15.
    blinks, pulse_artifact : bool
        Whether EEG contains blinks, and the pulse of the heart that fNIRS shows.
    line : float, optional
        Frequency of mains noise in the EEG [Hz]: 50 or 60.
    share : {"none", "timing", "partial", "full"}
        What both modalities share of a movement; see `inject`.
    severity : float
        Factor [1] on the artifacts' size; see `inject`.
    types : names, optional
        Kinds of movement; see `inject`.
    bouts_per_minute : float, optional
        How often a bout of movement begins [1/min]; see `inject`.
    lag : float, optional
        Delay [s] of movements in fNIRS; see `inject`.
    sensors : bool
        Also simulate an accelerometer and a gyroscope on the head; see `inject`.

    Returns
    -------
    truth, contaminated : Recording
        EEG (channel, time) [V] against both ears, fNIRS intensity (channel, wavelength, time)
        [a.u.], without and with motion; see `inject`.

    Raises
    ------
    ParameterError
        For parameters out of their range, and montages that do not exist or lack positions.

    Examples
    --------
    >>> truth, contaminated = simulate(duration=20, seed=3)
    >>> dict(truth["eeg"].sizes)["channel"]
    19
    >>> rest, _ = simulate(20, eeg_montage=["C3", "C4"], nirs_montage="prefrontal+short", task=None)
    >>> rest["eeg"].sizes["channel"], int(rest["nirs"].short.sum())
    (2, 9)
    """
    _check_range("duration", duration, 10.0, 1e6)
    _check_range("coupling", coupling, 0.0, 100.0)
    _check_range("coupling_lag", coupling_lag, 1.0, 15.0)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ParameterError(f"seed={seed!r}", "a whole number of at least 0", "0 is the default")
    if task not in TASKS:
        raise ParameterError(f"task={task!r}", "'tapping' or None", "None is rest")
    if eeg_montage is None and nirs_montage is None:
        raise ParameterError("neither EEG nor fNIRS", "one of them", "name a montage")
    # each part has its own random numbers: leaving one out does not change the other
    participant, eeg_rng, body_rng, nirs_rng = np.random.default_rng([int(seed), 1]).spawn(4)
    onsets = sample_onsets(duration, participant) if task else np.zeros(0)
    activity = sample_activity(duration, onsets, participant)
    heart = sample_heart(duration, participant)
    eeg = nirs = None
    if eeg_montage is not None:
        _check_range("eeg_rate", eeg_rate, *RATES["eeg_rate"])
        _check_line(line, eeg_rate)
        extras = {"blinks": blinks, "pulse_artifact": pulse_artifact, "line": line}
        eeg = _eeg(duration, eeg_rate, eeg_montage, activity, heart, extras, eeg_rng, body_rng)
    if nirs_montage is not None:
        _check_range("nirs_rate", nirs_rate, *RATES["nirs_rate"])
        probe = montage.nirs_montage(nirs_montage)
        waves = _wavelengths(wavelengths, probe)
        blood = coupling, coupling_lag
        nirs = _nirs(duration, nirs_rate, probe, waves, activity, heart, blood, nirs_rng)
    events = events_dataset((float(o), TASK, "task", "", "") for o in onsets)
    truth = build(eeg, nirs, events=events, measured_at="2026-01-01T12:00:00+00:00")
    settings = {"task": task, "coupling": coupling, "coupling_lag": coupling_lag, "blinks": blinks}
    settings |= {"pulse_artifact": pulse_artifact, "line": line}
    truth = note(truth, "simulate", seed=int(seed), duration=float(duration), **settings)
    truth.attrs["seed"] = int(seed)
    motion = {"types": types, "bouts_per_minute": bouts_per_minute, "lag": lag}
    return inject(truth, seed=seed, share=share, severity=severity, sensors=sensors, **motion)


def _eeg(
    duration: float,
    rate: float,
    electrodes: str | int | Iterable[str] | xr.Dataset | xr.DataTree,
    activity: Activity,
    heart: Heart,
    extras: dict[str, Any],
    rng: np.random.Generator,
    body_rng: np.random.Generator,
) -> xr.Dataset:
    names, position = montage.eeg_montage(electrodes)
    samples = int(duration * rate)
    volts = eeg_of_brain(samples, rate, names, position, activity, rng)
    time = np.arange(samples) / rate
    blink_rng, pulse_rng, line_rng = body_rng.spawn(3)
    if extras["blinks"]:
        volts += eeg_body.blinks(time, position, blink_rng)
    if extras["pulse_artifact"]:
        volts += eeg_body.pulse_artifact(time, names, heart, pulse_rng)
    if extras["line"]:
        volts += eeg_body.line_noise(time, names, float(extras["line"]), line_rng)
    return eeg_dataset(volts.astype(float), rate, names, position=position)


def _nirs(
    duration: float,
    rate: float,
    probe: Probe,
    wavelength: np.ndarray,
    activity: Activity,
    heart: Heart,
    blood: tuple[float, float],
    rng: np.random.Generator,
) -> xr.Dataset:
    blood_rng, light_rng = rng.spawn(2)
    time = np.arange(int(duration * rate)) / rate
    hbo, hbr = haemoglobin(time, rate, probe, activity, heart, *blood, blood_rng)
    density = haemoglobin_to_density(hbo, hbr, wavelength, probe.distance)
    light = intensity_of(density, rate, wavelength, probe, int(light_rng.integers(2**62)))
    return nirs_dataset(
        light,
        rate,
        wavelength,
        probe.source,
        probe.detector,
        source_position=probe.source_position,
        detector_position=probe.detector_position,
    )


def _wavelengths(wavelengths: Iterable[float] | None, probe: Probe) -> np.ndarray:
    given = probe.wavelength or WAVELENGTHS if wavelengths is None else wavelengths
    try:
        waves = np.atleast_1d(np.array(list(given), float))
    except (TypeError, ValueError):
        waves = np.zeros(0)
    if not len(waves) or len(set(waves)) < len(waves) or not all(absorbs(w) for w in waves):
        raise ParameterError(
            f"wavelengths={given!r}",
            f"different wavelengths from {WAVELENGTH_RANGE[0]:g} to {WAVELENGTH_RANGE[1]:g} nm",
            "760 and 850 are usual",
        )
    return waves


def _check_line(line: float | None, rate: float) -> None:
    if line is None:
        return
    if line not in (50.0, 60.0):
        raise ParameterError(f"line={line!r}", "50 or 60 Hz, or None", "give that of your country")
    if line >= rate / 2:
        raise ParameterError(
            f"line={line:g} at eeg_rate={rate:g}", f"a rate above {2 * line:g} Hz", "raise eeg_rate"
        )


def _check_range(name: str, value: float, least: float, most: float) -> None:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not (number and np.isfinite(value) and least <= value <= most):
        asked = "a larger value" if number and value < least else "a value in this range"
        raise ParameterError(
            f"{name}={value}", f"at least {least:g}, at most {most:g}", f"choose {asked}"
        )
