"""EEG files and MNE objects ⇄ an `/eeg` Dataset in volts."""

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurofuse.io.errors import ReadError
from neurofuse.io.lazy import eeg_samples, is_lazy, lazy_raw
from neurofuse.io.logs import LOG, quiet, reading, source_of
from neurofuse.io.mne_objects.landmarks import HEAD, drop_landmarks, landmarks_of
from neurofuse.io.mne_objects.triggers import is_trigger
from neurofuse.io.recording import eeg_dataset

if TYPE_CHECKING:
    import mne

TEMPLATE = "standard_1005"
OLD_NAMES = {"t3": "t7", "t4": "t8", "t5": "p7", "t6": "p8"}  # 10-20 of 1958 -> 10-10
# EDF, BDF and BrainVision store no channel types: every channel arrives as EEG.
TYPE_PATTERNS = {
    "ecg": r"^(ecg|ekg)",
    "eog": r"eog",
    "emg": r"^emg",
    "misc": r"^(acc|gyro|aux|resp|temp|light|photo|audio|gsr|eda|sao2|spo2|pulse|ppg|marker)"
    r"|^stimtrak"
    r"|^(a1|a2|m1|m2)[-_](a1|a2|m1|m2)$",
}


def eeg_from_raw(raw: "mne.io.BaseRaw") -> xr.Dataset:
    """Convert an MNE Raw to an `/eeg` node: every channel that is not fNIRS.

    Channel names stay as they are. A channel of type EEG whose name says ECG, EOG, EMG, trigger or
    sensor gets that type. Electrode positions come from the file; if it has none and names are of
    the 10-05 system, from MNE's template: `attrs["positions"]` is "file", "template standard_1005"
    or "none".

    Parameters
    ----------
    raw : mne.io.Raw
        With at least one EEG channel.

    Returns
    -------
    xarray.Dataset
        `eeg` (channel, time) [V], with `ch_type`, `position` (channel, axis) [m], `bad`; time
        starts at 0 s. More than 1 GiB of samples that the Raw has not loaded stay in its file (a
        dask array) until they are needed.

    Raises
    ------
    ReadError
        If there is no EEG channel.

    Examples
    --------
    >>> import mne
    >>> info = mne.create_info(["C3", "ECG"], 100.0, "eeg")
    >>> node = eeg_from_raw(mne.io.RawArray(np.zeros((2, 50)), info, verbose="error"))
    >>> node.ch_type.values.tolist(), node.attrs["positions"]
    (['eeg', 'ecg'], 'template standard_1005')
    """
    types = raw.get_channel_types()
    picks = [i for i, t in enumerate(types) if not t.startswith(("fnirs", "hb"))]
    names = [raw.ch_names[i] for i in picks]
    kinds = [channel_type(raw.ch_names[i], types[i]) for i in picks]
    if "eeg" not in kinds:
        raise ReadError(
            f"channels of type {', '.join(sorted(set(types)))} in {source_of(raw)}",
            "at least one EEG channel",
            "pass fNIRS as the fNIRS recording, or set the channel types (raw.set_channel_types)",
        )
    changed = {n: k for n, k, i in zip(names, kinds, picks, strict=True) if k != types[i]}
    if changed:
        LOG.info("channel types inferred from names: %s", changed)
    with reading(source_of(raw), "samples that can be read"):
        data = eeg_samples(raw, picks)
    position = np.array([raw.info["chs"][i]["loc"][:3] for i in picks], float)
    position[(position == 0).all(axis=1)] = np.nan  # MNE's other code for unknown
    electrodes = np.array([k == "eeg" for k in kinds])
    landmarks = landmarks_of(raw, HEAD)
    origin = "file"
    if np.isnan(position[electrodes]).any(axis=1).all():
        position, landmarks = template_positions(names, electrodes)
        origin = "none" if np.isnan(position).all() else f"template {TEMPLATE}"
    bad = [name in raw.info["bads"] for name in names]
    node = eeg_dataset(data, raw.info["sfreq"], names, ch_type=kinds, position=position, bad=bad)
    node.attrs.update(stream_attributes(raw), positions=origin)
    if landmarks is not None:
        node.attrs["landmarks"] = landmarks
    return node


