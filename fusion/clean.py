"""Clean a whole recording with any method."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import xarray as xr

from neurofuse.fusion.methods.cleaner import apply
from neurofuse.fusion.methods.registry import default_method, get_method
from neurofuse.fusion.verdict import with_verdicts
from neurofuse.io.deprecation import renamed
from neurofuse.io.errors import ParameterError
from neurofuse.io.mne_objects.pair import from_mne, to_mne
from neurofuse.io.quality.reference import note_reference
from neurofuse.io.quality.units import refuse_units
from neurofuse.io.recording import check

if TYPE_CHECKING:
    import mne

    from neurofuse.fusion.methods.registry import Method


def clean(
    recording: xr.DataTree,
    method: "Method | None" = None,
    *,
    uncertainty: bool = False,
    progress: Callable[[float], None] | None = None,
    model: "Method | None" = None,
) -> xr.DataTree:
    """Remove motion artifacts from a Recording of any length.

    Parameters
    ----------
    recording : Recording
        EEG, fNIRS (intensity or optical density), or both.
    method : str, Path, Cleaner or model, optional
        A name of `neurofuse.methods()`, the path of weights trained with `neurofuse train`, the
        folder of an export (`neurofuse export`), which needs no torch, or an object: a configured
        or fitted method (`neurofuse.get_method`), a model in memory, or a cleaner of your own. By
        default "joint" where both modalities are there, so that they inform each other, else the
        model of the single modality, "eeg" or "nirs". A modality that the method does not treat
        stays as it was.
    uncertainty : bool
        Also estimate how far cleaned samples may be off, as `uncertainty` [V; 1], one standard
        deviation: nine in ten errors lay within 1.645 of them on participants not trained on. 0
        where the motion mask is. For fNIRS, of optical density against the last sample before the
        movement. Learned models only.
    progress : callable, optional
        Called with the fraction done.
    model : optional
        The former name of `method`, accepted until neurofuse 1.0.

    Returns
    -------
    Recording
        Same variables, channels, times and units. A learned model adds the motion mask `gate`
        (channel, time; 0 to 1) to the modalities that it treated. EEG samples where it is 0 are
        the input's, bit for bit. In fNIRS the sample-to-sample changes of optical density stay
        there as they were, but the baseline level of a stretch between movements may be shifted
        as a whole, where a movement had shifted it. Every stream gets `verdict` (channel, time):
        0 kept, 1 repaired, 2 lost. Lost is what measured nothing of the participant, at the rails,
        without contact or light, and what is missing; it comes back as recorded, and so do channels
        marked bad. EEG that
        was average-referenced no longer is where it was cleaned: provenance and log say so.

    Raises
    ------
    ParameterError
        For an unknown method, or one that treats none of the modalities.
    ReadError
        If a modality has no usable channel, or the weights under a path cannot be read.
    SchemaError
        If EEG cannot be in volts, or fNIRS cannot be optical density.

    Examples
    --------
    >>> import neurofuse as nf
    >>> truth, contaminated = nf.simulate(duration=20, seed=2)
    >>> cleaned = nf.clean(contaminated)
    >>> quiet = (cleaned["eeg"].gate == 0).values
    >>> bool((cleaned["eeg"].eeg.values == contaminated["eeg"].eeg.values)[quiet].all())
    True
    """
    if model is not None:
        renamed("clean(model=)", "clean(method=)")
        method = model if method is None else method
    check(recording)
    refuse_units(recording)
    cleaner = get_method(default_method(recording) if method is None else method)
    cleaned = apply(cleaner, recording, progress=progress, uncertainty=uncertainty)
    return note_reference(recording, with_verdicts(recording, cleaned))


def clean_raws(
    raw_eeg: "mne.io.BaseRaw | None",
    raw_nirs: "mne.io.BaseRaw | None" = None,
    method: "Method | None" = None,
    *,
    offset: float | None = None,
    align: str | None = None,
    progress: Callable[[float], None] | None = None,
) -> "tuple[mne.io.BaseRaw | None, mne.io.BaseRaw | None]":
    """Clean MNE Raw objects jointly; `clean` for those who stay in MNE.

    Parameters
    ----------
    raw_eeg, raw_nirs : mne.io.Raw or None
        EEG [V], and fNIRS as raw intensity or optical density. They are not changed.
    method : str, Path, Cleaner or model, optional
        As in `clean`.
    offset : float, optional
        To add to fNIRS times to get EEG times [s], as in `neurofuse.from_mne`.
    align : str, optional
        Where the common clock comes from, as in `neurofuse.from_mne`.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    raw_eeg, raw_nirs : mne.io.Raw or None
        Same channels, order, times, units and annotations, cleaned; None where none was given. Both
        are on the EEG's clock, so that the measurement date of fNIRS follows from the offset.

    Raises
    ------
    AlignmentError
        If the two cannot be put on one clock.
    ParameterError
        If one of them is no MNE Raw.
    NeurofuseError
        As `clean`.

    Examples
    --------
    >>> import neurofuse as nf
    >>> raw_eeg, raw_nirs = nf.to_mne(nf.simulate(duration=20, seed=2)[1])
    >>> clean_eeg, clean_nirs = nf.clean_raws(raw_eeg, raw_nirs, offset=0)
    >>> clean_eeg.ch_names == raw_eeg.ch_names, clean_nirs.get_channel_types(unique=True)
    (True, ['fnirs_cw_amplitude'])
    """
    for raw in (raw_eeg, raw_nirs):
        if raw is not None and not hasattr(raw, "get_channel_types"):
            raise ParameterError(
                f"a {type(raw).__name__} for an MNE Raw",
                "mne.io.Raw objects: EEG, fNIRS",
                "for files see neurofuse.read, for a Recording neurofuse.clean",
            )
    recording = from_mne(raw_eeg, raw_nirs, offset=offset, align=align)
    options: dict[str, Any] = {"progress": progress}
    return to_mne(clean(recording, method, **options))
