"""Analyses of brain signals in one modality, and how those of a cleaned recording differ."""

import numpy as np
from scipy.signal import welch

from neurofuse.fusion.metrics.connectivity import coherence, correlation_matrix, distance
from neurofuse.fusion.metrics.evoked import (
    ERP_SPAN,
    HRF_SPAN,
    Events,
    average,
    canonical_design,
    canonical_size,
    response,
)
from neurofuse.fusion.metrics.samples import Samples
from neurofuse.fusion.signal.bands import ALPHA_PEAK, EEG_BANDS, HAEMODYNAMIC, bandpass
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.modality import EEG, NIRS

WINDOW = 2.0  # s, of spectra


class EegAnalysis:
    """Spectra, coherence and ERP of the truth, and how those of a cleaned recording differ."""

    def __init__(self, truth: Samples, used: np.ndarray, events: Events) -> None:
        node = truth.node(EEG.name)
        self.used: np.ndarray = used
        self.onsets: np.ndarray | None = events.get("erp")
        self.rate: float = float(node.attrs["rate"])
        self.time: np.ndarray = node.time.values
        self.size: int = min(self.time.size, round(WINDOW * self.rate))
        self.frequency: np.ndarray
        self.wanted: tuple[np.ndarray, np.ndarray, np.ndarray | None] = self._analyse(truth)

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
            figures["kept_alpha_peak"] = peaks[1] - peaks[0]
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
        return float(self.frequency[around][weighted[around].argmax()])


class NirsAnalysis:
    """HbO of the truth and its responses, and how those of a cleaned recording differ."""

    def __init__(self, truth: Samples, used: np.ndarray, events: Events) -> None:
        node = truth.node(NIRS.name)
        self.used: np.ndarray = used
        self.onsets: np.ndarray | None = events.get("hrf")
        self.rate: float = float(node.attrs["rate"])
        self.time: np.ndarray = node.time.values
        self.finite: np.ndarray = np.zeros(int(used.sum()), bool)
        try:
            hbo = truth.hbo()[used]
        except NeurofuseError:  # distances or wavelengths do not allow it
            return
        self.finite = np.asarray(np.isfinite(hbo).all(-1))
        self.truth: np.ndarray = np.full(hbo.shape, np.nan)
        self.truth[self.finite] = self._slow(hbo[self.finite])
        if self.onsets is not None:
            self.design: np.ndarray = canonical_design(self.time, self.onsets)

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
