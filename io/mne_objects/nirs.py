"""fNIRS files and MNE objects ⇄ a `/nirs` Dataset of intensity or optical density."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurofuse.io.errors import ReadError
from neurofuse.io.logs import LOG, quiet, reading, source_of
from neurofuse.io.mne_objects.eeg import stream_attributes
from neurofuse.io.mne_objects.landmarks import HEAD, landmarks_of, set_landmarks
from neurofuse.io.mne_objects.optodes import name_parts, nominal_wavelengths, optode_numbers
from neurofuse.io.modality import NIRS
from neurofuse.io.optics.conversion import MNE_TYPES
from neurofuse.io.recording import nirs_dataset

if TYPE_CHECKING:
    import mne

DECLARED_SHORT = "_neurofuse_short"  # an attribute of Raws; their copies keep it
VARIABLES = {kind: variable for variable, kind in MNE_TYPES.items()}


def nirs_from_raw(raw: "mne.io.BaseRaw") -> xr.Dataset:
    """Convert an MNE Raw to a `/nirs` node: raw intensity or optical density.

    Channels are sorted into source-detector pairs by name; wavelengths ascend and are rounded to
    whole nm. The coordinates `raw_name` and `raw_order` (channel, wavelength) keep the Raw's own
    names and order, `raw_wavelength` its wavelengths where they differ from the rounded ones:
    lasers of one device up to 15 nm apart count as one wavelength. A pair that lacks a wavelength
    gets NaN there and is marked bad; so is a pair with a channel that is bad in the Raw.

    Parameters
    ----------
    raw : mne.io.Raw
        With channels of type fnirs_cw_amplitude or fnirs_od, named like "S1_D1 760".

    Returns
    -------
    xarray.Dataset
        `intensity` [any linear unit] or `od` [1] (channel, wavelength, time), with `source`,
        `detector` and their positions [m], `distance` [m], `short` (as declared, else by
        distance), `bad`; time starts at 0 s.

    Raises
    ------
    ReadError
        If there is no fNIRS channel, if the data are haemoglobin, time-domain or mixed, or names
        do not contain source, detector and wavelength.

    Examples
    --------
    >>> import mne
    >>> info = mne.create_info(["S1_D1 760", "S1_D1 850"], 10.0, "fnirs_cw_amplitude")
    >>> node = nirs_from_raw(mne.io.RawArray(np.ones((2, 50)), info, verbose="error"))
    >>> dict(node.intensity.sizes)
    {'channel': 1, 'wavelength': 2, 'time': 50}
    """
    types = raw.get_channel_types()
    variable = _variable(raw, types)
    picks = [i for i, t in enumerate(types) if VARIABLES.get(t) == variable]
    parts = [name_parts(raw.ch_names[i], source_of(raw)) for i in picks]
    pairs = list(dict.fromkeys((source, detector) for source, detector, _ in parts))
    stored = np.array([raw.info["chs"][i]["loc"][9] for i in picks], float)
    own = np.array([wavelength for *_, wavelength in parts])
    own = np.where(np.abs(stored - own) < 1, stored, own)  # names hold whole numbers
    nominal = nominal_wavelengths(
        own, [pairs.index((source, detector)) for source, detector, _ in parts]
    )
    waves = sorted(set(nominal))
    order = np.full((len(pairs), len(waves)), -1)
    for row, (source, detector, _) in enumerate(parts):
        cell = pairs.index((source, detector)), waves.index(nominal[row])
        if order[cell] >= 0:
            raise ReadError(
                f"two channels {raw.ch_names[picks[row]]!r} in {source_of(raw)}",
                "each source, detector and wavelength once",
                "drop one of them (raw.drop_channels)",
            )
        order[cell] = row
    cells = order.ravel()
    with reading(source_of(raw), "samples that can be read"):
        data = np.asarray(raw.get_data(picks=np.array([picks[c] for c in cells if c >= 0])))
    if (cells < 0).any():
        full = np.full((cells.size, data.shape[1]), np.nan)
        full[cells >= 0] = data
        data = full
    some = [picks[row[row >= 0][0]] for row in order]  # positions are those of the pair
    loc = np.array([raw.info["chs"][i]["loc"] for i in some], float)
    bads, is_short = set(raw.info["bads"]), getattr(raw, DECLARED_SHORT, {})
    names = np.array([[raw.ch_names[picks[c]] if c >= 0 else "" for c in row] for row in order])
    node = nirs_dataset(
        data.reshape(len(pairs), len(waves), -1),
        raw.info["sfreq"],
        waves,
        [source for source, _ in pairs],
        [detector for _, detector in pairs],
        variable=variable,
        source_position=_known(loc[:, 3:6]),
        detector_position=_known(loc[:, 6:9]),
        bad=[bool(bads & set(row)) or "" in row for row in names],
    )
    frame = int(raw.info["chs"][some[0]]["coord_frame"])
    node.attrs.update(stream_attributes(raw), frame="head" if frame == HEAD else "unknown")
    marks = landmarks_of(raw, frame)
    if marks is not None:
        node.attrs["landmarks"] = marks
    declared = [[is_short[n] for n in row if n in is_short] for row in names]
    node = _with_declared_short(node, declared, source_of(raw))
    where = ("channel", "wavelength")
    if not np.array_equal(own, nominal):
        exact = np.where(order < 0, np.nan, own[order])
        node = node.assign_coords(raw_wavelength=(where, exact, {"units": "nm"}))
    return node.assign_coords(raw_name=(where, names), raw_order=(where, order))


def declare_short(raw: "mne.io.BaseRaw", short: dict[str, bool]) -> None:
    """Note in a Raw which of its channels are declared short, or not; the others go by distance."""
    setattr(raw, DECLARED_SHORT, short)


def _with_declared_short(node: xr.Dataset, declared: list[list[bool]], source: str) -> xr.Dataset:
    """A node whose `short` is what is declared of the channels of each pair, where it is."""
    measured = node.short.values
    short = np.array([any(d) if d else m for d, m in zip(declared, measured, strict=True)], bool)
    against = (short != measured) & np.isfinite(node.distance.values)
    for name, is_short, distance in zip(
        node.channel.values[against], short[against], node.distance.values[against], strict=True
    ):
        LOG.warning(
            "%s: %s is declared %s at a distance of %.3g mm; the declaration counts",
            source,
            name,
            "a short channel" if is_short else "not to be a short channel",
            1e3 * distance,
        )
    return node.assign_coords(short=("channel", short))


def raw_from_nirs(node: xr.Dataset, *, copy: bool = True) -> "mne.io.RawArray":
    """An MNE Raw of a `/nirs` Dataset, without annotations and date (see `to_mne`).

    Names and order are those of the Raw it came from, or "S1_D1 760" pair by pair.

    Parameters
    ----------
    node : xarray.Dataset
        `intensity` or `od` (channel, wavelength, time).
    copy : bool
        False shares the samples where their order allows: only for a Raw that is never changed.
    """
    import mne
    from mne._fiff.constants import FIFF

    variable = NIRS.variable(node)
    waves = node.wavelength.values
    if "raw_name" in node.coords:
        names = node.raw_name.transpose("channel", "wavelength").values
        order = node.raw_order.transpose("channel", "wavelength").values.ravel()
    else:
        numbers = [
            optode_numbers([str(n) for n in node[kind].values], letter)
            for kind, letter in (("source", "S"), ("detector", "D"))
        ]
        names = np.array(
            [[f"S{s}_D{d} {w:g}" for w in waves] for s, d in zip(*numbers, strict=True)]
        )
        order = np.arange(names.size)
    rows = np.argsort(order, kind="stable")[np.count_nonzero(order < 0) :]
    flat = node[variable].transpose(*NIRS.dims).values
    flat = flat.reshape(names.size, -1)
    straight = np.array_equal(rows, np.arange(names.size))
    count = len(waves)
    exact = np.broadcast_to(waves, names.shape)
    if "raw_wavelength" in node.coords:
        exact = node.raw_wavelength.transpose("channel", "wavelength").values
    with quiet():
        info = mne.create_info(
            [str(names.flat[r]) for r in rows], node.attrs["rate"], MNE_TYPES[variable]
        )
        head = node.attrs.get("frame", "head") == "head"
        for channel, row in zip(info["chs"], rows, strict=True):
            source = node.source_position.values[row // count]
            detector = node.detector_position.values[row // count]
            channel["loc"][:9] = np.concatenate([(source + detector) / 2, source, detector])
            channel["loc"][9] = exact.flat[row]
            channel["coord_frame"] = FIFF.FIFFV_COORD_HEAD if head else FIFF.FIFFV_COORD_UNKNOWN
        if "landmarks" in node.attrs:
            set_landmarks(info, np.asarray(node.attrs["landmarks"], float), head)
        raw = mne.io.RawArray(
            flat if straight else flat[rows], info, copy="both" if copy and straight else "auto"
        )
    bad = np.repeat(node.bad.values, count)
    raw.info["bads"] = [name for name, r in zip(raw.ch_names, rows, strict=True) if bad[r]]
    raw.info["subject_info"] = {"his_id": node.attrs.get("subject") or "unknown"}
    return raw


def _variable(raw: "mne.io.BaseRaw", types: list[str]) -> str:
    kinds = {t for t in types if t.startswith("fnirs") or t in ("hbo", "hbr")}
    if kinds & {"hbo", "hbr"}:
        raise ReadError(
            f"haemoglobin concentrations in {source_of(raw)}",
            "raw intensity or optical density",
            "give the file as the device wrote it: motion is corrected before Beer-Lambert",
        )
    if not kinds:
        raise ReadError(
            f"channels of type {', '.join(sorted(set(types)))} in {source_of(raw)}",
            "at least one fNIRS channel",
            "pass EEG as the EEG recording, or set the channel types (raw.set_channel_types)",
        )
    if len(kinds) > 1 or not kinds <= set(VARIABLES):
        raise ReadError(
            f"fNIRS channels of type {', '.join(sorted(kinds))} in {source_of(raw)}",
            "continuous-wave intensity only, or optical density only",
            "pick one of them (raw.pick)",
        )
    return VARIABLES[kinds.pop()]


def _known(position: np.ndarray) -> np.ndarray:
    """Positions with NaN where none was given, which MNE stores as zeros all over."""
    return position if position.any() else np.full_like(position, np.nan)
