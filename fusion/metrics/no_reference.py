"""No-reference metrics: how much smaller motion looks after cleaning, without a known truth.

They show that something shrank, never that it was artifact: quote them beside figures from
injected motion (`neurofuse.fusion.metrics.errors`), not instead of them.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import xarray as xr
from scipy.ndimage import binary_dilation, uniform_filter1d

from neurofuse.fusion.metrics.family import Family
from neurofuse.fusion.metrics.indicators import (
    Envelope,
    QuietPower,
    accelerometer_agreement,
    head_movement,
)
from neurofuse.fusion.metrics.samples import Samples
from neurofuse.fusion.signal.bands import HEAD_MOVEMENT, decibel, spectrum, windows
from neurofuse.fusion.signal.motion import above_usual, rms_in_motion_band
from neurofuse.io.deprecation import renamed
from neurofuse.io.modality import EEG, NIRS
from neurofuse.io.optics.gvtd import gvtd
from neurofuse.io.quality.scalp_coupling import scalp_coupling_index

QUIETEST = 1 / 3  # of a recording counts as quiet, so that it holds no small movement
SMOOTHED = {"eeg": 4.0, "nirs": 10.0}  # s over which amplitudes are averaged to find it
WINDOW = 2.0  # s
UNITS: Mapping[str, str] = {
    "noref_motion_ratio": "dB",
    "noref_quiet_change": "dB",
    "noref_gvtd_ratio": "1",
    "noref_sci": "1",
    "noref_alpha": "1",
    "noref_pulse": "1",
    "noref_accelerometer": "1",
}


def score_no_reference(recording: xr.DataTree, cleaned: xr.DataTree) -> xr.Dataset:
    """How much smaller motion looks after cleaning, without a truth to compare with.

    Motion is detected in the uncorrected recording only, so that all methods are judged on the
    same samples: above the median + 6 robust standard deviations. Quiet is the third of the
    recording with the lowest amplitude (EEG: RMS over 1 s, median channel; fNIRS: global variance
    of temporal derivatives, GVTD, Sherafati et al. 2020, Hum Brain Mapp 41:4093) outside motion: a
    participant who moves most of the time has a median that is in motion, too.

    Parameters
    ----------
    recording, cleaned : Recording
        Uncorrected and cleaned, with the same channels (in any order) and times. Channels that are
        bad in `recording`, or have samples there that are not finite, are left out.

    Returns
    -------
    Dataset
        `value` (modality, metric) with the coordinate `units` (metric). NaN where there is no
        motion, no quiet part, or nothing left:

        - `noref_motion_ratio` [dB], EEG: power in 0.5-8 Hz in windows of 2 s with motion relative
          to quiet ones, median over channels;
        - `noref_quiet_change` [dB]: energy of the change in quiet samples relative to the energy
          there, for fNIRS of sample-to-sample changes (−inf: unchanged);
        - `noref_gvtd_ratio` [1], fNIRS: 95th percentile over median of GVTD, which also rises
          where quiet parts are smoothed;
        - `noref_sci` [1], fNIRS: mean scalp coupling index (Pollonini et al. 2014, Hear Res
          309:84);
        - `noref_alpha` [1], EEG: power in 8-13 Hz of quiet windows after over before;
          `noref_pulse` [1], fNIRS: the same of the pulse's line;
        - `noref_accelerometer` [1]: rank correlation of what was removed with how much the head
          moved, where `/aux` holds an accelerometer.

    Raises
    ------
    ParameterError
        If channels or times differ.

    Examples
    --------
    >>> import neurofuse as nf
    >>> recording = nf.simulate(duration=60, seed=0, nirs_montage=None)[1]
    >>> table = score_no_reference(recording, recording)
    >>> float(table.value.loc["eeg", "noref_quiet_change"])
    -inf
    """
    return NoReferenceScorer(recording).score(cleaned)


class NoReferenceScorer(Family):
    """Scores any number of cleaned versions of one recording without a truth.

    Parameters
    ----------
    recording : Recording
        The uncorrected one, in which motion and quiet parts are detected once.

    Examples
    --------
    >>> import neurofuse as nf
    >>> recording = nf.simulate(duration=60, seed=0, nirs_montage=None)[1]
    >>> scorer = NoReferenceScorer(recording)
    >>> float(scorer.score(recording).value.loc["eeg", "noref_alpha"])
    1.0
    """

    units: ClassVar[Mapping[str, str]] = UNITS

    def __init__(self, recording: xr.DataTree | Samples) -> None:
        super().__init__(recording)
        movement = head_movement(self.recording.recording)
        self._prepared: dict[str, _EegIndicators | _NirsIndicators] = {}
        for modality in self.recording.modalities:
            kind = _EegIndicators if modality == EEG.name else _NirsIndicators
            used = self._used(modality)
            if used.any():
                self._prepared[modality] = kind(self.recording, used, movement)

    def _used(self, modality: str) -> np.ndarray:
        """Channels (channel,) that are not bad and have only finite samples."""
        node, samples = self.recording.node(modality), self.recording.array(modality)
        used = ~node.bad.values & np.isfinite(samples).reshape(len(samples), -1).all(-1)
        return used & (node.ch_type.values == EEG.name) if modality == EEG.name else used

    def figures(self, modality: str, cleaned: Samples) -> dict[str, float]:
        prepared = self._prepared.get(modality)
        return {} if prepared is None else prepared.figures(cleaned)


class _EegIndicators:
    def __init__(self, recording: Samples, used: np.ndarray, movement: Envelope | None) -> None:
        node = recording.node(EEG.name)
        self.used, self.movement = used, movement
        self.rate, self.time = float(node.attrs["rate"]), node.time.values
        self.before = recording.array(EEG.name)[used]
        amplitude = rms_in_motion_band(self.before, self.rate)
        motion = np.asarray(above_usual(amplitude).any(0))
        usual = np.median(amplitude, axis=-1, keepdims=True) + 1e-300
        relative = np.median(amplitude / usual, axis=0)
        self.quiet = _quietest(relative, SMOOTHED["eeg"] * self.rate) & ~motion
        self.moving_windows = np.any(windows(motion, self.rate, WINDOW), axis=-1)
        self.quiet_windows = np.all(windows(self.quiet, self.rate, WINDOW), axis=-1)
        self.alpha = QuietPower.of_alpha(self.before, self.rate, self.quiet)

    def figures(self, cleaned: Samples) -> dict[str, float]:
        after = cleaned.array(EEG.name)[self.used]
        ratios = []
        for series in after:
            frequency, loud = spectrum(series, self.rate, WINDOW, self.moving_windows)
            rest = spectrum(series, self.rate, WINDOW, self.quiet_windows)[1]
            band = (frequency >= HEAD_MOVEMENT[0]) & (frequency <= HEAD_MOVEMENT[1])
            ratios.append(decibel(loud[band].sum(), rest[band].sum()))
        return {
            "noref_motion_ratio": float(np.median(ratios)),
            "noref_quiet_change": _change(after, self.before, self.quiet),
            "noref_alpha": self.alpha.ratio(after),
            "noref_accelerometer": accelerometer_agreement(
                self.movement, self.before - after, self.time
            ),
        }


class _NirsIndicators:
    def __init__(self, recording: Samples, used: np.ndarray, movement: Envelope | None) -> None:
        node = recording.node(NIRS.name)
        self.used, self.movement = used, movement
        self.rate, self.time = float(node.attrs["rate"]), node.time.values
        self.before = self._rows(recording)
        course = gvtd(self.before, self.rate)
        motion = binary_dilation(above_usual(course), iterations=max(1, round(self.rate)))
        quiet = _quietest(course, SMOOTHED["nirs"] * self.rate)
        self.quiet = quiet & np.logical_not(motion)
        self.quiet_steps = np.logical_and(self.quiet[1:], self.quiet[:-1])
        self.rounding = 1e-6 * np.median(course)
        self.pulse = QuietPower.of_pulse(self.before, self.rate, self.quiet)
        self.template = node.drop_vars(list(node.data_vars)).isel(channel=used)

    def _rows(self, samples: Samples) -> np.ndarray:
        array = samples.array(NIRS.name)
        return array[self.used].reshape(-1, array.shape[-1])

    def figures(self, cleaned: Samples) -> dict[str, float]:
        after = self._rows(cleaned)
        course = gvtd(after, self.rate)
        usual = np.median(course)
        if usual < self.rounding:  # nothing is left
            usual = 0.0
        return {
            "noref_gvtd_ratio": float(np.percentile(course, 95) / usual) if usual else np.nan,
            "noref_quiet_change": _change(np.diff(after), np.diff(self.before), self.quiet_steps),
            "noref_sci": self._scalp_coupling(cleaned),
            "noref_pulse": self.pulse.ratio(after),
            "noref_accelerometer": accelerometer_agreement(
                self.movement, np.diff(self.before - after), self.time[1:]
            ),
        }

    def _scalp_coupling(self, cleaned: Samples) -> float:
        """Mean scalp coupling index of the channels of which it is known."""
        node = self.template.assign(od=(NIRS.dims, cleaned.array(NIRS.name)[self.used]))
        index = scalp_coupling_index(node)
        return float(np.nanmean(index)) if np.isfinite(index).any() else np.nan


def _change(after: np.ndarray, before: np.ndarray, mask: np.ndarray) -> float:
    """Energy [dB] of the change relative to the energy before, without constants, in the mask."""
    if not mask.any():
        return np.nan
    change, unchanged = (after - before)[:, mask], before[:, mask]
    change = change - change.mean(-1, keepdims=True)
    return decibel((change**2).sum(), ((unchanged - unchanged.mean(-1, keepdims=True)) ** 2).sum())


def _quietest(amplitude: np.ndarray, length: float) -> np.ndarray:
    """The third of samples whose amplitude, averaged over `length` samples, is lowest."""
    smooth = uniform_filter1d(amplitude, max(1, min(round(length), amplitude.size)))
    return smooth <= np.quantile(smooth, QUIETEST)


def __getattr__(name: str) -> object:
    if name == "score_blind":
        renamed("score_blind", "score_no_reference")
        return score_no_reference
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
