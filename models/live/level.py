"""The baseline level that movements leave, while a recording is made: a Kalman filter of each row.

The same model as `joint.baseline_level`: means of blocks of a second are an Ornstein-Uhlenbeck
process about a drifting mean, and the offset of what was cleaned may jump where the mask is open.
Its state is (deviation, drifting mean, offset), in which only the sum is observed. Blocks that no
longer change go into the state for good; those that the temporal filter may still revise are run
through again at every estimate.
"""

import numpy as np

from neurofuse.models.joint.architecture import BaselineLevel

NORMAL_MEDIAN = 0.455  # median of squared standard normal deviates
REMEMBERED = 120  # changes from block to block that tell how large a usual one is
ENOUGH = 5  # of these at rest; with fewer those in motion count as well
EXACT = 1e-9  # variance of an observed mean, in usual changes


class RunningLevel:
    """How far rows of optical density are off, as far as their past tells.

    Parameters
    ----------
    rows : int
        Series: channels times wavelengths.
    rate : float
        Sampling rate [Hz].
    settings : BaselineLevel
        Constants of the model.

    Examples
    --------
    A row that a movement of half a second left 0.3 too high:

    >>> level = RunningLevel(1, 2.0, BaselineLevel())
    >>> still, rest = np.full((1, 2), 1e-3) * [1, -1], np.zeros((1, 2), bool)
    >>> for _ in range(20):
    ...     level.settle(still, 0 * still, rest)
    >>> high, taken, moving = np.zeros((3, 1, 6))
    >>> high[0, 1] = taken[0, 1] = moving[0, 1] = 0.3
    >>> off = level.offset(np.arange(1), high, taken, moving > 0, np.array([6]))
    >>> bool(abs(off[0] - 0.3) < 0.01)
    True
    """

    def __init__(self, rows: int, rate: float, settings: BaselineLevel):
        self.size: int = max(round(settings.block * rate), 1)
        self.settings: BaselineLevel = settings
        self.decay: float = float(np.exp(-self.size / rate / settings.return_time))
        self.state: np.ndarray = np.zeros((rows, 3))
        first = (1 / (1 - self.decay**2), 1 / settings.centring, EXACT)
        self.error: np.ndarray = np.tile(np.diag(first), (rows, 1, 1))  # usual changes squared
        self.reached: np.ndarray = np.zeros(rows)  # what is cleaned, at the end of the last block
        self.mean: np.ndarray = np.zeros(rows)  # of the last block
        self.moved: np.ndarray = np.zeros(rows, bool)
        self.course: np.ndarray = np.zeros(rows)
        self.squares: np.ndarray = np.full((rows, REMEMBERED), np.nan)
        self.still: np.ndarray = np.zeros((rows, REMEMBERED), bool)
        self.usual: np.ndarray = np.zeros(rows)
        self.blocks: int = 0

    def settle(self, left: np.ndarray, taken: np.ndarray, motion: np.ndarray) -> None:
        """Take in the next block for good.

        Parameters
        ----------
        left, taken : array (row, size)
            Changes of optical density from sample to sample less the artifact, and the artifact.
        motion : array (row, size) of bool
            Where the motion mask is open.
        """
        mean = self.reached + np.cumsum(left, -1).mean(-1)
        moved, course = np.asarray(motion.any(-1)), np.abs(taken).sum(-1)
        if self.blocks:
            self._remember(mean - self.mean, moved | self.moved)
            slack = self._slack(moved | self.moved, np.maximum(course, self.course), self.usual)
            self.state, self.error = self._next(self.state, self.error, mean, slack, 1.0)
        else:
            self.state[:, 1] = mean
        self.reached = self.reached + left.sum(-1)
        self.mean, self.moved, self.course = mean, moved, course
        self.blocks += 1

    def offset(
        self,
        rows: np.ndarray,
        left: np.ndarray,
        taken: np.ndarray,
        motion: np.ndarray,
        known: np.ndarray,
    ) -> np.ndarray:
        """By how much (row,) what is cleaned is off after the samples that are known.

        Parameters
        ----------
        rows : array of int
            Which rows.
        left, taken, motion : array (row, time)
            As in `settle`, from the end of the last settled block on.
        known : array (row,) of int
            How many of these samples are known; the last block ends there.
        """
        size, count = self.size, left.shape[-1] // self.size
        total = np.cumsum(left, -1)
        before = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(total, -1)], -1)
        course = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(np.abs(taken), -1)], -1)
        opened = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(motion, -1)], -1)
        ends = [np.minimum((k + 1) * size, known) for k in range(count + 1)]
        here = np.arange(len(rows))

        def within(sums: np.ndarray, end: np.ndarray) -> np.ndarray:
            return sums[here, end] - sums[here, np.maximum(end - size, 0)]

        state, error = self.state[rows], self.error[rows]
        mean, moved, shift = self.mean[rows], self.moved[rows], self.course[rows]
        means = [self.reached[rows] + within(before, end) / size for end in ends]
        usual = self._usual(rows, np.diff(np.stack(means, -1), axis=-1))
        last = np.zeros(len(rows), int)
        for end, seen in zip(ends, means, strict=True):
            step = (end - last) / size
            new = (step > 0) & (end >= size)
            if not self.blocks and (new & (last == 0)).any():  # the first block of all
                state[:, 1] = np.where(last == 0, seen, state[:, 1])
                mean = np.where(last == 0, seen, mean)
            moving, way = within(opened, end) > 0, within(course, end)
            slack = self._slack(moving | moved, np.maximum(way, shift), usual)
            following = self._next(state, error, seen, slack, np.where(new, step, 1.0))
            state = np.where(new[:, None], following[0], state)
            error = np.where(new[:, None, None], following[1], error)
            last, mean = np.where(new, end, last), np.where(new, seen, mean)
            moved, shift = np.where(new, moving, moved), np.where(new, way, shift)
        return state[:, 2]

    def _next(
        self,
        state: np.ndarray,
        error: np.ndarray,
        seen: np.ndarray,
        slack: np.ndarray,
        step: np.ndarray | float,
    ) -> tuple[np.ndarray, np.ndarray]:
        """State and its covariance after the next mean, `step` blocks later."""
        kept = self.decay ** (np.ones(len(state)) * step)
        fall = np.stack([kept, np.ones_like(kept), np.ones_like(kept)], -1)
        state, error = state * fall, error * fall[:, :, None] * fall[:, None, :]
        error[:, 0, 0] += (1 - kept**2) / (1 - self.decay**2)
        error[:, 1, 1] += self.settings.drift**2 * step
        error[:, 2, 2] += slack
        pull = error.sum(-1)
        gain = pull / (pull.sum(-1) + EXACT)[:, None]
        state = state + gain * (seen - state.sum(-1))[:, None]
        return state, error - gain[:, :, None] * pull[:, None, :]

    def _slack(self, moving: np.ndarray, course: np.ndarray, usual: np.ndarray) -> np.ndarray:
        """Variance (row,) of how far the offset may have gone, in usual changes."""
        settings = self.settings
        wrong = settings.error**2 + (settings.missed * course) ** 2 / usual.clip(1e-30)
        return np.where(moving, wrong, settings.error_at_rest)

    def _usual(self, rows: np.ndarray, changes: np.ndarray) -> np.ndarray:
        """Variance (row,) of a usual change; before any block is settled that of those given."""
        usual = self.usual[rows]
        if (usual > 0).all() or not changes.size:
            return usual
        return np.where(usual > 0, usual, np.median(changes**2, -1) / NORMAL_MEDIAN)

    def _remember(self, change: np.ndarray, moving: np.ndarray) -> None:
        at = self.blocks % REMEMBERED
        self.squares[:, at], self.still[:, at] = change**2, ~moving
        held = slice(1, self.blocks + 1) if self.blocks < REMEMBERED else slice(None)
        squares, still = self.squares[:, held], self.still[:, held]
        few = still.sum(-1, keepdims=True) < ENOUGH
        chosen = np.sort(np.where(still | few, squares, np.inf), -1)
        middle = (np.isfinite(chosen).sum(-1) - 1) // 2
        self.usual = chosen[np.arange(len(chosen)), middle] / NORMAL_MEDIAN
