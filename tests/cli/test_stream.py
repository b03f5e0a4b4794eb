"""Cleaning live: through real LSL streams on this computer."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyxdf import load_xdf
from rich.console import Console

import neurofuse as nf
from neurofuse.cli import live_view
from neurofuse.cli.stream import stream_live
from neurofuse.io.errors import NeurofuseError
from tests.live_cleaner import LOOKAHEAD, PassThrough

lsl = pytest.importorskip("mne_lsl.lsl", reason="the extra `stream` is not installed")
ROOT = Path(__file__).parents[2]
EEG_LABELS, NIRS_LABELS = ["C3", "C4", "Cz"], ["S1_D1 760", "S1_D1 850", "S2_D1 760", "S2_D1 850"]


def name(what: str) -> str:
    return f"{what} {os.getpid()}"


class Sender:
    """An outlet whose samples hold their number in every channel; it can die and return."""

    def __init__(self, what: str, kind: str, rate: float, labels: list[str], unit: str = ""):
        self.what, self.kind, self.rate, self.labels, self.unit = what, kind, rate, labels, unit
        self.name = name(what)
        self.source = f"test-{self.name}"
        self.outlet: Any = None
        self.open()

    def open(self, labels: list[str] | None = None) -> None:
        labels = labels or self.labels
        info = lsl.StreamInfo(self.name, self.kind, len(labels), self.rate, "float32", self.source)
        channels = info.desc.append_child("channels")
        for label in labels:
            channel = channels.append_child("channel")
            channel.append_child_value("label", label)
            if self.unit:
                channel.append_child_value("unit", self.unit)
        self.outlet = lsl.StreamOutlet(info)
        self.width = len(labels)

    def push(self, numbers: np.ndarray, stamps: np.ndarray) -> None:
        values = np.repeat(numbers[:, None], self.width, axis=1).astype("float32")
        if len(numbers) == 1:
            self.outlet.push_sample(values[0], float(stamps[0]))
        elif len(numbers):
            self.outlet.push_chunk(values, stamps)

    def close(self) -> None:
        if self.outlet is not None:
            self.outlet._del()
            self.outlet = None


@pytest.fixture(scope="module", autouse=True)
def loopback() -> None:
    """Streams can be found on this computer; elsewhere these tests mean nothing."""
    sender = Sender("probe", "Probe", 10.0, ["x"])
    found = lsl.resolve_streams(timeout=5.0, name=sender.name)
    sender.close()
    if not found:
        pytest.skip("LSL finds no streams on this computer: no multicast")


@pytest.fixture
def senders() -> Iterator[tuple[Sender, Sender]]:
    """An amplifier of EEG [mV] and one of fNIRS."""
    pair = (
        Sender("amplifier", "EEG", 250.0, EEG_LABELS, "millivolts"),
        Sender("lights", "NIRS", 25.0, NIRS_LABELS),
    )
    yield pair
    for sender in pair:
        sender.close()


class Steady(threading.Thread):
    """Sends in real time, in the background, until it is told to stop."""

    def __init__(self, *senders: Sender):
        super().__init__(daemon=True)
        self.senders, self.stopped = senders, threading.Event()

    def run(self) -> None:
        began, sent = lsl.local_clock(), dict.fromkeys(self.senders, 0)
        while not self.stopped.wait(0.02):
            for sender in self.senders:
                due = int((lsl.local_clock() - began) * sender.rate)
                numbers = np.arange(sent[sender], due)
                if sender.outlet is not None:
                    sender.push(numbers, began + numbers / sender.rate)
                sent[sender] = due

    def __enter__(self) -> "Steady":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.join()


def received(stream: str, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """What a consumer gets of a stream (time, channel) with its stamps."""
    (info,) = lsl.resolve_streams(timeout=10.0, name=stream)
    inlet = lsl.StreamInlet(info)
    inlet.open_stream(timeout=5.0)
    values, stamps = [], []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        some, at = inlet.pull_chunk(timeout=0.05, max_samples=4096)
        values.append(np.array(some))
        stamps.append(np.array(at))
    inlet._del()
    return np.concatenate(values), np.concatenate(stamps)


def in_background(function: Callable[..., Any], *args: Any, **settings: Any) -> Callable[[], Any]:
    """Start it in a thread; call the result to wait for what it returns."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(function, *args, **settings)
    pool.shutdown(wait=False)
    return future.result


