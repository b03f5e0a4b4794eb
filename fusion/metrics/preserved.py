"""What is kept of brain signals, against a known truth: spectra, ERP, HRF, connectivity, coupling.

A cleaner with little error may still have taken an evoked response away, and one with much error
may have left it: these figures say what an analysis would find afterwards.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from scipy.signal import welch

from neurofuse.fusion.metrics.connectivity import coherence, correlation_matrix, distance
from neurofuse.fusion.metrics.evoked import (
    ERP_SPAN,
    HRF_SPAN,
    Events,
    average,
    canonical_size,
    find_events,
    response,
)
from neurofuse.fusion.metrics.neurovascular import coupling
from neurofuse.fusion.signal.bands import bandpass
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.optics.conversion import to_haemoglobin
from neurofuse.io.recording import stream_dataset, streams

BANDS = {"delta": (1.0, 4.0), "theta": (4.0, 8.0), "alpha": (8.0, 13.0), "beta": (13.0, 30.0)}
UNITS: Mapping[str, str] = {
    **{f"kept_{band}": "1" for band in BANDS},
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
HRF_BAND = (0.01, 0.2)  # Hz


def score_kept(truth: xr.DataTree, contaminated: xr.DataTree, cleaned: xr.DataTree) -> xr.Dataset:
    """What an analysis of the cleaned recording finds, over what it finds in the truth.

    Parameters
    ----------
    truth, contaminated, cleaned : Recording
        As in `neurofuse.fusion.metrics.errors.score`; channels bad in `contaminated` are left out. Events
        are those of `truth`: the most frequent description with at least 10 of them for ERPs, and
        one with at least 4, at least 8 s apart (median), for responses of the blood.

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
    >>> kept = score_kept(truth, contaminated, truth)
    >>> float(kept.value.sel(modality="eeg", metric="kept_alpha"))
    1.0
    """
    rows = [s for s in streams(contaminated) if s in streams(truth) and s in streams(cleaned)]
    value = np.full((len(rows), len(UNITS)), np.nan)
    events = find_events(truth)
    joint = _coupling_change(truth, cleaned) if len(rows) == 2 else np.nan
    for row, stream in enumerate(rows):
        used = _used(contaminated, stream)
        if used.size:
            figures = (_eeg if stream == "eeg" else _nirs)(truth, cleaned, used, events)
            figures["kept_coupling"] = joint
            value[row] = [figures.get(metric, np.nan) for metric in UNITS]
    return xr.Dataset(
        {"value": (("modality", "metric"), value)},
        coords={
            "modality": rows,
            "metric": list(UNITS),
            "units": ("metric", list(UNITS.values())),
        },
    )


def _used(recording: xr.DataTree, stream: str) -> np.ndarray:
    node = stream_dataset(recording, stream)
    used = ~node.bad.values
    if stream == "eeg":
        used = used & (node.ch_type.values == "eeg")
    variable = next(name for name in ("eeg", "od", "intensity") if name in node)
    dims = [d for d in node[variable].dims if d != "channel"]
    return node.channel.values[used & np.isfinite(node[variable]).all(dims).values]


def _eeg(
    truth: xr.DataTree, cleaned: xr.DataTree, used: np.ndarray, events: Events
) -> dict[str, float]:
    node = stream_dataset(truth, "eeg")
    rate, time = float(node.attrs["rate"]), node.time.values
    pair = [
        np.asarray(stream_dataset(r, "eeg").eeg.sel(channel=used).values, float)
        for r in (truth, cleaned)
    ]
    size = min(time.size, round(WINDOW * rate))
    frequency, spectra = welch(np.stack(pair), rate, nperseg=size)
    figures = {}
    for band, (low, high) in BANDS.items():
        inside = (frequency >= low) & (frequency < high)
        wanted, got = spectra[..., inside].sum(-1)
        figures[f"kept_{band}"] = _median_ratio(got, wanted)
    around = (frequency >= 7) & (frequency <= 14)
    if around.any():
        # each channel counts alike; 1/f is taken off by the frequency itself
        weighted = (spectra / spectra.sum(-1, keepdims=True).clip(1e-300)).mean(1) * frequency
        peaks = frequency[around][weighted[:, around].argmax(-1)]
        figures["kept_alpha_peak"] = float(peaks[1] - peaks[0])
    figures["kept_connectivity"] = distance(*(coherence(x, rate, size) for x in pair))
    if "erp" in events:
        averages = [average(x, time, rate, events["erp"], ERP_SPAN) for x in pair]
        amplitude, shift, _, correlation = response(averages, rate, ERP_SPAN, "erp")
        figures |= {"kept_erp_amplitude": amplitude, "kept_erp_latency": shift}
        figures["kept_erp_correlation"] = correlation
    return figures


def _nirs(
    truth: xr.DataTree, cleaned: xr.DataTree, used: np.ndarray, events: Events
) -> dict[str, float]:
    node = stream_dataset(truth, "nirs")
    rate, time = float(node.attrs["rate"]), node.time.values
    try:
        pair = [
            stream_dataset(to_haemoglobin(r), "nirs").hbo.sel(channel=used).values
            for r in (truth, cleaned)
        ]
    except NeurofuseError:  # distances or wavelengths do not allow it
        return {}
    finite = np.isfinite(pair).all((0, 2))
    if not finite.any():
        return {}
    pair = [bandpass(x[finite], rate, *HRF_BAND) for x in pair]
    figures = {"kept_connectivity": distance(*(correlation_matrix(x) for x in pair))}
    if "hrf" in events:
        wanted, got = (canonical_size(x, time, events["hrf"]) for x in pair)
        best = np.abs(wanted).argmax()
        figures["kept_glm_beta"] = float(got[best] / wanted[best]) if wanted[best] else np.nan
        averages = [average(x[best : best + 1], time, rate, events["hrf"], HRF_SPAN) for x in pair]
        amplitude, shift, area, _ = response(averages, rate, HRF_SPAN, "hrf")
        figures |= {"kept_hrf_amplitude": amplitude, "kept_hrf_peak_time": shift}
        figures["kept_hrf_area"] = area
    return figures


def _median_ratio(got: np.ndarray, wanted: np.ndarray) -> float:
    known = wanted > 0
    return float(np.median(got[known] / wanted[known])) if known.any() else np.nan


def _coupling_change(truth: xr.DataTree, cleaned: xr.DataTree) -> float:
    try:
        return coupling(cleaned) - coupling(truth)
    except NeurofuseError:
        return np.nan
