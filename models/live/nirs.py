"""The fNIRS filter while a recording is made: motion masks and rough artifacts in, artifacts out.

Each channel in motion is filtered along time in the window of its last seconds (`temporal`), in
every sample where few are in motion, and at least every half a second: the channels take turns, so
that the work is spread. What a sample gets so rests on half a second to a second after it. The
baseline level (`level`) follows where the mask is open. What was given out is never changed:
artifacts are constant where the mask is shut.

Channels are not predicted from each other here, as `joint.across_channels` does with whole
recordings: with a second of look-ahead that made errors larger.
"""

from collections import deque

import numpy as np

from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.live.cleaned import Cleaned
from neurofuse.models.live.level import RunningLevel
from neurofuse.models.live.rates import SlowCopy
from neurofuse.models.live.temporal import History, QuietCovariance, smooth

CONTEXT = 3.0  # s before a sample that its artifact rests on
TURN = 0.5  # s in which each channel in motion has its turn at least once
AT_ONCE = 8  # channels that are filtered in a sample, unless more are due
REVISED = 0.5  # s for which motion that was given out is looked at again
TOLD_LATE = 0.5  # s after a sample by which its mask is told at the latest
UNKNOWN = 1e6  # variance of what nobody has told yet, in usual ones
EXPECTED = 4.0  # squares of a sample, in usual variances, that need no motion before it is told
FAR = 9.0  # the same from which on a sample says nothing of the level
GLIDE = 6.0  # s in which the artifact glides to the level that is known by now
CLOSING = 0.3  # of the way that is left when the mask shuts
FORGOTTEN = (
    10.0  # s in which an error of the level is forgotten: later it does more harm to correct it
)


