"""Time stamps of a live stream (LSL) → its true rate, first instant, jitter and lost samples."""

from dataclasses import dataclass

import numpy as np

from neurofuse.io.clock.grid import Grid
from neurofuse.io.clock_model import UNKNOWN, ClockModel
from neurofuse.io.errors import AlignmentError
from neurofuse.io.xdf.lost_samples import FEWEST, grid_places, set_back

SPAN = 10.0  # s over which the rate is first judged: long against bursts, short against gaps
ROUNDS = 5  # of counting lost samples and fitting the line through the rest
BATCHES = 40  # pieces of a stream whose means give the confidence interval
HUBER = 1.345  # 95 % efficient on Gaussian jitter (Huber 1964)


@dataclass(frozen=True)
class Timing:
    """Where a stream's samples lie on the recorder's clock.

    Parameters
    ----------
    grid : Grid
        Rate, time of the first sample, place of every sample and gaps.
    jitter : float
        Standard deviation of the stamps about the line [s].
    start_error, step_error : float
        Half the 95 % confidence interval of the first instant [s] and of the step between samples
        relative to its length [1]; NaN for short streams.
    anchors : int
        Measurements of the offset between the sender's and the recorder's clock.
    nominal : float
        Rate that the stream announces [Hz]; 0 where it announces none.
    """

    grid: Grid
    jitter: float
    start_error: float
    step_error: float
    anchors: int = 0
    nominal: float = 0.0

    @property
    def end(self) -> float:
        """Time of the last sample [s]."""
        return self.grid.start + float(self.grid.place[-1]) / self.grid.rate

    def clock(self, reference: "Timing") -> ClockModel:
        """The model of this stream's clock; the first sample of `reference` is time 0.

        A sample's time in the file is its number over the nominal rate, so the drift is what the
        true rate deviates from the nominal one; 0 where no rate was announced.
        """
        known = self.nominal > 0
        drift = (self.nominal / self.grid.rate - 1) * 1e6 if known else 0.0
        error = self.step_error * 1e6 * self.nominal / self.grid.rate
        own = self is reference
        apart = float(np.hypot(self.start_error, reference.start_error))
        offset = 0.0 if own else self.grid.start - reference.grid.start
        return ClockModel(
            offset=offset,
            drift=drift,
            residual=self.jitter,
            anchors=self.anchors,
            method="stamps",
            offset_interval=UNKNOWN if own else (offset - apart, offset + apart),
            drift_interval=(drift - error, drift + error) if known else UNKNOWN,
        )


