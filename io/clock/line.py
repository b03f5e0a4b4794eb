"""The line through anchors: offset and drift of one clock against another, with intervals."""

import numpy as np
from scipy import stats

from neurofuse.io.clock_model import ClockModel

LARGEST_DRIFT = 500.0  # ppm; quartz clocks stay below 100
PRIOR_SD = LARGEST_DRIFT / 3**0.5  # ppm; of a drift that is uniform in ±500 ppm
CONFIDENCE = 0.95


def fit_line(x: np.ndarray, y: np.ndarray, method: str) -> ClockModel:
    """The clock that takes instants `x` of a file to instants `y` of the common time.

    Least squares, the best unbiased estimator for Gaussian scatter. The drift also has a prior: a
    Gaussian with the spread of a uniform distribution in ±500 ppm. It matters where the anchors
    determine little (a few within a minute) and shifts a drift that they determine to 2 ppm by
    less than 0.03 ppm. Intervals are Student's t with n - 2 degrees of freedom.

    Parameters
    ----------
    x, y : array (anchor,)
        The same instants [s] in both times; at least three, not all at once.
    method : str
        Where the anchors come from, as `ClockModel.method`.

    Returns
    -------
    ClockModel
        With 95 % confidence intervals.

    Examples
    --------
    >>> x = np.array([0.0, 1000.0, 2000.0, 3000.0])
    >>> clock = fit_line(x, 2 + 1.0001 * x + [0.001, -0.001, -0.001, 0.001], "events")
    >>> round(clock.offset, 5), round(clock.drift, 2)
    (2.0, 100.0)
    >>> clock.drift_interval[0] < 100 < clock.drift_interval[1]
    True
    """
    centre, gap, slope, variance, slope_variance = _solution(x, y - x)
    offset = gap - slope * centre
    quantile = float(stats.t.ppf(0.5 + CONFIDENCE / 2, len(x) - 2))
    offset_error = quantile * float(np.sqrt(variance / len(x) + centre**2 * slope_variance))
    drift, drift_error = 1e6 * slope, 1e6 * quantile * float(np.sqrt(slope_variance))
    return ClockModel(
        offset,
        drift,
        float(np.sqrt(variance)),
        len(x),
        method,
        (offset - offset_error, offset + offset_error),
        (drift - drift_error, drift + drift_error),
    )


def least_squares(x: np.ndarray, y: np.ndarray) -> ClockModel:
    """The same line without intervals, for use in a loop."""
    centre, gap, slope, *_ = _solution(x, y - x)
    return ClockModel(gap - slope * centre, 1e6 * slope)


def _solution(x: np.ndarray, gap: np.ndarray) -> tuple[float, float, float, float, float]:
    """Mean of x, gap there, slope, variance about the line and of the slope.

    Fitted is the gap y - x, a small number: the drift would be lost in rounding if y were fitted.
    """
    centre, middle = float(x.mean()), float(gap.mean())
    away = x - centre
    power = float(away @ away)
    slope = float(away @ gap) / power
    rest = gap - middle - slope * away
    variance = float(rest @ rest) / max(len(x) - 2, 1)
    prior = power * (1e-6 * PRIOR_SD) ** 2
    weight = prior / (prior + variance)
    return centre, middle, weight * slope, variance, weight * variance / power
