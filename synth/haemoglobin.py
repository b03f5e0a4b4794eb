"""Haemoglobin of a simulated participant: effects of brain, heart, breath and vessels.

Concentrations are apparent: the modified Beer-Lambert law with a partial pathlength factor of 6
converts them to the measured optical density.
"""

import zlib

import numpy as np

from neurofuse.io.recording import SHORT_DISTANCE
from neurofuse.synth.brain import (
    AMPLITUDE_LOG_SD,
    GRID_RATE,
    REGIONS,
    Activity,
    bump,
    power_law,
    region_directions,
    shaped,
    wandering,
)
from neurofuse.synth.heart import Heart
from neurofuse.synth.montage import Probe
from neurofuse.synth.sphere import RADIUS, directions

TASK_RESPONSE = (0.5e-6, -0.16e-6)  # mol/L of HbO and HbR at the peak over C3 during tapping
TASK_REGIONS = {"C3": 1.0, "C4": 0.35}  # relative response
COUPLED_HBO = 0.2e-6  # mol/L, RMS of HbO for coupling=1: a fifth of the usual variance
HBR_OF_BRAIN = -0.33  # HbR per HbO of brain activity
# mol/L, RMS of HbO
PULSE, MAYER, BREATH, SLOW, CHANNEL = 0.15e-6, 0.125e-6, 0.035e-6, 0.46e-6, 0.3e-6
HBR_PER_HBO = {"pulse": 0.115, "mayer": 0.12, "breath": 0.2, "slow": 0.2}
HBR_CHANNEL = 0.07e-6  # mol/L, RMS
MAYER_PEAK = (0.1, 0.009)  # Hz, mean and SD between participants
SLOPE, LOWEST = 2.1, 0.008  # of slow waves: spectral exponent, Hz
RESPONSE_WIDTH = 0.025  # m over which a region's response fades
FULL_RESPONSE = 0.03  # m between optodes, from which on the brain shows fully


