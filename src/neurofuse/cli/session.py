"""A live session: pull, put on the grid, clean, send, record; and what is to be said about it."""

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from neurofuse.cli.levels import BIN, LEVEL, Latency, Levels, share_moving
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.modality import MODALITIES
from neurofuse.io.recording import GATE_OPEN

if TYPE_CHECKING:
    from neurofuse.io.live.inlet import LiveInlet, Pulled
    from neurofuse.io.live.outlet import LiveOutlet
    from neurofuse.io.live.recorder import Recorder

HOP = 0.1  # s; computing that takes longer than this, and than what it gives lasts, is late


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
    settled : dict of kind to LiveOutlet, optional
        Of samples that are cleaned once more, later and better.
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
        settled: "dict[str, LiveOutlet] | None" = None,
        recorder: "Recorder | None" = None,
        real_time: bool = True,
        method: str = "",
    ):
        self.inlets, self.recorder, self.method = inlets, recorder, method
        self._outlets, self._masks, self._status = outlets, masks, status
        self._settled, self._unsettled, self._unseen = settled or {}, "", ""
        self._rates = {kind: inlet.clock.rate for kind, inlet in inlets.items()}
        self._make, self._cleaner, self._real_time = make, cleaner, real_time
        self._began = time.monotonic()
        self._corrected: dict[str, float] = {}  # when each stream's clock was measured
        self.late = 0
        self._busy = 0.0  # s of computing since samples were last given out
        self.acquisition, self.computing, self.output = Latency(), Latency(), Latency()
        self.sent = dict.fromkeys(outlets, 0)
        self.behind = dict.fromkeys(outlets, float("nan"))  # s, of the oldest sample sent last
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
        self._busy += time.perf_counter() - began
        given = [len(out.stamps[k]) / self._rates[k] for k in self._outlets if len(out.stamps[k])]
        if not given:  # more is to be computed before samples are done
            return True
        self.computing.add(self._busy)
        self.late += self._busy > max(*given, HOP)
        self._busy = 0.0
        began = time.perf_counter()
        for kind in self._outlets:
            self._send(kind, out)
        self.output.add(time.perf_counter() - began)
        return True

    def _keep(self, pulled: "Mapping[str, Pulled]", now: float) -> None:
        if self.recorder is None:
            return
        for kind, one in pulled.items():
            self.recorder.write(kind, one.raw, one.raw_stamps)
            if self.inlets[kind].corrected_at != self._corrected.get(kind):
                self._corrected[kind] = self.inlets[kind].corrected_at
                self.recorder.offset(kind, now, self.inlets[kind].offset)

    def _send(self, kind: str, out: Any) -> None:
        from neurofuse.io.live.lsl import lsl

        stamps = out.stamps[kind]
        if not len(stamps):
            return
        samples, gate = getattr(out, kind), out.gate[kind]
        values = self.inlets[kind].layout.flat(samples)
        self._outlets[kind].push(values, stamps)
        self._masks[kind].push(gate.T, stamps)
        self.behind[kind] = lsl().local_clock() - float(stamps[0])
        if self.recorder is not None:
            self.recorder.write(kind, values, stamps, "cleaned")
            self.recorder.write(f"{kind} mask", gate.T, stamps, "cleaned")
        self.sent[kind] += len(stamps)
        self._moving[kind] = float((gate[:, -1] > GATE_OPEN).mean())
        self.after[kind].add(samples, LEVEL[kind])
        self.mask[kind].add(gate, share_moving)

    def settle(self) -> None:
        """Send what has settled; may be called in another thread, as it takes long."""
        try:
            out = self._cleaner.settled()
        except NeurofuseError as error:  # such as no usable channel in the last minute
            self._unsettled = f"nothing settles: {error}"
            return
        self._unsettled = ""
        for kind, outlet in self._settled.items():
            stamps = out.stamps.get(kind, np.empty(0))
            known = np.isfinite(stamps)  # of samples that waited too long nothing is left
            if not known.any():
                continue
            values = self.inlets[kind].layout.flat(getattr(out, kind))[known]
            outlet.push(values, stamps[known])
            if self.recorder is not None:
                self.recorder.write(kind, values, stamps[known], "settled")

    def look(self) -> None:
        """See whether movements are still found; may be called in another thread."""
        try:
            self._cleaner.look()
        except NeurofuseError as error:
            self._unseen = f"whether movements are found is not known: {error}"
            return
        self._unseen = ""

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
            "problem": self._unsettled or self._unseen,
            "drifts": [str(one) for one in self._cleaner.drifts],
            "recording": self.recorder and (self.recorder.failed or str(self.recorder.paths[""])),
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
        made = (*self._outlets.values(), *self._masks.values(), *self._settled.values())
        for outlet in (*made, self._status):
            outlet.close()
        for inlet in self.inlets.values():
            inlet.close()


def _rounded(value: float, digits: int) -> float | None:
    return round(float(value), digits) if np.isfinite(value) else None
