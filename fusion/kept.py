"""What is kept of brain signals, against a known truth: spectra, ERP, HRF, connectivity, coupling.

A cleaner with little error may still have taken an evoked response away, and one with much error
may have left it: these figures say what an analysis would find afterwards.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from scipy.signal import welch

from neurofuse.fusion.bands import bandpass, windows
from neurofuse.fusion.neurovascular import coupling
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.optics import to_haemoglobin
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
FEWEST_EVENTS = {"erp": 10, "hrf": 4}
ERP_SPAN, HRF_SPAN = (-0.2, 0.8), (-2.0, 20.0)  # s about an onset
EARLIEST = 0.05  # s, of an ERP's peak
NEAR_PEAK = {"erp": 0.025, "hrf": 1.0}  # s to both sides, over which amplitudes are averaged
SEARCH = {
    "erp": 0.1,
    "hrf": 4.0,
}  # s about the truth's peak, in which the cleaned one is looked for
HRF_BAND = (0.01, 0.2)  # Hz
HRF_SPACING = 8.0  # s between onsets, at least, for responses of the blood

Events = dict[str, np.ndarray]  # "erp", "hrf": onsets [s], where there are enough


def score_kept(truth: xr.DataTree, contaminated: xr.DataTree, cleaned: xr.DataTree) -> xr.Dataset:
    """What an analysis of the cleaned recording finds, over what it finds in the truth.

    Parameters
    ----------
    truth, contaminated, cleaned : Recording
        As in `neurofuse.fusion.metrics.score`; channels bad in `contaminated` are left out. Events
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
        (`neurofuse.fusion.neurovascular`).

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
    events = _events(truth)
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


def _events(recording: xr.DataTree) -> Events:
    if "events" not in recording.children:
        return {}
    node = stream_dataset(recording, "events")
    onsets = {
        str(n): np.sort(node.onset.values[node.description == n])
        for n in np.unique(node.description.values.astype(str))
    }
    onsets = {n: o for n, o in onsets.items() if not n.lower().startswith(("bad", "motion"))}
    found: Events = {}
    for kind, fewest in FEWEST_EVENTS.items():
        enough = [
            o
            for o in onsets.values()
            if o.size >= fewest and (kind == "erp" or np.median(np.diff(o)) >= HRF_SPACING)
        ]
        if enough:
            found[kind] = max(enough, key=len)
    return found


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
    figures["kept_connectivity"] = _distance(*(_coherence(x, rate, size) for x in pair))
    if "erp" in events:
        averages = [_average(x, time, rate, events["erp"], ERP_SPAN) for x in pair]
        amplitude, shift, _, correlation = _response(averages, rate, ERP_SPAN, "erp")
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
    figures = {"kept_connectivity": _distance(*(_correlation(x) for x in pair))}
    if "hrf" in events:
        wanted, got = (_beta(x, time, events["hrf"]) for x in pair)
        best = np.abs(wanted).argmax()
        figures["kept_glm_beta"] = float(got[best] / wanted[best]) if wanted[best] else np.nan
        averages = [_average(x[best : best + 1], time, rate, events["hrf"], HRF_SPAN) for x in pair]
        amplitude, shift, area, _ = _response(averages, rate, HRF_SPAN, "hrf")
        figures |= {"kept_hrf_amplitude": amplitude, "kept_hrf_peak_time": shift}
        figures["kept_hrf_area"] = area
    return figures


def _average(
    data: np.ndarray, time: np.ndarray, rate: float, onsets: np.ndarray, span: tuple[float, float]
) -> np.ndarray:
    """Mean over onsets (channel, sample), the mean before the onset taken off."""
    first = np.round((onsets - time[0] + span[0]) * rate).astype(int)
    length = round((span[1] - span[0]) * rate)
    first = first[(first >= 0) & (first + length <= time.size)]
    if not first.size:
        return np.full((len(data), length), np.nan)
    epochs = data[:, first[:, None] + np.arange(length)].mean(1)
    return epochs - epochs[:, : max(1, round(-span[0] * rate))].mean(-1, keepdims=True)