def both(pair: tuple[Sender, Sender]) -> dict[str, Any]:
    return {"eeg": pair[0].name, "nirs": pair[1].name}


class Awful(threading.Thread):
    """Bursts of equal stamps, 5 ms jitter, 50 ppm drift, losses, a pause, a death and return."""

    def __init__(self, senders: tuple[Sender, Sender], seconds: float):
        super().__init__(daemon=True)
        self.senders, self.seconds = senders, seconds
        rng = np.random.default_rng(0)
        self.true: list[np.ndarray] = []
        self.parts: list[list[tuple[float, np.ndarray, np.ndarray]]] = []  # when, numbers, stamps
        for sender, burst, drift in zip(senders, (10, 1), (0.0, 50.0), strict=True):
            count = round(seconds * sender.rate)
            true = np.arange(count) / sender.rate * (1 + drift / 1e6)
            parts = []
            for first in range(0, count - burst, burst):
                numbers = np.arange(first, first + burst)
                stamp = true[numbers[-1]] + 0.005 * rng.standard_normal()
                due = float(true[numbers[-1]])
                lost = rng.random() < 0.02 or 2.4 <= due < 2.6
                if not lost:
                    parts.append((due, numbers, np.full(burst, stamp)))
            self.true.append(true)
            self.parts.append(parts)
        self.began = 0.0

    def run(self) -> None:
        self.began = lsl.local_clock() + 0.5
        for due, which, numbers, stamps in sorted(
            (
                (due, which, numbers, stamps)
                for which, parts in enumerate(self.parts)
                for due, numbers, stamps in parts
            ),
            key=lambda part: part[:2],
        ):
            time.sleep(max(self.began + due - lsl.local_clock(), 0.0))
            sender = self.senders[which]
            if sender.kind == "NIRS":  # dies, and returns
                if 3.3 < due < 3.6:
                    sender.close()
                    continue
                if sender.outlet is None:
                    sender.open()
            sender.push(numbers, stamps + self.began)


@pytest.mark.slow
def test_awful_streams_come_out_on_an_even_grid(senders, tmp_path):
    awful = Awful(senders, 5.5)
    record = tmp_path / "live.xdf"
    result = in_background(
        stream_live, **both(senders), seconds=6.5, make=PassThrough, record=record
    )
    for sender in senders:
        assert sender.outlet.wait_for_consumers(timeout=5.0)
    awful.start()
    status = result()
    streams, _ = load_xdf(tmp_path / "live_cleaned.xdf", dejitter_timestamps=False)
    number = np.empty(0)
    for stream, true, sender in zip(streams[:2], awful.true, senders, strict=True):
        kind = "eeg" if sender.kind == "EEG" else "nirs"
        values, stamps = stream["time_series"][:, 0], stream["time_stamps"]
        assert len(stamps) > 4 * sender.rate, (kind, status)
        assert (np.diff(stamps) > 0).all()
        known = np.isfinite(values)
        number = np.round(values[known]).astype(int)
        off = np.abs(stamps[known] - awful.began - true[number])
        assert np.mean(off < 0.002) > 0.9, kind
        assert np.mean(np.diff(number) == np.diff(np.flatnonzero(known))) > 0.98, kind
        assert status["streams"][kind]["lost"] >= round(0.2 * sender.rate)
        assert np.isnan(values).sum() > 0
        assert status["streams"][kind]["restarts"] == 0
        assert status["streams"][kind]["surplus"] <= 2
        mask = next(s for s in streams[2:] if sender.name in s["info"]["name"][0])
        assert (mask["time_series"][~known] == 0).all()
    assert status["late"] < 3  # other programs may hold up this computer
    assert status["streams"]["nirs"]["received"] > number[0] + 60  # it went on after it had died


