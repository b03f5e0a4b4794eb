"""What a Recording contains, as plain values: what `neurofuse info --json` prints."""

import math
from collections import Counter
from typing import Any

import xarray as xr

from neurofuse.io.clock.dates import real_date
from neurofuse.io.lazy import is_lazy
from neurofuse.io.modality import EEG, NIRS
from neurofuse.io.recording import GATE_OPEN, check, provenance, stream_dataset, streams


def facts(recording: xr.DataTree) -> dict[str, Any]:
    """A Recording at a glance, for programs: numbers in SI units, null where nothing is known.

    Parameters
    ----------
    recording : Recording

    Returns
    -------
    dict
        `streams` and `sensors` by name, `events` (how often, by description), `steps` of the
        provenance, `measured_at`; ready for `json.dumps`. Names end in their unit.

    Raises
    ------
    SchemaError
        If it is no Recording.

    Examples
    --------
    >>> import numpy as np
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> values = facts(build(eeg_dataset(np.zeros((2, 500)), 250.0, ["C3", "C4"])))
    >>> values["streams"]["eeg"]["rate_hz"], values["streams"]["eeg"]["duration_s"]
    (250.0, 2.0)
    """
    check(recording)
    measured_at = str(recording.attrs.get("measured_at", ""))
    aux = recording["aux"].children if "aux" in recording.children else {}
    return {
        "streams": {stream: _stream(recording, stream) for stream in streams(recording)},
        "sensors": {str(name): _sensor(node.to_dataset()) for name, node in aux.items()},
        "events": _events(recording),
        "steps": [str(step.get("step", "?")) for step in provenance(recording)],
        "measured_at": measured_at if real_date(measured_at) else None,
    }


def motion_fraction(node: xr.Dataset) -> tuple[float | None, str]:
    """Fraction of channels and time in motion, by the motion mask ("gate") or, without one, by the
    true mask of injected motion ("motion"), and which of the two it is: (None, "") where neither
    is in memory."""
    name = next((n for n in ("gate", "motion") if n in node and not is_lazy(node[n])), None)
    return (None, "") if name is None else (float((node[name] > GATE_OPEN).mean()), name)


def _stream(recording: xr.DataTree, stream: str) -> dict[str, Any]:
    node = stream_dataset(recording, stream)
    names = node.channel.values.astype(str)
    rate = float(node.attrs["rate"])
    own: dict[str, Any]
    if stream == EEG.name:
        own = {"ch_type": dict(Counter(node.ch_type.values.astype(str).tolist()))}
    else:
        own = {
            "wavelengths_nm": node.wavelength.values.astype(float).tolist(),
            "stored_as": NIRS.variable(node),
            "short": names[node.short.values.astype(bool)].tolist(),
        }
    return {
        "channels": names.tolist(),
        "bad": names[node.bad.values.astype(bool)].tolist(),
        **own,
        "rate_hz": rate,
        "duration_s": node.sizes["time"] / rate,
        "start_s": float(node.time[0]),
        "moving_share": motion_fraction(node)[0],
        "clock": _clock(recording, stream),
    }


def _clock(recording: xr.DataTree, stream: str) -> dict[str, Any] | None:
    if "clock" not in recording.children:
        return None
    node = stream_dataset(recording, "clock")
    if stream not in node.stream.values:
        return None
    row = node.sel(stream=stream)
    return {
        "method": str(row.method.item()),
        "offset_s": _known(row.offset),
        "drift_ppm": _known(row.drift),
        "residual_s": _known(row.residual),
        "anchors": int(row.anchors),
    }


def _sensor(node: xr.Dataset) -> dict[str, Any]:
    rate = float(node.attrs.get("rate", 0)) or None
    return {
        "channels": node.sizes.get("channel", len(node.data_vars)),
        "rate_hz": rate,
        "duration_s": node.sizes["time"] / rate if rate and "time" in node.sizes else None,
    }


def _events(recording: xr.DataTree) -> dict[str, int]:
    if "events" not in recording.children:
        return {}
    return dict(
        Counter(stream_dataset(recording, "events").description.values.astype(str).tolist())
    )


def _known(value: xr.DataArray) -> float | None:
    """JSON has no NaN."""
    return float(value) if math.isfinite(value.item()) else None
