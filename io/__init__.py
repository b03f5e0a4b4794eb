"""Input and output: files or MNE objects in, a Recording on one clock out, and back again.

Names are loaded when first used: `import neurofuse.io` costs next to nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurofuse.io.bids.write import write_bids
    from neurofuse.io.clock.alignment import align
    from neurofuse.io.clock.joining import join
    from neurofuse.io.clock_model import ClockModel
    from neurofuse.io.errors import (
        AlignmentError,
        NeurofuseError,
        ParameterError,
        ReadError,
        SchemaError,
        WriteError,
    )
    from neurofuse.io.files import read
    from neurofuse.io.formats.eeg import read_eeg_raw
    from neurofuse.io.formats.export import write_eeg, write_nirs
    from neurofuse.io.formats.netcdf import read_netcdf, write_netcdf
    from neurofuse.io.formats.nirs import read_nirs_raw
    from neurofuse.io.formats.zarr import read_zarr, write_zarr
    from neurofuse.io.mne_objects.eeg import eeg_from_raw
    from neurofuse.io.mne_objects.nirs import nirs_from_raw
    from neurofuse.io.mne_objects.pair import from_mne, to_mne
    from neurofuse.io.names import stem_of
    from neurofuse.io.optics.conversion import (
        to_haemoglobin,
        to_intensity,
        to_optical_density,
    )
    from neurofuse.io.optics.gvtd import global_variance
    from neurofuse.io.quality.channels import channel_quality, mark_bad
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
    from neurofuse.io.saving import write

_HOMES = {
    "bids.write": "write_bids",
    "clock.alignment": "align",
    "clock.joining": "join",
    "clock_model": "ClockModel",
    "errors": "AlignmentError NeurofuseError ParameterError ReadError SchemaError WriteError",
    "files": "read",
    "formats.eeg": "read_eeg_raw",
    "formats.export": "write_eeg write_nirs",
    "formats.netcdf": "read_netcdf write_netcdf",
    "formats.nirs": "read_nirs_raw",
    "formats.zarr": "read_zarr write_zarr",
    "mne_objects.eeg": "eeg_from_raw",
    "mne_objects.nirs": "nirs_from_raw",
    "mne_objects.pair": "from_mne to_mne",
    "names": "stem_of",
    "optics.conversion": "to_haemoglobin to_intensity to_optical_density",
    "optics.gvtd": "global_variance",
    "quality.channels": "channel_quality mark_bad",
    "recording": "build check clock_dataset duration eeg_dataset events_dataset nirs_dataset note "
    "provenance stream_dataset streams time_axis with_stream without_stream",
    "saving": "write",
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
