"""Clean both modalities while they are recorded: samples in, cleaned samples out a moment later."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from time import sleep
from typing import Any, ClassVar

import numpy as np
import xarray as xr

from neurofuse.fusion.drift_watch import Drift
from neurofuse.fusion.live_track import LARGEST, Track
from neurofuse.fusion.live_watch import LiveWatch
from neurofuse.fusion.methods.learned import exported
from neurofuse.fusion.settled import LATER, Past, settle
from neurofuse.io.errors import ParameterError, SchemaError
from neurofuse.io.modality import EEG, MODALITIES, NIRS
from neurofuse.io.recording import check, stream_dataset, streams, with_stream
from neurofuse.models.edge.spec import is_export
from neurofuse.models.live.engine import LiveEngine, Sensors
from neurofuse.models.live.weights import load_arrays

EEG_LOOKAHEAD = 0.1  # s: a frame of the network
NIRS_LOOKAHEAD = 1.0  # s
SHORTEST_LOOKAHEAD = 0.5  # s of fNIRS: the network's own
SLOWEST = {"eeg": 20.0, "nirs": 0.5, "imu": 4.0}  # Hz
FASTEST = 20_000.0  # Hz
BREATH = 0.005  # s of pause after each step of what is played beside a recording
AXES = (3, 6)  # of an IMU: acceleration, or acceleration and rotation


@dataclass(frozen=True)
class LiveOutput(Mapping[str, Any]):
    """Samples that are done, by attribute or by name: `out.eeg` is `out["eeg"]`.

    A modality that the montage has not is None, in all of them.
    """

    eeg: Any  # array (channel, time) [V]
    nirs: Any  # array (channel, wavelength, time), in the quantity that came in
    stamps: dict[str, np.ndarray]  # (time,) of each modality [s]
    gate: dict[str, np.ndarray]  # (channel, time): motion mask, 0 to 1
    verdict: dict[str, np.ndarray]  # (channel, time): 0 kept, 1 repaired, 2 lost
    uncertainty: dict[str, np.ndarray]  # like the samples [V; optical density]

    NAMES: ClassVar[tuple[str, ...]] = ("eeg", "nirs", "stamps", "gate", "verdict", "uncertainty")

    def __getitem__(self, name: str) -> Any:
        if name not in self.NAMES:
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.NAMES)

    def __len__(self) -> int:
        return len(self.NAMES)


class LiveCleaner:
    """Cleans EEG and fNIRS while they are recorded.

    Pure: samples go in and cleaned samples come out, in the order and at the rates of each
    modality, a moment later. Nothing that was given out ever changes, results do not depend on how
    samples are cut into chunks, and neither modality waits for the other: either may be late, pause
    or be absent. For live streams see `neurofuse stream`.

    Parameters
    ----------
    recording_or_montage : Recording
        Says which channels there are, their places and, if they are not given, their rates. Its
        samples are not looked at, and it may have none. Channels marked bad, and those of EEG that
        are none, pass as they are.
    method : str or Path
        "joint-live", the path of causal weights trained with `neurofuse train`, or the folder of
        their export (`neurofuse export --method joint-live`).
    rates : dict of float, optional
        Sampling rates [Hz] by "eeg", "nirs" and, if there is one on the head, "imu".
    lookahead : float, optional
        How long after it a sample of fNIRS is given out [s], 1 by default; longer is no better
        than 2. That of EEG is 0.1.

    Raises
    ------
    ParameterError
        For an unknown method, or rates or a lookahead that cannot be.
    SchemaError
        If there is no modality to clean.
    ReadError
        If weights are missing or damaged.

    Examples
    --------
    >>> import neurofuse as nf
    >>> _, recording = nf.simulate(duration=10, seed=0)
    >>> cleaner = nf.LiveCleaner(recording)
    >>> samples = recording["eeg"].eeg.values
    >>> out = cleaner.push(eeg=samples[:, :60])
    >>> out.eeg.shape[1], cleaner.lookahead
    (50, {'eeg': 0.1, 'nirs': 1.0})
    """

    def __init__(
        self,
        recording_or_montage: xr.DataTree,
        method: str | Path = "joint-live",
        *,
        rates: Mapping[str, float] | None = None,
        lookahead: float | None = None,
    ):
        check(recording_or_montage)
        self.nodes: dict[str, xr.Dataset] = {
            s: stream_dataset(recording_or_montage, s) for s in streams(recording_or_montage)
        }
        self.rates: dict[str, float] = _rates(self.nodes, rates or {})
        ahead = NIRS_LOOKAHEAD if lookahead is None else _number("lookahead", lookahead)
        if not SHORTEST_LOOKAHEAD <= ahead <= 60:
            raise ParameterError(
                f"lookahead={lookahead}",
                f"{SHORTEST_LOOKAHEAD:g} to 60 s, of fNIRS",
                f"leave it out for {NIRS_LOOKAHEAD:g} s",
            )
        self.lookahead: dict[str, float] = {
            s: EEG_LOOKAHEAD if s == EEG.name else ahead for s in self.nodes
        }
        architecture, weights = load_arrays(method)
        self.used: dict[str, np.ndarray] = {
            s: np.asarray(_used(node)) for s, node in self.nodes.items()
        }
        sensors = {
            s: _sensors(node, self.used[s], self.rates[s])
            for s, node in self.nodes.items()
            if s in architecture.streams and self.used[s].any()
        }
        self.engine: LiveEngine = LiveEngine(
            weights, architecture, sensors, head_rate=self.rates.get("imu"), lookahead=ahead
        )
        calibration = np.atleast_1d(weights["calibration"])
        self.calibration: dict[str, float] = dict(
            zip(architecture.streams, calibration.tolist(), strict=True)
        )
        self.tracks: dict[str, Track] = {
            s: Track(s, node, self.rates[s], s in sensors) for s, node in self.nodes.items()
        }
        self.pasts: dict[str, Past] = {
            s: Past(self.rates[s], track.shape) for s, track in self.tracks.items()
        }
        # what cleans in `settled`; None: the packaged models
        self.later: Path | None = Path(method) / LATER if exported(method) else None
        if self.later is not None and not is_export(self.later):
            self.later = None  # of an older version
        self.lock: Lock = Lock()  # `settled` and `look` may run in another thread
        self.watch: LiveWatch = LiveWatch(self.nodes, self.rates, self.used)
        self._again: tuple[Any, ...] = (method, lookahead)

    def push(
        self,
        eeg: np.ndarray | None = None,
        nirs: np.ndarray | None = None,
        imu: np.ndarray | None = None,
        stamps: Mapping[str, np.ndarray] | None = None,
    ) -> LiveOutput:
        """Take the next samples of any modality, and give out all that are done.

        Parameters
        ----------
        eeg : array (channel, time), optional
            [V]; all channels of the montage in its order. NaN where samples were lost.
        nirs : array (channel, wavelength, time), optional
            Light intensity [any linear unit], or optical density [1] if the montage has that.
        imu : array (axis, time), optional
            Acceleration [m/s²], and rotation [rad/s] after it; any unit will do.
        stamps : dict of array (time,), optional
            When these samples were taken [s], by "eeg", "nirs" and "imu", on one clock. Without
            them, all modalities began at once. They only tell which samples belong together:
            samples have to come at even distances, with NaN for those that were lost.

        Returns
        -------
        LiveOutput
            Samples that are done now, possibly none: the first that ever comes out is the first
            that came in.

        Raises
        ------
        SchemaError
            If samples do not fit the montage. Nothing is taken then.
        """
        given = {"eeg": eeg, "nirs": nirs, "imu": imu}
        given = {s: _numbers(s, x) for s, x in given.items() if x is not None}
        told = _stamps(stamps)
        for s, samples in given.items():
            self._check(s, samples, told.get(s))
        for s, samples in given.items():
            when = told.get(s, np.full(samples.shape[-1], np.nan))
            if s == "imu":
                self.engine.push_head(np.where(np.abs(samples) < LARGEST, samples, np.nan), when)
                continue
            with self.lock:
                self.pasts[s].put(samples, when)
            seen = self.tracks[s].take(samples, when)
            if seen is not None:
                self.engine.push(s, seen[self.used[s]], when)
        for s, done in self.engine.run().items():
            for part in done:
                self.tracks[s].finish(part, self.used[s], self.calibration[s])
        parts = {s: track.out() for s, track in self.tracks.items()}
        for s, part in parts.items():
            if self.watch.push(s, part):
                self.engine.forget(s)
        return _output(parts)

    @property
    def drifts(self) -> list[Drift]:
        """What changed in the recording at rest since its start, as it was noticed.

        Every five minutes the power and the correlations of each channel outside motion are
        compared with those before. The statistics of what is quiet follow by themselves within one
        to two minutes, and faster after a drift; what was given out stays.

        Examples
        --------
        >>> import neurofuse as nf
        >>> nf.LiveCleaner(nf.simulate(duration=10, seed=0)[1]).drifts
        []
        """
        return list(self.watch.drifts)

    def look(self) -> dict[str, float]:
        """See whether movements are still found: some are put into the last minute of samples.

        Takes some seconds: call it every few minutes, and in another thread than `push` where time
        matters. A share that differs from that of the first call is added to `drifts`.

        Returns
        -------
        dict of float
            Share [1] of the time of these movements in which the motion mask is open, by modality;
            none without a minute of samples that are mostly at rest.

        Raises
        ------
        NeurofuseError
            As `LiveCleaner`.

        Examples
        --------
        >>> import neurofuse as nf
        >>> nf.LiveCleaner(nf.simulate(duration=10, seed=0)[1]).look()
        {}
        """
        with self.lock:
            pasts = {s: replace(past, chunks=past.chunks.copy()) for s, past in self.pasts.items()}
        return self.watch.look(pasts, self._played)

    def _played(self, recording: xr.DataTree) -> xr.DataTree:
        """A Recording with the motion masks that it would get while it is recorded."""
        method, ahead = self._again
        rates = {s: rate for s, rate in self.rates.items() if s != "imu"}
        present = {s: stream_dataset(recording, s) for s in streams(recording)}
        cleaner = LiveCleaner(
            recording, method, rates={s: rates[s] for s in present}, lookahead=ahead
        )
        gates: dict[str, list[np.ndarray]] = {s: [] for s in present}
        steps = round(float(next(iter(present.values())).time[-1]) / EEG_LOOKAHEAD)
        for k in range(steps + 1):
            given = {}
            for s, node in present.items():
                first, last = (round(n * EEG_LOOKAHEAD * self.rates[s]) for n in (k, k + 1))
                variable = MODALITIES[s].variable(node)
                given[s] = node[variable].values[..., first:last]
            out = cleaner.push(**given)
            for s in present:
                gates[s].append(out.gate[s])
            sleep(BREATH)  # for the thread that cleans
        for s, node in present.items():
            gate = np.concatenate(gates[s], -1)
            lacking = node.sizes["time"] - gate.shape[-1]  # still on their way
            padded = np.pad(gate, ((0, 0), (0, lacking)))
            recording = with_stream(recording, s, node.assign(gate=(("channel", "time"), padded)))
        return recording

    def settled(self) -> LiveOutput:
        """Give out what has settled since the last call: 8 s behind, close to `neurofuse.clean`.

        The model that sees the future, an export's own one without torch, is run over the last
        minute, which takes about a second: call it every few seconds, and in another thread than
        `push` where time matters. Samples that nobody asked for within two minutes are NaN. There
        is no `uncertainty`.

        Returns
        -------
        LiveOutput
            The first sample that ever comes out is the first that was pushed.

        Raises
        ------
        NeurofuseError
            As `neurofuse.clean`.

        Examples
        --------
        >>> import neurofuse as nf
        >>> _, recording = nf.simulate(duration=20, seed=0)
        >>> cleaner = nf.LiveCleaner(recording)
        >>> _ = cleaner.push(recording["eeg"].eeg.values, recording["nirs"].intensity.values)
        >>> cleaner.settled().nirs.shape[-1] / 10
        12.0
        """
        clocks = self.engine.clocks
        start = {s: (clocks[s].start or 0.0) if s in clocks else 0.0 for s in self.pasts}
        with self.lock:
            pasts = {s: replace(past, chunks=past.chunks.copy()) for s, past in self.pasts.items()}
        parts = settle(pasts, self.nodes, start, self.later)
        for s, past in pasts.items():
            self.pasts[s].given, self.pasts[s].artifact = past.given, past.artifact
        return _output({s: part | {"uncertainty": None} for s, part in parts.items()})

    def _check(self, s: str, samples: np.ndarray, stamps: np.ndarray | None) -> None:
        """Refuse samples that do not fit the montage."""
        if s == "imu":
            wanted = f"({' or '.join(map(str, AXES))}, time)"
            fits = samples.ndim == 2 and len(samples) in AXES and "imu" in self.rates
            if "imu" not in self.rates:
                wanted = "its rate"
        elif s not in self.nodes:
            wanted, fits = f"only {' and '.join(self.nodes)}, as the montage", False
        else:
            shape = self.tracks[s].shape
            wanted = f"({', '.join(map(str, shape))}, time)"
            fits = samples.shape[:-1] == shape and samples.ndim == len(shape) + 1
        if not fits:
            raise SchemaError(
                f"{s} samples of shape {samples.shape}",
                wanted,
                "give all channels of the montage in its order, time last, and rates",
            )
        if stamps is not None and stamps.shape != samples.shape[-1:]:
            raise SchemaError(
                f"{stamps.shape} stamps for {samples.shape[-1]} samples of {s}",
                "one for each",
                "give stamps of the samples that are given",
            )


def _output(parts: Mapping[str, Mapping[str, Any]]) -> LiveOutput:
    """What is given out, from its parts by modality."""
    by_name = {
        name: {s: part[name] for s, part in parts.items() if part[name] is not None}
        for name in LiveOutput.NAMES[2:]
    }
    samples = {s: part["samples"] for s, part in parts.items()}
    return LiveOutput(samples.get(EEG.name), samples.get(NIRS.name), **by_name)


def _numbers(name: str, given: Any) -> np.ndarray:
    """A copy, so that the caller may go on writing into the array."""
    try:
        numbers = np.array(given)
        if numbers.dtype.kind in "biufO":
            return numbers.astype(float)
    except (TypeError, ValueError):
        pass
    raise SchemaError(
        f"{name} that cannot be read as numbers",
        "an array of real numbers, with rows of one length",
        "convert it",
    )


def _stamps(given: Any) -> dict[str, np.ndarray]:
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not set(given) <= set(SLOWEST):
        found = sorted(map(str, given)) if isinstance(given, Mapping) else type(given).__name__
        raise SchemaError(f"stamps as {found}", f"a dict by {', '.join(SLOWEST)}", "name them so")
    return {s: _numbers(f"stamps of {s}", stamps) for s, stamps in given.items()}


def _number(name: str, given: Any) -> float:
    try:
        return float(given)
    except (TypeError, ValueError):
        raise ParameterError(f"{name}={given!r}", "a number", "leave it out") from None


def _rates(nodes: Mapping[str, xr.Dataset], given: Mapping[str, float]) -> dict[str, float]:
    if not isinstance(given, Mapping):
        raise ParameterError(f"rates={given!r}", f"a dict by {', '.join(SLOWEST)}", "name them so")
    known = {s: float(node.attrs["rate"]) for s, node in nodes.items()}
    for s, rate in given.items():
        if s not in SLOWEST or (s != "imu" and s not in nodes):
            raise ParameterError(
                f"a rate of {s!r}", f"rates of {', '.join([*nodes, 'imu'])}", "leave it out"
            )
        known[s] = _number(f"rates of {s}", rate)
    for s, rate in known.items():
        if not SLOWEST[s] <= rate <= FASTEST:
            raise ParameterError(
                f"{s} at {rate:g} Hz",
                f"{SLOWEST[s]:g} to {FASTEST:g} Hz",
                "check rates, or leave this stream out",
            )
    return known


def _used(node: xr.Dataset) -> np.ndarray:
    used = ~node.bad.values.astype(bool)
    return used & (node.ch_type.values == EEG.name) if "ch_type" in node.coords else used


def _sensors(node: xr.Dataset, used: np.ndarray, rate: float) -> Sensors:
    if "source_position" not in node.coords:
        return Sensors(rate, node.position.values[used])
    middle = (node.source_position.values + node.detector_position.values) / 2
    return Sensors(rate, middle[used], node.sizes["wavelength"])
