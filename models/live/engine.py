"""Both modalities and the head's IMU as their samples come in: in the order of time, never waiting.

A modality's frame is computed once its samples are there. What the other one said up to a frame
before counts, so that a partner whose samples come a little later is heard all the same, and
results do not depend on how samples are cut into chunks.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurofuse.models.joint.architecture import Architecture
from neurofuse.models.live.cleaned import Cleaned
from neurofuse.models.live.eeg import EegFilter
from neurofuse.models.live.estimate import LiveEstimate
from neurofuse.models.live.head import RunningActivity
from neurofuse.models.live.optics import OpticsFilter
from neurofuse.models.live.weights import Weights

FOLLOWS = 0.02  # of what a stamp is off by, that a clock is set by in a frame
STEP = 1.0  # s by which a clock must be off to be set at once


@dataclass(frozen=True)
class Sensors:
    """What there is of one modality: its rate [Hz], places (channel, 3) [m], and wavelengths."""

    rate: float
    position: np.ndarray
    wavelengths: int = 1


class Clock:
    """When a modality's frames are, on the clock of all stamps."""

    def __init__(self, rate: float):
        self.rate: float = rate
        self.start: float | None = None  # s

    def see(self, sample: int, stamp: float) -> None:
        """Take the stamp [s] of a sample by its number."""
        if not np.isfinite(stamp):
            return
        start = stamp - sample / self.rate
        if self.start is None or abs(start - self.start) > STEP:
            self.start = start
        self.start += FOLLOWS * (start - self.start)


class Queue:
    """Samples (…, time) that came in and are not used yet, with their stamps."""

    def __init__(self, shape: tuple[int, ...]):
        self.samples: np.ndarray = np.zeros((*shape, 0))
        self.stamps: np.ndarray = np.zeros(0)

    def put(self, samples: np.ndarray, stamps: np.ndarray) -> None:
        """Add samples at the end."""
        self.samples = np.concatenate([self.samples, samples], -1)
        self.stamps = np.concatenate([self.stamps, stamps])

    def take(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Remove samples and stamps from the beginning."""
        samples, stamps = self.samples[..., :count], self.stamps[:count]
        self.samples, self.stamps = self.samples[..., count:], self.stamps[count:]
        return samples, stamps

    def __len__(self) -> int:
        return len(self.stamps)


class LiveEngine:
    """Cleans samples of any number of modalities, of which any may be late, paused or absent.

    Parameters
    ----------
    weights : dict of array
    architecture : Architecture
    sensors : dict of Sensors
        By modality.
    head_rate : float, optional
        Of an IMU on the head [Hz].
    lookahead : float
        Of fNIRS [s].
    """

    def __init__(
        self,
        weights: Weights,
        architecture: Architecture,
        sensors: Mapping[str, Sensors],
        *,
        head_rate: float | None = None,
        lookahead: float = 1.0,
    ):
        self.frame_rate: float = architecture.latent_rate
        self.network: LiveEstimate = LiveEstimate(
            weights,
            architecture,
            {s: given.position for s, given in sensors.items()},
            head=head_rate is not None,
        )
        self.filters: dict[str, EegFilter | OpticsFilter] = {}
        self.queues: dict[str, Queue] = {}
        self.clocks: dict[str, Clock] = {}
        for s, given in sensors.items():
            channels = len(given.position)
            if s == "eeg":
                self.filters[s] = EegFilter(channels, given.rate, weights, architecture)
                shape: tuple[int, ...] = (channels,)
            else:
                self.filters[s] = OpticsFilter(
                    channels, given.wavelengths, given.rate, weights, architecture, lookahead
                )
                shape = (channels, given.wavelengths)
            self.queues[s] = Queue(shape)
            self.clocks[s] = Clock(given.rate)
        self.head_rate: float | None = head_rate
        self.head: RunningActivity | None = None
        self.head_clock: Clock | None = None if head_rate is None else Clock(head_rate)
        self.head_count: int = 0
        self.used: dict[str, int] = dict.fromkeys(sensors, 0)  # samples
        self.zero: float | None = None  # s, of the common clock
        self.done: dict[str, deque[Cleaned]] = {s: deque() for s in sensors}

    def push(self, modality: str, samples: np.ndarray, stamps: np.ndarray) -> None:
        """Take samples (channel[, wavelength], time) of EEG [V] or optical density; stamps [s]."""
        self.queues[modality].put(samples, stamps)

    def push_head(self, samples: np.ndarray, stamps: np.ndarray) -> None:
        """Take samples (axis, time) of the head's IMU."""
        assert self.head_rate is not None
        assert self.head_clock is not None
        if self.head is None:
            self.head = RunningActivity(len(samples), self.head_rate, self.frame_rate)
        if len(stamps):
            self.head_count += len(stamps)
            self.head_clock.see(self.head_count - 1, float(stamps[-1]))
        for frame, moves in self.head.push(samples):
            self.network.tell_head(frame + self._shift(self.head_clock), moves)

    def run(self) -> dict[str, list[Cleaned]]:
        """Clean all that can be; what is done of each modality, in order."""
        while True:
            due = {s: self._due(s) for s in self.queues}
            ready = [(at, s) for s, at in due.items() if at is not None]
            if not ready:
                break
            self._step(min(ready)[1])
        out = {s: list(done) for s, done in self.done.items()}
        for done in self.done.values():
            done.clear()
        return out

    def forget(self, modality: str) -> None:
        """Let the statistics of what is quiet follow a recording that has changed.

        What was given out stays, and estimates do not jump: only their inertia is gone.
        """
        if modality in self.filters:
            self.filters[modality].forget()

    def _due(self, s: str) -> float | None:
        """When the next thing can be done [s]; None if too few samples are there."""
        queue, clock = self.queues[s], self.clocks[s]
        if not len(queue):
            return None
        stamp = float(queue.stamps[0])
        start = clock.start
        if start is None:
            start = stamp - self.used[s] / clock.rate if np.isfinite(stamp) else 0.0
        filter_ = self.filters[s]
        if isinstance(filter_, EegFilter):
            count = filter_.due(len(queue))
            return start + (self.used[s] + count) / clock.rate if count else None
        # a frame later: what EEG hears of a partner is a frame old
        return start + self.used[s] / clock.rate + 1 / self.frame_rate

    def _step(self, s: str) -> None:
        filter_ = self.filters[s]
        count = filter_.due(len(self.queues[s])) if isinstance(filter_, EegFilter) else 1
        samples, stamps = self.queues[s].take(count)
        self.clocks[s].see(self.used[s] + count - 1, float(stamps[-1]))
        self.used[s] += count
        shift = self._shift(self.clocks[s])
        if isinstance(filter_, EegFilter):
            at = filter_.features.frame + shift
            self.done[s].append(filter_.push(samples, self.network, at))
        else:
            filter_.push(samples[..., 0], self.network, shift)
            self.done[s].extend(filter_.settle())

    def _shift(self, clock: Clock) -> int:
        """The number of a modality's first frame on the common clock."""
        if clock.start is None:
            return 0
        if self.zero is None:
            self.zero = clock.start
        return round((clock.start - self.zero) * self.frame_rate)
