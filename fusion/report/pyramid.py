"""Traces of any length as small blocks of integers, from which a page draws any stretch.

A recording is far longer than a screen is wide, so a drawn point stands for many samples: a bin of
samples is stored as its minimum and maximum, which contain every peak. One layer covers the whole
recording in bins as fine as its budget of bytes allows; finer layers cover the stretches that were
changed most. The page joins bins further when it shows more than fits.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurofuse.fusion.views.before_after import View
from neurofuse.fusion.views.changes import carpet, change

FINEST = 260  # values a second: what is drawn of a stretch that is shown at close range
STRETCH_SECONDS = 20.0  # of a finer layer
STEPS_PER_DEVIATION = {
    "eeg": 8,
    "nirs": 12,
    "haemoglobin": 12,
}  # integers in a standard deviation: a screen shows fewer
LOCAL_SECONDS = {
    "eeg": 2.0,
    "nirs": 20.0,
    "haemoglobin": 20.0,
}  # in which that deviation is taken, without drift
USUAL = {"eeg": 1e-6, "nirs": 1e-3, "haemoglobin": 1e-7}  # that deviation, where there is none
IN_MOTION, IS_LOST = 1, 2  # in the rows of masks
MISSING = -32768
LARGEST = 32766
LEVEL = 6  # of compression; 9 takes four times as long for 1 % less


@dataclass(frozen=True)
class Layer:
    """Bins of `width` samples from sample `first` on, of all series of a modality.

    `packed` holds rows of 16-bit integers over bins: for each of `View`'s kinds (before, after,
    truth) the minimum of each series and, if `width` > 1, the maximum; every kind but the first as
    difference to the one before, which is 0 where nothing was changed. Then the mask of each
    channel: 0, 1 in motion, 2 lost. Each row is stored as differences from bin to bin, zigzag
    coded, low bytes before high bytes, compressed by gzip.
    """

    first: int
    width: int
    bins: int
    packed: bytes


@dataclass(frozen=True)
class Pyramid:
    """A modality as `layers`, the first of which covers all; `quantum` [V or OD] is 1 in them."""

    quantum: float
    kinds: list[str]
    layers: list[Layer]

    @property
    def size(self) -> int:
        """Bytes, compressed."""
        return sum(len(layer.packed) for layer in self.layers)


def pyramid(view: View, budget: int) -> Pyramid:
    """Pack a modality into about `budget` bytes.

    Parameters
    ----------
    view : View
        A modality before and after cleaning.
    budget : int
        Bytes, compressed; the layer of the whole recording gets up to 2/3 of them, what it leaves
        goes to finer ones.

    Examples
    --------
    >>> from neurofuse.fusion.views.before_after import views_of
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> noise = np.random.default_rng(0).normal(scale=1e-5, size=(2, 5000))
    >>> view = views_of(build(eeg_dataset(noise, 250.0, ["C3", "C4"])))[0]
    >>> [layer.width for layer in pyramid(view, 100_000).layers], pyramid(view, 9_000).size < 9_000
    ([1], True)
    """
    kinds = ["before", "after"] if view.treated else ["after"]
    kinds += ["truth"] if view.truth is not None else []
    unit = quantum(view)
    middle = centres(view)
    samples = len(view.time)

    def layer(first: int, stop: int, width: int) -> Layer:
        return Layer(
            first,
            width,
            -(-(stop - first) // width),
            pack(_rows(view, kinds, middle, unit, first, stop, width)),
        )

    def cost(width: int) -> float:
        """Values a sample."""
        return middle.size * len(kinds) * (1 if width == 1 else 2 / width)

    # a value takes a quarter of a byte at the least: what cannot fit is not tried
    widths = _widths()
    width = next(w for w in widths if cost(w) * samples / 4 <= budget or w >= samples)
    base = layer(0, samples, width)
    while len(base.packed) > (budget if width == 1 else 2 * budget / 3) and width < samples:
        width = next(widths)
        base = layer(0, samples, width)
    layers, left = [base], budget - len(base.packed)
    enough = FINEST / view.rate * cost(1)
    finest = next(w for w in _widths() if cost(w) <= enough or w >= width)
    if finest < width:
        for first, stop in _most_changed(view):
            fine = layer(first, stop, finest)
            if len(fine.packed) > left:
                break
            layers.append(fine)
            left -= len(fine.packed)
    return Pyramid(unit, kinds, layers)


def _widths() -> Iterator[int]:
    """1, 4, 8, 16, …: a pair of extremes for two samples would save nothing."""
    width = 1
    while True:
        yield width
        width = 4 if width == 1 else 2 * width


def quantum(view: View) -> float:
    """The value [V or OD] that one integer stands for: a fraction of the usual deviation within
    some seconds after cleaning, median over used channels."""
    length = max(2, min(round(LOCAL_SECONDS[view.stream] * view.rate), len(view.time)))
    spread = []
    for index in np.flatnonzero(view.used).tolist() or range(len(view.channel)):
        values = view.after[index, -1]
        pieces = values[: len(values) // length * length].reshape(-1, length)
        spread.extend(np.std(pieces[np.isfinite(pieces).all(axis=1)], axis=1).tolist()[::4])
    typical = float(np.median([s for s in spread if s > 0] or [0.0]))
    return (typical or USUAL[view.stream]) / STEPS_PER_DEVIATION[view.stream]


def centres(view: View) -> np.ndarray:
    """(channel, wavelength): median after cleaning, about which the integers count."""
    medians = np.zeros(view.after.shape[:2])
    for index in np.ndindex(medians.shape):
        values = view.after[index]
        values = values[np.isfinite(values)]
        medians[index] = np.median(values) if values.size else 0.0
    return medians


def _rows(
    view: View,
    kinds: list[str],
    middle: np.ndarray,
    unit: float,
    first: int,
    stop: int,
    width: int,
) -> np.ndarray:
    starts = np.arange(0, stop - first, width)
    blocks, last = [], None
    for kind in kinds:
        values = getattr(view, kind)
        ends = [np.fmin] if width == 1 else [np.fmin, np.fmax]
        block = np.empty((len(ends), middle.size, len(starts)), np.int16)
        for number, index in enumerate(np.ndindex(middle.shape)):
            part = (values[index][first:stop] - middle[index]) / unit
            for row, end in zip(block, ends, strict=True):
                row[number] = _integers(part if width == 1 else end.reduceat(part, starts))
        block = block.reshape(-1, len(starts)).view(np.uint16)
        blocks.append(block if last is None else block - last)  # differences wrap around
        last = block
    if (masks := masks_of(view)) is not None:
        rows = [np.maximum.reduceat(row[first:stop], starts) for row in masks]
        blocks.append(np.array(rows, np.uint16))
    return np.concatenate(blocks)


def masks_of(view: View) -> np.ndarray | None:
    """(channel, time): 0, 1 in motion, 2 lost; None where neither is known."""
    if view.in_motion is None and view.lost is None:
        return None
    masks = np.zeros((len(view.channel), len(view.time)), np.uint8)
    for mask, code in ((view.in_motion, IN_MOTION), (view.lost, IS_LOST)):
        if mask is not None:
            masks[mask] = code
    return masks


def _integers(values: np.ndarray) -> np.ndarray:
    whole = np.clip(
        np.rint(np.nan_to_num(values, posinf=LARGEST, neginf=-LARGEST)), -LARGEST, LARGEST
    )
    return np.where(np.isnan(values), MISSING, whole).astype(np.int16)


def pack(rows: np.ndarray) -> bytes:
    """Rows of 16-bit integers, compressed as `Layer` says.

    Examples
    --------
    >>> rows = np.array([[5, 4, 4], [0, 65535, 1]], np.uint16)
    >>> unpack(pack(rows), 2).tolist()
    [[5, 4, 4], [0, 65535, 1]]
    """
    steps = np.diff(rows, axis=1, prepend=np.uint16(0)).view(np.int16)
    coded = ((steps << 1) ^ (steps >> 15)).view(np.uint16)  # small steps of either sign: small
    planes = np.stack([coded & 255, coded >> 8]).astype(np.uint8)
    return gzip.compress(planes.tobytes(), LEVEL, mtime=0)


def unpack(packed: bytes, rows: int) -> np.ndarray:
    """What was packed (row, bin), as the page's script does it."""
    low, high = (
        np.frombuffer(gzip.decompress(packed), np.uint8).reshape(2, rows, -1).astype(np.uint16)
    )
    coded = low | (high << 8)
    steps = (coded >> 1) ^ (0 - (coded & 1))
    return np.cumsum(steps, axis=1, dtype=np.uint16)


def _most_changed(view: View) -> list[tuple[int, int]]:
    """Stretches (first sample, stop), the most changed first; unchanged ones left out."""
    length = round(STRETCH_SECONDS * view.rate)
    count = max(1, -(-len(view.time) // length))
    seconds = max(1, round(view.seconds))
    size = carpet(view, lambda i: change(view, i), columns=seconds)[view.used]
    if not size.size or not size.max():
        return []
    course = np.sqrt(size / size.max()).mean(axis=0)
    at = np.arange(len(course)) * view.seconds / len(course)
    owner = np.minimum((at / STRETCH_SECONDS).astype(int), count - 1)
    score = np.bincount(owner, course, count)
    order = [int(i) for i in np.argsort(-score, kind="stable") if score[i] > 0]
    return [(i * length, min((i + 1) * length, len(view.time))) for i in order]
