"""Samples with the stamps of a live stream → samples on an even grid, gaps as NaN, for good."""

import math
import time
from collections import deque
from dataclasses import dataclass

import numpy as np

from neurofuse.io.live.line import StampLine
from neurofuse.io.live.missing import Missing

START_SHORTEST, START_LONGEST = 0.2, 3.0  # s of stamps before the first sample is given out
START_LEAST = 8  # stamps then, or …
START_EVEN = 1.0  # … s of stamps that are all one step apart
SAME = 1e-4  # of a step: stamps this near to one apart were counted back from that of a chunk
LONGEST_CHUNK = 0.5  # s of such samples that count as one chunk
START_ERROR = 7e-4  # s; the start is known well enough
NEAR = 3.0  # times jitter is a step: each stamp shows whether samples are missing
FINE = 10.0  # times jitter is a step: the samples of a chunk agree each by itself
SURELY = 4.0  # standard deviations of jitter: a stamp further off is wild, or samples are missing
FEWEST, MOST = 3, 40  # stamps that must agree on a gap; more where jitter exceeds a step
JUMPED = 5  # stamps in a row that are far off one way: the clock has jumped
PATIENCE = 0.25  # s, or 3 steps: as long samples are held until it is clear what is missing
LONGEST_GAP = 60.0  # s that are filled with NaN; after more, or a clock set back, all begins anew
SET_BACK = 1.0  # s


@dataclass(frozen=True)
class Even:
    """Samples on the grid.

    Parameters
    ----------
    samples : array (channel, time)
        In the stream's unit; NaN where samples were lost.
    stamps : array (time,)
        When each was taken [s].
    restarted : bool
        The clock has begun anew: these samples do not continue those before.
    """

    samples: np.ndarray
    stamps: np.ndarray
    restarted: bool = False


