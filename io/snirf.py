"""SNIRF beyond what MNE takes from it: true sample times, gaps, length units, aux sensors."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neurofuse.io.errors import ReadError
from neurofuse.io.guard import LOG, quiet, reading

if TYPE_CHECKING:
    import mne

WANTED = "a whole SNIRF file with one continuous-wave data block"
SMALLEST, LARGEST = 0.006, 0.15  # m; no probe is entirely below or has a pair above
TYPICAL = 0.03  # m, the usual source-detector distance


def read_snirf_raw(path: str | Path) -> "mne.io.BaseRaw":
    """Open a SNIRF file through MNE and mend what MNE passes over (see `read_nirs_raw`)."""
    import mne

    _check_blocks(Path(path))
    with reading(path, WANTED):
        raw = mne.io.read_raw_snirf(path, preload=False)
        time = sample_times(path)
        if len(time) != raw.n_times:
            raise ReadError(
                f"{path} with {raw.n_times} samples and {len(time)} sample times",
                WANTED,
                "export the recording again",
            )
        marks, date = raw.annotations, raw.info["meas_date"]
        if date == datetime(2000, 1, 1, tzinfo=UTC):  # MNE's stand-in for an unknown date
            date = None
        raw.set_annotations(None)
        raw.set_meas_date(date and date + timedelta(seconds=float(time[0])))
        raw = _bridge_gaps(raw, time - time[0], path)
        onset = marks.onset - time[0]
        inside = (onset > -1 / raw.info["sfreq"]) & (onset <= raw.times[-1])
        own = mne.Annotations(
            np.maximum(onset, 0)[inside],
            marks.duration[inside],
            marks.description[inside],
            raw.info["meas_date"],
        )
        raw.set_annotations(own + raw.annotations, emit_warning=False)
    _mend_length(raw, path)
    return raw


def sample_times(path: str | Path) -> np.ndarray:
    """Times [s] of the samples of a SNIRF file's first data block, as the file has them."""
    import h5py

    with h5py.File(path, "r") as file:
        block: Any = file["nirs/data1"]
        time = np.asarray(block["time"], float).ravel()
        count = block["dataTimeSeries"].shape[0]
        scale = _time_scale(file)
    if len(time) == 2 and count != 2:  # the specification's short form: start and spacing
        time = time[0] + time[1] * np.arange(count)
    return time * scale


def read_aux(path: str | Path) -> dict[str, xr.Dataset]:
    """The auxiliary sensors of a SNIRF file: one Dataset (channel, time) each.

    Time is in seconds since the first sample of the optical data, as in `read_nirs_raw`.
    """
    import h5py

    sensors: dict[str, xr.Dataset] = {}
    start = sample_times(path)[0]
    with reading(path, WANTED), h5py.File(path, "r") as file:
        nirs: Any = file["nirs"]
        for key in sorted(k for k in nirs if k.startswith("aux")):
            group = nirs[key]
            if "time" not in group or "dataTimeSeries" not in group:
                continue
            data = np.atleast_2d(np.asarray(group["dataTimeSeries"], float).T)
            time = np.asarray(group["time"], float).ravel() * _time_scale(file)
            if len(time) == 2 and data.shape[1] != 2:
                time = time[0] + time[1] * np.arange(data.shape[1])
            if len(time) != data.shape[1] or len(time) < 2 or not data.any():
                continue
            name = (_text(group.get("name")) or key).replace("/", "_")
            name = name if name not in sensors else f"{name} {key}"
            sensors[name] = xr.Dataset(
                {name: (("channel", "time"), data, {"units": _text(group.get("dataUnit"))})},
                coords={
                    "channel": [f"{name}{i}" if len(data) > 1 else name for i in range(len(data))],
                    "time": time - start,
                },
                attrs={"rate": float(1 / np.median(np.diff(time)))},
            )
    return sensors