def raw_from_eeg(node: xr.Dataset, *, copy: bool = True) -> "mne.io.BaseRaw":
    """An MNE Raw of an `/eeg` Dataset, without annotations and date (see `to_mne`).

    It is not preloaded where the Dataset's samples are still in a file.

    Parameters
    ----------
    node : xarray.Dataset
        `eeg` (channel, time) [V].
    copy : bool
        False shares the samples: only for a Raw that is never changed.
    """
    import mne

    names = [str(n) for n in node.channel.values]
    with quiet():
        info = mne.create_info(names, node.attrs["rate"], node.ch_type.values.tolist())
        if is_lazy(node.eeg):
            raw = lazy_raw(node.eeg.transpose("channel", "time"), info)
        else:
            data = node.eeg.transpose("channel", "time").values
            raw = mne.io.RawArray(data, info, copy="both" if copy else "auto")
        electrodes = {
            name: place
            for name, place, kind in zip(
                names, node.position.values, node.ch_type.values, strict=True
            )
            if np.isfinite(place).all() and kind == "eeg"
        }
        if electrodes:
            marks = np.reshape(node.attrs.get("landmarks", np.full(9, np.nan)), (3, 3))
            fiducials = dict(zip(("nasion", "lpa", "rpa"), marks, strict=True))
            known = {name: place for name, place in fiducials.items() if np.isfinite(place).all()}
            montage = mne.channels.make_dig_montage(electrodes, coord_frame="head", **known)
            raw.set_montage(montage, on_missing="ignore")
            if not known:
                drop_landmarks(raw.info)
    raw.info["bads"] = [n for n, b in zip(names, node.bad.values, strict=True) if b]
    raw.info["subject_info"] = {"his_id": node.attrs.get("subject") or "unknown"}
    return raw


def template_positions(
    names: list[str], electrodes: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """Positions [m, head frame] (name, 3) of names of the 10-05 system, NaN for others.

    Variants such as "EEG Fp1-Ref", "FP1." and the old "T3" are recognised. The second value holds
    nasion, left and right ear point, or None when no name is recognised.
    """
    table, landmarks = _template()
    place = np.full((len(names), 3), np.nan)
    for row, (name, electrode) in enumerate(zip(names, electrodes, strict=True)):
        key = re.sub(r"^eeg[\s_-]*|[\s_-]*(ref|le|avg|re)?\.*$", "", name.strip().lower())
        key = OLD_NAMES.get(key, key)
        if electrode and key in table:
            place[row] = table[key]
    return place, None if np.isnan(place).all() else landmarks.copy()


@functools.lru_cache(maxsize=1)
def _template() -> tuple[dict[str, np.ndarray], np.ndarray]:
    import mne

    with quiet():
        known = mne.channels.get_builtin_montages()  # MNE 1.14 names it after its head
        montage = mne.channels.make_standard_montage(
            TEMPLATE if TEMPLATE in known else "colin27_1005"
        )
        montage.apply_trans(mne.channels.compute_native_head_t(montage))
        places = montage.get_positions()
    table = {name.lower(): np.asarray(place) for name, place in places["ch_pos"].items()}
    return table, np.concatenate([places[k] for k in ("nasion", "lpa", "rpa")])


def stream_attributes(raw: "mne.io.BaseRaw") -> dict[str, str]:
    """`measured_at` (ISO date of the first sample or ""), `file` and `subject` of a Raw."""
    from datetime import timedelta

    date = raw.info["meas_date"]
    if date is not None:
        date += timedelta(seconds=float(raw.first_time))
    names = [Path(f).name for f in raw.filenames if f is not None]
    return {
        "measured_at": "" if date is None else date.isoformat(),
        "file": names[0] if names else "",
        "subject": str((raw.info["subject_info"] or {}).get("his_id", "") or ""),
    }


def channel_type(name: str, kind: str) -> str:
    """The type of a channel that a file calls `kind`: its name says what "eeg" may hide."""
    if kind != "eeg":
        return kind
    if is_trigger(name):
        return "stim"
    key = re.sub(r"^eeg[\s_]+", "", name.strip().lower())
    return next((t for t, pattern in TYPE_PATTERNS.items() if re.search(pattern, key)), "eeg")
