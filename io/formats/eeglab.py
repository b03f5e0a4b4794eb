"""EEGLAB .set files as MNE reads them, and what other programs than EEGLAB leave out of them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurofuse.io.errors import ReadError
from neurofuse.io.logs import LOG

if TYPE_CHECKING:
    import mne

ONE_AT_A_TIME = threading.RLock()


def read_eeglab(path: str | Path, preload: bool = False) -> "mne.io.BaseRaw":
    """Open a .set file whose `chaninfo` may be empty and whose events may be impossible.

    Negative durations become 0 and latencies from 0 to 1 the first sample; events before the first
    sample are left out: each with a warning. MNE leaves out those behind the last, warning too.
    """
    import mne

    def complete(eeg: Any) -> None:
        _check_size(eeg, Path(path))
        _complete(eeg, path)

    with _loading(complete):
        return mne.io.read_raw_eeglab(path, preload=preload)


@contextmanager
def _loading(change: Callable[[Any], None]) -> Iterator[None]:
    """Let `change` complete the EEG struct that MNE loads, before it looks into it."""
    from mne.io.eeglab import eeglab

    with ONE_AT_A_TIME:
        load = eeglab._check_load_mat

        def loaded(*args: Any, **kwargs: Any) -> Any:
            eeg = load(*args, **kwargs)
            change(eeg)
            return eeg

        eeglab._check_load_mat = loaded
        try:
            yield
        finally:
            eeglab._check_load_mat = load


def _check_size(eeg: Any, path: Path) -> None:
    """Compare the size of a .fdt file with what its .set file announces: float32 samples."""
    name = eeg.get("data", "")
    if not isinstance(name, str):
        return
    files = [path.parent / Path(name).name, path.with_suffix(".fdt")]
    file = next((f for f in files if f.suffix == ".fdt" and f.is_file()), None)
    if file is None:  # MNE reports this better
        return
    channels, announced = int(eeg.nbchan), int(eeg.pnts) * int(eeg.trials)
    held = file.stat().st_size / (4 * max(channels, 1))
    if held < announced:
        raise ReadError(
            f"{file}, cut off: {held:.1f} of {announced} samples of {channels} channels",
            "a whole EEGLAB recording",
            "copy or export the recording again",
        )
    if held > announced:
        LOG.warning("%s: %.1f samples; %s announces %d", file, held, path.name, announced)


def _complete(eeg: Any, path: str | Path) -> None:
    if not hasattr(eeg.get("chaninfo", {}), "get"):  # `EEG.chaninfo = []`
        eeg.chaninfo = {}
    events = eeg.get("event", [])
    one = hasattr(events, "keys") or hasattr(events, "latency")  # a struct of one, or of lists
    listed = [events] if one else list(events)
    negative = sum(_changed(event, "duration", _length) for event in listed)
    if negative:
        LOG.warning("%s: %d of its events last less than 0 s: taken as 0 s", path, negative)
    last = int(eeg.pnts) + 1
    outside = sum(_changed(event, "latency", lambda at: _latency(at, last)) for event in listed)
    if outside:
        LOG.warning(
            "%s: %d of its events lie outside the samples: taken to be at the first one where the "
            "latency is 0, else left out",
            path,
            outside,
        )


def _length(value: float) -> float:
    return max(value, 0.0)


def _latency(value: float, last: int) -> float:
    """EEGLAB counts samples from 1; MNE leaves out events at NaN."""
    if value > last or value < 0:
        return np.nan
    return max(value, 1.0)


def _changed(event: Any, field: str, change: Callable[[float], float]) -> int:
    """Change the numbers of a field of an event, or of a struct of lists; returns how many."""
    table = event if hasattr(event, "keys") else getattr(event, "__dict__", {})
    if field not in table:
        return 0
    stored = table[field]
    values = [stored] if np.ndim(stored) == 0 else list(stored)
    made = [change(float(v)) if _is_number(v) else v for v in values]
    different = sum(_is_number(old) and old != new for old, new in zip(values, made, strict=True))
    if different:
        table[field] = made[0] if np.ndim(stored) == 0 else made
    return different


def _is_number(value: Any) -> bool:
    return np.ndim(value) == 0 and isinstance(value, (int, float, np.number)) and value == value
