"""A live session: pull, put on the grid, clean, send, record; and what is to be said about it."""

import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from neurofuse.io.modality import MODALITIES

if TYPE_CHECKING:
    import xarray as xr

    from neurofuse.io.live.inlet import LiveInlet, Pulled
    from neurofuse.io.live.outlet import LiveOutlet
    from neurofuse.io.live.recorder import Recorder

HOP = 0.1  # s; computing that takes longer than this, and than the data last, is late
REMEMBERED = 600  # latencies that percentiles are taken of: a minute of hops
SHOWN = 60  # bins of levels that a view shows
BIN = {"eeg": 0.25, "nirs": 1.0}  # s
MOVING = 0.5  # of the motion mask, from which a channel counts as moving

Make = Callable[["xr.DataTree", Mapping[str, float]], Any]  # montage, rates -> a cleaner


class Latency:
    """Percentiles of the last minute [ms], and the longest of all."""

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=REMEMBERED)
        self._longest = 0.0

    def add(self, seconds: float) -> None:
        """One more."""
        self._last.append(seconds)
        self._longest = max(self._longest, seconds)

    def facts(self) -> dict[str, float] | None:
        """p50, p99 and max [ms]; None before the first."""
        if not self._last:
            return None
        p50, p99 = np.percentile(self._last, [50, 99])
        return {
            "p50": round(1e3 * float(p50), 2),
            "p99": round(1e3 * float(p99), 2),
            "max": round(1e3 * self._longest, 2),
        }


class Levels:
    """How strongly a modality varies, bin by bin: what a view shows of it."""

    def __init__(self, samples: int):
        self._samples, self._held = samples, np.empty((0, 0))
        self.bins: deque[float] = deque(maxlen=SHOWN)

    def add(self, values: np.ndarray, measure: Callable[[np.ndarray], float]) -> None:
        """Take in samples (…, time)."""
        flat = values.reshape(-1, values.shape[-1])
        held = self._held if len(self._held) else flat[:, :0]
        self._held = np.concatenate([held, flat], axis=1)
        while self._held.shape[1] >= self._samples:
            self.bins.append(measure(self._held[:, : self._samples]))
            self._held = self._held[:, self._samples :]


