"""Clean a whole recording, with both streams or one, by a learned model or a classical peer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from neurofuse.fusion.methods import registry as peers
from neurofuse.io.errors import ParameterError
from neurofuse.io.quality.channels import mark_bad
from neurofuse.io.quality.units import refuse_units
from neurofuse.io.recording import GATE_OPEN, check, note, stream_dataset, streams, with_stream

MODELS = {"joint": ("eeg", "nirs"), "eeg": ("eeg",), "nirs": ("nirs",)}


def clean(
    recording: xr.DataTree,
    model: str = "joint",
    *,
    uncertainty: bool = False,
    progress: Callable[[float], None] | None = None,
) -> xr.DataTree:
    """Remove movement artifacts from a Recording of any length.

    Parameters
    ----------
    recording : Recording
        EEG, fNIRS (intensity or optical density), or both.
    model : str
        "joint" (both streams inform each other), its single-modality twins "eeg" and "nirs", the
        path of weights trained with `neurofuse train`, or a classical method (`fusion.PEERS`). A
        stream that the method does not treat stays as it was.
    uncertainty : bool
        Also tell how far cleaned samples may be off, as `uncertainty` [V; 1], one standard
        deviation: nine in ten errors lay within 1.645 of them on people not trained on. 0 where
        the gate is. For fNIRS, of optical density against the last sample before the movement.
        Learned models only.
    progress : callable, optional
        Called with the fraction done.

    Returns
    -------
    Recording
        Same variables, channels, times and units. A learned model adds `gate` (channel, time;
        0..1) to the streams that it treated: where it saw movement. EEG samples with a gate of 0
        are the input's, bit for bit. In fNIRS a gate of 0 leaves the sample-to-sample changes of
        optical density as they were; the level of a stretch between movements may be shifted as
        a whole, where a movement had shifted it. Channels marked bad pass unchanged.

    Raises
    ------
    ParameterError
        For an unknown model, or one that treats none of the streams.
    ReadError
        If a stream has no usable channel.
    SchemaError
        If EEG cannot be in volts, or optical density is none.

    Examples
    --------
    >>> import neurofuse as nf
    >>> truth, contaminated = nf.simulate(duration=20, seed=2)
    >>> cleaned = nf.clean(contaminated)
    >>> shut = (cleaned["eeg"].gate == 0).values
    >>> bool((cleaned["eeg"].eeg.values == contaminated["eeg"].eeg.values)[shut].all())
    True
    """
    check(recording)
    refuse_units(recording)
    if model in peers.PEERS:
        if uncertainty:
            raise ParameterError(
                f"uncertainty of {model!r}", "a learned model", "leave uncertainty=False"
            )
        return peers.get(model).transform(recording)
    learned = model in MODELS or model.endswith(".safetensors")
    if not learned:
        raise ParameterError(
            f"the method {model!r}",
            f"one of {', '.join([*MODELS, *peers.PEERS])}, or a path of .safetensors",
            "check its name",
        )
    from neurofuse.models.inference.apply import estimate_artifacts

    checked = mark_bad(recording)
    found = estimate_artifacts(checked, model, uncertainty=uncertainty, progress=progress)
    if not found:
        raise ParameterError(
            f"a Recording with {' and '.join(streams(recording))} only",
            f"a stream that the model {model!r} treats",
            "choose another model or add the stream",
        )
    cleaned = checked
    for stream, of in found.items():
        subtract = _clean_eeg if stream == "eeg" else _clean_nirs
        node = subtract(cleaned, of.artifact).assign(gate=(("channel", "time"), of.gate))
        if of.deviation is not None:
            dims = ("channel", "time") if stream == "eeg" else ("channel", "wavelength", "time")
            units = {"units": "V" if stream == "eeg" else "1"}
            node = node.assign(uncertainty=(dims, of.deviation, units))
        cleaned = with_stream(cleaned, stream, node)
    moved = {s: round(float((of.gate > GATE_OPEN).any(0).mean()), 4) for s, of in found.items()}
    return note(cleaned, "clean", model=model, streams=list(found), moving_share=moved)


def _clean_eeg(recording: xr.DataTree, artifact: Any) -> xr.Dataset:
    node = stream_dataset(recording, "eeg")
    before = node.eeg.transpose("channel", "time").data  # numpy, or dask for dask
    after = np.where(artifact == 0, before, before - artifact)
    return node.assign(eeg=(("channel", "time"), after, node.eeg.attrs))


def _clean_nirs(recording: xr.DataTree, artifact: np.ndarray) -> xr.Dataset:
    """Subtract in optical density; unchanged samples keep their very value."""
    node = stream_dataset(recording, "nirs")
    name = "od" if "od" in node else "intensity"
    before = node[name].transpose("channel", "wavelength", "time")
    after = before.copy(data=before.values.astype(float))  # a copy
    for row, spoilt in zip(after.values, artifact, strict=True):
        moved = spoilt != 0
        # -ln(intensity) - artifact: the intensity times exp(artifact)
        row[moved] = (
            row[moved] - spoilt[moved] if name == "od" else row[moved] * np.exp(spoilt[moved])
        )
    return node.assign({name: after})
