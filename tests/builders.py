"""Small Recordings from arrays, with names, rates and wavelengths that most tests do not mind."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr

from neurofuse.io.clock_model import ClockModel
from neurofuse.io.recording import (
    EventRow,
    build,
    clock_dataset,
    eeg_dataset,
    events_dataset,
    nirs_dataset,
    stream_dataset,
    with_stream,
)


def eeg_node(samples: np.ndarray, rate: float = 100.0, names: Any = None, **more: Any):
    """EEG [V] of the channels E0, E1, ... if no names are given."""
    return eeg_dataset(samples, rate, names or [f"E{i}" for i in range(len(samples))], **more)


def nirs_node(samples: np.ndarray, rate: float = 10.0, waves: Any = (760, 850), **more: Any):
    """fNIRS of the pairs S1-D1, S2-D2, ...: intensity, or what `variable` names."""
    source, detector = ([f"{kind}{i + 1}" for i in range(len(samples))] for kind in "SD")
    return nirs_dataset(samples, rate, waves, source, detector, **more)


def recording_of(
    eeg: np.ndarray | xr.Dataset | None = None,
    nirs: np.ndarray | xr.Dataset | None = None,
    *,
    events: Iterable[EventRow] = (),
    clock: dict[str, ClockModel] | None = None,
) -> xr.DataTree:
    """A Recording of nodes or of arrays: EEG at 100 Hz, fNIRS intensity at 10 Hz."""
    return build(
        eeg_node(eeg) if isinstance(eeg, np.ndarray) else eeg,
        nirs_node(nirs) if isinstance(nirs, np.ndarray) else nirs,
        events=events_dataset(events),
        clock=None if clock is None else clock_dataset(clock),
    )


def aligned_recording(name: str = "C3") -> xr.DataTree:
    """Two s, without a signal: a bad electrode, an fNIRS channel, and a clock set by events."""
    return recording_of(
        eeg_node(np.zeros((2, 500)), 250.0, [name, "C4"], bad=[True, False]),
        nirs_node(np.ones((1, 2, 25)), 12.5),
        events=[(0.5, 0.0, "go", "", ""), (1.0, 0.0, "go", "", "")],
        clock={"eeg": ClockModel(), "nirs": ClockModel(0.5, 12.0, 0.004, 9, "events")},
    )


def with_masks(recording: xr.DataTree, name: str, **masks: np.ndarray) -> xr.DataTree:
    """The Recording with `gate` or `motion` (time,), the same in all channels of a modality."""
    for modality, mask in masks.items():
        node = stream_dataset(recording, modality)
        mask = np.tile(mask.astype(np.float32 if name == "gate" else bool), (node.channel.size, 1))
        recording = with_stream(
            recording, modality, node.assign({name: (("channel", "time"), mask)})
        )
    return recording
