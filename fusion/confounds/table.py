"""Tables of confounds: fNIRS sample by sample, EEG epoch by epoch."""

from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurofuse.fusion.confounds.regressors import MOST, head_movement, level_steps, short_channels
from neurofuse.fusion.confounds.state import KNOWN, state
from neurofuse.io.errors import ParameterError
from neurofuse.io.lazy import BLOCK
from neurofuse.io.modality import EEG, NIRS
from neurofuse.io.optics.conversion import to_optical_density
from neurofuse.io.optics.gvtd import global_variance
from neurofuse.io.recording import check, stream_dataset, streams

if TYPE_CHECKING:
    import pandas as pd


def confounds(
    cleaned: xr.DataTree, *, recording: xr.DataTree | None = None, epochs: float = 1.0
) -> "dict[str, pd.DataFrame]":
    """Confounds of a cleaned Recording, as fMRIPrep tells them of fMRI.

    Of "nirs" one row per sample, indexed by `time` [s] after the first one, as MNE's `raw.times`:

    - `motion`, `lost` [1]: share of the usable channels in motion, and lost;
    - `motion_outlier`: 1 where most of them are in motion;
    - `gvtd` [1]: global variance of temporal derivatives (Sherafati et al. 2020, Hum Brain Mapp
      41:4093);
    - `expected_error` [1]: uncertainty, root mean square over channels;
    - `level_step_00`, …: 0 before and 1 after a movement of most channels, since the baseline level
      after it is an estimate. Movements within 2 s are one, and there is at most one step for every
      30 s of the recording: those of the largest movements;
    - `short_channel_00`, …: principal components of the optical density of short channels, as many
      as explain 90 % of its variance, six at most; mean 0, SD 1;
    - `head_acceleration` [m/s²], `head_rotation` [rad/s]: root mean square without gravity and
      bias, if there is an IMU.

    Of "eeg" one row per epoch: `onset` [s] after the first sample, `duration` [s], and `motion`,
    `lost` and `expected_error` [V] over its samples.

    `motion`, `lost` and `expected_error` are NaN where cleaning did not say: only learned methods
    estimate motion, and errors only if asked (`uncertainty=True`).

    Parameters
    ----------
    cleaned : Recording
        Of `neurofuse.clean`.
    recording : Recording, optional
        What was cleaned: `gvtd` is then that of the movements as recorded, else what is left.
    epochs : float
        Length of EEG epochs [s]; what is left at the end is no epoch.

    Returns
    -------
    dict of str to pandas.DataFrame
        By modality, "eeg" and "nirs"; `attrs["units"]` holds the unit of each column.

    Raises
    ------
    ParameterError
        If `epochs` is shorter than a sample or longer than the EEG, or `recording` has other fNIRS
        times than `cleaned`.
    SchemaError
        If either is no Recording.

    Examples
    --------
    >>> import neurofuse as nf
    >>> _, contaminated = nf.simulate(60, seed=3, eeg_montage=None)
    >>> frame = confounds(nf.clean(contaminated), recording=contaminated)["nirs"]
    >>> len(frame), [name for name in frame if not name.startswith("level")]
    (600, ['motion', 'lost', 'motion_outlier', 'gvtd', 'expected_error'])
    """
    check(cleaned)
    found: dict[str, pd.DataFrame] = {}
    if EEG.name in streams(cleaned):
        found[EEG.name] = _eeg(stream_dataset(cleaned, EEG.name), epochs)
    if NIRS.name in streams(cleaned):
        found[NIRS.name] = _nirs(cleaned, cleaned if recording is None else recording)
    return found


def _nirs(cleaned: xr.DataTree, recorded: xr.DataTree) -> "pd.DataFrame":
    import pandas as pd

    cleaned = to_optical_density(cleaned)
    node = stream_dataset(cleaned, NIRS.name)
    rate, time = float(node.attrs["rate"]), node.time.values
    _check_same_times(recorded, time)
    now = state(node)
    motion = now.motion
    columns = {
        "motion": motion,
        "lost": now.lost,
        "motion_outlier": np.where(np.isnan(motion), np.nan, motion > MOST),
        "gvtd": global_variance(recorded).values,
        "expected_error": np.sqrt(now.squared_error),
    }
    columns.update(level_steps(now.masked, motion, rate))
    columns.update(short_channels(node))
    units = {"time": "s", **dict.fromkeys(columns, "1")}
    for name, course, unit in head_movement(cleaned, time, rate):
        columns[name], units[name] = course, unit
    frame = pd.DataFrame(columns, index=pd.Index(time - time[0], name="time"))
    frame.attrs["units"] = units
    return frame


def _check_same_times(recorded: xr.DataTree, time: np.ndarray) -> None:
    check(recorded)
    held = recorded[NIRS.name].time.values if NIRS.name in streams(recorded) else np.zeros(0)
    if held.shape != time.shape or not np.allclose(held, time, rtol=0, atol=1e-6):
        raise ParameterError(
            f"recording= with {held.size} fNIRS samples for {time.size} cleaned ones"
            + (", at other times" if held.size == time.size else ""),
            "the Recording that was cleaned",
            "cut both alike, or leave recording= out",
        )


def _eeg(node: xr.Dataset, length: float) -> "pd.DataFrame":
    import pandas as pd

    rate, samples = float(node.attrs["rate"]), node.sizes["time"]
    if not isinstance(length, Real) or not 1 / rate <= length <= samples / rate:
        raise ParameterError(
            f"epochs={length!r} s of an EEG of {samples / rate:g} s at {rate:g} Hz",
            f"a number from {1 / rate:g} to {samples / rate:g} s",
            "1.0 is the default",
        )
    count = int(samples / rate / length + 1e-9)
    edges = np.round(np.arange(count + 1) * length * rate).astype(int)
    columns = {
        "onset": edges[:-1] / rate,
        "duration": np.diff(edges) / rate,
        **_means(node, edges, rate),
    }
    frame = pd.DataFrame(columns, index=pd.RangeIndex(count, name="epoch"))
    frame.attrs["units"] = {
        **{"onset": "s", "duration": "s"},
        **{"motion": "1", "lost": "1", "expected_error": EEG.cleaned_unit},
    }
    return frame


def _means(node: xr.Dataset, edges: np.ndarray, rate: float) -> dict[str, np.ndarray]:
    """Means over epochs between `edges`, read in blocks: a large EEG stays in its file."""
    names = ("motion", "lost", "squared_error")
    count = len(edges) - 1
    total, number = np.zeros((3, count)), np.zeros((3, count))
    size = max(round(BLOCK * rate), 1)
    told = node.drop_vars([name for name in node.data_vars if name not in KNOWN])
    for first in range(0, int(edges[-1]), size):
        last = min(first + size, int(edges[-1]))
        now = state(told.isel(time=slice(first, last)))
        epoch = np.searchsorted(edges, np.arange(first, last), side="right") - 1
        for row, name in enumerate(names):
            values = getattr(now, name)
            known = np.isfinite(values)
            total[row] += np.bincount(epoch[known], values[known], count)
            number[row] += np.bincount(epoch[known], minlength=count)
    mean = np.where(number > 0, total / np.maximum(number, 1), np.nan)
    return {"motion": mean[0], "lost": mean[1], "expected_error": np.sqrt(mean[2])}
