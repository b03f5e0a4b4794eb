"""The simulated cluster against what can be calculated by hand."""

import pytest

from benchmarks.cohort.events import Cluster, Job, run

FREE = Cluster(workers=4, disk=1e15, network=1e15, lock=0.0, start=0.0)


def cluster(**changes) -> Cluster:
    return Cluster(**{**vars(FREE), **changes})


def test_work_is_shared_evenly():
    done = run([Job(10.0, 0, 0)] * 10, FREE)
    assert done.wall == pytest.approx(30.0)
    assert done.computing == pytest.approx(100.0)


def test_a_straggler_at_the_end_costs_its_whole_time_and_at_the_start_less():
    jobs = [Job(10.0, 0, 0)] * 8
    slow = Job(20.0, 0, 0)
    assert run([*jobs, slow], FREE).wall == pytest.approx(40.0)
    assert run([slow, *jobs], FREE).wall == pytest.approx(30.0)


def test_a_disk_that_all_share_is_the_limit():
    done = run([Job(0.0, 50.0, 50.0)] * 8, cluster(disk=10.0))
    assert done.wall == pytest.approx(8 * 100 / 10)
    assert done.moving == pytest.approx(done.wall)


def test_nobody_gets_more_than_the_network_carries():
    assert run([Job(0.0, 100.0, 0.0)] * 2, cluster(network=5.0)).wall == pytest.approx(20.0)


def test_bandwidth_is_shared_while_others_use_it_only():
    # 100 B at 5 B/s each until the short one is done at 10 s, then 50 B at 10 B/s
    done = run([Job(0.0, 100.0, 0), Job(0.0, 50.0, 0)], cluster(disk=10.0))
    assert done.wall == pytest.approx(15.0)


def test_a_lock_lets_one_through_at_a_time():
    done = run([Job(0.0, 0, 0)] * 8, cluster(lock=3.0))
    assert done.wall == pytest.approx(24.0)
    assert done.waiting > 0


def test_what_dies_is_told_and_costs_its_time():
    dying = Job(10.0, 0, 0, dies_at=0.5)
    done = run([dying] + [Job(10.0, 0, 0)] * 4, cluster(workers=1, start=1.0))
    assert done.lost == [dying]
    assert done.wall == pytest.approx(1 + 5 + 1 + 40)