def write_snirf(raw: "mne.io.BaseRaw", path: str | Path) -> None:
    """Write a Raw as SNIRF through mne-nirs, with the date to the microsecond, or unknown."""
    import h5py
    import mne_nirs.io

    date = raw.info["meas_date"]
    with quiet():
        plain = raw.copy() if date is None else raw
        if date is None:  # mne-nirs cannot write without a date
            plain.set_meas_date(datetime(2000, 1, 1, tzinfo=UTC))
        mne_nirs.io.write_raw_snirf(plain, path)
    with h5py.File(path, "r+") as file:
        tags: Any = file["nirs/metaDataTags"]
        del tags["MeasurementTime"], tags["MeasurementDate"]
        tags["MeasurementDate"] = date.strftime("%Y-%m-%d").encode() if date else b"unknown"
        clock = "%H:%M:%S.%fZ" if date and date.microsecond else "%H:%M:%SZ"
        tags["MeasurementTime"] = date.strftime(clock).encode() if date else b"unknown"
        if "MNE_coordFrame" not in tags:
            tags["MNE_coordFrame"] = [int(raw.info["chs"][0]["coord_frame"])]


def _check_blocks(path: Path) -> None:
    import h5py

    with reading(path, WANTED), h5py.File(path, "r") as file:
        data: Any = file.get("nirs/data1/dataTimeSeries")
        if data is None or data.size == 0:
            raise ReadError(
                f"{path} without samples in nirs/data1", WANTED, "export the recording again"
            )


def _bridge_gaps(raw: "mne.io.BaseRaw", time: np.ndarray, path: str | Path) -> "mne.io.BaseRaw":
    """A Raw on an even grid: holes in `time` are filled linearly and annotated BAD_gap."""
    import mne

    steps = np.diff(time)
    if len(steps) == 0:
        return raw
    if not (steps > 0).all():
        raise ReadError(
            f"{path}, whose sample times do not ascend", WANTED, "export the recording again"
        )
    step = float(np.median(steps))
    holes = np.flatnonzero(steps > 1.5 * step)
    if len(holes) == 0:
        return raw
    grid = step * np.arange(round(time[-1] / step) + 1)
    data = raw.get_data()
    types: Any = raw.get_channel_types()
    info = mne.create_info(raw.ch_names, 1 / step, types)
    for channel, other in zip(info["chs"], raw.info["chs"], strict=True):
        channel["loc"], channel["coord_frame"] = other["loc"].copy(), other["coord_frame"]
    even = mne.io.RawArray(np.array([np.interp(grid, time, row) for row in data]), info)
    even.filenames = raw.filenames
    even.info["subject_info"] = raw.info["subject_info"]
    even.set_meas_date(raw.info["meas_date"])
    even.set_annotations(
        mne.Annotations(time[holes], steps[holes], "BAD_gap", raw.info["meas_date"])
    )
    LOG.warning(
        "%s: %d gaps of together %.3g s, bridged linearly and annotated BAD_gap",
        path,
        len(holes),
        float((steps[holes] - step).sum()),
    )
    return even


def _mend_length(raw: "mne.io.BaseRaw", path: str | Path) -> None:
    """Scale positions whose declared unit cannot be true (cm called mm and the like)."""
    chs = raw.info["chs"]
    loc = np.array([c["loc"][3:9] for c in chs])
    distance = np.linalg.norm(loc[:, :3] - loc[:, 3:], axis=1)
    distance = distance[np.isfinite(distance) & (distance > 0)]
    if len(distance) == 0 or (distance.max() >= SMALLEST and distance.max() <= LARGEST):
        return
    factors = 10.0 ** np.arange(-3, 4)
    typical = np.abs(np.log(factors * np.median(distance) / TYPICAL))
    factor = float(factors[np.argmin(typical)])
    LOG.warning(
        "%s: its length unit puts sources and detectors %.3g mm apart; positions taken times %g",
        path,
        1e3 * float(np.median(distance)),
        factor,
    )
    for channel in chs:
        channel["loc"][:9] *= factor


def _time_scale(file: Any) -> float:
    unit = _text(file.get("nirs/metaDataTags/TimeUnit"))
    return {"ms": 1e-3, "us": 1e-6}.get(unit, 1.0)


def _text(dataset: Any) -> str:
    if dataset is None:
        return ""
    value = np.asarray(dataset).ravel()[:1]
    text = value[0] if len(value) else b""
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
