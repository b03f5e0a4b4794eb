"""The line through anchors: least squares, a prior that hardly counts, intervals that hold."""

from typing import Any

import numpy as np
import pytest

from neurofuse.io.clock.line import fit_line, least_squares
from neurofuse.io.clock_model import ClockModel


def test_many_anchors_give_least_squares_and_its_intervals():
    from scipy import stats

    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(0, 3600, 13))
    y = 40 + x * (1 + 300e-6) + rng.normal(0, 0.007, 13)
    plain: Any = stats.linregress(x, y - x)
    clock = fit_line(x, y, "events")
    reach = stats.t.ppf(0.975, 11)
    assert clock.drift == pytest.approx(1e6 * plain.slope, abs=0.03)
    assert clock.offset == pytest.approx(plain.intercept, abs=1e-4)
    half = (clock.drift_interval[1] - clock.drift_interval[0]) / 2
    assert half == pytest.approx(1e6 * reach * plain.stderr, rel=1e-3)
    half = (clock.offset_interval[1] - clock.offset_interval[0]) / 2
    assert half == pytest.approx(reach * plain.intercept_stderr, rel=1e-3)
    assert clock.residual == pytest.approx(np.std(y - clock.to_common(x)) * np.sqrt(13 / 11))
    assert (clock.anchors, clock.method) == (13, "events")
    assert least_squares(x, y).offset == clock.offset


def test_few_anchors_close_together_claim_no_drift():
    x = np.array([10.0, 11.0, 12.0, 13.0])
    clock = fit_line(x, x + 5 + [0.02, -0.01, 0.01, -0.02], "events")
    assert abs(clock.drift) < 100  # the plain slope is -10,000 ppm
    assert clock.drift_interval[0] < -500 < 500 < clock.drift_interval[1]


def test_late_anchors_lose_no_digits():
    x = np.linspace(1e6, 1e6 + 100, 50)
    clock = fit_line(x, x * (1 + 1e-4) + 3, "events")
    np.testing.assert_allclose(clock.to_common(x), x * (1 + 1e-4) + 3, rtol=0, atol=1e-6)


def test_a_clock_prints_in_words():
    assert str(ClockModel()) == "offset +0.0000 s, drift +0.00 ppm, by own"
    told = str(ClockModel(-2.5, 12.0, 0.004, 9, "events", (-2.51, -2.49), (10.0, 14.0)))
    assert told == (
        "offset -2.5000 s (-2.5100 to -2.4900), drift +12.00 ppm (10.00 to 14.00), by events: "
        "9 anchors within 4.00 ms"
    )
