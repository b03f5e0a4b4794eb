"""The simulated study: its recordings are like those that were measured, and its page is one."""

import numpy as np
import pytest

from benchmarks.cohort.cluster import BROKEN, KILLED, RECORDINGS, jobs, page, situations
from benchmarks.cohort.machine import Machine, Took

SIMULATED = [Took(f"{m}", m, 4.0 + 2.0 * m, 500_000_000, 0, 0) for m in (1.0, 5.0, 15.0)]
REAL = [Took("a", 2.0, 4.0, 0, 2_000_000, 6_000_000), Took("b", 2.0, 16.0, 0, 4_000_000, 8_000_000)]
MACHINE = Machine(SIMULATED, REAL, lock=0.01, scheduler=0.005, planning=3.0, plan=10**6)


def test_the_line_and_the_spread_are_those_of_the_measured():
    assert MACHINE.line == pytest.approx((4.0, 2.0))
    assert MACHINE.factors == pytest.approx([0.5, 2.0])


def test_recordings_are_like_them():
    made = jobs(MACHINE)
    assert len(made) == RECORDINGS
    works = np.array([job.seconds > 0 for job in made])
    assert 1 - works.mean() == pytest.approx(BROKEN, abs=0.01)
    expected = (4.0 + 2.0 * 20.0) * 1.25
    assert np.mean([job.seconds for job in made if job.seconds]) == pytest.approx(expected, rel=0.1)
    per_minute = {round(job.bytes_out / job.bytes_in, 3) for job in made if job.seconds}
    assert per_minute == {3.0, 2.0}
    assert all(job.bytes_out == 0 for job in made if not job.seconds)


def test_what_is_killed_is_done_by_the_second_call():
    rows = {row[0]: row for row in situations(MACHINE).rows}
    assert rows["100 workers"][-1] == "0"
    (killed,) = [int(row[-1]) for name, row in rows.items() if "killed" in name]
    assert killed == pytest.approx(KILLED * RECORDINGS, rel=0.2)


def test_more_workers_and_less_disk_do_what_they_must():
    wall = {row[0]: float(row[1]) for row in situations(MACHINE).rows}
    assert wall["1 worker"] == pytest.approx(10 * wall["10 workers"], rel=0.05)
    assert wall["1000 workers"] < wall["100 workers"] < wall["10 workers"]
    assert wall["disk of 10 MB/s"] > wall["disk of 100 MB/s"] >= wall["100 workers"]


def test_its_page_is_one_screen():
    text = page(MACHINE).markdown("cluster")
    assert len(text.splitlines()) <= 50
    assert "Assumed" in text
