"""A Raw whose recorder paused → a Raw in which pauses take time, as gaps do in other formats."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurofuse.io.clock.grid import LONGEST_GRID
from neurofuse.io.clock.seams import is_seam
from neurofuse.io.errors import ReadError
from neurofuse.io.logs import LOG
from neurofuse.io.mne_objects.eeg import channel_type
from neurofuse.io.mne_objects.header import number_from

if TYPE_CHECKING:
    import mne

Mark = tuple[float, float, str, tuple[str, ...], dict[str, Any]]
"""Onset and duration [s], text, channels and extras of an annotation."""


@dataclass(frozen=True)
class Pause:
    """An interruption: index of the first sample after it, and seconds without samples."""

    sample: int
    length: float


@dataclass(frozen=True)
class Pieces:
    """Where the stored samples lie on the grid of all samples.

    Parameters
    ----------
    stored, place : integer arrays (end,)
        First and last sample of each piece between pauses, as stored and on the grid.
    """

    stored: np.ndarray
    place: np.ndarray

    @property
    def count(self) -> int:
        """Number of samples on the grid."""
        return int(self.place[-1]) + 1

    def delay(self, time: np.ndarray, rate: float, *, ends: bool = False) -> np.ndarray:
        """How much later [s] marks at `time` are with pauses; a mark's end lies before a pause."""
        first, shift = self.stored[::2], (self.place - self.stored)[::2]
        piece = np.searchsorted(first, time * rate + (-0.5 if ends else 0.5), "right") - 1
        return shift[np.maximum(piece, 0)] / rate

    def gaps(self, rate: float) -> list[tuple[float, float]]:
        """Onset and duration [s] of the pauses: from the last sample before to the next one."""
        last, first = self.place[1:-1:2].tolist(), self.place[2::2].tolist()
        return [(a / rate, (b - a) / rate) for a, b in zip(last, first, strict=True)]


def pieces_of(pauses: Sequence[Pause], count: int, rate: float) -> Pieces:
    """The pieces of a recording of `count` samples.

    Examples
    --------
    >>> pieces = pieces_of([Pause(20, 3.0)], 40, 10.0)
    >>> pieces.place.tolist(), pieces.gaps(10.0)
    ([0, 19, 50, 69], [(1.9, 3.1)])
    """
    stored, place, lost = [0], [0], 0.0
    for pause in sorted(pauses, key=lambda p: p.sample):
        late = place[-1] - stored[-1]
        lost += pause.length
        if 0 < pause.sample < count and round(lost * rate) > late:  # rounded once, not each time
            stored += [pause.sample - 1, pause.sample]
            place += [pause.sample - 1 + late, pause.sample + round(lost * rate)]
    late = place[-1] - stored[-1]
    return Pieces(np.array([*stored, count - 1]), np.array([*place, count - 1 + late]))


def with_pauses(
    raw: "mne.io.BaseRaw",
    pauses: Sequence[Pause],
    path: str | Path,
    marks: Sequence[Mark] | None = None,
) -> "mne.io.BaseRaw":
    """A Raw with its pauses filled in: interpolated linearly and annotated BAD_gap.

    Channels of type stim keep their last value, so that no pulse arises. Samples are read when
    they are asked for, as those of `raw` are. Marks of seams whose pause is known are dropped.

    Parameters
    ----------
    raw : mne.io.Raw
        Without time between its pieces. It must not be changed any more.
    pauses : sequence of Pause
        Those of no length are seams without a pause.
    path : path
        For messages.
    marks : sequence of (onset [s], duration [s], text, channels, extras), optional
        The file's marks where they count pauses already; else those of `raw` are delayed.

    Raises
    ------
    ReadError
        If the pauses last more than 50 times as long as the samples.
    """
    rate = float(raw.info["sfreq"])
    pieces = pieces_of(pauses, raw.n_times, rate)
    if pieces.count > LONGEST_GRID * raw.n_times:
        raise ReadError(
            f"{path} with samples of {raw.n_times / rate:.3g} s and pauses of "
            f"{(pieces.count - raw.n_times) / rate:.3g} s",
            "more samples than pauses",
            "split the recording at its pauses and give one part",
        )
    gaps = pieces.gaps(rate)
    rows = _delayed(raw, pauses, pieces) if marks is None else list(marks)
    rows += [(onset, length, "BAD_gap", (), {}) for onset, length in gaps]
    filled = _filled(raw, pieces) if gaps else raw
    if gaps:
        LOG.warning(
            "%s: %d %s (%.3g s in total) %s interpolated linearly and annotated BAD_gap; what "
            "comes after is that much later",
            path,
            len(gaps),
            "pause" if len(gaps) == 1 else "pauses",
            (pieces.count - raw.n_times) / rate,
            "was" if len(gaps) == 1 else "were",
        )
    _annotate(filled, rows)
    return filled


