"""What a cleaner changed: each stream before and after, in the unit in which artifacts add."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from neurofuse.io.errors import ParameterError
from neurofuse.io.recording import GATE_OPEN, check, stream_dataset, streams

NAMES = {"eeg": "EEG", "nirs": "fNIRS"}
# OD a sample: above the rounding of intensities kept as float32, far below optical noise
UNCHANGED = 1e-6


@dataclass(frozen=True)
class View:
    """One stream before and after cleaning, on one clock.

    `before`, `after` and `truth` are (channel, wavelength, time), EEG in V with one "wavelength",
    fNIRS in optical density over the reference intensity of `before`. `gate` and `motion` are
    (channel, time). `used` marks the channels that a cleaner may treat. `identical` is, for each
    channel, the part of the stored samples that came back bit for bit. `treated` tells whether
    there is an `after` with this stream.
    """

    stream: str
    rate: float
    time: np.ndarray
    channel: list[str]
    wavelength: list[float]
    before: np.ndarray
    after: np.ndarray
    truth: np.ndarray | None
    gate: np.ndarray | None
    motion: np.ndarray | None
    bad: np.ndarray
    short: np.ndarray
    used: np.ndarray
    identical: np.ndarray
    treated: bool

    @property
    def name(self) -> str:
        return NAMES[self.stream]

    @property
    def seconds(self) -> float:
        return len(self.time) / self.rate

    @property
    def moving(self) -> np.ndarray | None:
        """(channel, time): gate open, else the known mask of injected motion, else None."""
        return self.motion if self.gate is None else self.gate > GATE_OPEN

    @property
    def moving_anywhere(self) -> np.ndarray | None:
        """(time): some channel moves."""
        moving = self.moving
        return None if moving is None else np.logical_or.reduce(moving, axis=0)


def views(
    before: xr.DataTree, after: xr.DataTree | None = None, truth: xr.DataTree | None = None
) -> list[View]:
    """Every stream of a Recording beside its cleaned (and, if known, true) version.

    Parameters
    ----------
    before, after, truth : Recording
        `after` and `truth` share channels and clocks with `before` in the streams that they hold.

    Raises
    ------
    ParameterError
        If they do not.

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> recording = build(eeg_dataset(np.zeros((2, 500)), 250.0, ["C3", "C4"]))
    >>> [(view.name, view.before.shape) for view in views(recording)]
    [('EEG', (2, 1, 500))]
    """
    check(before)
    for other, role in ((after, "after"), (truth, "truth")):
        if other is not None:
            check(other)
            _same_grid(before, other, role)
    return [_view(stream, before, after, truth) for stream in streams(before)]


def _same_grid(before: xr.DataTree, other: xr.DataTree, role: str) -> None:
    shared = [s for s in streams(before) if s in streams(other)]
    if not shared:
        raise ParameterError(
            f"`{role}` with {streams(other)} for a recording of {streams(before)}",
            "a stream that both hold",
            "pass the Recording that was made from `before`",
        )
    for stream in shared:
        here, there = before[stream], other[stream]
        same = here.channel.values.tolist() == there.channel.values.tolist()
        same = same and here.sizes["time"] == there.sizes["time"]
        if not same or not np.allclose(here.time, there.time, atol=1e-3 / here.attrs["rate"]):
            raise ParameterError(
                f"`{role}` whose /{stream} has other channels or times than `before`",
                "the same channels in the same order, on the same clock",
                "cut and pick both Recordings alike before the report",
            )


def _view(stream, before, after, truth) -> View:
    node = stream_dataset(before, stream)
    returned = None
    if after is not None and stream in streams(after):
        returned = stream_dataset(after, stream)
    cleaned = node if returned is None else returned
    values, reference = _values(before, stream)
    # cleaning may find further channels bad
    bad = node.bad.values.astype(bool) | cleaned.bad.values.astype(bool)
    kind = node.coords.get("ch_type")
    used = ~bad if kind is None else (kind.values == "eeg") & ~bad
    masks = (d.motion for d in (cleaned, node) if "motion" in d)
    motion = next(masks, None)
    known = truth is not None and stream in streams(truth)
    return View(
        stream=stream,
        rate=float(node.attrs["rate"]),
        time=node.time.values,
        channel=[str(name) for name in node.channel.values],
        wavelength=[float(w) for w in node.wavelength.values] if "wavelength" in node.dims else [],
        before=values,
        after=values if returned is None else _values(after, stream, reference)[0],
        truth=_values(truth, stream, reference)[0] if known else None,
        gate=_by_channel(cleaned.gate) if "gate" in cleaned else None,
        motion=None if motion is None else _by_channel(motion).astype(bool),
        bad=bad,
        short=node.short.values.astype(bool) if "short" in node.coords else np.zeros_like(bad),
        used=used,
        identical=_identical(node, cleaned),
        treated=returned is not None,
    )


def _by_channel(variable: xr.DataArray) -> np.ndarray:
    return variable.transpose("channel", "time").values


def _values(recording, stream, reference=None) -> tuple[np.ndarray, xr.DataArray | None]:
    if stream == "eeg":
        return recording["eeg"].eeg.transpose("channel", "time").values[:, None, :], None
    from neurofuse.io.optics.conversion import to_optical_density

    node = recording["nirs"]
    if "od" not in node.data_vars:
        node = to_optical_density(recording)["nirs"]
    od = node.od.transpose("channel", "wavelength", "time")
    own = node.coords.get("reference")
    if reference is not None and own is not None:
        # cleaning moves the mean intensity: both are drawn over the reference of `before`
        od = od + np.log(reference / own)
    return od.transpose("channel", "wavelength", "time").values, own


def _identical(node: xr.Dataset, cleaned: xr.Dataset) -> np.ndarray:
    variable = next(v for v in ("eeg", "intensity", "od") if v in node.data_vars)
    if variable not in cleaned.data_vars:
        return np.zeros(node.sizes["channel"])
    shares = []
    for index in range(node.sizes["channel"]):
        a = node[variable].isel(channel=index).values
        b = cleaned[variable].isel(channel=index).values
        shares.append(np.mean((a == b) | (np.isnan(a) & np.isnan(b))))
    return np.array(shares)


def change(view: View, index: int) -> np.ndarray:
    """How much a channel was changed (time): EEG |after - before| [V], fNIRS the change of the
    step from sample to sample [OD], the largest over wavelengths. A corrected level shift
    therefore counts where the level shifts, not in all that follows. Steps changed by up to
    `UNCHANGED` have 0: that is rounding."""
    difference = view.after[index] - view.before[index]
    if view.stream == "nirs":
        difference = np.diff(difference, axis=-1, prepend=difference[:, :1])
    size = np.nan_to_num(np.abs(difference)).max(axis=0)
    return np.where(size > UNCHANGED, size, 0.0) if view.stream == "nirs" else size


def kept(view: View) -> float:
    """Part of the samples (EEG, bit for bit) or of the steps between samples (fNIRS, to 1e-6 OD)
    that came back unchanged."""
    if view.stream == "eeg":
        return float(view.identical.mean())
    shares = [np.mean(change(view, i) == 0) for i in range(len(view.channel))]
    return float(np.mean(shares))


def untouched(view: View) -> bool:
    """Whether the whole stream came back bit for bit."""
    return bool((view.identical == 1).all())


def amplitude(view: View, which: str, where: np.ndarray | None) -> float:
    """Root mean square of a stream over its used channels [V or OD a sample].

    EEG about the channel's median, fNIRS from sample to sample, so that an offset or a corrected
    level does not count. `which` is "before", "after", "truth", or "before-truth", "after-truth"
    for the distance from the truth; `where` (channel, time) restricts it. NaN where nothing is.
    """
    total, count = 0.0, 0
    name, _, subtract = which.partition("-")
    for index in np.flatnonzero(view.used).tolist():
        values = getattr(view, name)[index]
        if subtract:
            values = values - getattr(view, subtract)[index]
        elif view.stream == "eeg":
            values = values - _centre(view, index)
        if view.stream == "nirs":
            values = np.diff(values, axis=-1, prepend=values[:, :1])
        if where is not None:
            values = values[:, where[index]]
        values = values[np.isfinite(values)]
        total, count = total + float(np.sum(values**2)), count + values.size
    return float(np.sqrt(total / count)) if count else float("nan")


def _centre(view: View, index: int) -> float:
    values = view.before[index]
    values = values[np.isfinite(values)]
    return float(np.median(values)) if values.size else 0.0


def bouts(mask: np.ndarray, time: np.ndarray, rate: float) -> list[tuple[float, float]]:
    """Intervals (start, stop) [s] in which `mask` (time) is true.

    Examples
    --------
    >>> bouts(np.array([False, True, True, False]), np.arange(4) / 2, 2.0)
    [(0.5, 1.5)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [
        (float(time[a]), float(time[b - 1] + 1 / rate))
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]


def carpet(view: View, row: Callable[[int], np.ndarray], columns: int = 1000) -> np.ndarray:
    """The largest value of `row(channel index)` (time) in each of up to `columns` time bins."""
    samples = len(view.time)
    starts = np.unique(np.linspace(0, samples, min(columns, samples), endpoint=False).astype(int))
    return np.array(
        [np.maximum.reduceat(row(i).astype(np.float32), starts) for i in range(len(view.channel))]
    )


def strongest(found: list[View], width: float = 20.0) -> tuple[float, float, str]:
    """Where to look closely: (start, stop [s], what is there).

    The `width` seconds around the largest change, in both streams together; without any change
    around the widest open gate; without either the middle of the recording.
    """
    start = min(v.time[0] for v in found)
    stop = max(v.time[-1] + 1 / v.rate for v in found)
    grid = np.arange(max(1, int(np.ceil(stop - start))))
    reasons = {"the largest change": lambda v: lambda i: change(v, i)}
    reasons["the widest open gate"] = lambda v: lambda i: v.moving[i]
    for reason, row in reasons.items():
        score = np.zeros(len(grid))
        for view in found:
            if view.moving is None and reason == "the widest open gate":
                continue
            seconds = carpet(view, row(view), columns=len(grid))[view.used]
            if not seconds.size or not seconds.max():
                continue
            profile = np.sqrt(seconds / seconds.max()).mean(axis=0)
            at = np.linspace(view.time[0], view.time[-1], len(profile)) - start
            score += np.interp(grid + 0.5, at, profile, left=0, right=0) / profile.max()
        if score.any():
            smooth = np.convolve(score, np.ones(min(5, len(grid))), "same")
            centre = start + grid[np.argmax(smooth)] + 0.5
            break
    else:
        reason, centre = "the middle", (start + stop) / 2
    low = max(start, min(centre - width / 2, stop - width))
    return float(low), float(min(stop, low + width)), reason
