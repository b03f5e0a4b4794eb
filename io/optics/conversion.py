"""Intensity ⇄ optical density ⇄ haemoglobin, with MNE's definitions.

Optical density is -ln(intensity / reference), the reference being each channel's and wavelength's
mean over time. A channel with samples that have no logarithm (zero, negative, NaN or infinite)
keeps its intensity unchanged in the variable `kept` (kept_channel, wavelength, time) beside `od`,
where those samples are NaN, so that `to_intensity` returns exactly the input.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neurofuse.io.errors import ParameterError, SchemaError
from neurofuse.io.logs import quiet
from neurofuse.io.modality import NIRS
from neurofuse.io.recording import note, stream_dataset, streams, with_stream

if TYPE_CHECKING:
    import mne

MNE_TYPES = {"intensity": "fnirs_cw_amplitude", "od": "fnirs_od"}


def to_optical_density(recording: xr.DataTree) -> xr.DataTree:
    """Convert fNIRS intensity to optical density, -ln(intensity / mean over time).

    Same values as `mne.preprocessing.nirs.optical_density` for positive samples. Samples that are
    zero or negative become NaN, where MNE takes their absolute value; their channels keep the
    intensity beside it, in `kept`.

    Parameters
    ----------
    recording : Recording
        With `/nirs`. One that holds optical density is returned as it is.

    Returns
    -------
    Recording
        With `od` (channel, wavelength, time) [1] and the coordinate `reference`
        (channel, wavelength) [unit of the intensity].

    Raises
    ------
    SchemaError
        If there is no fNIRS stream.

    Examples
    --------
    >>> from neurofuse.io.recording import build, nirs_dataset
    >>> light = np.exp([[[0.0, 1.0], [1.0, 0.0]]])
    >>> recording = build(nirs=nirs_dataset(light, 10.0, [760, 850], ["S1"], ["D1"]))
    >>> to_optical_density(recording)["nirs"].od.values.round(2).tolist()
    [[[0.62, -0.38], [-0.38, 0.62]]]
    """
    node = _nirs(recording)
    if "od" in node:
        return recording
    light = node["intensity"].transpose(*NIRS.dims)
    values = light.values
    od = np.empty(values.shape, np.result_type(values.dtype, np.float32))
    reference = np.ones(values.shape[:2])
    failing = np.zeros(len(values), bool)
    for c, w in np.ndindex(values.shape[:2]):  # row by row: a long recording is not copied
        row = values[c, w]
        good = (row > 0) & np.isfinite(row)
        failing[c] |= not good.all()
        if good.any():
            reference[c, w] = row.mean() if good.all() else row[good].mean()
        with np.errstate(invalid="ignore", divide="ignore"):
            np.divide(row, reference[c, w], out=od[c, w])
            np.log(od[c, w], out=od[c, w])
            np.negative(od[c, w], out=od[c, w])
        if not good.all():
            od[c, w, ~good] = np.nan
    changed = node.drop_vars("intensity").assign(od=(light.dims, od, {"units": "1"}))
    changed = changed.assign_coords(reference=(("channel", "wavelength"), reference))
    changed["reference"].attrs["units"] = light.attrs.get("units", "a.u.")
    if failing.any():
        names = node.channel.values[failing]
        kept = ("kept_channel", "wavelength", "time")
        changed = changed.assign(kept=(kept, values[failing], dict(light.attrs)))
        changed = changed.assign_coords(kept_channel=names)
    return note(with_stream(recording, NIRS.name, changed), "to_optical_density")


def to_intensity(recording: xr.DataTree) -> xr.DataTree:
    """Convert optical density back to intensity, reference × exp(-od): undo `to_optical_density`.

    Parameters
    ----------
    recording : Recording
        With `/nirs`. One that holds intensity is returned as it is.

    Returns
    -------
    Recording
        With `intensity` (channel, wavelength, time) in the unit of its reference, equal to the
        original to float precision; channels in `kept` return exactly. Without a `reference` (a
        file that held optical density) the reference is 1.

    Raises
    ------
    SchemaError
        If there is no fNIRS stream.

    Examples
    --------
    >>> from neurofuse.io.recording import build, nirs_dataset
    >>> light = np.array([[[3.0, 5.0, -1.0]]])
    >>> recording = build(nirs=nirs_dataset(light, 10.0, [760], ["S1"], ["D1"]))
    >>> bool((to_intensity(to_optical_density(recording))["nirs"].intensity == light).all())
    True
    """
    node = _nirs(recording)
    if "intensity" in node:
        return recording
    od = node["od"].transpose(*NIRS.dims)
    light = np.negative(od.values)
    np.exp(light, out=light)
    units = "1"
    if "reference" in node.coords:
        light *= node["reference"].transpose("channel", "wavelength").values[:, :, None]
        units = node["reference"].attrs.get("units", "a.u.")
    if "kept" in node:
        kept = node["kept"].transpose("kept_channel", "wavelength", "time")
        rows = {str(name): row for row, name in enumerate(kept.kept_channel.values)}
        for channel, name in enumerate(node.channel.values):
            if str(name) in rows:
                light[channel] = kept.values[rows[str(name)]]
    drop = [n for n in ("od", "kept", "kept_channel", "reference") if n in node.variables]
    changed = node.drop_vars(drop).assign(intensity=(od.dims, light, {"units": units}))
    return note(with_stream(recording, NIRS.name, changed), "to_intensity")


def to_haemoglobin(
    recording: xr.DataTree, *, partial_pathlength: float | Iterable[float] = 6.0
) -> xr.DataTree:
    """Add haemoglobin concentrations by the modified Beer-Lambert law, in MNE's definition.

    It is `mne.preprocessing.nirs.beer_lambert_law` (Delpy et al. 1988, Phys Med Biol 33:1433;
    absorption coefficients compiled by Prahl), for any number of wavelengths.

    Parameters
    ----------
    recording : Recording
        With `/nirs` of two wavelengths or more. Intensity becomes optical density on the way.
    partial_pathlength : float or one float per wavelength
        Partial pathlength factor [1]: differential pathlength factor × the fraction of the path
        that lies in active tissue. 6.0 takes the whole path as active (MNE's default); 0.1 is usual
        for the concentrations of the active volume (Strangman et al. 2003, NeuroImage 18:865).

    Returns
    -------
    Recording
        With `hbo` and `hbr` (channel, time) [mol/L] and `od` in `/nirs`, NaN throughout for a
        channel with a NaN sample or without a source-detector distance.

    Raises
    ------
    SchemaError
        If there is no fNIRS stream, only one wavelength, or no distance at all.
    ParameterError
        If the partial pathlength factor is not positive or not one per wavelength.

    Examples
    --------
    >>> from neurofuse.io.recording import build, nirs_dataset
    >>> source, detector = np.array([[0, 0, 0.09]]), np.array([[0, 0.03, 0.09]])
    >>> node = nirs_dataset(np.array([[[1.0, 0.9], [1.0, 0.8]]]), 10.0, [760, 850], ["S1"], ["D1"],
    ...                     source_position=source, detector_position=detector)
    >>> result = to_haemoglobin(build(nirs=node))["nirs"]
    >>> bool((result.hbo.diff("time") > 0).all()), result.hbo.attrs["units"]
    (True, 'mol/L')
    """
    import mne

    changed = to_optical_density(recording)
    node = stream_dataset(changed, NIRS.name)
    count = node.sizes["wavelength"]
    factor = np.atleast_1d(np.asarray(partial_pathlength, float))
    if factor.ndim != 1 or len(factor) not in (1, count) or not (factor > 0).all():
        raise ParameterError(
            f"partial_pathlength={partial_pathlength}",
            f"one positive number, or {count} (one per wavelength)",
            "6.0 is MNE's default",
        )
    if count < 2:
        raise SchemaError("one wavelength", "two or more", "HbO and HbR need two wavelengths")
    distance = node.distance.values
    whole = np.isfinite(distance) & (distance > 0)
    if not whole.any():
        raise SchemaError(
            "fNIRS channels without positions", "source and detector positions", "set a montage"
        )
    whole &= np.isfinite(node.od).all(("wavelength", "time")).values
    conc = np.full((2, node.sizes["channel"], node.sizes["time"]), np.nan)
    pathlength: Any = np.broadcast_to(factor, count)  # MNE annotates a float only
    if whole.any():
        with quiet():
            raw = mne.preprocessing.nirs.beer_lambert_law(
                plain_raw(node.isel(channel=whole)),
                ppf=pathlength,
            )
        row = {name: i for i, name in enumerate(raw.ch_names)}
        data = raw.get_data()
        for index, channel in enumerate(np.flatnonzero(whole), 1):
            for k, kind in enumerate(("hbo", "hbr")):
                conc[k, channel] = data[row[f"S{index}_D{index} {kind}"]]
    units = {"units": "mol/L"}
    added = node.assign(
        hbo=(("channel", "time"), conc[0], units), hbr=(("channel", "time"), conc[1], units)
    )
    return note(
        with_stream(changed, NIRS.name, added),
        "to_haemoglobin",
        partial_pathlength=factor.tolist(),
        method="mne.preprocessing.nirs.beer_lambert_law",
    )


def plain_raw(node: xr.Dataset) -> "mne.io.RawArray":
    """A Raw for MNE's own functions: channel k is named S{k}_D{k}.

    With numbered optodes every Recording satisfies MNE's rules for names; no channel is bad.
    """
    import mne

    waves = node.wavelength.values
    count = node.sizes["channel"]
    variable = NIRS.variable(node)
    flat = node[variable].transpose(*NIRS.dims).values
    names = [f"S{k}_D{k} {wave:g}" for k in range(1, count + 1) for wave in waves]
    with quiet():
        info = mne.create_info(names, node.attrs["rate"], MNE_TYPES[variable])
        for row, channel in enumerate(info["chs"]):
            source = node.source_position.values[row // len(waves)]
            detector = node.detector_position.values[row // len(waves)]
            channel["loc"][:9] = np.concatenate([(source + detector) / 2, source, detector])
            channel["loc"][9] = waves[row % len(waves)]
        return mne.io.RawArray(flat.reshape(len(names), -1), info)


def _nirs(recording: xr.DataTree) -> xr.Dataset:
    if NIRS.name not in streams(recording):
        raise SchemaError(
            "a Recording without an fNIRS stream", "an /nirs node", "read a SNIRF file with it"
        )
    return stream_dataset(recording, NIRS.name)