class EvenClock:
    """Puts each sample of a live stream at its place of an even grid, once and for good.

    Stamps may jitter, drift, come in bursts of equal stamps (of which the last has the right one)
    or be counted back from that of a chunk, and samples may be missing. The first samples are held
    back until the line through their stamps is known (0.2 to 3 s); samples whose stamps are off,
    until it is clear whether others are missing before them (at most 0.25 s, or three samples). All
    others pass at once.

    Parameters
    ----------
    rate : float
        Announced sampling rate [Hz].
    channels : int
        Number of channels.

    Attributes
    ----------
    lost, surplus, restarts : int
        Samples that were missing, samples that had no place, and how often it began anew.

    Examples
    --------
    >>> clock = EvenClock(10.0, 1)
    >>> stamps = np.delete(np.arange(40) / 10, [20, 21])
    >>> out = clock.push(stamps[None], stamps, now=4.0)
    >>> out.samples.shape, clock.lost, np.flatnonzero(np.isnan(out.samples[0])).tolist()
    ((1, 40), 2, [20, 21])
    """

    def __init__(self, rate: float, channels: int):
        self.rate, self.step = rate, 1 / rate
        self.lost = self.surplus = self.restarts = 0
        self._samples = np.empty((channels, 0))  # that have no place yet
        self._stamps = np.empty(0)
        self._restarted = False  # and nothing has been given out since
        self._begin()

    def _begin(self) -> None:
        self._line: StampLine | None = None
        self._place = -1  # of the last sample that has one
        self._last = -math.inf  # its time [s]
        self._owed = 0  # samples missing before the next one; below 0: next ones without a place
        self._unsure: tuple[float, int] | None = None  # last stamp and place: more may share it
        self._missing = Missing()
        self._off: list[float] = []  # how late the last stamps were, as long as all are far off
        self._held_since: float | None = None
        self._burst = 0  # samples of the last stamp so far
        self._bursts: deque[int] = deque(maxlen=33)  # of the stamps before
        self._usual = 1  # their median

    @property
    def drift(self) -> float:
        """How much later than announced samples come [ppm]; NaN before it is known."""
        return self._line.drift if self._line else math.nan

    @property
    def jitter(self) -> float:
        """Standard deviation of the stamps about the grid [s]; NaN before it is known."""
        return self._line.jitter if self._line else math.nan

    def push(self, samples: np.ndarray, stamps: np.ndarray, *, now: float | None = None) -> Even:
        """Take new samples (channel, time) and their stamps [s]; return those that have a place.

        `now` [s], of any clock that runs on, tells how long samples have been held.
        """
        now = time.monotonic() if now is None else now
        known = np.isfinite(stamps)
        self._samples = np.concatenate([self._samples, samples[:, known]], axis=1)
        self._stamps = np.concatenate([self._stamps, stamps[known]])
        placed: list[Even] = []
        restarted, done = self._restarted, 0
        ends = self._ends()
        line = self._line or self._start(ends)
        for run, end in enumerate(ends):
            if line is None:
                break
            self._learn(line, float(self._stamps[done]))
            late = self._late(line, ends[run:], done, now)
            if late is None:
                break
            moved = self._moved(line, late)
            if moved > LONGEST_GAP or moved < -SET_BACK:
                self.restarts += 1
                self._begin()
                self._restarted = True
                break  # the samples from here on begin the next time
            if moved:
                self._owe(line, moved, late)
            placed += self._place_samples(line, self._samples[:, done:end])
            self._unsure = float(self._stamps[end - 1]), self._place
            done = int(end)
        self._samples, self._stamps = self._samples[:, done:], self._stamps[done:]
        if placed and restarted:
            self._restarted = False
        return Even(
            np.concatenate([self._samples[:, :0], *(p.samples for p in placed)], axis=1),
            np.concatenate([np.empty(0), *(p.stamps for p in placed)]),
            restarted and bool(placed),
        )

    def _ends(self) -> np.ndarray:
        """Where chunks end that share one stamp: given to all, or counted back from it."""
        if not len(self._stamps):
            return np.empty(0, int)
        apart = np.diff(self._stamps)
        new = (apart != 0) & (np.abs(apart - self.step) > SAME * self.step)
        chunk = np.concatenate([[0], np.cumsum(new)])
        most = max(round(LONGEST_CHUNK * self.rate), 1)
        first = np.flatnonzero(np.concatenate([[True], new]))
        piece = (np.arange(len(chunk)) - first[chunk]) // most  # even stamps are not one chunk
        return np.flatnonzero(np.diff(chunk * len(chunk) + piece, append=-1)) + 1

    def _start(self, ends: np.ndarray) -> StampLine | None:
        """The line through the first stamps, once its start is known well enough."""
        if not len(ends):
            return None
        first = self._stamps[ends - 1] - (ends - 1) * self.step
        span = self._stamps[-1] - self._stamps[0]
        jitter = max(self._scatter(first, 1), self._scatter(first, len(ends) // START_LEAST))
        error = 1.2533 * jitter / math.sqrt(len(ends))
        enough = span >= START_SHORTEST and len(ends) >= START_LEAST and error <= START_ERROR
        even = jitter < SAME * len(self._stamps) * self.step  # but for drift
        enough = enough or (span >= START_EVEN and even)
        if not enough and span < START_LONGEST:
            return None
        burst = self.step  # what may be missing
        if jitter > self.step / NEAR:
            burst *= float(np.median(np.diff(ends, prepend=0)))
        if jitter < burst / NEAR:  # bursts that are lost leave the phase as it is
            turn = np.exp(2j * np.pi * (first - first[0]) / burst)
            start = first[0] + float(np.angle(turn.mean())) / (2 * np.pi) * burst
        else:
            early = max(int((ends * self.step <= START_SHORTEST).sum()), START_LEAST)
            start = float(np.median(first[:early]))
            error = 1.2533 * jitter / math.sqrt(early)
        self._line = StampLine(start, self.step, jitter, max(error, jitter / 10))
        return self._line

    def _scatter(self, first: np.ndarray, lag: int) -> float:
        """Jitter [s] from what stamps say of the start, by changes over a number of stamps."""
        change = np.abs(first[lag:] - first[:-lag]) if lag else np.empty(0)
        if not len(change):
            return 0.0 if lag == 0 else self.step
        # samples that are lost meanwhile change few of these, or all by whole steps
        whole = np.abs(change - np.round(change / self.step) * self.step)
        return 1.0484 * float(np.median(whole if np.median(whole) < self.step / 20 else change))

    def _late(self, line: StampLine, ends: np.ndarray, done: int, now: float) -> list[float] | None:
        """How late the next stamps are [s] if they stay so, [] if not; None if that is unclear."""
        bound = 0.75 * self.step if self._near(line) else SURELY * line.jitter
        needed = min(max((5 * line.jitter / self.step / self._usual) ** 2, FEWEST), MOST)
        fine = line.jitter < self.step / FINE
        late: list[float] = []
        agree, begin = 0, done
        for end in ends:
            place = self._place + self._owed + int(end) - done
            late.append(float(self._stamps[end - 1]) - line.at(place))
            if abs(late[-1]) <= bound or late[-1] * late[0] < 0:
                self._held_since = None
                return []  # the ones before were wild, or came late and are made up for
            different = self._stamps[begin] != self._stamps[end - 1]
            agree += int(end - begin) if fine and different else 1
            begin = end
            if agree >= needed:
                break
        held = now - (self._held_since or now)
        if agree < needed and held <= max(PATIENCE, FEWEST * self.step):
            self._held_since = self._held_since or now
            return None
        self._held_since = None
        return late

    def _near(self, line: StampLine, samples: int = 1) -> bool:
        """Whether each stamp shows by itself if so many samples are missing."""
        return line.jitter < samples * self.step / NEAR

    def _moved(self, line: StampLine, late: list[float]) -> float:
        """By how many seconds stamps have moved for good."""
        if not late:
            return 0.0
        # the least late one: further samples may be missing between the others
        return min(late, key=abs) if self._near(line, self._usual) else float(np.median(late))

    def _owe(self, line: StampLine, moved: float, late: list[float]) -> None:
        """Samples are missing: whole bursts, as devices lose them, if stamps do not say otherwise.

        A stream that was interrupted comes back off the grid: the line moves by what is left.
        """
        steps = round(moved / self.step / self._usual) * self._usual
        if abs(steps * self.step - moved) > 3 * line.jitter:
            steps = round(moved / self.step)
        self._owed += steps
        self._missing.forget()
        beyond = (np.array(late) / self.step - steps + 0.5) % 1 - 0.5  # whole steps apart
        rest = float(np.median(beyond)) * self.step
        if abs(rest) > 3 * line.jitter:
            line.shift(rest)

    def _place_samples(self, line: StampLine, samples: np.ndarray) -> list[Even]:
        """Give samples the next places, after those that are missing before them."""
        placed = []
        if self._owed > 0:
            self.lost += self._owed
            placed.append(self._give(line, np.full((len(samples), self._owed), np.nan)))
            self._owed = 0
        without = min(-self._owed, samples.shape[1])  # of samples that have no place
        self._owed += without
        self.surplus += without
        self._burst += samples.shape[1]
        if without < samples.shape[1]:
            placed.append(self._give(line, samples[:, without:]))
        return placed

    def _learn(self, line: StampLine, following: float) -> None:
        """Take in the last stamp, now that no further sample shares it."""
        if self._unsure is None:
            return
        stamp, place = self._unsure
        counted = abs(following - stamp - self.step) <= SAME * self.step
        if following == stamp or (counted and self._burst < LONGEST_CHUNK * self.rate):
            return  # the same chunk
        self._unsure = None
        self._bursts.append(self._burst)
        self._usual, self._burst = sorted(self._bursts)[len(self._bursts) // 2], 0
        late = stamp - line.at(place)
        jitter = line.independent_jitter
        missing = self._missing.update(late, self.step, jitter, max(place - line.place, 1))
        line.learn_jitter(stamp, place)
        late -= (missing + self._missing.expected) * self.step
        line.update(place, late)
        self._owed += missing
        off = abs(late) > SURELY * line.jitter and self._near(line)
        self._off = [*self._off, late] if off and late * sum(self._off) >= 0 else []
        if len(self._off) == JUMPED:  # by less than a step: no sample is missing
            line.shift(float(np.median(self._off)))
            self._off = []

    def _give(self, line: StampLine, samples: np.ndarray) -> Even:
        """The next places of the grid."""
        count = samples.shape[1]
        stamps = line.at(self._place + 1) + np.arange(count) * line.step
        earliest = self._last + self.step / 10 * (1 + np.arange(count))
        stamps = np.maximum(stamps, earliest)
        self._place += count
        self._last = float(stamps[-1])
        return Even(samples, stamps)
