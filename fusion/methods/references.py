"""References for regression: other channels, sensors and the other modality, on common times."""

import numpy as np
import xarray as xr
from scipy.signal import butter, sosfiltfilt

from neurofuse.fusion.signal.bands import NYQUIST_SHARE
from neurofuse.io.modality import MODALITIES
from neurofuse.io.optics.conversion import to_optical_density
from neurofuse.io.recording import stream_dataset, streams


def with_references(
    recording: xr.DataTree, stream: str, node: xr.Dataset, wanted: tuple[str, ...]
) -> xr.Dataset:
    """The node with all references of the wanted kinds, as far as there are any.

    Parameters
    ----------
    recording : Recording
        Where they are looked for.
    stream : str
        "eeg" or "nirs"; whose times they are brought to.
    node : Dataset
        That modality's node, or some channels of it.
    wanted : names
        Of "channels" (EOG, ECG, EMG and other channels of `/eeg` that are no EEG), "aux"
        (all sensors in `/aux`) and "partner" (the good channels of the other modality: optical
        density; or slow EEG and, named with "power", its RMS within a sample of fNIRS).

    Returns
    -------
    Dataset
        With `regressor` (regressor, time) [1], each of mean 0 and SD 1 where it was recorded and 0
        elsewhere. References with samples that are not finite, or without variance, are left out.
        Its attribute `wanted` repeats the kinds.
    """
    references: dict[str, np.ndarray] = {}
    time, rate = node.time.values, float(node.attrs["rate"])
    for kind in wanted:
        for name, own_time, values in _KINDS[kind](recording, stream):
            if values.size > 3 and np.isfinite(values).all() and np.ptp(values) > 0:
                series = _on_times(values, own_time, time, rate)
                if series.any():
                    references[name] = series
    values = np.stack(list(references.values())) if references else np.zeros((0, time.size))
    return node.assign(regressor=(("regressor", "time"), values, {"wanted": wanted}))


def _on_times(values: np.ndarray, own: np.ndarray, time: np.ndarray, rate: float) -> np.ndarray:
    own_rate = (own.size - 1) / (own[-1] - own[0])
    if own_rate > 1.01 * rate:
        sections = butter(4, NYQUIST_SHARE * rate / 2, fs=own_rate, output="sos")
        padding = min(values.size - 1, int(4 * own_rate / rate) + 1)
        values = sosfiltfilt(sections, values, padlen=padding)
    series = np.interp(time, own, values)
    inside = (time >= own[0] - 1 / own_rate) & (time <= own[-1] + 1 / own_rate)
    if inside.sum() < 3 or np.ptp(series[inside]) <= 0:
        return np.zeros(time.size)
    series = (series - series[inside].mean()) / series[inside].std()
    return np.where(inside, series, 0.0)


def _channels(recording: xr.DataTree, stream: str):
    if "eeg" in streams(recording):
        node = stream_dataset(recording, "eeg")
        for channel in node.channel.values[(node.ch_type.values != "eeg") & ~node.bad.values]:
            yield str(channel), node.time.values, node.eeg.sel(channel=channel).values


def _aux(recording: xr.DataTree, stream: str):
    for name, sensor in recording["aux"].children.items() if "aux" in recording.children else ():
        variable = next(iter(sensor.data_vars.values()))
        for number, values in enumerate(variable.transpose("channel", "time").values):
            yield f"{name} {number}", sensor.time.values, np.asarray(values, np.float64)


def _partner(recording: xr.DataTree, stream: str):
    other = MODALITIES[stream].other.name
    if other not in streams(recording):
        return
    if other == "nirs":
        node = stream_dataset(to_optical_density(recording), "nirs")
        for channel in node.channel.values[~node.bad.values]:
            for wavelength in node.wavelength.values:
                values = node.od.sel(channel=channel, wavelength=wavelength).values
                yield f"{channel} {wavelength:g}", node.time.values, values.astype(np.float64)
        return
    node = stream_dataset(recording, "eeg")
    rate = float(stream_dataset(recording, stream).attrs["rate"])
    for channel in node.channel.values[(node.ch_type.values == "eeg") & ~node.bad.values]:
        values = np.asarray(node.eeg.sel(channel=channel).values, np.float64)
        yield str(channel), node.time.values, values
        width = max(1, round(node.attrs["rate"] / rate))
        power = np.convolve(np.square(values - values.mean()), np.ones(width) / width, "same")
        yield f"{channel} power", node.time.values, np.sqrt(np.maximum(power, 0))


_KINDS = {"channels": _channels, "aux": _aux, "partner": _partner}