class Session:
    """Cleans the samples of live inlets and sends them on.

    Parameters
    ----------
    inlets : dict of kind to LiveInlet
    make : callable
        Makes a cleaner of the streams' montage and rates; again when a clock has begun anew.
    cleaner : as LiveCleaner
        The first one.
    outlets, masks : dict of kind to LiveOutlet
        Of the cleaned samples and of their motion masks.
    status : LiveOutlet
    recorder : Recorder, optional
    real_time : bool
        False for a recording that is played at another speed, whose delays mean nothing.
    """

    def __init__(
        self,
        inlets: "dict[str, LiveInlet]",
        make: Callable[[], Any],
        cleaner: Any,
        *,
        outlets: "dict[str, LiveOutlet]",
        masks: "dict[str, LiveOutlet]",
        status: "LiveOutlet",
        recorder: "Recorder | None" = None,
        real_time: bool = True,
        method: str = "",
    ):
        self.inlets, self.recorder, self.method = inlets, recorder, method
        self._outlets, self._masks, self._status = outlets, masks, status
        self._rates = {kind: inlet.clock.rate for kind, inlet in inlets.items()}
        self._make, self._cleaner, self._real_time = make, cleaner, real_time
        self._began = time.monotonic()
        self._corrected: dict[str, float] = {}  # when each stream's clock was measured
        self.late = 0
        self.acquisition, self.computing, self.output = Latency(), Latency(), Latency()
        self.sent = dict.fromkeys(outlets, 0)
        self.behind = dict.fromkeys(outlets, float("nan"))  # s, of the newest cleaned sample
        self._moving: dict[str, float] = dict.fromkeys(outlets, 0.0)
        bins = {kind: max(round(BIN[kind] * self._rates[kind]), 1) for kind in outlets}
        self.before = {kind: Levels(count) for kind, count in bins.items()}
        self.after = {kind: Levels(count) for kind, count in bins.items()}
        self.mask = {kind: Levels(count) for kind, count in bins.items()}

    @property
    def lookahead(self) -> dict[str, float]:
        """Delay of the algorithm for each modality [s]."""
        return {kind: float(self._cleaner.lookahead[kind]) for kind in self._outlets}

    def step(self) -> bool:
        """Do all that can be done now; returns whether there was anything."""
        from neurofuse.io.live.lsl import lsl

        now = lsl().local_clock()
        pulled = {kind: inlet.pull() for kind, inlet in self.inlets.items()}
        self._keep(pulled, now)
        if any(one.restarted for one in pulled.values()):
            self._cleaner = self._make()
        new = {kind: one for kind, one in pulled.items() if len(one.stamps)}
        if not new:
            return False
        for kind in new:
            if kind in self.before:
                self.before[kind].add(new[kind].samples, LEVEL[kind])
            self.acquisition.add(now - self.inlets[kind].newest)
        samples = {kind: one.samples for kind, one in new.items()}
        began = time.perf_counter()
        out = self._cleaner.push(**samples, stamps={kind: one.stamps for kind, one in new.items()})
        took = time.perf_counter() - began
        self.computing.add(took)
        span = max(len(one.stamps) / self._rates[kind] for kind, one in new.items())
        self.late += took > max(span, HOP)
        for kind in self._outlets:
            self._send(kind, out)
        self.output.add(time.perf_counter() - began - took)
        return True

    def _keep(self, pulled: "Mapping[str, Pulled]", now: float) -> None:
        if self.recorder is None:
            return
        for kind, one in pulled.items():
            self.recorder.received(kind, one.raw, one.raw_stamps)
            if self.inlets[kind].corrected_at != self._corrected.get(kind):
                self._corrected[kind] = self.inlets[kind].corrected_at
                self.recorder.offset(kind, now, self.inlets[kind].offset)

    def _send(self, kind: str, out: Any) -> None:
        from neurofuse.io.live.lsl import lsl

        samples = getattr(out, kind)
        if samples is None or not samples.shape[-1]:
            return
        stamps, gate = out.stamps[kind], out.gate[kind]
        values = self.inlets[kind].layout.flat(samples)
        self._outlets[kind].push(values, stamps)
        self._masks[kind].push(gate.T, stamps)
        self.behind[kind] = lsl().local_clock() - float(stamps[-1])
        if self.recorder is not None:
            self.recorder.sent(kind, values, stamps)
            self.recorder.sent(f"{kind} mask", gate.T, stamps)
        self.sent[kind] += len(stamps)
        self._moving[kind] = float((gate[:, -1] > MOVING).mean())
        self.after[kind].add(samples, LEVEL[kind])
        self.mask[kind].add(gate, _share_moving)

    def facts(self) -> dict[str, Any]:
        """What the status stream says."""
        drift = {kind: inlet.clock.drift for kind, inlet in self.inlets.items()}
        both = set(MODALITIES) <= set(drift)
        return {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "running": round(time.monotonic() - self._began, 1),
            "method": self.method,
            "streams": {kind: self._stream(kind) for kind in self.inlets},
            "drift_between_ppm": _rounded(drift["nirs"] - drift["eeg"], 1) if both else None,
            "acquisition_ms": self.acquisition.facts() if self._real_time else None,
            "computing_ms": self.computing.facts(),
            "output_ms": self.output.facts(),
            "late": self.late,
            "recording": self.recorder and (self.recorder.failed or str(self.recorder.paths[0])),
            "versions": {name: version(name) for name in ("neurofuse", "mne-lsl")},
        }

    def _stream(self, kind: str) -> dict[str, Any]:
        from neurofuse.io.live.lsl import lsl

        inlet, known = self.inlets[kind], self._real_time
        facts = {
            "name": inlet.stream.name,
            "age": _rounded(lsl().local_clock() - inlet.newest, 3) if known else None,
            "received": inlet.received,
            "lost": inlet.clock.lost,
            "surplus": inlet.clock.surplus,
            "restarts": inlet.clock.restarts,
            "drift_ppm": _rounded(inlet.clock.drift, 1),
            "jitter_ms": _rounded(1e3 * inlet.clock.jitter, 2),
            "problem": inlet.problem,
        }
        if kind in self._outlets:
            facts["sent"] = self.sent[kind]
            facts["behind"] = _rounded(self.behind[kind], 3) if known else None
            facts["lookahead"] = self.lookahead[kind]
            facts["moving"] = _rounded(self._moving[kind], 3)
        return facts

    def tell(self) -> dict[str, Any]:
        """Send the status out; returns it."""
        facts = self.facts()
        self._status.tell(json.dumps(facts))
        return facts

    def close(self) -> None:
        """End the files, and take everything off the network."""
        if self.recorder is not None:
            self.recorder.close()
        for outlet in (*self._outlets.values(), *self._masks.values(), self._status):
            outlet.close()
        for inlet in self.inlets.values():
            inlet.close()


def _rounded(value: float, digits: int) -> float | None:
    return round(float(value), digits) if np.isfinite(value) else None


def _spread(values: np.ndarray) -> float:
    """Median over channels of the standard deviation in time; NaN where all samples are lost."""
    known = values[:, np.isfinite(values).all(axis=0)]
    return float(np.median(known.std(axis=1))) if known.shape[1] > 1 else float("nan")


def _relative(values: np.ndarray) -> float:
    known = values[np.isfinite(values).all(axis=1)]
    if not len(known):
        return float("nan")
    return float(np.median(known.std(axis=1) / np.maximum(np.abs(known.mean(axis=1)), 1e-300)))


def _share_moving(gate: np.ndarray) -> float:
    return float((gate > MOVING).mean())


LEVEL: dict[str, Callable[[np.ndarray], float]] = {"eeg": _spread, "nirs": _relative}