def haemoglobin(
    time: np.ndarray,
    rate: float,
    probe: Probe,
    activity: Activity,
    heart: Heart,
    coupling: float,
    lag: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Changes of HbO and HbR (channel, time) [mol/L] under each source-detector pair.

    Parameters
    ----------
    time : array (time,)
        Seconds, at `rate` [Hz].
    probe : Probe
        Pairs; those closer than 15 mm measure the scalp only.
    activity : Activity
        Of the participant's brain.
    heart : Heart
        Of the participant.
    coupling : float
        Neurovascular coupling: how much a fall of the rhythms' power raises HbO (1: by 0.2 µmol/L
        RMS).
    lag : float
        Delay [s] of that response.
    rng : Generator
        Source of randomness.

    Returns
    -------
    hbo, hbr : array (channel, time)
        [mol/L].

    Examples
    --------
    >>> from neurofuse.synth.brain import sample_activity
    >>> from neurofuse.synth.heart import sample_heart
    >>> from neurofuse.synth.montage import nirs_montage
    >>> rng, time = np.random.default_rng(0), np.arange(300) / 10
    >>> participant = sample_activity(30.0, np.zeros(0), rng), sample_heart(30.0, rng)
    >>> hbo, hbr = haemoglobin(time, 10.0, nirs_montage("motor"), *participant, 0.0, 5.0, rng)
    >>> hbo.shape
    (24, 300)
    """
    scalp_rng, participant_rng, name_rng = rng.spawn(3)
    seed = int(name_rng.integers(2**62))
    names = [f"{s}-{d}" for s, d in zip(probe.source, probe.detector, strict=True)]
    hbo, hbr = _brain(time, probe, activity, coupling, lag)
    size = participant_rng.lognormal(0, 0.2)
    peak = float(np.clip(participant_rng.normal(*MAYER_PEAK), 0.075, 0.13))
    strength = {k: size * participant_rng.lognormal(0, 0.2) for k in (*HBR_PER_HBO, "own")}

    def slow(frequency: np.ndarray) -> np.ndarray:
        return power_law(frequency, SLOPE, LOWEST) * (frequency > 0.002)

    mayer = shaped((), len(time), rate, lambda f: bump(f, peak, 0.012), scalp_rng)
    common = {
        "pulse": PULSE * heart.wave(time, rate, 0.25),
        "mayer": MAYER * mayer,
        "breath": BREATH * heart.breathing(time),
        "slow": SLOW * shaped((), len(time), rate, slow, scalp_rng),
    }
    for row, name in enumerate(names):
        own = np.random.default_rng([seed, zlib.crc32(name.encode())])
        scalp = own.lognormal(0, 0.2)
        for kind, course in common.items():
            weight = strength[kind] * scalp * own.lognormal(0, 0.12)
            hbo[row] += weight * course
            hbr[row] += weight * HBR_PER_HBO[kind] * own.lognormal(0, 0.25) * course
        alone = shaped((2,), len(time), rate, slow, own)
        hbo[row] += CHANNEL * strength["own"] * scalp * alone[0]
        hbr[row] += HBR_CHANNEL * size * own.lognormal(0, 0.3) * alone[1]
    return hbo, hbr


def _brain(
    time: np.ndarray, probe: Probe, activity: Activity, coupling: float, lag: float
) -> tuple[np.ndarray, np.ndarray]:
    """HbO and HbR (channel, time) of the brain: response to the task and to spontaneous power."""
    gain = sensitivity(probe)
    task = task_response(time, activity.onsets)
    regions = np.array([TASK_REGIONS.get(region, 0.0) for region in REGIONS])
    hbo = np.outer(TASK_RESPONSE[0] * gain @ regions, task)
    hbr = np.outer(TASK_RESPONSE[1] * gain @ regions, task)
    if coupling:
        driven = COUPLED_HBO * coupling * driven_blood(activity, lag)
        for region, course in enumerate(driven):
            response = np.outer(gain[:, region], np.interp(time, activity.grid, course))
            hbo += response
            hbr += HBR_OF_BRAIN * response
    return hbo, hbr


def sensitivity(probe: Probe) -> np.ndarray:
    """Sensitivity (channel, region) of a pair to a region's blood; 0 for short pairs.

    Pairs on a flat layout have no position on the head: they measure the mean of all regions.

    Examples
    --------
    >>> from neurofuse.synth.montage import nirs_montage
    >>> gain = sensitivity(nirs_montage("motor+short"))
    >>> bool(gain[0].max() > 0.3), float(gain[-1].max())
    (True, 0.0)
    """
    depth = np.clip((probe.distance - SHORT_DISTANCE) / (FULL_RESPONSE - SHORT_DISTANCE), 0, 1.3)
    middle = (np.asarray(probe.source_position) + np.asarray(probe.detector_position)) / 2
    unit = directions(middle)
    away = RADIUS * np.linalg.norm(unit[:, None] - region_directions(), axis=-1)
    near = np.exp(-((away / RESPONSE_WIDTH) ** 2) / 2)
    near[~np.isfinite(unit).all(axis=1)] = 1 / np.sqrt(len(REGIONS))
    return depth[:, None] * near


def driven_blood(activity: Activity, lag: float) -> np.ndarray:
    """HbO (region, grid) of unit RMS on average that follows a fall of power after `lag` [s].

    Examples
    --------
    >>> from neurofuse.synth.brain import sample_activity
    >>> activity = sample_activity(60.0, np.zeros(0), np.random.default_rng(0))
    >>> driven_blood(activity, 5.0).shape
    (8, 485)
    """
    quicker = min(lag, 5.0)  # below 5 s the response is faster, above 5 s the same but later
    kernel = haemodynamic(np.arange(0, 40, 1 / GRID_RATE) - (lag - quicker), quicker)
    drive = -activity.logarithm
    length = drive.shape[1]
    blood = np.array([np.convolve(course, kernel)[:length] for course in drive])
    return blood / max(_gain(kernel), 1e-30)


def _gain(kernel: np.ndarray) -> float:
    """RMS of the kernel's response to a rhythm's usual amplitude changes."""
    power = wandering(np.fft.rfftfreq(1 << 14, 1 / GRID_RATE)) ** 2
    passed = np.abs(np.fft.rfft(kernel, 1 << 14)) ** 2
    return float(AMPLITUDE_LOG_SD * np.sqrt((power * passed).sum() / power.sum()))


def haemodynamic(time: np.ndarray, peak: float = 5.0) -> np.ndarray:
    """Double-gamma response (time,) to an impulse, 1 at `peak` [s] (Glover 1999).

    Examples
    --------
    >>> haemodynamic(np.array([0.0, 5.0])).round(2).tolist()
    [0.0, 1.0]
    """
    t = np.maximum(5 * np.asarray(time, float) / peak, 0)
    return (t / 5) ** 5 * np.exp(5 - t) - (t / 15) ** 15 * np.exp(15 - t) * 0.1


def task_response(time: np.ndarray, onsets: np.ndarray, task: float = 5.0) -> np.ndarray:
    """Response (time,) to `task` seconds of activity after each onset; peak 1 for a single one.

    Examples
    --------
    >>> task_response(np.array([5.0, 17.5]), np.array([10.0])).round(1).tolist()
    [0.0, 1.0]
    """
    step = 0.1
    grid = np.arange(0, 40, step)
    shape = np.convolve(haemodynamic(grid), np.ones(int(task / step)))[: len(grid)]
    shape /= shape.max()
    course = np.zeros(len(time))
    for onset in onsets:
        first, last = np.searchsorted(time, (onset, onset + grid[-1]))
        course[first:last] += np.interp(time[first:last] - onset, grid, shape)
    return course
