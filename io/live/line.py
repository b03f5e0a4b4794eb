"""The line of a live stream's stamps over its samples, followed as they come."""

import math
from collections import deque

STEP_SPREAD = 1e-4  # relative: how far true rates are from announced ones
LARGEST = 1e-3  # relative; what is more counts as samples missing, or too many
STEP_WANDER = 5e-7  # relative, in a second: how a quartz changes with temperature
TIME_WANDER = 2e-5  # s in a second: corrections between two computers' clocks
HUBER = 1.345  # 95 % efficient on Gaussian jitter (Huber 1964, doi:10.1214/aoms/1177703732)
LEAST_JITTER = 2e-5  # s; stamps are never trusted more
JITTER_LAG = 0.2  # s
MOST_SHARED = 50.0  # stamps that share one error
JITTER_MEMORY = 0.01  # share of each stamp in the running estimate of jitter


class StampLine:
    """Recursive robust line: when the sample at each place of the grid was taken.

    A Kalman filter of the time of the last sample and of the step to the next. Stamps beyond 1.345
    standard deviations of the jitter weigh less, so that single wild stamps do not bend the line;
    old stamps are forgotten as fast as clocks wander.

    Parameters
    ----------
    time : float
        Time of place 0 [s].
    step : float
        Announced step between samples [s].
    jitter : float
        Standard deviation of stamps about the line [s].
    uncertainty : float
        Standard deviation of `time` [s].
    """

    def __init__(self, time: float, step: float, jitter: float, uncertainty: float):
        self.place, self.time, self.step = 0, time, step
        self.announced = step
        self.jitter = max(jitter, LEAST_JITTER)
        self._time_variance = uncertainty**2
        self._step_variance = (STEP_SPREAD * step) ** 2
        self._covariance = 0.0
        self._spreads = [self.jitter, self.jitter]  # of the last stamps, of those over 0.2 s
        self._earlier: deque[tuple[int, float]] = deque()  # places, and how late stamps were [s]

    @property
    def drift(self) -> float:
        """How much later than announced samples come [ppm]."""
        return 1e6 * (self.step / self.announced - 1)

    @property
    def independent_jitter(self) -> float:
        """Jitter [s] that stamps had if each told as much by itself as they do together.

        Where neighbouring stamps share their error, as those that a program spreads evenly between
        the arrivals of two chunks, each tells little that is new.
        """
        last, over_lag = (max(spread, LEAST_JITTER) for spread in self._spreads)
        return self.jitter * math.sqrt(min(max(over_lag / last, 1.0), MOST_SHARED))

    def at(self, place: int) -> float:
        """Time of a place of the grid [s]."""
        return self.time + (place - self.place) * self.step

    def update(self, place: int, late: float) -> None:
        """Take in that the stamp at `place`, no earlier than the last, was `late` [s] by `at`."""
        self._advance(place)
        weight = min(1.0, HUBER * self.jitter / max(abs(late), 1e-12))
        noise = self.independent_jitter**2 / weight
        total = self._time_variance + noise
        time_gain, step_gain = self._time_variance / total, self._covariance / total
        self.time += time_gain * late
        step = self.step + step_gain * late
        self.step = min(max(step, self.announced * (1 - LARGEST)), self.announced * (1 + LARGEST))
        self._step_variance -= step_gain * self._covariance
        self._covariance *= 1 - time_gain
        self._time_variance *= 1 - time_gain

    def learn_jitter(self, stamp: float, place: int) -> None:
        """Take a stamp into the running estimate of jitter, by its distance from earlier ones.

        Differences do not see what stays: drift, and delays after samples were lost. Those from the
        last stamp miss jitter that chunks of samples share; those over 0.2 s do not.
        """
        late = stamp - self.at(place)
        earlier, lag = self._earlier, JITTER_LAG / self.announced
        while len(earlier) > 1 and place - earlier[1][0] >= lag:
            earlier.popleft()
        if earlier:
            for number, before in enumerate((earlier[-1][1], earlier[0][1])):
                change = 1.2533 / math.sqrt(2) * abs(late - before)  # Gaussian's mean, of two
                spread = self._spreads[number]
                spread += JITTER_MEMORY * (min(change, 3 * self.jitter) - spread)
                self._spreads[number] = spread
            self.jitter = max(*self._spreads, LEAST_JITTER)
        earlier.append((place, late))

    def shift(self, late: float) -> None:
        """The clock has jumped by about `late` [s]: move, and let next stamps decide."""
        self.time += late
        self._time_variance += min(late**2, self.announced**2 / 12) + self.jitter**2 / 3

    def _advance(self, place: int) -> None:
        steps = place - self.place
        seconds = steps * self.announced
        self.time += steps * self.step
        self._time_variance += steps * (2 * self._covariance + steps * self._step_variance)
        self._covariance += steps * self._step_variance
        self._time_variance += TIME_WANDER**2 * seconds
        self._step_variance += (STEP_WANDER * self.announced) ** 2 * seconds
        self.place = place

    @property
    def drift_uncertainty(self) -> float:
        """Standard deviation of `drift` [ppm]."""
        return 1e6 * math.sqrt(self._step_variance) / self.announced
