"""Every movement in a cleaned recording: when, in which channels, how large, and what became of it.

A movement of a modality is a time in which any of its channels is in motion, which is where the
motion mask (`gate`) is above 0.5; pauses of less than `PAUSE` do not end it. Lost is what holds no
signal, whether the mask saw it or not. Where some channels were repaired and others were lost there
are two movements in the list: an electrode that comes off for minutes must not hide what happens
meanwhile, nor its size stand for that of the others. What was repaired is compared with templates
of movements, which tells its kind (`kinds`).
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from neurofuse.fusion.kinds.description import Span, describe_eeg, describe_nirs, joined
from neurofuse.fusion.kinds.templates import load_templates
from neurofuse.fusion.metrics.samples import match
from neurofuse.fusion.signal.sizes import density, detrended, peak_to_peak
from neurofuse.fusion.verdict import refuse_others
from neurofuse.fusion.views.changes import UNCHANGED_OD
from neurofuse.io.errors import SchemaError
from neurofuse.io.lazy import HeldBlock, time_blocks
from neurofuse.io.logs import LOG
from neurofuse.io.modality import EEG, MODALITIES, NIRS
from neurofuse.io.recording import EVIDENCE_INPUTS, GATE_OPEN, LOST, stream_dataset, streams
from neurofuse.io.runs import runs

VERDICTS = ("kept", "repaired", "lost")  # by the number that stands for them in `verdict`
REPAIRED = VERDICTS.index("repaired")
PAUSE = 0.5  # s; parts in motion that lie closer are one movement
BELONGS = 0.5  # of the time of the channel that it reaches longest; such channels belong to it
MEASURED = 60.0  # s; EEG of longer movements is measured piece by piece, the largest counts
CHANNEL_TIME = ("channel", "time")
NEARLY_ALL = 0.9  # of the time; a method that changes more does not show when somebody moved


@dataclass(frozen=True)
class Movement:
    """One movement in one modality.

    Attributes
    ----------
    onset, duration : float
        From its first sample to the end of its last, on the common clock [s].
    modality : {"eeg", "nirs"}
        In which it is seen.
    channels : tuple of str
        Those repaired (lost) for at least half as long as the one for which it took longest.
    size_before, size_after : float
        Peak-to-peak amplitude in the worst of these channels, before cleaning, and after it in what
        is then the worst. EEG [V] without its linear trend, of movements of more than a minute the
        largest of any minute; fNIRS as change of optical density [1], at any wavelength. NaN if
        there is no sample.
    verdict : {"repaired", "lost"}
        What became of it.
    kind : str or None
        A name of `neurofuse.synth.TYPES`, or "unlike any known kind". None: nothing is known of it,
        as of what was lost.
    kind_probability : float
        That it is of this kind rather than of another known one, if all were equally frequent [1];
        NaN where that cannot be told.
    from_partner, from_imu : float
        Share of the evidence for the movement that came from the other modality, and from the IMU
        on the head [1], as `neurofuse.explain` tells it in log odds. Negative: it spoke against
        the movement. NaN of what was lost, of methods without a network, and where the evidence of
        all together is not positive.

    Examples
    --------
    >>> Movement(12.5, 2.0, "eeg", ("C3", "C4"), 8e-4, 6e-5, "repaired").channels
    ('C3', 'C4')
    """

    onset: float
    duration: float
    modality: str
    channels: tuple[str, ...]
    size_before: float
    size_after: float
    verdict: str
    kind: str | None = None
    kind_probability: float = np.nan
    from_partner: float = np.nan
    from_imu: float = np.nan


def movements(recording: xr.DataTree, cleaned: xr.DataTree) -> list[Movement]:
    """The movements that cleaning found.

    Parameters
    ----------
    recording : Recording
        As it was; EEG may be a dask array: it is read in blocks of time.
    cleaned : Recording
        What `neurofuse.clean` made of it. Of a modality without a motion mask, a movement is where
        samples (fNIRS: steps from sample to sample) were changed. A method that changes nearly all
        of them does not show movements: there are none then, with a warning.

    Returns
    -------
    list of Movement
        In order of onset, both modalities.

    Raises
    ------
    ParameterError
        If the two have other channels or times, or `cleaned` was made of another recording.
    SchemaError
        If one of them is no Recording.

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> volts = np.zeros((2, 60))
    >>> volts[:, 25] = 1e-3
    >>> before = eeg_dataset(volts, 10.0, ["C3", "C4"])
    >>> gate = np.zeros((2, 60))
    >>> gate[0, 20:30] = 1
    >>> after = eeg_dataset(0 * volts, 10.0, ["C3", "C4"]).assign(gate=(("channel", "time"), gate))
    >>> [found] = movements(build(before), build(after))
    >>> found.onset, round(found.duration, 6), found.channels, found.size_after
    (2.0, 1.0, ('C3',), 0.0)
    """
    numbered, found = described(recording, cleaned)
    templates = load_templates()
    for stream, numbers in numbered.items():
        names = iter(templates.judge(numbers).named())
        for at, movement in enumerate(found[stream]):
            if movement.verdict == VERDICTS[REPAIRED]:
                kind, probability = next(names)
                found[stream][at] = replace(movement, kind=kind, kind_probability=probability)
    return sorted(
        (movement for own in found.values() for movement in own), key=lambda one: one.onset
    )


def described(
    recording: xr.DataTree, cleaned: xr.DataTree
) -> tuple[dict[str, np.ndarray], dict[str, list[Movement]]]:
    """Movements by modality, still without their kinds, and those repaired in numbers.

    Returns
    -------
    dict of array (movement, number)
        By modality, of the repaired movements only, in the order of the others: the numbers of
        `kinds.description.ALL_NAMES`.
    dict of list of Movement
        By modality, in order of onset.
    """
    match(recording, cleaned)
    refuse_others(recording, cleaned)
    found: dict[str, list[Movement]] = {}
    numbers, times = {}, {}
    for stream in streams(recording):
        if stream in streams(cleaned):
            one = _Cleaned(recording, cleaned, stream)
            found[stream], numbers[stream] = one.movements()
            times[stream] = [
                (movement.onset, movement.onset + movement.duration)
                for movement in found[stream]
                if movement.verdict == VERDICTS[REPAIRED]
            ]
    return joined(recording, times, numbers), found


def shares(recording: xr.DataTree, cleaned: xr.DataTree, stream: str) -> dict[str, np.ndarray]:
    """Which share of each channel's samples was kept, repaired and lost.

    Parameters
    ----------
    recording, cleaned : Recording
        As in `movements`.
    stream : {"eeg", "nirs"}

    Returns
    -------
    dict of array (channel,)
        By "kept", "repaired" and "lost": fractions that sum up to 1, NaN for channels marked bad,
        which pass unchanged, and without samples. In the order of `recording`.

    Raises
    ------
    ParameterError
        If the two have other channels or times, or `cleaned` was made of another recording.
    SchemaError
        If one of them lacks the stream.

    Examples
    --------
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> before = build(eeg_dataset(np.ones((1, 4)), 1.0, ["Cz"]))
    >>> after = build(eeg_dataset(np.array([[1.0, 1.0, 0.0, 1.0]]), 1.0, ["Cz"]))
    >>> {name: share.item() for name, share in shares(before, after, "eeg").items()}
    {'kept': 0.75, 'repaired': 0.25, 'lost': 0.0}
    """
    match(recording, cleaned)
    refuse_others(recording, cleaned)
    for one in (recording, cleaned):
        if stream not in streams(one):
            raise SchemaError(
                f"a Recording with {' and '.join(streams(one))}",
                f"the stream {stream!r} in both",
                "choose a stream that both have",
            )
    return _Cleaned(recording, cleaned, stream).shares()


def evidence_within(told: HeldBlock, first: int, last: int) -> np.ndarray:
    """Evidence (input,) [log odds] from one sample to another, mean over those in motion."""
    values = told.samples(first, last).astype(float)
    moving = values.any(axis=0)
    return values.sum(1) / moving.sum() if moving.any() else np.full(len(values), np.nan)


def shares_of_evidence(evidence: np.ndarray) -> np.ndarray:
    """Shares (…, input) of their sum; NaN where it is not positive.

    Examples
    --------
    >>> shares_of_evidence(np.array([3.0, 1.0, 0.0])).tolist()
    [0.75, 0.25, 0.0]
    """
    total = evidence.sum(-1, keepdims=True)
    return np.divide(evidence, total, out=np.full(evidence.shape, np.nan), where=total > 0)


class _Cleaned:
    """One modality before and after cleaning, its channels in the order of `recording`."""

    def __init__(self, recording: xr.DataTree, cleaned: xr.DataTree, stream: str) -> None:
        self.modality = MODALITIES[stream]
        self.before = stream_dataset(recording, stream)
        self.after = stream_dataset(cleaned, stream)
        for dim in self.modality.dims[:-1]:
            names = self.before[dim].values
            if not np.array_equal(names, self.after[dim].values):
                self.after = self.after.sel({dim: names})
        self.rate = float(self.before.attrs["rate"])
        # cleaning may find further channels bad
        self.used = ~(self.before.bad.values | self.after.bad.values).astype(bool)
        self.gate = self._mask_of("gate")
        self.verdict = self._mask_of("verdict")
        self.evidence = self.after.get("evidence")

    def movements(self) -> tuple[list[Movement], np.ndarray]:
        """All movements, and those repaired in numbers (movement, number)."""
        time = self.before.time.values
        states = self._states()
        held = HeldBlock(states, self.rate)
        signals = [HeldBlock(self._samples(n), self.rate) for n in (self.before, self.after)]
        told = HeldBlock(self.evidence, self.rate) if self.evidence is not None else None
        found, repaired = [], []
        for first, last, state in self._spans(states):
            lasting, sizes = self._measure(held, signals, first, last, state)
            rows = np.flatnonzero(lasting >= BELONGS * lasting.max())
            before, after = (float(np.fmax.reduce(size[rows])) for size in sizes)
            partner, imu = self._shares_of_evidence(told, first, last, state)
            found.append(
                Movement(
                    float(time[first]),
                    float(time[last - 1] - time[first] + 1 / self.rate),
                    self.modality.name,
                    tuple(str(name) for name in self.before.channel.values[rows]),
                    before,
                    after,
                    VERDICTS[state],
                    from_partner=partner,
                    from_imu=imu,
                )
            )
            if state == REPAIRED:
                repaired.append(Span(first, last, rows))
        return found, self._numbers(signals[0], repaired)

    def _shares_of_evidence(
        self, told: HeldBlock | None, first: int, last: int, state: int
    ) -> tuple[float, float]:
        """What came from the other modality and from the IMU."""
        if told is None or state != REPAIRED:
            return np.nan, np.nan
        share = shares_of_evidence(evidence_within(told, first, last))
        partner, imu = (EVIDENCE_INPUTS.index(n) for n in (self.modality.other.name, "imu"))
        return float(share[partner]), float(share[imu])

    def _numbers(self, signal: HeldBlock, spans: list[Span]) -> np.ndarray:
        """What this modality shows of movements (movement, number)."""
        if self.modality is EEG:
            used = self.used & (self.before.ch_type.values == EEG.name)
            return describe_eeg(self.before, signal.samples, used, spans)

        def light(start: int, stop: int) -> np.ndarray:
            return density(self.before, signal.samples(start, stop).astype(float))

        return describe_nirs(self.before, light, self.used, spans)

    def shares(self) -> dict[str, np.ndarray]:
        verdict = self.verdict
        if verdict is None:
            verdict = self._by_channel(self._changed() if self.gate is None else self.gate.data > 0)
        count = np.zeros((len(VERDICTS), self.before.sizes["channel"]))
        for _, block in time_blocks(verdict, self.rate):
            count += [(block == number).sum(1) for number in range(len(VERDICTS))]
        total = count.sum(0)
        share = count / np.where(self.used & (total > 0), total, np.nan)
        return dict(zip(VERDICTS, share, strict=True))

    def _mask_of(self, name: str) -> xr.DataArray | None:
        """A variable (channel, time) that cleaning may have added."""
        return self.after[name].transpose(*CHANNEL_TIME) if name in self.after else None

    def _by_channel(self, values: Any) -> xr.DataArray:
        """Values (channel, time), numpy or dask."""
        return xr.DataArray(values, dims=CHANNEL_TIME)

    def _states(self) -> xr.DataArray:
        """(channel, time): used channels are `REPAIRED` in motion, `LOST`, or 0 elsewhere."""
        moving = self._changed() if self.gate is None else self.gate.data > GATE_OPEN
        lost = moving & False if self.verdict is None else self.verdict.data == LOST
        # bytes all along, numpy or dask
        states = np.int8(REPAIRED) * (moving & ~lost) + np.int8(LOST) * lost
        return self._by_channel(states * self.used[:, None])

    def _changed(self) -> Any:
        """(channel, time): which EEG samples, or steps between fNIRS samples, are others."""
        a, b = (self._samples(node).data for node in (self.before, self.after))
        if self.modality is EEG:
            return (a != b) & ((a == a) | (b == b))  # NaN is not equal to itself
        off = density(self.after, b) - density(self.before, a)
        step = np.abs(np.diff(off, axis=-1, prepend=off[..., :1]))
        return (step > UNCHANGED_OD).any(axis=1)

    def _samples(self, node: xr.Dataset) -> xr.DataArray:
        return node[self.modality.variable(node)].transpose(*self.modality.dims)

    def _spans(self, states: xr.DataArray) -> list[tuple[int, int, int]]:
        """Of each movement the first sample, the one after its last, and its state."""
        length = states.sizes["time"]
        anywhere = {state: np.zeros(length, bool) for state in (REPAIRED, LOST)}
        for first, block in time_blocks(states, self.rate):
            for state, times in anywhere.items():
                times[first : first + block.shape[1]] = (block == state).any(axis=0)
        if self.gate is None and anywhere[REPAIRED].sum() > NEARLY_ALL * length:
            LOG.warning(
                "%s: the method changed nearly all samples and has no motion mask: when somebody "
                "moved is not known, and no such movement is listed",
                self.modality.display,
            )
            del anywhere[REPAIRED]
        for times in anywhere.values():
            for first, last in runs(~times):
                if first > 0 and last < length and last - first < PAUSE * self.rate:
                    times[first:last] = True
        return sorted((*span, state) for state, times in anywhere.items() for span in runs(times))

    def _measure(
        self, states: HeldBlock, signals: list[HeldBlock], first: int, last: int, state: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """For how many samples each channel is in a state (channel,), and its size before and after
        (2, channel). What is lost does not count for the size of what was repaired."""
        lasting = np.zeros(self.before.sizes["channel"], int)
        sizes = np.full((2, len(lasting)), np.nan)
        whole = last - first if self.modality is NIRS else max(round(MEASURED * self.rate), 1)
        for start in range(first, last, whole):
            stop = min(start + whole, last)
            here = states.samples(start, stop)
            lasting += (here == state).sum(1)
            for size, signal, node in zip(sizes, signals, (self.before, self.after), strict=True):
                values = signal.samples(start, stop).astype(float)
                if state == REPAIRED:
                    np.moveaxis(values, -1, 1)[here == LOST] = np.nan
                if self.modality is NIRS:
                    reached = np.fmax.reduce(peak_to_peak(density(node, values)), axis=1)
                else:
                    reached = peak_to_peak(detrended(values))
                np.fmax(size, reached, out=size)
        return lasting, sizes