class NirsFilter:
    """Artifacts of fNIRS channels, each about a second after its sample.

    Parameters
    ----------
    channels, wavelengths : int
    rate : float
        Sampling rate [Hz].
    architecture : Architecture
        Settings.
    reach : array (band,)
        Correlation length of the artifact in each band [s].
    log_spread : float
        Log of what the rough artifact misses, as a fraction of its energy.
    lookahead : float
        By how much artifacts may come after their samples [s].

    Examples
    --------
    >>> still = NirsFilter(1, 2, 10.0, Architecture(streams=("nirs",)), np.ones(4), -3.0)
    >>> for _ in range(30):
    ...     _ = still.observe(np.ones((1, 2)))
    ...     still.tell(np.zeros(1), np.zeros((1, 4, 2)))
    >>> done = still.settle()
    >>> len(done), done[0].artifact.shape, float(np.abs(done[0].artifact).max())
    (20, (1, 2, 1), 0.0)
    """

    def __init__(
        self,
        channels: int,
        wavelengths: int,
        rate: float,
        architecture: Architecture,
        reach: np.ndarray,
        log_spread: float,
        lookahead: float = 1.0,
    ):
        self.copy: SlowCopy = SlowCopy(channels, wavelengths, rate, architecture.nirs_rate)
        self.slow_rate: float = self.copy.rate
        rate, settings = self.copy.rate, architecture.baseline_level
        self.late: int = self.copy.lookahead(lookahead, rate * self.copy.factor)
        self.untold: int = min(int(np.ceil(TOLD_LATE * rate - 1e-9)), self.late)
        self.turn: int = max(min(round(TURN * rate), self.late - self.untold + 1), 1)
        self.looks: int = max(round(TURN * rate), 1)
        self.size: int = round(CONTEXT * rate) + self.late + 1
        self.spread: float = float(np.exp(log_spread))
        lag = np.arange(self.size)
        apart = (lag[:, None] - lag) / rate
        self.ties: np.ndarray = np.exp(-(apart**2) / (2 * np.asarray(reach)[:, None, None] ** 2))
        self.shape: tuple[int, int] = channels, wavelengths
        self.quiet: QuietCovariance = QuietCovariance(
            channels, wavelengths, self.size, rate, architecture.quiet
        )
        self.margin: int = round(architecture.quiet.margin * rate) // 2
        self.level: RunningLevel = RunningLevel(channels * wavelengths, rate, settings)
        self.motion_above: float = settings.motion_above
        length = self.size + 4 * self.level.size + self.turn + self.untold
        self.changes: History = History(self.shape, length)
        self.artifact: History = History(self.shape, length)  # the best that is known by now
        self.error: History = History(self.shape, length)  # variance
        self.gaps: History = History(self.shape, length)  # 1 in a gap and at the first sample after
        self.gate: History = History((channels,), length)
        self.rough: History = History((channels, len(reach), wavelengths), length)
        self.waiting: deque[np.ndarray] = deque()
        self.told: deque[tuple[np.ndarray, np.ndarray]] = deque()
        self.done: deque[Cleaned] = deque()
        self.age: np.ndarray = np.zeros(channels, int)  # samples since each one's turn
        self.turns: np.ndarray = np.arange(0)
        self.count: int = 0
        self.before: np.ndarray = np.full(self.shape, np.nan)
        self.missing: np.ndarray = np.zeros(self.shape, bool)
        self.given: np.ndarray = np.zeros(self.shape)
        self.offset: np.ndarray = np.zeros(self.shape)
        self.behind: np.ndarray = np.zeros(self.shape)  # of what is known by now
        self.left: np.ndarray = np.zeros(self.shape)  # sum of artifacts that the window has left
        self.best: np.ndarray = np.zeros(self.shape)
        self.variance: np.ndarray = np.zeros(self.shape)
        self.glide: float = float(-np.expm1(-1 / (GLIDE * rate)))
        self.kept: float = float(np.exp(-1 / (FORGOTTEN * rate)))

    def observe(self, density: np.ndarray) -> list[np.ndarray]:
        """Take the next sample of optical density (channel, wavelength); NaN is a gap.

        Returns the samples at `slow_rate` that this one completes, whose masks are to be told.
        """
        mean = self.copy.push(np.array(density, float))
        if mean is None:
            return []
        self.waiting.append(mean)
        self._run()
        return [mean]

    def tell(self, gate: np.ndarray, rough: np.ndarray) -> None:
        """Take motion mask and rough artifact of the next sample at `slow_rate`.

        Parameters
        ----------
        gate : array (channel,)
            0 to 1.
        rough : array (channel, band, wavelength)
            Mask times artifact fraction times band, of changes of optical density.
        """
        self.told.append((np.array(gate, float), np.array(rough, float)))
        self._run()

    def settle(self) -> list[Cleaned]:
        """What is done since the last call, each (channel, wavelength, time), in order.

        Artifacts are in optical density. Deviations are of optical density against its last sample
        before motion.
        """
        out = list(self.done)
        self.done.clear()
        return out

    def _run(self) -> None:
        """Go on as far as samples and masks are there: how they came makes no difference."""
        while self.waiting and (self.count < self.untold or self.told):
            if self.count >= self.untold:
                gate, rough = self.told.popleft()
                self.gate.push(gate)
                self.rough.push(rough)
            self._take(self.waiting.popleft())
            if self.count >= self.untold:
                self._filter()
            self.count += 1
            if self.count > self.late:
                self._learn()
                self._follow()
                self._give()

    def _take(self, density: np.ndarray) -> None:
        known = np.isfinite(density)
        change = np.where(known, density, self.before) - self.before
        self.before = np.where(known, density, self.before)
        self.changes.push(np.nan_to_num(change))
        self.gaps.push(self.missing | ~known)
        self.missing = ~known
        self.artifact.push(0.0)
        self.error.push(0.0)

    def _masks(self, channels: np.ndarray, count: int) -> np.ndarray:
        """Motion masks (channel, time) of the newest samples; the last one told goes on."""
        told = self.gate.last(max(count - self.untold, 1))[channels]
        return np.concatenate([told, np.repeat(told[:, -1:], self.untold, 1)], 1)[:, -count:]

    def _whose_turn(self) -> np.ndarray:
        """Channels in motion that have waited longest."""
        recent = self.late - self.untold + 1 + round(REVISED * self.slow_rate)
        moving = (self.rough.last(min(recent, self.size - self.untold)) != 0).any((1, 2, 3))
        moving &= (self.quiet.variance > 0).all(-1)
        self.age = np.where(moving, self.age + 1, 0)
        due = int((self.age >= self.turn).sum())
        oldest = np.argsort(-self.age, kind="stable")[: max(AT_ONCE, due)]
        turns = np.sort(oldest[moving[oldest]])
        self.age[turns] = 0
        return turns

    def _filter(self) -> None:
        """Filter the channels in motion whose turn it is."""
        size, late = self.size, self.untold
        channels = self.turns = self._whose_turn()
        if not channels.size:
            return
        rough = np.zeros((len(channels), *self.rough.held.shape[1:-1], size))
        rough[..., : size - late] = self.rough.last(size - late)[channels]
        # each channel and wavelength in units of its own
        unit = np.sqrt(self.quiet.variance[channels])
        rough /= unit[:, None, :, None]
        observed = self.changes.last(size)[channels] / unit[..., None]
        squares = np.pad(rough.sum(1) ** 2, ((0, 0), (0, 0), (1, 1)))
        missed = self.spread * (squares[..., :-2] + squares[..., 1:-1] + squares[..., 2:]) / 3
        unknown = np.zeros(observed.shape)
        unknown[..., : max(size - self.count - 1, 0)] = UNKNOWN
        if late:
            lately = squares[..., 1:-1][..., -late - 3 : -late].max(-1, keepdims=True)
            unknown[..., -late:] = np.maximum(lately, observed[..., -late:] ** 2 - EXPECTED)
        mask = self._masks(channels, size)[:, None]
        # what changed over a gap is no change from sample to sample, and stays where nothing moved
        unknown += UNKNOWN * (self.gaps.last(size)[channels] * (mask == 0))
        clean = self.quiet.matrix(channels, unit)
        new = slice(size - 1 - self.late, size - 1 - self.late + self.turn)
        found, error = smooth(observed, rough, missed, unknown, clean, self.ties, new)
        self.artifact.last(size)[channels] = mask * found * unit[..., None]
        self.error.last(size)[channels, :, new] = error * unit[..., None] ** 2

    def _learn(self) -> None:
        """Let the sample that is given out now count as quiet, as far as it is."""
        after = min(self.margin, self.late - self.untold)
        back = self.late - self.untold
        mask = self.gate.last(self.margin + 1 + after, back - after).max(-1)
        after = min(self.margin, self.late)
        around = self.changes.last(2 * after + 1, self.late - after)
        every = np.arange(self.shape[0])
        self.quiet.add(around, mask, every[every % self.looks == self.count % self.looks])

    def _follow(self) -> None:
        """Settle blocks of the baseline level, and estimate it for channels in motion."""
        level, size = self.level, self.level.size
        ended = (level.blocks + 1) * size
        if ended <= self.count - self.size - self.turn:
            back = self.count - ended
            taken = self.artifact.last(size, back)
            mask = self.gate.last(size, back - self.untold)
            jumps = self.gaps.last(size, back) * (mask == 0)[:, None]
            left = np.where(jumps, 0.0, self.changes.last(size, back) - taken)
            motion = mask > self.motion_above
            level.settle(left.reshape(-1, size), taken.reshape(-1, size), self._by_row(motion))
        length = self.count - level.blocks * size
        if length < 2 * size:
            return
        turn = np.zeros(self.shape[0], bool)
        turn[self.turns] = True
        channels = np.flatnonzero((turn & (self._now() > 0)) | self._closing())
        if not channels.size:
            return
        masks = self._masks(channels, length)
        recent = self.changes.last(self.untold)[channels] ** 2
        far = (recent > FAR * self.quiet.variance[channels][..., None]).any((1, 2))
        known = np.where((masks[:, -1] > 0) | far, length - self.untold, length)
        taken = self.artifact.last(length)[channels]
        jumps = self.gaps.last(length)[channels] * (masks == 0)[:, None]
        left = np.where(jumps, 0.0, self.changes.last(length)[channels] - taken)
        waves = self.shape[1]
        rows = (channels[:, None] * waves + np.arange(waves)).ravel()
        offset = level.offset(
            rows,
            left.reshape(-1, length),
            taken.reshape(-1, length),
            self._by_row(masks > self.motion_above),
            self._by_row(known),
        )
        self.offset[channels] = offset.reshape(-1, self.shape[1])

    def _by_row(self, x: np.ndarray) -> np.ndarray:
        return np.repeat(x, self.shape[1], 0)

    def _now(self) -> np.ndarray:
        """Mask (channel,) of the sample that is given out now."""
        return self.gate.last(1, self.late - self.untold)[:, 0].copy()

    def _closing(self) -> np.ndarray:
        """Channels (channel,) whose mask is shut after that sample."""
        back = self.late - self.untold
        after = self.gate.last(1, back - 1)[:, 0] if back else np.ones(self.shape[0])
        return (self._now() > 0) & (after == 0)

    def _give(self) -> None:
        window = self.artifact.last(self.size + self.turn)
        best = self.left + window[..., : window.shape[-1] - self.late].sum(-1) + self.offset
        self.left = self.left + window[..., 0]
        change = self.artifact.last(1, self.late)[..., 0]
        gate, closing = self._now(), self._closing()
        behind = self.kept * self.behind + best - self.best - change
        pace = np.where(closing, CLOSING, self.glide)[:, None]
        open_ = gate[:, None] > 0
        step = np.where(open_, change + pace * behind, 0.0)
        self.behind, self.best = behind + change - step, best
        self.given = self.given + step
        new = self.error.last(1, self.late)[..., 0]
        self.variance = np.where(open_, self.variance + new, 0.0)
        done = self.copy.back(self.given, gate, np.sqrt(self.variance))
        self.done.append(done)
