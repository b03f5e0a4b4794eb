"""Files, MNE objects ⇄ a Recording on one clock; optics; channel quality.

Names are loaded when first used: `import neurofuse.io` costs next to nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurofuse.io.alignment import align
    from neurofuse.io.clock import ClockModel
    from neurofuse.io.derivatives import write_bids
    from neurofuse.io.eeg import eeg_from_raw, read_eeg_raw
    from neurofuse.io.errors import (
        AlignmentError,
        NeurofuseError,
        ParameterError,
        ReadError,
        SchemaError,
        WriteError,
    )
    from neurofuse.io.export import write_eeg, write_nirs
    from neurofuse.io.files import read, stem_of, write
    from neurofuse.io.gvtd import global_variance
    from neurofuse.io.joining import join
    from neurofuse.io.netcdf import read_netcdf, write_netcdf
    from neurofuse.io.nirs import nirs_from_raw, read_nirs_raw
    from neurofuse.io.optics import to_haemoglobin, to_intensity, to_optical_density
    from neurofuse.io.pair import from_mne, to_mne
    from neurofuse.io.quality import channel_quality, mark_bad
    from neurofuse.io.recording import (
        build,
        check,
        clock_dataset,
        duration,
        eeg_dataset,
        events_dataset,
        nirs_dataset,
        note,
        provenance,
        stream_dataset,
        streams,
        time_axis,
        with_stream,
        without_stream,
    )
    from neurofuse.io.zarr_store import read_zarr, write_zarr

_HOMES = {
    "alignment": "align",
    "clock": "ClockModel",
    "derivatives": "write_bids",
    "eeg": "eeg_from_raw read_eeg_raw",
    "errors": "AlignmentError NeurofuseError ParameterError ReadError SchemaError WriteError",
    "export": "write_eeg write_nirs",
    "files": "read stem_of write",
    "gvtd": "global_variance",
    "joining": "join",
    "netcdf": "read_netcdf write_netcdf",
    "nirs": "nirs_from_raw read_nirs_raw",
    "optics": "to_haemoglobin to_intensity to_optical_density",
    "pair": "from_mne to_mne",
    "quality": "channel_quality mark_bad",
    "recording": "build check clock_dataset duration eeg_dataset events_dataset nirs_dataset note "
    "provenance stream_dataset streams time_axis with_stream without_stream",
    "zarr_store": "read_zarr write_zarr",
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [  # noqa: RUF022  (one line a file, as above)
    "ClockModel", "align",
    "eeg_from_raw", "read_eeg_raw",
    "AlignmentError", "NeurofuseError", "ParameterError", "ReadError", "SchemaError", "WriteError",
    "read", "read_netcdf", "stem_of", "write", "write_eeg", "write_netcdf", "write_nirs",
    "read_zarr", "write_bids", "write_zarr",
    "nirs_from_raw", "read_nirs_raw",
    "to_haemoglobin", "to_intensity", "to_optical_density",
    "from_mne", "to_mne", "join",
    "channel_quality", "global_variance", "mark_bad",
    "build", "check", "clock_dataset", "duration", "eeg_dataset", "events_dataset",
    "nirs_dataset", "note", "provenance", "stream_dataset", "streams", "time_axis",
    "with_stream", "without_stream",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