def test_cleaned_streams_carry_all_metadata_and_arrive_in_time(senders):
    with Steady(*senders):
        result = in_background(stream_live, **both(senders), seconds=4.5, make=PassThrough)
        found: dict[str, Any] = {}
        for kind, stream in both(senders).items():
            (info,) = lsl.resolve_streams(timeout=10.0, name=f"{stream} cleaned")
            inlet = lsl.StreamInlet(info)
            inlet.open_stream(timeout=5.0)
            found[kind] = inlet
        time.sleep(1.0)
        for kind, inlet in found.items():
            ages, values = [], np.empty((0, 0))
            until = time.monotonic() + 0.6
            while time.monotonic() < until:
                some, at = inlet.pull_chunk(timeout=0.0, max_samples=4096)
                if len(at):
                    values = np.array(some)
                    ages.append(lsl.local_clock() - at[-1])
                time.sleep(0.002)
            assert np.median(ages) - LOOKAHEAD[kind] < 0.2
            assert (np.diff(values[:, 0]) == 1).all()  # numbers: each sample once, in its unit
            info = inlet.get_sinfo()
            assert info.desc.child("neurofuse").child_value("lookahead") == str(LOOKAHEAD[kind])
            assert info.stype == {"eeg": "EEG", "nirs": "NIRS"}[kind]
            assert info.get_channel_names() == {"eeg": EEG_LABELS, "nirs": NIRS_LABELS}[kind]
            inlet._del()
        assert found["eeg"] is not None
        status = result()
    assert status["streams"]["eeg"]["lost"] == 0
    assert status["streams"]["eeg"]["problem"] == ""


def test_the_status_is_sent_every_second(senders):
    with Steady(*senders):
        result = in_background(stream_live, **both(senders), seconds=3.5, make=PassThrough)
        (info,) = lsl.resolve_streams(
            timeout=10.0, source_id=f"neurofuse-status-of-{senders[0].source}"
        )
        inlet = lsl.StreamInlet(info)
        inlet.open_stream(timeout=5.0)
        text, _ = inlet.pull_sample(timeout=5.0)
        inlet._del()
        result()
    facts = json.loads(text[0])
    assert facts["streams"]["eeg"]["age"] < 1.0
    assert facts["streams"]["nirs"]["name"] == senders[1].name
    assert {"computing_ms", "late", "drift_between_ppm", "versions"} <= set(facts)


@pytest.mark.slow
def test_what_has_settled_goes_to_streams_and_a_file_of_its_own(senders, tmp_path):
    record = tmp_path / "live.xdf"
    with Steady(*senders):
        stream_live(**both(senders), seconds=6.0, make=PassThrough, settled=True, record=record)
    later, _ = load_xdf(tmp_path / "live_settled.xdf", dejitter_timestamps=False)
    cleaned, _ = load_xdf(tmp_path / "live_cleaned.xdf", dejitter_timestamps=False)
    assert [s["info"]["name"][0] for s in later] == [f"{s.name} settled" for s in senders]
    for one, other in zip(later, cleaned[:2], strict=True):
        count = len(one["time_stamps"])
        assert count > 0
        np.testing.assert_array_equal(one["time_series"], other["time_series"][:count])
        np.testing.assert_array_equal(one["time_stamps"], other["time_stamps"][:count])
    assert later[0]["info"]["desc"][0]["neurofuse"][0]["lookahead"] == ["8.0"]


class Unsettled(PassThrough):
    """Finds nothing to clean once more."""

    def settled(self) -> Any:
        raise NeurofuseError("no usable channel", "at least one", "check electrodes")


@pytest.mark.slow
def test_what_does_not_settle_is_told_and_stops_nothing(senders):
    with Steady(*senders):
        facts = stream_live(**both(senders), seconds=5.5, make=Unsettled, settled=True)
    assert facts["problem"].startswith("nothing settles: found no usable channel")
    assert facts["streams"]["eeg"]["age"] < 1.0


class Slow(PassThrough):
    """Takes longer than the data last."""

    def push(self, **given: Any) -> Any:
        time.sleep(0.3)
        return super().push(**given)


def test_a_cleaner_that_cannot_keep_up_is_told(senders):
    with Steady(*senders):
        facts = stream_live(**both(senders), seconds=2.5, make=Slow)
    assert facts["late"] > 0
    assert any("late" in line for line in live_view.problems(facts))


