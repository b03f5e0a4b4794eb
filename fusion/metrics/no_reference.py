"""Figures that need no truth, and the detector of movement that they stand on.

They tell that something shrank, never that it was artifact: quote them beside figures from
injected motion (`neurofuse.fusion.metrics.errors`), not instead of them.
"""

import numpy as np
import xarray as xr
from scipy.ndimage import binary_dilation, uniform_filter1d

from neurofuse.fusion.metrics.indicators import (
    accelerometer_agreement,
    kept_alpha,
    kept_pulse,
)
from neurofuse.fusion.signal.bands import decibel, spectrum, windows
from neurofuse.fusion.signal.motion import _outlying, _rms, moving
from neurofuse.io.optics.conversion import to_optical_density
from neurofuse.io.optics.gvtd import gvtd
from neurofuse.io.quality.channels import channel_quality
from neurofuse.io.recording import stream_dataset, streams

QUIETEST = 1 / 3  # share of a recording that counts as quiet, so that it holds no small movement
SMOOTHED = {"eeg": 4.0, "nirs": 10.0}  # s over which the level is averaged to find it
SLOW_BAND = (0.5, 8.0)  # Hz; where most of the energy of head movement lies
WINDOW = 2.0  # s
UNITS = {
    "noref_motion_ratio": "dB",
    "noref_quiet_change": "dB",
    "noref_gvtd_ratio": "1",
    "noref_sci": "1",
    "noref_alpha": "1",
    "noref_pulse": "1",
    "noref_accelerometer": "1",
}


def score_blind(untouched: xr.DataTree, cleaned: xr.DataTree) -> xr.Dataset:
    """How much smaller movement looks after cleaning, without a truth to compare with.

    Movement is found once, in the untouched recording, so that all cleaners are judged on the
    same samples. Quiet is the third of the recording with the lowest level (EEG: RMS over 1 s,
    median channel; fNIRS: GVTD), without what was found to move: somebody who moves most of the
    time has a median that moves, too.

    Parameters
    ----------
    untouched, cleaned : Recording
        Before and after, with the same channels and times.

    Returns
    -------
    Dataset
        `value` (modality, metric) with the coordinate `units` (metric). NaN where nothing moves,
        nothing is quiet, or nothing is left:

        - `noref_motion_ratio` [dB], EEG: power in 0.5-8 Hz in moving relative to quiet 2-s
          windows, median over channels;
        - `noref_quiet_change` [dB]: energy of the change in quiet samples relative to the energy
          there, for fNIRS of sample-to-sample changes (−inf: nothing touched);
        - `noref_gvtd_ratio` [1], fNIRS: 95th percentile over median of GVTD, which also rises
          where quiet parts are smoothed;
        - `noref_sci` [1], fNIRS: mean scalp coupling index;
        - `noref_alpha` [1], EEG: power in 8-13 Hz of quiet windows after over before;
          `noref_pulse` [1], fNIRS: the same of the pulse's line;
        - `noref_accelerometer` [1]: rank correlation of what was taken out with how the head
          shook, where `/aux` holds an accelerometer.
    """
    rows = [s for s in streams(untouched) if s in streams(cleaned)]
    value = np.full((len(rows), len(UNITS)), np.nan)
    for row, stream in enumerate(rows):
        figures = (_eeg if stream == "eeg" else _nirs)(untouched, cleaned)
        value[row] = [figures.get(metric, np.nan) for metric in UNITS]
    return xr.Dataset(
        {"value": (("modality", "metric"), value)},
        coords={
            "modality": rows,
            "metric": list(UNITS),
            "units": ("metric", list(UNITS.values())),
        },
    )


def _eeg(untouched: xr.DataTree, cleaned: xr.DataTree) -> dict[str, float]:
    node = stream_dataset(untouched, "eeg")
    used = (node.ch_type == "eeg") & ~node.bad
    rate = node.attrs["rate"]
    used &= np.isfinite(node.eeg).all("time")
    names = node.channel.values[used.values]
    if not names.size:
        return {}
    before = node.eeg.sel(channel=names).values.astype(np.float64)
    after = stream_dataset(cleaned, "eeg").eeg.sel(channel=names).values.astype(np.float64)
    mask = moving(before, rate)
    level = _rms(before, rate)
    level = np.median(level / (np.median(level, axis=-1, keepdims=True) + 1e-300), axis=0)
    quiet = _quietest(level, SMOOTHED["eeg"] * rate) & ~mask
    touched = np.any(windows(mask, rate, WINDOW), axis=-1)
    still = np.all(windows(quiet, rate, WINDOW), axis=-1)
    ratios = []
    for series in after:
        frequency, loud = spectrum(series, rate, WINDOW, touched)
        rest = spectrum(series, rate, WINDOW, still)[1]
        band = (frequency >= SLOW_BAND[0]) & (frequency <= SLOW_BAND[1])
        ratios.append(decibel(loud[band].sum(), rest[band].sum()))
    return {
        "noref_motion_ratio": float(np.median(ratios)),
        "noref_quiet_change": _change(after, before, quiet),
        "noref_alpha": kept_alpha(before, after, rate, quiet),
        "noref_accelerometer": accelerometer_agreement(untouched, before - after, node.time.values),
    }


def _nirs(untouched: xr.DataTree, cleaned: xr.DataTree) -> dict[str, float]:
    node = stream_dataset(to_optical_density(untouched), "nirs")
    used = ~node.bad & np.isfinite(node.od).all(["wavelength", "time"])
    names = node.channel.values[used.values]
    if not names.size:
        return {}
    rate, samples = node.attrs["rate"], node.sizes["time"]
    where = {"channel": names, "wavelength": node.wavelength.values}
    before, after = (
        one.od.sel(where).values.reshape(-1, samples).astype(np.float64)
        for one in (node, stream_dataset(to_optical_density(cleaned), "nirs"))
    )
    level = gvtd(before, rate)
    mask = np.asarray(binary_dilation(_outlying(level), iterations=max(1, round(rate))))
    quiet = _quietest(level, SMOOTHED["nirs"] * rate) & ~mask
    course = gvtd(after, rate)
    middle = np.median(course)
    if middle < 1e-6 * np.median(level):  # nothing left but rounding
        middle = 0.0
    quality = channel_quality(cleaned, "nirs")
    return {
        "noref_gvtd_ratio": float(np.percentile(course, 95) / middle) if middle else np.nan,
        "noref_quiet_change": _change(
            np.diff(after), np.diff(before), np.logical_and(quiet[1:], quiet[:-1])
        ),
        "noref_sci": float(quality.sci.sel(channel=names).mean()),
        "noref_pulse": kept_pulse(before, after, rate, quiet),
        "noref_accelerometer": accelerometer_agreement(
            untouched, np.diff(before - after), node.time.values[1:]
        ),
    }


def _change(after: np.ndarray, before: np.ndarray, mask: np.ndarray) -> float:
    """Energy [dB] of the change relative to the energy before, without constants, in the mask."""
    if not mask.any():
        return np.nan
    change, kept = (after - before)[:, mask], before[:, mask]
    change = change - change.mean(-1, keepdims=True)
    return decibel((change**2).sum(), ((kept - kept.mean(-1, keepdims=True)) ** 2).sum())


def _quietest(level: np.ndarray, length: float) -> np.ndarray:
    """The share QUIETEST of samples whose level, averaged over `length` samples, is lowest."""
    smooth = uniform_filter1d(level, max(1, min(round(length), level.size)))
    return smooth <= np.quantile(smooth, QUIETEST)
