"""A recording sent as live streams, for rehearsals."""

import threading
import time
from types import TracebackType
from xml.etree import ElementTree

import numpy as np
import xarray as xr

from neurofuse.io.errors import ParameterError
from neurofuse.io.imu import head_imu
from neurofuse.io.live.lsl import lsl
from neurofuse.io.live.outlet import LiveOutlet
from neurofuse.io.modality import EEG, NIRS
from neurofuse.io.recording import streams

CHUNK = 0.04  # s of the recording that is sent at once
SOURCE = "player"  # in the source_id, after which comes the name of the process
LIGHT_TYPE = "NIRS"
AXES = 3  # of a sensor that tells how the head moves


class Player:
    """Plays a Recording through LSL outlets, as amplifiers would send it.

    Stamps are those of the recording, from now on: at another speed than 1 samples come sooner or
    later than their stamps say, at the recording's own rates.

    Parameters
    ----------
    recording : Recording
        EEG, fNIRS (light is made of optical density), and its accelerometers and gyroscopes.
    name : str
        What the streams are called, followed by " EEG", " NIRS" and " IMU".
    speed : float
        How much faster than real time [1].
    delay : float
        How long after `start` the first sample is sent [s].

    Raises
    ------
    ParameterError
        If `speed` is not above 0.

    Examples
    --------
    >>> with Player(nf.simulate(60, seed=1)[1], "rehearsal") as player:  # doctest: +SKIP
    ...     player.wait()
    """

    def __init__(
        self, recording: xr.DataTree, name: str, *, speed: float = 1.0, delay: float = 0.2
    ):
        if not speed > 0:
            raise ParameterError(f"speed={speed:g}", "a number above 0", "1 is real time")
        self.speed, self.delay = speed, delay
        self.names: dict[str, str] = {}
        self._parts: list[tuple[LiveOutlet, np.ndarray, np.ndarray]] = []
        for stream in streams(recording):
            node = recording[stream].to_dataset()
            part = _eeg_part(node) if stream == EEG.name else _nirs_part(node)
            self._add(stream, f"{name} {'EEG' if stream == EEG.name else 'NIRS'}", *part)
        for sensor in _sensors(recording):
            self._add("imu", f"{name} IMU", *sensor)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)

    def _add(
        self,
        kind: str,
        name: str,
        type: str,  # noqa: A002  (LSL's word)
        node: xr.Dataset,
        values: np.ndarray,
        desc: ElementTree.Element,
    ) -> None:
        source = f"{SOURCE}-{name.replace(' ', '-')}"
        outlet = LiveOutlet(name, type, float(node.attrs["rate"]), len(values), desc, source)
        self.names.setdefault(kind, name)
        self._parts.append((outlet, values.T, node.time.values.astype(float)))

    @property
    def playing(self) -> bool:
        """Whether there is something left to send."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wait(self) -> None:
        """Return at the end of the recording."""
        self._thread.join()

    def close(self) -> None:
        """Stop, and take the streams off the network."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        for outlet, _, _ in self._parts:
            outlet.close()

    def __enter__(self) -> "Player":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _play(self) -> None:
        first = min(times[0] for _, _, times in self._parts)
        last = max(times[-1] for _, _, times in self._parts)
        began, sent = time.monotonic() + self.delay, [0] * len(self._parts)
        zero = lsl().local_clock() + self.delay - first
        now = first
        while now <= last and not self._stop.is_set():
            now += CHUNK
            self._stop.wait(max(began + (now - first) / self.speed - time.monotonic(), 0.0))
            for number, (outlet, values, times) in enumerate(self._parts):
                end = int(np.searchsorted(times, now))
                outlet.push(values[sent[number] : end], times[sent[number] : end] + zero)
                sent[number] = end


def _eeg_part(node: xr.Dataset) -> tuple[str, xr.Dataset, np.ndarray, ElementTree.Element]:
    values = np.asarray(node.eeg.values, float).copy()
    desc, channels = _description()
    for row, (name, kind) in enumerate(zip(node.channel.values, node.ch_type.values, strict=True)):
        volts = kind not in ("misc", "stim")
        values[row] *= 1e6 if volts else 1.0
        _channel(channels, str(name), str(kind).upper(), "microvolts" if volts else "")
    return "EEG", node, values, desc


def _nirs_part(node: xr.Dataset) -> tuple[str, xr.Dataset, np.ndarray, ElementTree.Element]:
    variable = NIRS.variable(node)
    light = np.asarray(node[variable].values, float)
    light = light if variable == "intensity" else np.exp(-light)
    desc, channels = _description()
    for pair in range(node.sizes["channel"]):
        source, detector = str(node.source.values[pair]), str(node.detector.values[pair])
        for wave in node.wavelength.values:
            channel = _channel(channels, f"{source}_{detector} {wave:g}", LIGHT_TYPE, "")
            for tag, text in (("source", source), ("detector", detector), ("wavelen", f"{wave:g}")):
                ElementTree.SubElement(channel, tag).text = text
    optodes = ElementTree.SubElement(desc, "optodes")
    for role in ("source", "detector"):
        names = [str(name) for name in node[role].values]
        for label in dict.fromkeys(names):
            place = node[f"{role}_position"].values[names.index(label)]
            optode = ElementTree.SubElement(optodes, "optode")
            ElementTree.SubElement(optode, "label").text = label
            if np.isfinite(place).all():
                location = ElementTree.SubElement(optode, "location")
                for axis, metres in zip("XYZ", place, strict=True):
                    ElementTree.SubElement(location, axis).text = f"{1e3 * metres:.6g}"
    return LIGHT_TYPE, node, light.reshape(-1, light.shape[-1]), desc


def _sensors(
    recording: xr.DataTree,
) -> list[tuple[str, xr.Dataset, np.ndarray, ElementTree.Element]]:
    """The head's accelerometer as a stream, with the gyroscope that has its times; or nothing."""
    imu = head_imu(recording)
    whole = [] if imu is None else [a for a in imu.acceleration if a.sizes["axis"] == AXES]
    if imu is None or not whole:
        return []
    first = whole[0]
    turned = [
        g
        for g in imu.rotation
        if g.sizes["axis"] == AXES and np.array_equal(g.time.values, first.time.values)
    ]
    desc, channels = _description()
    for kind, sensor in zip(("ACC", "GYRO"), (first, *turned[:1]), strict=False):
        for axis in "XYZ":
            _channel(channels, f"{kind} {axis}", kind, str(sensor.attrs["units"]))
    values = np.concatenate([sensor.values for sensor in (first, *turned[:1])])
    node = xr.Dataset(coords={"time": first.time.values}, attrs={"rate": first.attrs["rate"]})
    return [("IMU", node, values, desc)]


def _description() -> tuple[ElementTree.Element, ElementTree.Element]:
    desc = ElementTree.Element("desc")
    return desc, ElementTree.SubElement(desc, "channels")


def _channel(
    channels: ElementTree.Element, label: str, kind: str, unit: str
) -> ElementTree.Element:
    channel = ElementTree.SubElement(channels, "channel")
    for tag, text in (("label", label), ("unit", unit), ("type", kind)):
        if text:
            ElementTree.SubElement(channel, tag).text = text
    return channel
