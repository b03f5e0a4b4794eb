"""Metrics against a known truth: what is left of movement, and what was done to the rest.

Every figure is worth as much as the rows beside it: an output of zeros has `error` 0 dB by
construction, so a cleaner above 0 dB is worse than silence, whatever its SNR gain.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from scipy.ndimage import binary_dilation

from neurofuse.fusion.metrics.family import Family
from neurofuse.fusion.metrics.in_motion import InMotion
from neurofuse.fusion.metrics.samples import Samples
from neurofuse.fusion.signal.bands import (
    ALPHA,
    NIRS_ERROR,
    Band,
    bandpass,
    decibel,
    spectrum,
    windows,
)
from neurofuse.io.errors import SchemaError
from neurofuse.io.modality import EEG

UNITS: Mapping[str, str] = {
    "error_db": "dB",
    "error_db_median": "dB",
    "residual": "1",
    "rrmse_time": "1",
    "rrmse_spectrum": "1",
    "correlation": "1",
    "snr_before": "dB",
    "snr_after": "dB",
    "snr_change": "dB",
    "eta": "%",
    "clean_change_db": "dB",
    "alpha_ratio_motion": "1",
    "alpha_ratio_quiet": "1",
    "error_db_unfiltered": "dB",
}
NIRS_GUARD = 2.0  # s around motion in which fNIRS errors count
WINDOW = {"eeg": 2.0, "nirs": 20.0}  # s; of spectra


def score(
    truth: xr.DataTree,
    contaminated: xr.DataTree,
    cleaned: xr.DataTree,
    *,
    eeg_band: Band | None = None,
    nirs_band: Band | None = NIRS_ERROR,
) -> xr.Dataset:
    """Score a cleaned recording against the truth.

    Channels that are bad in `contaminated`, EEG channels of another `ch_type`, and channels with
    samples that are not finite in `truth` or `contaminated` are left out. Constants are removed
    per channel. EEG is compared as it is unless `eeg_band` is given. fNIRS is compared in optical
    density within `nirs_band`, in motion widened by 2 s.

    Parameters
    ----------
    truth, contaminated, cleaned : Recording
        Same channels (in any order) and times; `contaminated` holds `motion` (channel, time).
    eeg_band, nirs_band : pair of float, or None
        Edges [Hz] of a zero-phase band-pass applied to all three before errors are taken.

    Returns
    -------
    Dataset
        `value` (modality, metric) with the coordinate `units` (metric); a modality that not all
        three hold has no row. In motion, with e = cleaned − truth:

        - `error_db` [dB]: Σe² over Σtruth², all channels pooled (zeros: 0); `error_db_median`:
          its median over channels;
        - `residual` [1]: Σe² over that of the untouched recording (untouched: 1);
        - `rrmse_time`, `rrmse_spectrum` [1]: RMS(e)/RMS(truth), and the same of power spectra
          (Zhang et al. 2021, EEGdenoiseNet), mean over channels;
        - `correlation` [1]: Pearson's, mean over channels (NaN for a constant output);
        - `snr_before`, `snr_after`, `snr_change` [dB]: var(truth)/var(e) of the untouched recording
          and of the cleaned one, and the gain (Sweeney et al. 2012), medians over channels. Zeros
          gain as much as the recording was bad: look at `snr_after` too;
        - `eta` [%]: share of the correlation that was lacking which came back (ibid., with 1 for
          clean recordings), 100 (1 − (1 − R after)/(1 − R before)), median over channels;
          constants have R = 0;
        - `alpha_ratio_motion` [1]: power in 8-13 Hz over that of the truth, median over EEG
          channels; `alpha_ratio_quiet`: the same outside motion;
        - `error_db_unfiltered` [dB]: `error_db` of fNIRS without the band-pass.

        Outside motion: `clean_change_db` [dB], energy of cleaned − contaminated over that of
        the truth; for fNIRS of sample-to-sample changes, since a corrected shift rightly moves
        the level of what follows. −inf where nothing was touched.

        Without any motion the figures in motion are NaN and the others cover all samples.

    Raises
    ------
    ParameterError
        If channels or times differ.
    SchemaError
        If `contaminated` does not say where motion is.

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> rng = np.random.default_rng(0)
    >>> brain, artifact = rng.standard_normal((2, 2, 1000)) * 1e-5
    >>> truth = build(eeg_dataset(brain, 250.0, ["C3", "C4"]))
    >>> node = eeg_dataset(brain + artifact, 250.0, ["C3", "C4"])
    >>> node["motion"] = ("channel", "time"), np.ones((2, 1000), bool)
    >>> table = score(truth, build(node), truth)
    >>> table.value.sel(modality="eeg", metric="correlation").round(6).item()
    1.0
    """
    return ErrorScorer(truth, contaminated, eeg_band=eeg_band, nirs_band=nirs_band).score(cleaned)


class ErrorScorer(Family):
    """Scores any number of cleaned versions of one recording against its truth.

    Truth and contaminated recording are prepared once; every `score` then costs the cleaned
    recording only.

    Parameters
    ----------
    truth, contaminated : Recording
        Same channels (in any order) and times; `contaminated` holds `motion` (channel, time).
    eeg_band, nirs_band : pair of float, or None
        As of `score`.

    Raises
    ------
    ParameterError
        If channels or times differ.
    SchemaError
        If `contaminated` does not say where motion is.

    Examples
    --------
    >>> import neurofuse as nf
    >>> truth, contaminated = nf.simulate(duration=20, seed=2, nirs_montage=None)
    >>> scorer = ErrorScorer(truth, contaminated)
    >>> [float(scorer.score(x).value.loc["eeg", "residual"]) for x in (contaminated, truth)]
    [1.0, 0.0]
    """

    units = UNITS

    def __init__(
        self,
        truth: xr.DataTree | Samples,
        contaminated: xr.DataTree | Samples,
        *,
        eeg_band: Band | None = None,
        nirs_band: Band | None = NIRS_ERROR,
    ) -> None:
        super().__init__(contaminated)
        if not isinstance(truth, Samples):
            truth = Samples(truth, self.recording)
        if not any("motion" in self.recording.node(m) for m in truth.modalities):
            raise SchemaError(
                "a contaminated recording without `motion`",
                "a mask `motion` (channel, time) in /eeg or /nirs",
                "make it with neurofuse.inject or simulate, or add the mask to the node",
            )
        self._prepared: dict[str, _EegErrors | _NirsErrors] = {}
        for modality in truth.modalities:
            kind, band = (
                (_EegErrors, eeg_band) if modality == EEG.name else (_NirsErrors, nirs_band)
            )
            self._prepared[modality] = kind(truth, self.recording, modality, band)

    def figures(self, modality: str, cleaned: Samples) -> dict[str, float]:
        prepared = self._prepared.get(modality)
        return {} if prepared is None else prepared.figures(cleaned)


class _Errors:
    """Truth and contaminated samples of a modality as rows (row, time), and where motion is."""

    def __init__(self, truth: Samples, contaminated: Samples, modality: str) -> None:
        node = contaminated.node(modality)
        used = ~node.bad.values
        if modality == EEG.name:
            used = used & (node.ch_type.values == EEG.name)
        self.modality, self.rate = modality, float(node.attrs["rate"])
        self.channels = np.flatnonzero(used)
        samples = node.sizes["time"]
        self.finite: np.ndarray | slice = slice(None)
        pair = [self.rows(s) for s in (truth, contaminated)]
        self.finite = np.isfinite(pair[0]).all(-1) & np.isfinite(pair[1]).all(-1)
        self.truth, self.contaminated = (rows[self.finite] for rows in pair)
        if "motion" in node:
            motion = node.motion.transpose("channel", "time").values[used].astype(bool)
        else:
            motion = np.zeros((self.channels.size, samples), bool)
        motion = np.repeat(motion, len(pair[0]) // max(1, self.channels.size), axis=0)
        self.motion = motion[self.finite]

    def rows(self, samples: Samples) -> np.ndarray:
        """The samples (row, time) that are scored; fNIRS has a row for each wavelength."""
        array = samples.array(self.modality)
        return array[self.channels].reshape(-1, array.shape[-1])[self.finite]


class _EegErrors(_Errors):
    def __init__(
        self, truth: Samples, contaminated: Samples, modality: str, band: Band | None
    ) -> None:
        super().__init__(truth, contaminated, modality)
        if not len(self.truth):
            return
        self.band = band
        seconds = WINDOW[modality]
        wanted, before = (self._compared(x) for x in (self.truth, self.contaminated))
        self.in_motion = InMotion(wanted, before, self.motion, self.rate, seconds)
        self.quiet_energy = _energy(self.truth, ~self.motion)
        frequency = np.fft.rfftfreq(windows(wanted[0], self.rate, seconds).shape[-1], 1 / self.rate)
        self.alpha = (frequency >= ALPHA[0]) & (frequency <= ALPHA[1])
        self.quiet_windows = [
            ~np.any(windows(mask, self.rate, seconds), axis=-1) for mask in self.motion
        ]
        self.quiet_spectra = self._quiet(wanted)

    def figures(self, cleaned: Samples) -> dict[str, float]:
        if not len(self.truth):
            return {}
        rows = self.rows(cleaned)
        series = self._compared(rows)
        spectra = self.in_motion.spectra(series)
        wanted = [stretch.spectrum for stretch in self.in_motion.stretches]
        change = _energy(rows - self.contaminated, ~self.motion)
        return {
            **self.in_motion.figures(series, spectra),
            "clean_change_db": decibel(change, self.quiet_energy),
            "alpha_ratio_motion": self._alpha_ratio(wanted, spectra),
            "alpha_ratio_quiet": self._alpha_ratio(self.quiet_spectra, self._quiet(series)),
        }

    def _compared(self, rows: np.ndarray) -> np.ndarray:
        rows = _centred(rows)
        return rows if self.band is None else bandpass(rows, self.rate, *self.band)

    def _quiet(self, series: np.ndarray) -> list[np.ndarray]:
        pairs = zip(series, self.quiet_windows, strict=True)
        return [spectrum(row, self.rate, WINDOW["eeg"], chosen)[1] for row, chosen in pairs]

    def _alpha_ratio(self, wanted: list[np.ndarray], got: list[np.ndarray]) -> float:
        """Median over channels of alpha power over that of the truth."""
        powers = ([density[self.alpha].sum() for density in one] for one in (wanted, got))
        # NaN where a channel has no window
        ratios = [after / true for true, after in zip(*powers, strict=True) if true > 0]
        return float(np.median(ratios)) if ratios else np.nan


class _NirsErrors(_Errors):
    def __init__(
        self, truth: Samples, contaminated: Samples, modality: str, band: Band | None
    ) -> None:
        super().__init__(truth, contaminated, modality)
        if not len(self.truth):
            return
        self.band = band
        near = self.motion
        if near.any():
            guard = np.ones((1, 2 * round(NIRS_GUARD * self.rate) + 1), bool)
            near = binary_dilation(near, structure=guard)
        centred = [_centred(x) for x in (self.truth, self.contaminated)]
        seconds = WINDOW[modality]
        self.unfiltered = InMotion(*centred, near, self.rate, seconds)
        self.in_motion = InMotion(*map(self._filtered, centred), near, self.rate, seconds)
        self.steps = np.diff(self.contaminated)
        self.quiet = ~(self.motion[:, 1:] | self.motion[:, :-1])
        self.quiet_energy = _energy(np.diff(self.truth), self.quiet)

    def figures(self, cleaned: Samples) -> dict[str, float]:
        if not len(self.truth):
            return {}
        rows = self.rows(cleaned)
        centred = _centred(rows)
        series = self._filtered(centred)
        change = _energy(np.diff(rows) - self.steps, self.quiet)
        return {
            **self.in_motion.figures(series, self.in_motion.spectra(series)),
            "clean_change_db": decibel(change, self.quiet_energy),
            "error_db_unfiltered": self.unfiltered.error_db(centred),
        }

    def _filtered(self, rows: np.ndarray) -> np.ndarray:
        return rows if self.band is None else bandpass(rows, self.rate, *self.band)


def _centred(data: np.ndarray) -> np.ndarray:
    return data - data.mean(-1, keepdims=True)


def _energy(data: np.ndarray, mask: np.ndarray) -> float:
    """Energy without constants of series (row, time) within the mask."""
    parts = (series[inside] for series, inside in zip(data, mask, strict=True))
    return float(sum(((part - part.mean()) ** 2).sum() for part in parts if part.size))
