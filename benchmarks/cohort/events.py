"""A cluster as discrete events: workers that share a disk and a lock, and take one task at a time.

A worker is a generator that yields what it needs next: seconds of its own (`Alone`), bytes of the
shared disk (`Transfer`), or the one lock of the data set (`Locked`). The disk's bandwidth is
shared evenly between all who use it, and nobody gets more than a node's network carries; the lock
goes to who asked first.
"""

import heapq
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np


@dataclass(frozen=True)
class Alone:
    """Time that a worker needs for itself [s]."""

    seconds: float


@dataclass(frozen=True)
class Transfer:
    """Bytes that it reads from the shared disk or writes to it."""

    size: float


@dataclass(frozen=True)
class Locked:
    """Time for which it holds the lock of the data set [s]."""

    seconds: float


Worker = Generator[Alone | Transfer | Locked, None, None]


@dataclass(frozen=True)
class Cluster:
    """What workers share: how many they are, and how fast disk, network and start are."""

    workers: int = 100
    disk: float = 1e9  # B/s of the shared disk, for all
    network: float = 1e8  # B/s of one worker
    lock: float = 0.01  # s for which a task holds the lock of the data set, in all
    start: float = 10.0  # s from a worker's start to its first task


@dataclass(frozen=True)
class Job:
    """A recording: computing time [s], bytes in and out, and whether its process dies midway."""

    seconds: float
    bytes_in: float
    bytes_out: float
    dies_at: float | None = None  # fraction of its computing time


@dataclass
class Result:
    """How a study went."""

    wall: float = 0.0  # s until the last worker ended
    computing: float = 0.0  # s of all workers together
    moving: float = 0.0  # s in which the disk was used
    waiting: float = 0.0  # s for which workers waited for the lock, all together
    lost: list[Job] = field(default_factory=list)  # whose process died


def run(jobs: Sequence[Job], cluster: Cluster) -> Result:
    """Do all jobs, in their order, each by the first worker that is free.

    Examples
    --------
    >>> free = Cluster(workers=2, disk=1e12, network=1e12, lock=0.0, start=0.0)
    >>> run([Job(10.0, 0, 0)] * 5, free).wall
    30.0
    """
    result, waiting = Result(), deque(jobs)
    disk = _Disk(cluster.disk, cluster.network)
    order = count()
    events: list[tuple[float, int, Worker]] = []
    for _ in range(min(cluster.workers, len(jobs))):
        heapq.heappush(events, (0.0, next(order), _worker(waiting, cluster, result)))
    lock_free = 0.0
    while events or disk.users:
        ends = disk.next_end()
        if events and events[0][0] <= ends:
            now, _, worker = heapq.heappop(events)
        else:
            now, worker = ends, disk.pop(ends)
        need = next(worker, None)
        if isinstance(need, Alone):
            heapq.heappush(events, (now + need.seconds, next(order), worker))
        elif isinstance(need, Locked):
            begun = max(now, lock_free)
            lock_free = begun + need.seconds
            result.waiting += begun - now
            heapq.heappush(events, (lock_free, next(order), worker))
        elif isinstance(need, Transfer):
            disk.push(now, need.size, worker)
        else:
            result.wall = max(result.wall, now)
    result.moving = disk.busy
    return result


def _worker(waiting: deque[Job], cluster: Cluster, result: Result) -> Worker:
    yield Alone(cluster.start)
    while waiting:
        job = waiting.popleft()
        yield Locked(cluster.lock / 2)
        yield Transfer(job.bytes_in)
        if job.dies_at is not None:
            yield Alone(job.seconds * job.dies_at + cluster.start)  # and another process begins
            result.lost.append(job)
            continue
        yield Alone(job.seconds)
        result.computing += job.seconds
        yield Transfer(job.bytes_out)
        yield Locked(cluster.lock / 2)


class _Disk:
    """Bandwidth that is shared evenly: everybody's share since the start is one number, `given`."""

    def __init__(self, bandwidth: float, network: float) -> None:
        self.bandwidth, self.network = bandwidth, network
        self.users: list[tuple[float, int, Worker]] = []  # at which `given` they are done
        self.given, self.now, self.busy = 0.0, 0.0, 0.0
        self.order = count()

    def next_end(self) -> float:
        """When the next user is done [s]."""
        if not self.users:
            return np.inf
        return self.now + max(0.0, self.users[0][0] - self.given) / self._each()

    def push(self, now: float, size: float, worker: Worker) -> None:
        self._advance(now)
        heapq.heappush(self.users, (self.given + size, next(self.order), worker))

    def pop(self, now: float) -> Worker:
        self._advance(now)
        return heapq.heappop(self.users)[2]

    def _advance(self, now: float) -> None:
        if self.users:
            self.given += (now - self.now) * self._each()
            self.busy += now - self.now
        self.now = now

    def _each(self) -> float:
        return min(self.network, self.bandwidth / len(self.users))
