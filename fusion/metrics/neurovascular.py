"""Neurovascular coupling: haemoglobin rises seconds after alpha and beta power falls.

Movement reaches both modalities at once; a brain response reaches the blood later. A cleaner may
neither remove this coupling nor create it.
"""

import numpy as np
import xarray as xr
from scipy.ndimage import uniform_filter1d
from scipy.signal import detrend

from neurofuse.fusion.signal.bands import ALPHA_AND_BETA, HAEMODYNAMIC, bandpass
from neurofuse.io.errors import ParameterError
from neurofuse.io.optics.conversion import to_haemoglobin
from neurofuse.io.recording import stream_dataset, streams

GRID = 4.0  # Hz, of the time grid on which both modalities are compared
LAG = 5.0  # s by which haemoglobin follows
LONGEST_LAG = 15.0  # s, that the test looks at
NEARBY = 0.03  # m between an electrode and the middle of fNIRS channels below it


def neurovascular_coupling(recording: xr.DataTree, lag: float = LAG) -> float:
    """Correlation of a fall of alpha and beta power with HbO nearby, `lag` seconds later.

    Power is minus the logarithm of that in 8-30 Hz, HbO the mean of the fNIRS channels whose
    middle is within 3 cm of an electrode, both in 0.01-0.2 Hz. Bad channels, and those with samples
    that are not finite, are left out.

    Parameters
    ----------
    recording : Recording
        With EEG, fNIRS and their positions.
    lag : float
        By which haemoglobin follows [s].

    Returns
    -------
    float
        Pearson's correlation [1], mean over electrodes.

    Raises
    ------
    ParameterError
        If a modality is missing, no electrode has fNIRS nearby, or both overlap for too short.

    Examples
    --------
    >>> import neurofuse as nf
    >>> coupled, _ = nf.simulate(120, seed=2, task=None, severity=0.0, coupling=10.0)
    >>> neurovascular_coupling(coupled) > 0.5
    True
    """
    return lagged_correlation(*courses(recording), lag)


def lagged_correlation(power: np.ndarray, blood: np.ndarray, lag: float = LAG) -> float:
    """Mean over electrodes of the correlation of `courses`, blood taken `lag` [s] later."""
    shift = round(lag * GRID)
    last = power.shape[1] - shift
    pairs = zip(power[:, :last], blood[:, shift:], strict=True)
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs]))


def neurovascular_coupling_p(recording: xr.DataTree, surrogates: int = 199, seed: int = 0) -> float:
    """p value of the largest absolute correlation at lags of 0-15 s, by surrogates.

    Surrogates are power courses with random phases, the same for all electrodes, which keeps
    their spectra and the correlations between them (Prichard & Theiler 1994, Phys Rev Lett 73:951).

    Parameters
    ----------
    recording : Recording
        As of `neurovascular_coupling`.
    surrogates : int
        How many.
    seed : int
        Of the random phases.

    Returns
    -------
    float
        The p value [1], at least 1 / (1 + surrogates).

    Raises
    ------
    ParameterError
        As of `neurovascular_coupling`.

    Examples
    --------
    >>> import neurofuse as nf
    >>> coupled, _ = nf.simulate(120, seed=2, task=None, severity=0.0, coupling=10.0)
    >>> neurovascular_coupling_p(coupled) < 0.05
    True
    """
    power, blood = courses(recording)
    length = power.shape[1]
    spectrum = np.fft.rfft(blood) * np.fft.rfft(power).conj()
    rng = np.random.default_rng(seed)
    phases = rng.uniform(-np.pi, np.pi, (surrogates, spectrum.shape[1]))

    def largest(cross: np.ndarray) -> float:
        return np.abs(np.fft.irfft(cross, length)[:, : int(LONGEST_LAG * GRID) + 1]).max()

    others = np.array([largest(spectrum * np.exp(1j * phase)) for phase in phases])
    return float((1 + (others >= largest(spectrum)).sum()) / (1 + surrogates))


