"""Preservation of brain signals, against a known truth: what an analysis would find afterwards.

Spectra, evoked and haemodynamic responses, connectivity and neurovascular coupling. A method with
little error may still have removed an evoked response, and one with much error may have left it.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from scipy.signal import welch

from neurofuse.fusion.metrics.connectivity import coherence, correlation_matrix, distance
from neurofuse.fusion.metrics.evoked import (
    ERP_SPAN,
    HRF_SPAN,
    average,
    canonical_design,
    canonical_size,
    find_events,
    response,
)
from neurofuse.fusion.metrics.family import Family
from neurofuse.fusion.metrics.neurovascular import (
    Pairs,
    lagged_correlation,
    usable_electrodes,
    usable_optodes,
)
from neurofuse.fusion.metrics.samples import Samples
from neurofuse.fusion.signal.bands import ALPHA_PEAK, EEG_BANDS, HAEMODYNAMIC, bandpass
from neurofuse.io.deprecation import renamed
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.modality import EEG, MODALITIES, NIRS

UNITS: Mapping[str, str] = {
    **{f"kept_{band}": "1" for band in EEG_BANDS},
    "kept_alpha_peak": "Hz",
    "kept_erp_amplitude": "1",
    "kept_erp_latency": "s",
    "kept_erp_correlation": "1",
    "kept_hrf_amplitude": "1",
    "kept_hrf_peak_time": "s",
    "kept_hrf_area": "1",
    "kept_glm_beta": "1",
    "kept_connectivity": "1",
    "kept_coupling": "1",
}
WINDOW = 2.0  # s, of spectra


def score_preservation(
    truth: xr.DataTree, contaminated: xr.DataTree, cleaned: xr.DataTree
) -> xr.Dataset:
    """What an analysis of the cleaned recording finds, over what it finds in the truth.

    Parameters
    ----------
    truth, contaminated, cleaned : Recording
        Same channels (in any order) and times; channels bad in `contaminated` are left out. Events
        are those of `truth`: the most frequent description with at least 10 of them for ERPs, and
        one with at least 4, at least 8 s apart (median), for haemodynamic responses.

    Returns
    -------
    Dataset
        `value` (modality, metric) with the coordinate `units` (metric). Ratios are 1, shifts and
        distances 0 where all is kept. NaN where it cannot be told (no events, no positions).

        EEG, of the whole recording:

        - `kept_delta`, `kept_theta`, `kept_alpha`, `kept_beta` [1]: power in 1-4, 4-8, 8-13 and
          13-30 Hz over the truth's, median over channels;
        - `kept_alpha_peak` [Hz]: shift of the largest line in 7-14 Hz of the mean spectrum;
        - `kept_erp_amplitude` [1], `kept_erp_latency` [s], `kept_erp_correlation` [1]: of the
          average over events, in the channel in which the truth's is largest.

        fNIRS (HbO, 0.01-0.2 Hz), in the channel in which the truth's response is largest:

        - `kept_hrf_amplitude` [1], `kept_hrf_peak_time` [s], `kept_hrf_area` [1]: of the average
          over events; `kept_glm_beta` [1]: of the canonical response in a regression beside slow
          cosines.

        Both: `kept_connectivity` [1], mean absolute difference of the matrices between channels
        (EEG: coherence in 8-13 Hz; fNIRS: correlation of HbO) over their mean in the truth;
        `kept_coupling` [1]: change of the correlation between rhythms' fall and HbO 5 s later
        (`neurofuse.fusion.metrics.neurovascular`).

    Examples
    --------
    >>> import neurofuse as nf
    >>> truth, contaminated = nf.simulate(duration=60, seed=0)
    >>> preserved = score_preservation(truth, contaminated, truth)
    >>> float(preserved.value.sel(modality="eeg", metric="kept_alpha"))
    1.0
    """
    return PreservationScorer(truth, contaminated).score(cleaned)


class PreservationScorer(Family):
    """Compares what is preserved in any number of cleaned versions of one recording.

    The truth is analysed once; every `score` then costs the analysis of the cleaned recording.

    Parameters
    ----------
    truth, contaminated : Recording
        As of `score_preservation`.

    Raises
    ------
    ParameterError
        If channels or times differ.

    Examples
    --------
    >>> import neurofuse as nf
    >>> truth, contaminated = nf.simulate(duration=60, seed=0, nirs_montage=None)
    >>> scorer = PreservationScorer(truth, contaminated)
    >>> float(scorer.score(truth).value.sel(modality="eeg", metric="kept_alpha"))
    1.0
    """

    units = UNITS

    def __init__(self, truth: xr.DataTree | Samples, contaminated: xr.DataTree | Samples) -> None:
        super().__init__(contaminated)
        self.truth = truth if isinstance(truth, Samples) else Samples(truth, self.recording)
        events = find_events(self.truth.recording)
        self._prepared: dict[str, _EegAnalysis | _NirsAnalysis] = {}
        for modality in self.truth.modalities:
            used = _used(self.recording, modality)
            if used.any():
                kind = _EegAnalysis if modality == EEG.name else _NirsAnalysis
                self._prepared[modality] = kind(self.truth, used, events)
        self._rhythms: dict[bytes, np.ndarray] = {}
        self._coupling_of_truth = self._coupling(self.truth)

    def figures(self, modality: str, cleaned: Samples) -> dict[str, float]:
        prepared = self._prepared.get(modality)
        return {} if prepared is None else prepared.figures(cleaned)

    def rows(self, cleaned: Samples) -> dict[str, dict[str, float]]:
        rows = super().rows(cleaned)
        change = self._coupling(cleaned) - self._coupling_of_truth
        for modality in self._prepared.keys() & rows.keys():
            rows[modality]["kept_coupling"] = change
        return rows

    def _coupling(self, samples: Samples) -> float:
        """Neurovascular coupling; NaN where a modality or positions are lacking."""
        if len(samples.modalities) < len(MODALITIES):
            return np.nan
        try:
            eeg = usable_electrodes(samples.node(EEG.name))
            nirs = usable_optodes(samples.node(NIRS.name), samples.hbo())
            pairs = Pairs(eeg, nirs)
            if samples.unchanged(EEG.name):  # most methods treat fNIRS only or EEG only
                key = pairs.electrodes.tobytes()
                if key not in self._rhythms:
                    self._rhythms[key] = pairs.rhythms(eeg)
                rhythms = self._rhythms[key]
            else:
                rhythms = pairs.rhythms(eeg)
            return lagged_correlation(rhythms, pairs.blood(nirs))
        except NeurofuseError:
            return np.nan


def _used(recording: Samples, modality: str) -> np.ndarray:
    """Channels (channel,) of the recording that are not bad and have only finite samples."""
    node = recording.node(modality)
    used = ~node.bad.values
    if modality == EEG.name:
        used = used & (node.ch_type.values == EEG.name)
    values = node[MODALITIES[modality].variable(node)]
    return used & np.isfinite(values).all([d for d in values.dims if d != "channel"]).values


class _EegAnalysis:
    """Spectra, coherence and ERP of the truth, and how those of a cleaned recording differ."""

    def __init__(self, truth: Samples, used: np.ndarray, events: dict[str, np.ndarray]) -> None:
        node = truth.node(EEG.name)
        self.used, self.onsets = used, events.get("erp")
        self.rate, self.time = float(node.attrs["rate"]), node.time.values
        self.size = min(self.time.size, round(WINDOW * self.rate))
        self.wanted = self._analyse(truth)

    def _analyse(self, samples: Samples) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        data = samples.array(EEG.name)[self.used]
        self.frequency, spectra = welch(data, self.rate, nperseg=self.size)
        evoked = None
        if self.onsets is not None:
            evoked = average(data, self.time, self.rate, self.onsets, ERP_SPAN)
        return spectra, coherence(data, self.rate, self.size), evoked

    def figures(self, cleaned: Samples) -> dict[str, float]:
        (wanted, true_coherence, true_evoked) = self.wanted
        got, own_coherence, evoked = self._analyse(cleaned)
        figures = {}
        for band, (low, high) in EEG_BANDS.items():
            inside = (self.frequency >= low) & (self.frequency < high)
            figures[f"kept_{band}"] = _median_ratio(
                got[:, inside].sum(-1), wanted[:, inside].sum(-1)
            )
        around = (self.frequency >= ALPHA_PEAK[0]) & (self.frequency <= ALPHA_PEAK[1])
        if around.any():
            peaks = [self._peak(spectra, around) for spectra in (wanted, got)]
            figures["kept_alpha_peak"] = float(peaks[1] - peaks[0])
        figures["kept_connectivity"] = distance(true_coherence, own_coherence)
        if true_evoked is not None and evoked is not None:
            amplitude, shift, _, correlation = response(
                [true_evoked, evoked], self.rate, ERP_SPAN, "erp"
            )
            figures |= {"kept_erp_amplitude": amplitude, "kept_erp_latency": shift}
            figures["kept_erp_correlation"] = correlation
        return figures

    def _peak(self, spectra: np.ndarray, around: np.ndarray) -> float:
        """Frequency [Hz] of the largest line; each channel counts alike, 1/f is taken off."""
        weighted = (spectra / spectra.sum(-1, keepdims=True).clip(1e-300)).mean(0) * self.frequency
        return self.frequency[around][weighted[around].argmax()]


class _NirsAnalysis:
    """HbO of the truth and its responses, and how those of a cleaned recording differ."""

    def __init__(self, truth: Samples, used: np.ndarray, events: dict[str, np.ndarray]) -> None:
        node = truth.node(NIRS.name)
        self.used, self.onsets = used, events.get("hrf")
        self.rate, self.time = float(node.attrs["rate"]), node.time.values
        try:
            hbo = truth.hbo()[used]
        except NeurofuseError:  # distances or wavelengths do not allow it
            self.finite = np.zeros(int(used.sum()), bool)
            return
        self.finite = np.isfinite(hbo).all(-1)
        self.truth = np.full(hbo.shape, np.nan)
        self.truth[self.finite] = self._slow(hbo[self.finite])
        if self.onsets is not None:
            self.design = canonical_design(self.time, self.onsets)

    def _slow(self, hbo: np.ndarray) -> np.ndarray:
        return bandpass(hbo, self.rate, *HAEMODYNAMIC) if len(hbo) else hbo

    def figures(self, cleaned: Samples) -> dict[str, float]:
        if not self.finite.any():
            return {}
        hbo = cleaned.hbo()[self.used]
        finite = self.finite & np.isfinite(hbo).all(-1)
        if not finite.any():
            return {}
        pair = [self.truth[finite], self._slow(hbo[finite])]
        figures = {"kept_connectivity": distance(*(correlation_matrix(x) for x in pair))}
        if self.onsets is not None:
            wanted, got = (canonical_size(x, self.design) for x in pair)
            best = np.abs(wanted).argmax()
            figures["kept_glm_beta"] = float(got[best] / wanted[best]) if wanted[best] else np.nan
            averages = [
                average(x[best : best + 1], self.time, self.rate, self.onsets, HRF_SPAN)
                for x in pair
            ]
            amplitude, shift, area, _ = response(averages, self.rate, HRF_SPAN, "hrf")
            figures |= {"kept_hrf_amplitude": amplitude, "kept_hrf_peak_time": shift}
            figures["kept_hrf_area"] = area
        return figures


def _median_ratio(got: np.ndarray, wanted: np.ndarray) -> float:
    known = wanted > 0
    return float(np.median(got[known] / wanted[known])) if known.any() else np.nan


def __getattr__(name: str) -> object:
    if name == "score_kept":
        renamed("score_kept", "score_preservation")
        return score_preservation
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
