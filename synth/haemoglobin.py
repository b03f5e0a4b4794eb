"""Haemoglobin of a simulated person: what brain, heart, breath and vessels do to it.

Concentrations are apparent ones: those that the modified Beer-Lambert law with a partial
pathlength factor of 6 turns back into the measured optical density.
"""

import zlib

import numpy as np

from neurofuse.synth.brain import (
    GRID,
    REGIONS,
    WANDER,
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

RESPONSE = (0.5e-6, -0.16e-6)  # mol/L of HbO and HbR at the peak over C3 during tapping
SIDES = {"C3": 1.0, "C4": 0.35}
COUPLED = 0.2e-6  # mol/L, RMS of HbO that coupling=1 drives: a fifth of the usual variance
HBR_OF_BRAIN = -0.33  # HbR per HbO of brain activity
PULSE, MAYER, BREATH, SLOW, OWN = 0.15e-6, 0.125e-6, 0.035e-6, 0.46e-6, 0.3e-6  # RMS of HbO
HBR_SHARE = {"pulse": 0.115, "mayer": 0.12, "breath": 0.2, "slow": 0.2}  # moves along
HBR_OWN = 0.07e-6
MAYER_PEAK = (0.1, 0.009)  # Hz, mean and spread between people
SLOPE, LOWEST = 2.1, 0.008
NEAR = 0.025  # m over which a region's response fades
SCALP_ONLY, WHOLE = 0.015, 0.03  # m between optodes: no brain below, full response from


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
        Pairs; those closer than 15 mm see the scalp only.
    activity, heart
        The person's brain and heart.
    coupling, lag : float
        How much a fall of rhythms' power raises HbO (1: by 0.2 µmol/L RMS), and after how long [s].
    rng : Generator
        Source of randomness.

    Examples
    --------
    >>> from neurofuse.synth.brain import draw_activity
    >>> from neurofuse.synth.heart import draw_heart
    >>> from neurofuse.synth.montage import nirs_montage
    >>> rng, time = np.random.default_rng(0), np.arange(300) / 10
    >>> person = draw_activity(30.0, np.zeros(0), rng), draw_heart(30.0, rng)
    >>> hbo, hbr = haemoglobin(time, 10.0, nirs_montage("motor"), *person, 0.0, 5.0, rng)
    >>> hbo.shape
    (24, 300)
    """
    scalp_rng, person_rng, name_rng = rng.spawn(3)
    seed = int(name_rng.integers(2**62))
    names = [f"{s}-{d}" for s, d in zip(probe.source, probe.detector, strict=True)]
    hbo, hbr = _brain(time, probe, activity, coupling, lag)
    size = person_rng.lognormal(0, 0.2)
    peak = float(np.clip(person_rng.normal(*MAYER_PEAK), 0.075, 0.13))
    strength = {k: size * person_rng.lognormal(0, 0.2) for k in (*HBR_SHARE, "own")}

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
            hbr[row] += weight * HBR_SHARE[kind] * own.lognormal(0, 0.25) * course
        alone = shaped((2,), len(time), rate, slow, own)
        hbo[row] += OWN * strength["own"] * scalp * alone[0]
        hbr[row] += HBR_OWN * size * own.lognormal(0, 0.3) * alone[1]
    return hbo, hbr


def _brain(
    time: np.ndarray, probe: Probe, activity: Activity, coupling: float, lag: float
) -> tuple[np.ndarray, np.ndarray]:
    """What the brain does (channel, time): the task's response and that of spontaneous power."""
    seen = sensitivity(probe)
    task = task_response(time, activity.onsets)
    sides = np.array([SIDES.get(region, 0.0) for region in REGIONS])
    hbo = np.outer(RESPONSE[0] * seen @ sides, task)
    hbr = np.outer(RESPONSE[1] * seen @ sides, task)
    if coupling:
        driven = COUPLED * coupling * driven_blood(activity, lag)
        for region, course in enumerate(driven):
            answer = np.outer(seen[:, region], np.interp(time, activity.grid, course))
            hbo += answer
            hbr += HBR_OF_BRAIN * answer
    return hbo, hbr


def sensitivity(probe: Probe) -> np.ndarray:
    """How much (channel, region) a pair sees of a region's blood; 0 for short pairs.

    Pairs on a flat layout have no place on the head: they see the mean of all regions.

    Examples
    --------
    >>> from neurofuse.synth.montage import nirs_montage
    >>> seen = sensitivity(nirs_montage("motor+short"))
    >>> bool(seen[0].max() > 0.3), float(seen[-1].max())
    (True, 0.0)
    """
    depth = np.clip((probe.distance - SCALP_ONLY) / (WHOLE - SCALP_ONLY), 0, 1.3)
    middle = (np.asarray(probe.source_position) + np.asarray(probe.detector_position)) / 2
    unit = directions(middle)
    away = RADIUS * np.linalg.norm(unit[:, None] - region_directions(), axis=-1)
    near = np.exp(-((away / NEAR) ** 2) / 2)
    near[~np.isfinite(unit).all(axis=1)] = 1 / np.sqrt(len(REGIONS))
    return depth[:, None] * near


def driven_blood(activity: Activity, lag: float) -> np.ndarray:
    """HbO (region, grid) of unit RMS on average that follows a fall of power after `lag` [s].

    Examples
    --------
    >>> from neurofuse.synth.brain import draw_activity
    >>> activity = draw_activity(60.0, np.zeros(0), np.random.default_rng(0))
    >>> driven_blood(activity, 5.0).shape
    (8, 485)
    """
    quicker = min(lag, 5.0)  # below 5 s the response is quicker, above it is the same, later
    kernel = haemodynamic(np.arange(0, 40, 1 / GRID) - (lag - quicker), quicker)
    drive = -activity.logarithm
    length = drive.shape[1]
    blood = np.array([np.convolve(course, kernel)[:length] for course in drive])
    return blood / max(_gain(kernel), 1e-30)


def _gain(kernel: np.ndarray) -> float:
    """RMS of what the kernel makes of a rhythm's usual wandering."""
    power = wandering(np.fft.rfftfreq(1 << 14, 1 / GRID)) ** 2
    passed = np.abs(np.fft.rfft(kernel, 1 << 14)) ** 2
    return float(WANDER * np.sqrt((power * passed).sum() / power.sum()))


def haemodynamic(time: np.ndarray, peak: float = 5.0) -> np.ndarray:
    """Double-gamma response (time,) to a moment's activity, 1 at `peak` [s] (Glover 1999).

    Examples
    --------
    >>> haemodynamic(np.array([0.0, 5.0])).round(2).tolist()
    [0.0, 1.0]
    """
    t = np.maximum(5 * np.asarray(time, float) / peak, 0)
    return (t / 5) ** 5 * np.exp(5 - t) - (t / 15) ** 15 * np.exp(15 - t) * 0.1


def task_response(time: np.ndarray, onsets: np.ndarray, task: float = 5.0) -> np.ndarray:
    """Response (time,) to `task` seconds of work after each onset; peak 1 for a single one.

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