def courses(recording: xr.DataTree) -> tuple[np.ndarray, np.ndarray]:
    """Minus log power of rhythms, and HbO nearby (electrode, grid), of mean 0 and unit norm."""
    if len(streams(recording)) < 2:
        raise ParameterError(
            f"a Recording with {streams(recording)[0]} only", "EEG and fNIRS", "add the other"
        )
    eeg = usable_electrodes(stream_dataset(recording, "eeg"))
    nirs = stream_dataset(to_haemoglobin(recording), "nirs")
    nirs = usable_optodes(nirs, nirs.hbo.values)
    pairs = Pairs(eeg, nirs)
    return pairs.rhythms(eeg), pairs.blood(nirs)


def usable_electrodes(eeg: xr.Dataset) -> xr.Dataset:
    """The EEG channels of an `/eeg` node that are not bad and have only finite samples."""
    whole = np.isfinite(eeg.eeg).all("time").values
    return eeg.isel(channel=(eeg.ch_type.values == "eeg") & ~eeg.bad.values & whole)


def usable_optodes(nirs: xr.Dataset, hbo: np.ndarray) -> xr.Dataset:
    """The channels of an `/nirs` node that are not bad and whose HbO (channel, time) is finite."""
    nirs = nirs.drop_vars(list(nirs.data_vars)).assign(hbo=(("channel", "time"), hbo))
    return nirs.isel(channel=~nirs.bad.values & np.isfinite(hbo).all(-1))


class Pairs:
    """Electrodes with fNIRS channels nearby, and the time grid on which both are compared.

    Raises
    ------
    ParameterError
        If no electrode has fNIRS nearby, or both modalities overlap for too short.
    """

    def __init__(self, eeg: xr.Dataset, nirs: xr.Dataset) -> None:
        middle = (nirs.source_position.values + nirs.detector_position.values) / 2
        away = np.linalg.norm(eeg.position.values[:, None] - middle, axis=-1)
        near = (away < NEARBY).astype(float)
        self.electrodes: np.ndarray = near.any(1)
        self.near: np.ndarray = near[self.electrodes]
        start = max(eeg.time.values[0], nirs.time.values[0])
        end = min(eeg.time.values[-1], nirs.time.values[-1])
        if not self.electrodes.any() or end - start < 4 * LONGEST_LAG:
            raise ParameterError(
                f"{self.electrodes.sum()} electrodes with fNIRS within {1000 * NEARBY:g} mm, "
                f"{end - start:.0f} s in common",
                f"at least one, for {4 * LONGEST_LAG:g} s",
                "give positions, or a longer recording",
            )
        self.grid: np.ndarray = np.arange(start + 0.5, end - 0.5, 1 / GRID)

    def rhythms(self, eeg: xr.Dataset) -> np.ndarray:
        """Minus log power in 8-30 Hz (electrode, grid), of mean 0 and unit norm."""
        rate = float(eeg.attrs["rate"])
        energy = bandpass(eeg.eeg.values[self.electrodes], rate, *ALPHA_AND_BETA) ** 2
        energy = uniform_filter1d(energy, round(rate), axis=-1)
        # running means may end just below zero where there is no signal
        energy = np.maximum(energy, 1e-9 * energy.mean(-1, keepdims=True) + np.finfo(float).tiny)
        time = eeg.time.values
        return _ready(np.array([np.interp(self.grid, time, -np.log(row)) for row in energy]))

    def blood(self, nirs: xr.Dataset) -> np.ndarray:
        """Mean HbO of the channels near each electrode (electrode, grid), of mean 0, unit norm."""
        blood = self.near @ np.asarray(nirs.hbo.values, float) / self.near.sum(1, keepdims=True)
        time = nirs.time.values
        return _ready(np.array([np.interp(self.grid, time, row) for row in blood]))


def _ready(rows: np.ndarray) -> np.ndarray:
    """Slow part of rows, of mean 0 and unit norm; by whole Fourier terms.

    A recursive filter would ring alike at the ends of both modalities, which a test would take for
    coupling.
    """
    length = rows.shape[-1]
    spectrum = np.fft.rfft(detrend(rows))
    frequency = np.fft.rfftfreq(length, 1 / GRID)
    spectrum[:, (frequency < HAEMODYNAMIC[0]) | (frequency > HAEMODYNAMIC[1])] = 0
    slow = np.fft.irfft(spectrum, length)
    return slow / np.maximum(np.linalg.norm(slow, axis=-1, keepdims=True), 1e-30)