def timing(stamps: np.ndarray, source: str, *, nominal: float = 0.0, anchors: int = 0) -> Timing:
    """Fit a line of even samples to stamps that come late, in bursts, or with samples lost.

    The line is Huber's (1964, doi:10.1214/aoms/1177703732), so single wild stamps do not bend it.
    A gap is a step after which later stamps stay late by whole samples; late stamps that the next
    ones make up for, as in data sent in bursts, are jitter. The confidence intervals are those of
    a line through the means of 40 pieces, because errors of neighbouring stamps are correlated.
    They do not include errors of LSL's own clock offsets.

    Parameters
    ----------
    stamps : array (sample,)
        Times [s] on the recorder's clock.
    source : str
        What the stream is called, for messages.
    nominal : float
        Rate that the stream announces [Hz], 0 for none: only the drift depends on it.
    anchors : int
        Number of clock offsets that the stamps were corrected with.

    Returns
    -------
    Timing

    Raises
    ------
    AlignmentError
        If there are fewer than two stamps, one is not finite, they are set back and stay back,
        nearly all samples are lost, or no rate can be estimated.

    Examples
    --------
    >>> bursts = np.repeat(np.arange(1, 41) * 0.15, 15)  # 15 samples at once, 100 Hz
    >>> round(timing(bursts, "ACC").grid.rate)
    100
    >>> timing(np.r_[0:5, 9:14] * 0.1, "NIRS").grid.place.astype(int).tolist()
    [0, 1, 2, 3, 4, 9, 10, 11, 12, 13]
    """
    wanted = "stamps that rise with the samples"
    again = "record again, or cut the file to the part with one clock"
    if len(stamps) < 2:
        raise AlignmentError(f"{len(stamps)} samples in {source}", "at least two", "leave it out")
    if not np.isfinite(stamps).all():
        raise AlignmentError(f"stamps in {source} that are no numbers", wanted, again)
    stamps = np.asarray(stamps, float)
    zero = float(stamps[0])
    since = stamps - zero
    step = _step(since)
    if not (step > 0 and np.isfinite(1 / step)):
        raise AlignmentError(f"stamps in {source} that do not rise", wanted, again)
    back = set_back(since, step)
    if back:
        sample, jump = back
        raise AlignmentError(
            f"stamps in {source} that jump back by {-jump:.3g} s at sample {sample} (a clock was "
            "reset)",
            wanted,
            again,
        )
    start, place, gaps = 0.0, np.empty(0), []
    for _ in range(ROUNDS):  # a better step counts better what long gaps lost
        before = place
        place, gaps = grid_places(since, step)
        lost = int(place[-1]) + 1 - len(stamps)
        if lost > len(stamps):
            raise AlignmentError(
                f"{len(stamps)} samples and {lost} lost ones in {source}", "mostly samples", again
            )
        start, step = _line(place, since)
        if step <= 0:
            raise AlignmentError(f"stamps in {source} that do not rise", wanted, again)
        if np.array_equal(before, place):
            break
    away = since - start - step * place
    start_error, step_error = _errors(place, away)
    spans = [(float(place[i] * step), float((place[i + 1] - place[i]) * step)) for i in gaps]
    grid = Grid(1 / step, zero + start, place, spans, float(np.quantile(np.abs(away), 0.95)))
    return Timing(grid, float(away.std()), start_error, step_error / step, anchors, nominal)


def _step(since: np.ndarray) -> float:
    """Seconds a sample: the median over windows long against bursts."""
    count = len(since)
    span = int(min(max(count * SPAN / max(np.ptp(since), 1e-9), FEWEST), max(count // 4, 1)))
    at = np.unique(np.linspace(0, count - 1 - span, 4000).astype(int))
    return float(np.median(since[at + span] - since[at])) / span


def _line(place: np.ndarray, since: np.ndarray) -> tuple[float, float]:
    """Start and step [s] by iterated weights: residuals beyond 1.345 robust SDs weigh less."""
    weight = np.ones(len(place))
    start = step = 0.0
    for _ in range(20):
        total = weight.sum()
        middle, instant = weight @ place / total, weight @ since / total
        away = place - middle
        previous, step = step, float((weight * away) @ (since - instant) / ((weight * away) @ away))
        start = float(instant - step * middle)
        if abs(step - previous) <= 1e-13 * abs(step):
            break
        error = np.abs(since - start - step * place)
        bound = HUBER * max(1.4826 * float(np.median(error)), 1e-9)
        weight = np.minimum(1.0, bound / np.maximum(error, bound))
    return start, step


def _errors(place: np.ndarray, away: np.ndarray) -> tuple[float, float]:
    """Half the 95 % intervals of start and step [s], from the means of pieces."""
    from scipy.stats import t

    pieces = min(BATCHES, len(place) // FEWEST)
    if pieces < 8:
        return float("nan"), float("nan")
    edges = np.linspace(0, len(place), pieces + 1).astype(int)[:-1]
    sizes = np.diff(np.append(edges, len(place)))
    x, y = np.add.reduceat(place, edges) / sizes, np.add.reduceat(away, edges) / sizes
    middle = x.mean()
    slope = (x - middle) @ y / ((x - middle) @ (x - middle))
    left = y - y.mean() - slope * (x - middle)
    variance = left @ left / (pieces - 2)
    spread = (x - middle) @ (x - middle)
    factor = float(t.ppf(0.975, pieces - 2))
    start = factor * np.sqrt(variance * (1 / pieces + middle**2 / spread))
    return float(start), float(factor * np.sqrt(variance / spread))
