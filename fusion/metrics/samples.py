"""A recording's samples as arrays, beside those of the recording that it is compared with."""

from functools import cached_property

import numpy as np
import xarray as xr

from neurofuse.io.errors import ParameterError
from neurofuse.io.modality import MODALITIES, NIRS
from neurofuse.io.optics.conversion import to_haemoglobin, to_optical_density
from neurofuse.io.recording import build, check, stream_dataset, streams


class Samples:
    """The samples of a Recording, with channels and wavelengths in the order of a reference.

    Optical density and haemoglobin are worked out once, when first asked for, and not at all for a
    modality that is the same as in the reference.

    Parameters
    ----------
    recording : Recording
        Whose samples are asked for.
    reference : Samples, optional
        Of the recording that sets the order: same channels and times. By default it is itself.

    Raises
    ------
    ParameterError
        If channels or times differ from those of the reference.
    SchemaError
        If `recording` is no Recording.

    Examples
    --------
    >>> from neurofuse.io.recording import eeg_dataset
    >>> node = eeg_dataset(np.array([[1.0, 2.0], [3.0, 4.0]]), 1.0, ["C3", "C4"])
    >>> reference = Samples(build(node))
    >>> Samples(build(node.isel(channel=[1, 0])), reference).array("eeg").tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """

    def __init__(self, recording: xr.DataTree, reference: "Samples | None" = None) -> None:
        if reference is None:
            check(recording)
        else:
            match(recording, reference.recording)
        self.recording: xr.DataTree = recording
        self.reference: Samples = self if reference is None else reference
        self.modalities: tuple[str, ...] = tuple(
            m for m in streams(self.reference.recording) if m in streams(recording)
        )
        self._nodes: dict[str, xr.Dataset] = {}
        self._arrays: dict[str, np.ndarray] = {}
        self._unchanged: dict[str, bool] = {}

    def node(self, modality: str) -> xr.Dataset:
        """The modality's node, its channels and wavelengths in the order of the reference."""
        if modality not in self._nodes:
            node = stream_dataset(self.recording, modality)
            if self.reference is not self:
                node = _ordered(node, self.reference.node(modality), modality)
            self._nodes[modality] = node
        return self._nodes[modality]

    def unchanged(self, modality: str) -> bool:
        """Whether the modality has the same samples and bad channels as in the reference."""
        if modality not in self._unchanged:
            own, first = self.node(modality), self.reference.node(modality)
            name = MODALITIES[modality].variable(first)
            self._unchanged[modality] = own is first or (
                name in own
                and np.array_equal(own.bad.values, first.bad.values)
                and _equal(own[name].variable, first[name].variable)
            )
        return self._unchanged[modality]

    def array(self, modality: str) -> np.ndarray:
        """Samples in float64: EEG (channel, time) [V], or optical density (channel, wavelength,
        time) [1]."""
        if modality not in self._arrays:
            if self.reference is not self and self.unchanged(modality):
                return self.reference.array(modality)
            node = self.node(modality)
            if modality == NIRS.name and "od" not in node:
                light = node[["intensity", "bad"]]  # trees copy all that they hold
                light = light.drop_vars(set(light.coords) - {*NIRS.dims, "bad"})
                node = stream_dataset(to_optical_density(build(nirs=light)), modality)
            values = node["od" if modality == NIRS.name else modality]
            dims = MODALITIES[modality].dims
            self._arrays[modality] = np.asarray(values.transpose(*dims).values, np.float64)
        return self._arrays[modality]

    def hbo(self) -> np.ndarray:
        """Oxygenated haemoglobin (channel, time) [mol/L], with the reference's distances.

        NaN where a channel has no distance.

        Raises
        ------
        SchemaError
            If distances or wavelengths do not allow it.
        """
        if self.reference is not self and self.unchanged(NIRS.name):
            return self.reference.hbo()
        return self._own_hbo

    @cached_property
    def _own_hbo(self) -> np.ndarray:
        return np.einsum("cw,cwt->ct", self.reference._beer_lambert, self.array(NIRS.name))

    @cached_property
    def _beer_lambert(self) -> np.ndarray:
        """HbO (channel, wavelength) [mol/L] of an optical density of 1 at one wavelength."""
        node = self.node(NIRS.name)
        waves = node.sizes["wavelength"]
        ones = np.broadcast_to(np.eye(waves), (node.sizes["channel"], waves, waves))
        unit = node[list(node.coords)].isel(time=slice(0, waves)).assign(od=(NIRS.dims, ones))
        unit.attrs = node.attrs
        return stream_dataset(to_haemoglobin(build(nirs=unit)), NIRS.name).hbo.values


def match(one: xr.DataTree, other: xr.DataTree) -> None:
    """Check that the modalities that two Recordings share have the same channels and times.

    Parameters
    ----------
    one, other : Recording
        The order of channels does not matter.

    Raises
    ------
    ParameterError
        If no modality is in both, or channels, wavelengths or times differ.
    SchemaError
        If one of them is no Recording.

    Examples
    --------
    >>> from neurofuse.io.recording import eeg_dataset
    >>> one, other = (build(eeg_dataset(np.zeros((1, n)), 1.0, ["Cz"])) for n in (5, 6))
    >>> match(one, other)
    Traceback (most recent call last):
        ...
    neurofuse.io.errors.ParameterError: found /eeg with 5 samples from 0 s beside 6 from 0 s; ...
    """
    check(one)
    check(other)
    common = [s for s in streams(one) if s in streams(other)]
    remedy = "give the recording that the other was made from"
    if not common:
        raise ParameterError(
            f"streams {streams(one)} and {streams(other)}", "a stream in both", remedy
        )
    for stream in common:
        first, second = one[stream], other[stream]
        for dim in MODALITIES[stream].dims[:-1]:
            names, others = (sorted(n.coords[dim].values.tolist()) for n in (first, second))
            if names != others:
                odd = sorted(set(names) ^ set(others)) or "doubled names"
                raise ParameterError(f"/{stream} with other {dim}s ({odd})", "the same", remedy)
        times, others = first.time.values, second.time.values
        if times.size != others.size or not np.allclose(
            times, others, rtol=0, atol=0.1 / first.attrs["rate"]
        ):
            raise ParameterError(
                f"/{stream} with {times.size} samples from {times[0]:g} s beside {others.size} "
                f"from {others[0]:g} s",
                "the same times",
                remedy,
            )


def _ordered(node: xr.Dataset, reference: xr.Dataset, modality: str) -> xr.Dataset:
    for dim in MODALITIES[modality].dims[:-1]:
        names = reference[dim].values
        if not np.array_equal(node[dim].values, names):
            node = node.sel({dim: names})
    return node


def _equal(one: xr.Variable, other: xr.Variable) -> bool:
    """Whether two variables hold the same samples; NaN never counts as the same."""
    return one.dims == other.dims and (
        one.values is other.values or np.array_equal(one.values, other.values)
    )
