"""Light at the detectors of a simulated fNIRS device: brightness, noise and saturation."""

import zlib

import numpy as np

from neurofuse.synth.montage import Probe

# all in units of the usual brightness
HAIR_LOG_SD = 1.0  # of the transmission of hair and contact
ATTENUATION_LENGTH = 0.012  # m between optodes over which light falls to 1/e
DARK_NOISE = 1.2e-3  # per sample at 10 Hz, without light
PHOTON_NOISE = 1e-3  # of the light itself at the usual brightness
FULL_SCALE = 20.0  # at which a detector saturates


def intensity_of(
    density: np.ndarray, rate: float, wavelength: np.ndarray, probe: Probe, seed: int
) -> np.ndarray:
    """Intensity (channel, wavelength, time) [a.u.] of optical density.

    Brightness falls with distance and differs with hair and contact at either optode. Dim channels
    are dominated by dark noise; brighter light than the full scale is clipped. Random numbers
    depend on the names of channels and on wavelengths, not on their order.

    Parameters
    ----------
    density : array (channel, wavelength, time)
        Optical density [1].
    rate : float
        Sampling rate [Hz]; noise grows with its square root.
    wavelength : array (wavelength,)
        Wavelengths [nm].
    probe : Probe
        Source-detector pairs.
    seed : int
        Seed of all random numbers.

    Returns
    -------
    array (channel, wavelength, time)
        Intensity [a.u.].

    Examples
    --------
    >>> from neurofuse.synth.montage import nirs_montage
    >>> probe = nirs_montage("motor")
    >>> light = intensity_of(np.zeros((24, 2, 50)), 10.0, np.array([760.0, 850.0]), probe, 0)
    >>> bool((light > 0).mean() > 0.99), bool(light.max() <= 20)
    (True, True)
    """
    light = np.exp(-density)
    faster = np.sqrt(rate / 10)
    for row, (source, detector) in enumerate(zip(probe.source, probe.detector, strict=True)):
        hair = HAIR_LOG_SD / np.sqrt(2) * (_normal(seed, source) + _normal(seed, detector))
        distance = min(max(float(probe.distance[row]), 0.0), 0.06)
        transmitted = np.exp(hair + (0.03 - distance) / ATTENUATION_LENGTH)
        for column, nm in enumerate(wavelength):
            rng = np.random.default_rng(
                [seed, zlib.crc32(f"{source}-{detector} {float(nm):g}".encode())]
            )
            brightness = transmitted * rng.lognormal(0, 0.2)
            noise = faster * np.hypot(DARK_NOISE, PHOTON_NOISE * np.sqrt(brightness))
            here = light[row, column]
            here *= brightness
            here += noise * rng.standard_normal(len(here))
    return np.clip(light, -0.05, FULL_SCALE, out=light)


def _normal(seed: int, name: str) -> float:
    return float(np.random.default_rng([seed, zlib.crc32(name.encode()), 1]).normal())
