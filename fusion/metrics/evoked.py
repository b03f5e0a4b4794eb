"""Responses to events: averages, the size of the canonical one, and how two responses differ."""

import numpy as np
import xarray as xr

from neurofuse.io.recording import stream_dataset

FEWEST_EVENTS = {"erp": 10, "hrf": 4}
ERP_SPAN, HRF_SPAN = (-0.2, 0.8), (-2.0, 20.0)  # s about an onset
EARLIEST = 0.05  # s, of an ERP's peak
NEAR_PEAK = {"erp": 0.025, "hrf": 1.0}  # s before and after, over which amplitudes are averaged
SEARCH = {"erp": 0.1, "hrf": 4.0}  # s about the truth's peak, where the cleaned one is looked for
HRF_SPACING = 8.0  # s between onsets, at least (median), for haemodynamic responses

Events = dict[str, np.ndarray]  # "erp", "hrf": onsets [s], where there are enough


def find_events(recording: xr.DataTree) -> Events:
    """Onsets of the most frequent description that suits ERPs, and haemodynamic responses.

    Parameters
    ----------
    recording : Recording
        With `/events`; motion and bad segments are not events.

    Returns
    -------
    dict
        "erp" and "hrf" to onsets (event,) [s]; a kind without enough events is left out.
    """
    if "events" not in recording.children:
        return {}
    node = stream_dataset(recording, "events")
    onsets = {
        str(n): np.sort(node.onset.values[node.description == n])
        for n in np.unique(node.description.values.astype(str))
    }
    onsets = {n: o for n, o in onsets.items() if not n.lower().startswith(("bad", "motion"))}
    chosen: Events = {}
    for kind, fewest in FEWEST_EVENTS.items():
        enough = [
            o
            for o in onsets.values()
            if o.size >= fewest and (kind == "erp" or np.median(np.diff(o)) >= HRF_SPACING)
        ]
        if enough:
            chosen[kind] = max(enough, key=len)
    return chosen


def average(
    data: np.ndarray, time: np.ndarray, rate: float, onsets: np.ndarray, span: tuple[float, float]
) -> np.ndarray:
    """Average over onsets, without the mean before the onset.

    Parameters
    ----------
    data : array (channel, time)
        EEG or haemoglobin.
    time : array (time,)
        [s].
    rate : float
        Sampling rate [Hz].
    onsets : array (event,)
        [s]; those too close to an end of the recording are left out.
    span : (float, float)
        About an onset [s].

    Returns
    -------
    array (channel, sample)
        In the unit of `data`; NaN without an onset.
    """
    first = np.round((onsets - time[0] + span[0]) * rate).astype(int)
    length = round((span[1] - span[0]) * rate)
    first = first[(first >= 0) & (first + length <= time.size)]
    if not first.size:
        return np.full((len(data), length), np.nan)
    epochs = data[:, first[:, None] + np.arange(length)].mean(1)
    return epochs - epochs[:, : max(1, round(-span[0] * rate))].mean(-1, keepdims=True)


def response(
    averages: list[np.ndarray], rate: float, span: tuple[float, float], kind: str
) -> tuple[float, float, float, float]:
    """How an average differs from the true one, in the channel in which that one is largest.

    Parameters
    ----------
    averages : [array (channel, sample), array (channel, sample)]
        Of the truth and of the cleaned recording.
    rate : float
        Sampling rate [Hz].
    span : (float, float)
        About an onset [s].
    kind : {"erp", "hrf"}
        How wide the peak is.

    Returns
    -------
    tuple of float
        Ratio of amplitudes [1], shift of the peak [s], ratio of areas [1], correlation [1].
    """
    truth, cleaned = averages
    if not np.isfinite(truth).all():
        return np.nan, np.nan, np.nan, np.nan
    offset = span[0] + np.arange(truth.shape[1]) / rate
    after = offset >= (EARLIEST if kind == "erp" else 0.0)
    channel, peak = np.unravel_index(np.abs(truth[:, after]).argmax(), truth[:, after].shape)
    at = offset[after][peak]
    wanted, got = truth[channel], cleaned[channel]
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


def canonical_design(time: np.ndarray, onsets: np.ndarray) -> np.ndarray:
    """Regressors (time, regressor): the canonical response to events, cosines up to 0.01 Hz.

    Parameters
    ----------
    time : array (time,)
        [s].
    onsets : array (event,)
        [s].

    Returns
    -------
    array (time, regressor)
        First the sum of two gamma functions at each onset (Glover 1999, NeuroImage 9:416).
    """
    from scipy.stats import gamma

    since = time[:, None] - onsets
    course = (gamma.pdf(since, 6) - gamma.pdf(since, 16) / 6).sum(1)
    length = time[-1] - time[0]
    slow = [np.cos(np.pi * k * (time - time[0]) / length) for k in range(int(0.02 * length) + 1)]
    return np.stack([course, *slow], axis=1)


def canonical_size(data: np.ndarray, design: np.ndarray) -> np.ndarray:
    """Size (channel,) of the canonical response in `data` (channel, time), by least squares."""
    return np.linalg.lstsq(design, data.T, rcond=None)[0][0]