def _response(
    averages: list[np.ndarray], rate: float, span: tuple[float, float], kind: str
) -> tuple[float, float, float, float]:
    """Ratio of amplitudes, shift of the peak [s], ratio of areas, correlation; of one channel."""
    truth, found = averages
    if not np.isfinite(truth).all():
        return (np.nan,) * 4
    offset = span[0] + np.arange(truth.shape[1]) / rate
    after = offset >= (EARLIEST if kind == "erp" else 0.0)
    channel, peak = np.unravel_index(np.abs(truth[:, after]).argmax(), truth[:, after].shape)
    at = offset[after][peak]
    wanted, got = truth[channel], found[channel]
    near = np.abs(offset - at) <= NEAR_PEAK[kind]
    search = after & (np.abs(offset - at) <= SEARCH[kind])
    sign = np.sign(wanted[near].mean())
    shift = float(offset[search][(sign * got[search]).argmax()] - at)
    spread = wanted.std() * got.std()
    together = ((wanted - wanted.mean()) * (got - got.mean())).mean()
    return (
        float(got[near].mean() / wanted[near].mean()),
        shift,
        float(got[after].sum() / wanted[after].sum()),
        float(together / spread) if spread > 0 else np.nan,
    )


def _beta(data: np.ndarray, time: np.ndarray, onsets: np.ndarray) -> np.ndarray:
    """Size (channel,) of the canonical response to events, beside cosines up to 0.01 Hz."""
    from scipy.stats import gamma

    since = time[:, None] - onsets
    course = (gamma.pdf(since, 6) - gamma.pdf(since, 16) / 6).sum(1)  # Glover 1999
    length = time[-1] - time[0]
    slow = [np.cos(np.pi * k * (time - time[0]) / length) for k in range(int(0.02 * length) + 1)]
    return np.linalg.lstsq(np.stack([course, *slow], axis=1), data.T, rcond=None)[0][0]


def _coherence(data: np.ndarray, rate: float, size: int) -> np.ndarray:
    """Magnitude-squared coherence (channel, channel) in 8-13 Hz, by Welch's method."""
    low, high = BANDS["alpha"]
    frequency = np.fft.rfftfreq(size, 1 / rate)
    inside = (frequency >= low) & (frequency < high)
    taper = np.hanning(size + 1)[:-1]
    rows = []
    for row in data:  # channel by channel: windows of all would take much memory
        parts = windows(row, rate, size / rate)
        rows.append(np.fft.rfft((parts - parts.mean(-1, keepdims=True)) * taper)[:, inside])
    lines = np.stack(rows)  # (channel, window, frequency)
    cross = np.einsum("awf,bwf->abf", lines, lines.conj(), optimize=True)
    own = np.einsum("aaf->af", cross).real
    power = own[:, None] * own[None]
    return (np.abs(cross) ** 2 / np.where(power > 0, power, np.inf)).mean(-1)


def _correlation(data: np.ndarray) -> np.ndarray:
    centred = data - data.mean(-1, keepdims=True)
    centred = centred / np.linalg.norm(centred, axis=-1, keepdims=True).clip(1e-300)
    return centred @ centred.T


def _distance(wanted: np.ndarray, got: np.ndarray) -> float:
    off = ~np.eye(len(wanted), dtype=bool)
    if not off.any() or not np.abs(wanted[off]).mean() > 0:
        return np.nan
    return float(np.abs(got - wanted)[off].mean() / np.abs(wanted[off]).mean())


def _median_ratio(got: np.ndarray, wanted: np.ndarray) -> float:
    known = wanted > 0
    return float(np.median(got[known] / wanted[known])) if known.any() else np.nan


def _coupling_change(truth: xr.DataTree, cleaned: xr.DataTree) -> float:
    try:
        return coupling(cleaned) - coupling(truth)
    except NeurofuseError:
        return np.nan
