"""Preservation of brain signals, against a known truth: what an analysis would find afterwards.

Spectra, evoked and haemodynamic responses, connectivity and neurovascular coupling. A method with
little error may still have removed an evoked response, and one with much error may have left it.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

import numpy as np
import xarray as xr

from neurofuse.fusion.metrics.analyses import EegAnalysis, NirsAnalysis
from neurofuse.fusion.metrics.evoked import find_events
from neurofuse.fusion.metrics.family import Family
from neurofuse.fusion.metrics.neurovascular import (
    Pairs,
    lagged_correlation,
    usable_electrodes,
    usable_optodes,
)
from neurofuse.fusion.metrics.samples import Samples
from neurofuse.fusion.signal.bands import EEG_BANDS
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
        `value` (modality, metric) with the coordinate `units` (metric). Where all is preserved,
        ratios are 1, shifts and distances 0. NaN where a metric is not defined (no events, no
        positions).

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
        `kept_coupling` [1]: change of the neurovascular coupling, the correlation of a fall of
        alpha and beta power with HbO 5 s later (`neurofuse.fusion.metrics.neurovascular`).

    Raises
    ------
    ParameterError
        If channels or times differ.

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

    units: ClassVar[Mapping[str, str]] = UNITS

    def __init__(self, truth: xr.DataTree | Samples, contaminated: xr.DataTree | Samples) -> None:
        super().__init__(contaminated)
        if not isinstance(truth, Samples):
            truth = Samples(truth, self.recording)
        self.truth: Samples = truth
        events = find_events(self.truth.recording)
        self._prepared: dict[str, EegAnalysis | NirsAnalysis] = {}
        for modality in self.truth.modalities:
            used = _used(self.recording, modality)
            if used.any():
                kind = EegAnalysis if modality == EEG.name else NirsAnalysis
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
            nirs = usable_optodes(samples.node(NIRS.name), samples.hbo())
            if not samples.unchanged(EEG.name):
                eeg = usable_electrodes(samples.node(EEG.name))
                pairs = Pairs(eeg, nirs)
                return lagged_correlation(pairs.rhythms(eeg), pairs.blood(nirs))
            pairs = Pairs(self._electrodes, nirs)
            key = pairs.electrodes.tobytes()
            if key not in self._rhythms:
                self._rhythms[key] = pairs.rhythms(self._electrodes)
            return lagged_correlation(self._rhythms[key], pairs.blood(nirs))
        except NeurofuseError:
            return np.nan

    @cached_property
    def _electrodes(self) -> xr.Dataset:
        """The recording's own, for the many methods that leave EEG unchanged."""
        return usable_electrodes(self.recording.node(EEG.name))


def _used(recording: Samples, modality: str) -> np.ndarray:
    """Channels (channel,) of the recording that are not bad and have only finite samples."""
    node = recording.node(modality)
    used = ~node.bad.values
    if modality == EEG.name:
        used = used & (node.ch_type.values == EEG.name)
    samples = node[MODALITIES[modality].variable(node)].transpose("channel", ...).values
    return used & np.isfinite(samples).reshape(len(samples), -1).all(-1)


def __getattr__(name: str) -> object:
    if name == "score_kept":
        renamed("score_kept", "score_preservation")
        return score_preservation
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