def test_the_view_shows_both_modalities(senders):
    drawn = []

    def show(session: Any, facts: dict[str, Any]) -> None:
        console = Console(width=120, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
        console.print(live_view.view(session, facts))
        drawn.append(console.export_text())
        console.file.close()

    with Steady(*senders):
        stream_live(**both(senders), seconds=3.0, make=PassThrough, show=show)
    for text in ("EEG received", "fNIRS received", "moving", "computing p50", senders[0].name):
        assert text in drawn[-1]


@pytest.mark.slow
def test_a_stream_that_returns_with_other_channels_is_told(senders):
    seen = []

    def show(session: Any, facts: dict[str, Any]) -> None:
        seen.append(facts["streams"]["eeg"]["problem"])

    with Steady(*senders) as sending:
        result = in_background(
            stream_live, **both(senders), seconds=6.0, make=PassThrough, show=show
        )
        until = time.monotonic() + 10
        while not seen and time.monotonic() < until:
            time.sleep(0.05)
        sending.senders = senders[1:]
        senders[0].close()
        senders[0].open([*EEG_LABELS, "Pz"])
        facts = result()
    assert "4 channels" in seen[-1]
    assert facts["streams"]["nirs"]["problem"] == ""  # the other one goes on


def test_bad_choices_are_one_clear_error(senders, tmp_path):
    with pytest.raises(NeurofuseError, match=r"no stream whose name is 'absent' .*amplifier"):
        stream_live(eeg="absent", wait=0.1, make=PassThrough)
    with pytest.raises(NeurofuseError, match="without source, detector and wavelength"):
        stream_live(nirs=senders[0].name, make=PassThrough)
    with pytest.raises(NeurofuseError, match="three channels of an accelerometer"):
        stream_live(imu=senders[0].name, make=PassThrough)
    with pytest.raises(NeurofuseError, match="--seconds 0"):
        stream_live(seconds=0.0)
    with pytest.raises(NeurofuseError, match="--wait nan"):
        stream_live(wait=float("nan"))
    with pytest.raises(NeurofuseError, match="--play with"):
        stream_live(eeg="amplifier", play=[tmp_path / "a.nc"])
    (tmp_path / "there_cleaned.xdf").write_bytes(b"")
    with pytest.raises(NeurofuseError, match=r"there_cleaned\.xdf already"):
        stream_live(**both(senders), record=tmp_path / "there.xdf", make=PassThrough)
    assert not (tmp_path / "there.xdf").exists()


PLAY = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in background
sys.path[:0] = [{root!r}]
from pathlib import Path
from neurofuse.cli import stream
from tests.live_cleaner import PassThrough
stream.live_cleaner = lambda method: PassThrough
from neurofuse.cli.app import main
sys.argv = ["neurofuse", "stream", *{args!r}]
main()
"""


def rehearse(*args: object) -> subprocess.Popen[str]:
    code = PLAY.format(root=str(ROOT), args=[str(arg) for arg in args])
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("played") / "session.nc"
    nf.io.write_netcdf(nf.simulate(60.0, seed=3, sensors=True)[1], path)
    return path


def until_it_grows(path: Path, size: int) -> None:
    until = time.monotonic() + 30
    while not (path.exists() and path.stat().st_size > size):
        assert time.monotonic() < until, "nothing was recorded"
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize(("how", "status"), [("SIGKILL", -9), ("SIGINT", 130)])
def test_what_was_recorded_is_readable_however_it_ends(recording, tmp_path, how, status):
    record = tmp_path / "live.xdf"
    running = rehearse("--play", recording, "--record", record, "--json")
    until_it_grows(tmp_path / "live_cleaned.xdf", 150_000)
    running.send_signal(getattr(signal, how))
    out, _ = running.communicate(timeout=20)
    assert running.returncode == status
    assert json.loads(out.splitlines()[-1])["streams"]["eeg"]["problem"] == ""
    played = nf.read(recording)
    for path in (record, tmp_path / "live_cleaned.xdf"):
        found = nf.read(path)
        assert found["eeg"].channel.values.tolist() == played["eeg"].channel.values.tolist()
        assert found["nirs"].channel.values.tolist() == played["nirs"].channel.values.tolist()
        count = found["eeg"].sizes["time"]
        assert count > 250
        first = int(np.argmin(np.abs(played["eeg"].eeg.values[0] - float(found["eeg"].eeg[0, 0]))))
        np.testing.assert_allclose(
            found["eeg"].eeg.values, played["eeg"].eeg.values[:, first : first + count], atol=1e-10
        )


@pytest.mark.slow
def test_a_recording_is_played_to_its_end_faster_than_real_time(tmp_path):
    nf.io.write_netcdf(nf.simulate(20.0, seed=1)[1], tmp_path / "short.nc")
    running = rehearse("--play", tmp_path / "short.nc", "--speed", 5, "--no-view")
    out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert "5000 samples received, 0 lost" in out
    assert "200 samples received, 0 lost" in out
