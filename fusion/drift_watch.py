"""Watch over what a recording is at rest: levels, correlations, and whether movements are found.

Only samples outside the motion mask are looked at, second by second, so that looking is cheap and
what moves does not count. Every five minutes all seconds of a stretch are summed up and compared
with the start. Whatever drifted is told once, and from then on what is new is compared with it.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from neurofuse.io.modality import MODALITIES
from neurofuse.io.recording import GATE_OPEN, stream_dataset, streams
from neurofuse.synth.inject import inject

EVERY = 300.0  # s that are summed up
LEAST = 30.0  # s at rest that a channel needs in these
SECONDS = {"eeg": 1.0, "nirs": 5.0}  # that are looked at at once
FAST = 100.0  # Hz; of faster signals every n-th sample is looked at
# what counts as drift, set beforehand; how often it is told at rest: `benchmarks.adaptation.drift`
LEVEL = {"eeg": 6.0, "nirs": 6.0}  # dB
CORRELATION = {"eeg": 0.4, "nirs": 0.4}
RECALL = 0.25  # of the movements' time
PIECE = 60.0  # s at rest into which movements are put to see whether they are found
MOVEMENTS = {"seed": 3, "severity": 0.5, "share": "full", "bouts_per_minute": 8.0}
UNITS = {"level": "dB", "correlation": "1", "recall": "1"}


@dataclass(frozen=True)
class Drift:
    """Something that is no longer as it was at the start of a recording.

    Attributes
    ----------
    time : float
        When it was noticed, at the end of five minutes [s].
    modality : {"eeg", "nirs"}
    channels : tuple of str
        In which; all that are used for "recall".
    measure : {"level", "correlation", "recall"}
        The power of channels at rest; their correlations with the others at rest; the share of
        movements put into the recording that are found.
    change : float
        The largest in these channels, of power [dB], of correlations (root mean square) [1], of the
        share [1].

    Examples
    --------
    >>> print(Drift(600.0, "eeg", ("C3",), "level", 9.2))
    EEG level of C3 changed by +9.2 dB within 600 s
    """

    time: float
    modality: str
    channels: tuple[str, ...]
    measure: str
    change: float

    def __str__(self) -> str:
        unit = f" {UNITS[self.measure]}" if self.measure == "level" else ""
        digits = 1 if self.measure == "level" else 2
        where = "" if self.measure == "recall" else f" of {', '.join(self.channels)}"
        name = MODALITIES[self.modality].display
        change = f"{self.change:+.{digits}f}{unit}"
        return f"{name} {self.measure}{where} changed by {change} within {self.time:.0f} s"


class Watch:
    """Levels and correlations at rest of one modality, over stretches of five minutes.

    Parameters
    ----------
    modality : {"eeg", "nirs"}
    names : sequence of str
        Of the channels.
    rate : float
        [Hz].
    every : float
        Length of a stretch [s].

    Examples
    --------
    >>> noise = 1e-5 * np.random.default_rng(0).standard_normal((2, 120_000))
    >>> noise[1, 60_000:] *= 4
    >>> watch = Watch("eeg", ["C3", "C4"], 100.0)
    >>> rest = np.ones(noise.shape, bool)
    >>> found = [d for k in range(0, 120_000, 500)
    ...          for d in watch.push(noise[:, k:k + 500], rest[:, k:k + 500])]
    >>> [(d.time, d.channels, d.measure, round(d.change)) for d in found]
    [(900.0, ('C4',), 'level', 12)]
    """

    def __init__(self, modality: str, names: list[str], rate: float, *, every: float = EVERY):
        self.modality: str = modality
        self.names: list[str] = names
        self.rate: float = rate
        self.every: float = every
        self.size: int = max(round(SECONDS[modality] * rate), 5)
        self.thin: int = max(int(rate // FAST), 1) if modality == "eeg" else 1
        self.held: list[tuple[np.ndarray, np.ndarray]] = []
        self.count: int = 0  # samples that are held
        self.seen: int = 0  # samples that were looked at
        self.start: _Rest | None = None
        self.levels: list[np.ndarray] = []
        self.recent: deque[np.ndarray] = deque(maxlen=max(round(PIECE * rate / self.size), 1))
        self.sums: np.ndarray = np.zeros((len(names), len(names)))
        self.times: np.ndarray = np.zeros((len(names), len(names)))
        self.last: np.ndarray | None = None  # sample, of which fNIRS changes are taken

    def push(self, samples: np.ndarray, rest: np.ndarray) -> list[Drift]:
        """Take the next samples; what drifted, if a stretch is complete.

        Parameters
        ----------
        samples : array (channel, time) or (channel, wavelength, time)
            EEG in any unit, or optical density.
        rest : bool array (channel, time)
            Where a channel neither moves nor is lost.
        """
        self.held.append((samples, rest))
        self.count += samples.shape[-1]
        if self.count < self.size:
            return []
        samples, rest = (np.concatenate(part, -1) for part in zip(*self.held, strict=True))
        found: list[Drift] = []
        for first in range(0, samples.shape[-1] - self.size + 1, self.size):
            here = slice(first, first + self.size)
            self._look(samples[..., here], rest[:, here])
            self.seen += self.size
            if self.seen // self.size % max(round(self.every * self.rate / self.size), 1) == 0:
                found += self._compare()
        left = samples.shape[-1] % self.size
        self.held = [(samples[..., -left:], rest[:, -left:])] if left else []
        self.count = left
        return found

    def calm(self, seconds: float) -> np.ndarray:
        """In which share (channel,) of the last seconds each channel was at rest."""
        count = max(round(seconds * self.rate / self.size), 1)
        return np.isfinite(np.array([*self.recent][-count:])).mean(0)

    def _look(self, samples: np.ndarray, rest: np.ndarray) -> None:
        with np.errstate(all="ignore"):  # what is no number is passed over
            if self.modality == "nirs":
                before = samples[..., :1] if self.last is None else self.last
                self.last = samples[..., -1:]
                samples = np.diff(samples, axis=-1, prepend=before)
            else:
                samples = samples[:, None, :: self.thin]
                line = np.linspace(-1, 1, samples.shape[-1])
                samples = samples - samples.mean(-1, keepdims=True)
                samples = samples - (samples @ line / (line @ line))[..., None] * line
            power = (samples**2).mean(-1)
            known = rest.all(-1) & np.isfinite(power).all(-1) & (power > 0).all(-1)
            level = np.where(known, 10 * np.log10(power).mean(-1), np.nan)
            unit = np.where(known[:, None, None], samples / np.sqrt(power)[..., None], 0.0)
        self.levels.append(level)
        self.recent.append(level)
        self.sums += np.einsum("cwt,dwt->cd", unit, unit, optimize=True) / unit[0].size
        self.times += np.outer(known, known)

    def _compare(self) -> list[Drift]:
        least = LEAST / self.size * self.rate
        levels, self.levels = np.array(self.levels), []
        enough = np.isfinite(levels).sum(0) >= least
        level = np.full(len(enough), np.nan)
        level[enough] = np.nanmedian(levels[:, enough], axis=0)
        common = np.where(self.times >= least, self.times, np.nan)
        now = _Rest(level, self.sums / common)
        self.sums, self.times = np.zeros_like(self.sums), np.zeros_like(self.times)
        if self.start is None:
            self.start = now
            return []
        at = self.seen / self.rate
        changes = {
            "level": (now.level - self.start.level, LEVEL[self.modality]),
            "correlation": (now.apart(self.start), CORRELATION[self.modality]),
        }
        found, drifted = [], np.isnan(self.start.level)
        for measure, (change, limit) in changes.items():
            chosen = np.abs(change) > limit  # False for NaN
            if chosen.any():
                largest = change[chosen][np.argmax(np.abs(change[chosen]))]
                names = tuple(self.names[k] for k in np.flatnonzero(chosen))
                found.append(Drift(at, self.modality, names, measure, float(largest)))
            drifted = drifted | chosen
        self.start = self.start.with_others(now, drifted)
        return found


@dataclass(frozen=True)
class _Rest:
    """What channels are at rest."""

    level: np.ndarray  # (channel,) dB
    correlation: np.ndarray  # (channel, channel)

    def apart(self, other: "_Rest") -> np.ndarray:
        """How far (channel,) correlations with the others are apart, root mean square."""
        off = (self.correlation - other.correlation) ** 2
        np.fill_diagonal(off, np.nan)
        known = np.isfinite(off)
        total = np.where(known, off, 0.0).sum(-1)
        return np.sqrt(np.where(known.any(-1), total / known.sum(-1).clip(1), np.nan))

    def with_others(self, other: "_Rest", chosen: np.ndarray) -> "_Rest":
        """With some channels as they are in another one."""
        pairs = chosen[:, None] | chosen
        pairs |= np.isnan(self.correlation)
        return _Rest(
            np.where(chosen, other.level, self.level),
            np.where(pairs, other.correlation, self.correlation),
        )


def recall(recording: xr.DataTree, clean: Callable[[xr.DataTree], xr.DataTree]) -> dict[str, float]:
    """Which share of the movements that are put into a piece of a recording is found.

    Parameters
    ----------
    recording : Recording
        A minute or so; the movements are the same in each.
    clean : callable
        From a Recording to one with motion masks.

    Returns
    -------
    dict of float
        Of the time of these movements, by modality, in how much the motion mask is open [1].

    Examples
    --------
    >>> import neurofuse as nf
    >>> found = recall(nf.simulate(30, seed=1, severity=0)[0], nf.clean)
    >>> sorted(found), all(0.3 < share <= 1 for share in found.values())
    (['eeg', 'nirs'], True)
    """
    _, moved = inject(recording, **MOVEMENTS)
    cleaned = clean(moved)
    shares = {}
    for s in streams(moved):
        node = stream_dataset(cleaned, s)
        motion = stream_dataset(moved, s).motion.transpose("channel", "time").values
        motion &= ~node.bad.values[:, None]
        if "gate" in node and motion.any():
            gate = node.gate.transpose("channel", "time").values
            shares[s] = float((gate > GATE_OPEN)[motion].mean())
    return shares