def is_paused(raw: "mne.io.BaseRaw") -> bool:
    """Whether a Raw holds pauses that its file does not hold as samples."""
    return hasattr(raw, "pieces")


def _delayed(raw: "mne.io.BaseRaw", pauses: Sequence[Pause], pieces: Pieces) -> list[Mark]:
    """The marks of a Raw, later by the pauses before them."""
    rate, marks = float(raw.info["sfreq"]), raw.annotations
    onset = np.asarray(marks.onset, float) - raw.first_time
    late = pieces.delay(onset, rate)
    longer = pieces.delay(onset + marks.duration, rate, ends=True) - late
    known = np.array([pause.sample for pause in pauses])
    extras = getattr(marks, "extras", None) or [{}] * len(marks)  # since MNE 1.11
    rows: list[Mark] = []
    for i, text in enumerate(marks.description):
        if is_seam(str(text)) and np.abs(known - onset[i] * rate).min() <= 1:
            continue
        length = float(marks.duration[i]) + max(float(longer[i]), 0.0)
        names = tuple(marks.ch_names[i] or ())
        rows.append((float(onset[i] + late[i]), length, str(text), names, dict(extras[i] or {})))
    return rows


def _filled(raw: "mne.io.BaseRaw", pieces: Pieces) -> "mne.io.BaseRaw":
    """A Raw, not preloaded, over the pieces of another one."""
    import mne

    info = raw.info.copy()
    with info._unlock():
        for channel in info["chs"]:  # the samples of `raw` have been scaled by these
            channel["cal"] = channel["range"] = 1.0
    types = zip(raw.ch_names, raw.get_channel_types(), strict=True)
    steady = np.array([channel_type(name, kind) == "stim" for name, kind in types])

    class PausedRaw(mne.io.BaseRaw):
        """Reads its samples from another Raw when they are needed."""

        def __init__(self) -> None:
            self.pieces = pieces
            files = [name for name in raw.filenames if name is not None][:1]
            super().__init__(
                info, last_samps=[pieces.count - 1], filenames=files or None, verbose="error"
            )

        def _read_segment_file(
            self, data: Any, idx: Any, fi: Any, start: int, stop: int, cals: Any, mult: Any
        ) -> None:
            from mne._fiff.utils import _mult_cal_one

            at = np.interp(np.arange(start, stop), pieces.place, pieces.stored)
            before = np.floor(at).astype(int)
            first, last = int(before[0]), min(int(before[-1]) + 2, raw.n_times)
            block = np.asarray(raw.get_data(start=first, stop=last))
            part = at - before
            before -= first
            values = block[:, before]
            after = block[:, np.minimum(before + 1, block.shape[1] - 1)]
            between = np.flatnonzero(part)
            rows = np.ix_(~steady, between)
            weight = part[between]
            values[rows] = (1 - weight) * values[rows] + weight * after[rows]
            _mult_cal_one(data, np.ascontiguousarray(values), idx, cals, mult)

    made = PausedRaw()
    number_from(made, raw.first_samp)
    return made


def _annotate(raw: "mne.io.BaseRaw", rows: list[Mark]) -> None:
    import mne

    onset, duration, text, names, extras = zip(*rows, strict=True) if rows else [()] * 5
    date = raw.info["meas_date"]
    late = 0.0 if date is None else raw.first_time
    known = set(raw.ch_names)
    channels = [tuple(name for name in some if name in known) for some in names]
    held = {"extras": list(extras)} if any(extras) else {}
    raw.set_annotations(
        mne.Annotations(np.add(onset, late), list(duration), list(text), date, channels, **held)
    )
