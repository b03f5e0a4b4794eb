"""Movements of a recording described by numbers: what both modalities and the IMU show of each."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from neurofuse.fusion.kinds import eeg, head, nirs
from neurofuse.fusion.kinds.regions import regions_of
from neurofuse.io.imu import head_imu
from neurofuse.io.modality import EEG, NIRS

LOOKED_AT = 20.0  # s of a movement, from its onset on
QUIET_WINDOW, QUIET_WINDOWS = 2.0, 40  # s; of these, all over a recording …
QUIET = 0.25  # … the quantile of a band's energy that is its quiet energy
BESIDE = 0.6  # s before and after a movement, between which optodes settle elsewhere
LARGEST = {EEG.name: 1.0, NIRS.name: 20.0}  # V, optical density: nothing larger is measured
TOGETHER = 0.3  # of the shorter one: two modalities' movements that overlap so far are one
NAMES = {EEG.name: eeg.NAMES, NIRS.name: nirs.NAMES, "head": head.NAMES}
Read = Callable[[int, int], np.ndarray]
ALL_NAMES: tuple[str, ...] = tuple(name for names in NAMES.values() for name in names)


@dataclass(frozen=True)
class Span:
    """A movement in one modality: its samples, and the channels in motion.

    Attributes
    ----------
    first, last : int
        First sample, and the one after the last.
    channels : int array
        Numbers of the channels in motion.
    """

    first: int
    last: int
    channels: np.ndarray


def describe_eeg(
    node: xr.Dataset, read: Read, used: np.ndarray, spans: Iterable[Span]
) -> np.ndarray:
    """Numbers (movement, feature) of movements in EEG, in order of time.

    Parameters
    ----------
    node : Dataset
        The recorded EEG.
    read : function
        Of a first sample and the one after the last: samples (channel, time) [V].
    used : bool array (channel,)
        Channels that are looked at.
    spans : iterable of Span
    """
    spans = list(spans)
    rate, length = float(node.attrs["rate"]), node.sizes["time"]
    if not spans or not used.any():
        return np.full((len(spans), len(eeg.NAMES)), np.nan)
    regions = regions_of(node.position.values[used])
    size = min(length, max(round(QUIET_WINDOW * rate), 2))
    starts = np.unique(np.linspace(0, length - size, QUIET_WINDOWS).astype(int))
    energies = [
        eeg.band_energy(_finite(read(at, at + size)[used], EEG.name), rate) for at in starts
    ]
    quiet = np.quantile(energies, QUIET, axis=0)
    found = []
    for span in spans:
        moving = np.isin(np.flatnonzero(used), span.channels)
        last = min(span.last, span.first + round(LOOKED_AT * rate))
        last = max(last, min(span.first + 4, length))
        samples = _finite(read(span.first, last)[used], EEG.name)
        found.append(eeg.describe(samples, rate, moving, quiet, regions))
    return np.array(found)


def describe_nirs(
    node: xr.Dataset, read: Read, used: np.ndarray, spans: Iterable[Span]
) -> np.ndarray:
    """Numbers (movement, feature) of movements in fNIRS, in order of time.

    Parameters
    ----------
    node : Dataset
        The recorded fNIRS.
    read : function
        Of a first sample and the one after the last: optical density (channel, wavelength, time).
    used : bool array (channel,)
        Channels that are looked at.
    spans : iterable of Span
    """
    spans = list(spans)
    rate, length = float(node.attrs["rate"]), node.sizes["time"]
    if not spans or not used.any():
        return np.full((len(spans), len(nirs.NAMES)), np.nan)
    middle = (node.source_position.values + node.detector_position.values) / 2
    regions = regions_of(middle[used])
    beside = max(round(BESIDE * rate), 1)
    found = []
    for span in spans:
        moving = np.isin(np.flatnonzero(used), span.channels)
        first = max(span.first - 1, 0)
        last = min(span.last, first + round(LOOKED_AT * rate))
        last = max(last, min(first + 3, length))
        begin = max(first - beside, 0)
        here = _finite(read(begin, min(last + beside, length))[used], NIRS.name)
        start = first - begin
        stop = start + last - first
        before = here[..., : start + 1].mean(-1)
        after = here[..., stop - 1 :].mean(-1)
        own = here[..., start:stop]
        found.append(nirs.describe(own, rate, moving, regions, after - before))
    return np.array(found)


def _finite(samples: np.ndarray, modality: str) -> np.ndarray:
    """Samples within what can be measured; zeros where there are none."""
    most = LARGEST[modality]
    return np.nan_to_num(samples.astype(float), posinf=0, neginf=0).clip(-most, most)


def together(
    own: Sequence[tuple[float, float]], other: Sequence[tuple[float, float]]
) -> list[int | None]:
    """Of each movement (onset, end) [s] the movement of the other modality that goes with it.

    Examples
    --------
    >>> together([(0.0, 2.0), (5.0, 6.0)], [(1.0, 3.0)])
    [0, None]
    """
    found: list[int | None] = []
    ends = np.array(other, float).reshape(-1, 2)
    for onset, end in own:
        shared = np.minimum(ends[:, 1], end) - np.maximum(ends[:, 0], onset)
        shared = shared / np.maximum(np.minimum(ends[:, 1] - ends[:, 0], end - onset), 1e-9)
        best = int(shared.argmax()) if len(shared) else 0
        found.append(best if len(shared) and shared[best] >= TOGETHER else None)
    return found


def joined(
    recording: xr.DataTree,
    times: dict[str, list[tuple[float, float]]],
    numbers: dict[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Numbers (movement, `ALL_NAMES`) of each modality's movements, with what others show of them.

    Parameters
    ----------
    recording : Recording
        Whose IMU on the head is looked at.
    times : dict of list
        By modality, onset and end of its movements [s].
    numbers : dict of array (movement, feature)
        By modality, what it shows itself.
    """
    sensors = head.Head(head_imu(recording))
    made = {}
    for name, own in times.items():
        parts = []
        for modality in (EEG.name, NIRS.name):
            part = np.full((len(own), len(NAMES[modality])), np.nan)
            if modality == name:
                part[:] = numbers[name]
            elif modality in times:
                for row, partner in enumerate(together(own, times[modality])):
                    if partner is not None:
                        part[row] = numbers[modality][partner]
            parts.append(part)
        seen = [sensors.describe(onset, end) for onset, end in own]
        parts.append(np.array(seen).reshape(len(own), len(head.NAMES)))
        made[name] = np.concatenate(parts, axis=1)
    return made
