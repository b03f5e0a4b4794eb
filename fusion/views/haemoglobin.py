"""HbO and HbR before and after cleaning: what fNIRS is read for."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from neurofuse.fusion.views.before_after import HAEMOGLOBIN, View
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.modality import NIRS
from neurofuse.io.optics.conversion import to_haemoglobin, to_optical_density
from neurofuse.io.recording import stream_dataset, with_stream

KINDS = ("HbO", "HbR")


def haemoglobin_view(recording: xr.DataTree, view: View) -> View | None:
    """HbO and HbR [mol/L] of an fNIRS view, as channels "S1-D1 HbO", "S1-D1 HbR", …

    By the modified Beer-Lambert law of `neurofuse.io.to_haemoglobin`. Channels with a missing
    sample are NaN.

    Parameters
    ----------
    recording : Recording
        Of which `view` was made; it knows wavelengths and distances.
    view : View
        Its fNIRS.

    Returns
    -------
    View or None
        Channel 2 k is the HbO, 2 k + 1 the HbR of channel k; None where distances or wavelengths
        do not allow it.

    Examples
    --------
    >>> import neurofuse as nf
    >>> from neurofuse.fusion.views.before_after import views_of
    >>> recording, _ = nf.simulate(20, seed=0)
    >>> haemoglobin_view(recording, views_of(recording)[1]).channel[:2]
    ['S1-D1 HbO', 'S1-D1 HbR']
    """
    node = stream_dataset(to_optical_density(recording), NIRS.name)
    node = node.drop_vars("kept", errors="ignore")
    kinds = ["before", *["after"] * view.treated, *["truth"] * (view.truth is not None)]
    found: dict[str, np.ndarray] = {}
    try:
        for kind in kinds:
            # of the view, whose optical densities share one reference
            own = node.assign(od=(NIRS.dims, getattr(view, kind)))
            found[kind] = _series(with_stream(recording, NIRS.name, own))
    except NeurofuseError:
        return None
    whole = np.isfinite(found["before"]).all(axis=(1, 2))

    def twice(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else np.repeat(values, len(KINDS), axis=0)

    return replace(
        view,
        stream=HAEMOGLOBIN.name,
        channel=[f"{name} {kind}" for name in view.channel for kind in KINDS],
        wavelength=[],
        before=found["before"],
        after=found.get("after", found["before"]),
        truth=found.get("truth"),
        **{name: twice(getattr(view, name)) for name in ("gate", "motion", "lost")},
        **{name: twice(getattr(view, name)) for name in ("bad", "short", "identical")},
        used=np.repeat(view.used, len(KINDS)) & whole,
    )


def pairs(channels: Sequence[int]) -> list[int]:
    """Indices of HbO and HbR of fNIRS channels.

    Examples
    --------
    >>> pairs([0, 5])
    [0, 1, 10, 11]
    """
    count = len(KINDS)
    return [count * channel + number for channel in channels for number in range(count)]


def _series(recording: xr.DataTree) -> np.ndarray:
    """(2 × channel, 1, time) [mol/L]."""
    node = stream_dataset(to_haemoglobin(recording), NIRS.name)
    both = np.stack([node[kind.lower()].values for kind in KINDS], axis=1)
    return both.reshape(-1, 1, both.shape[-1])
