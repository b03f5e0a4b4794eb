"""A live stream coming in: everything that has arrived, on an even grid, in the cleaner's units."""

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurofuse.io.live.clock import EvenClock
from neurofuse.io.live.header import stream_of
from neurofuse.io.live.layout import Layout, layout_of
from neurofuse.io.live.lsl import lsl
from neurofuse.io.logs import LOG
from neurofuse.io.xdf.stream import Stream

BUFFERED = 60  # s that LSL keeps for us while we are busy
CHUNK = 1024  # samples pulled at once; all there are are pulled
CORRECTED_EVERY = 5.0  # s between measurements of the sender's clock
CORRECTION_WAIT = 0.01  # s for such a measurement, which is there at once unless a stream returns
OPEN_WAIT = 5.0  # s
SILENT = 1.0  # s without samples after which a stream is looked for again, and …
LOOK_EVERY = 1.0  # … s between looks


@dataclass(frozen=True)
class Pulled:
    """What came in since the last time.

    Parameters
    ----------
    raw, raw_stamps : arrays (time, column) and (time,)
        As the sender sent them; stamps [s] of the sender's clock.
    samples : array (channel, time) or (channel, wavelength, time)
        On the even grid, in V or intensity, NaN where samples were lost.
    stamps : array (time,)
        When each was taken [s], on this computer's LSL clock.
    restarted : bool
        These samples do not continue those before.
    """

    raw: np.ndarray
    raw_stamps: np.ndarray
    samples: np.ndarray
    stamps: np.ndarray
    restarted: bool


class LiveInlet:
    """Subscription to one stream.

    Parameters
    ----------
    found : StreamInfo of mne_lsl
        As `neurofuse.io.live.search` finds it.
    kind : {"eeg", "nirs", "imu"}

    Attributes
    ----------
    stream : Stream
        What its header says.
    header : str
        The header itself, XML.
    layout : Layout
    clock : EvenClock
    received : int
        Samples so far.
    newest : float
        Time of the newest sample [s], on this computer's LSL clock; NaN before the first.
    offset, corrected_at : float
        How far this computer's LSL clock is ahead of the sender's [s], and when that was measured.
    problem : str
        One line on what is wrong with it now, "" for nothing.

    Raises
    ------
    ReadError
        As `neurofuse.io.live.layout.layout_of`.
    TimeoutError
        If the sender does not answer.
    """

    def __init__(self, found: Any, kind: str):
        self.kind = kind
        self._inlet, self._uid = _open(found), found.uid
        self.header: str = self._inlet.get_sinfo(timeout=OPEN_WAIT).as_xml
        self.stream: Stream = stream_of(self.header)
        self.layout: Layout = layout_of(self.stream, kind)
        self._rate = self.stream.nominal
        self.clock = EvenClock(self._rate, self.stream.width)
        self.received, self.newest, self.problem = 0, float("nan"), ""
        self.offset = self._inlet.time_correction(timeout=OPEN_WAIT)
        self.corrected_at = self._heard = self._looked = lsl().local_clock()
        self._search: threading.Thread | None = None
        self._found: tuple[Any, float] | None = None  # a new subscription, and its offset

    def pull(self) -> Pulled:
        """Everything that has arrived; never raises for what a sender does."""
        now = lsl().local_clock()
        raw, raw_stamps = self._arrived()
        if len(raw_stamps):
            self.received += len(raw_stamps)
            self._heard = now
            self.problem = ""
            self._forget()  # LSL was faster
            if now - self.corrected_at > CORRECTED_EVERY:
                self._correct(now)
            self.newest = float(raw_stamps.max()) + self.offset
        elif now - self._heard > SILENT:
            self._look(now)
        even = self.clock.push(raw.T.astype(float), raw_stamps + self.offset, now=now)
        shaped = self.layout.shaped(even.samples)
        return Pulled(raw, raw_stamps, shaped, even.stamps, even.restarted)

    def close(self) -> None:
        """Unsubscribe."""
        if self._search is not None:
            self._search.join()
        if self._found is not None:
            self._found[0]._del()
        self._inlet._del()

    def _arrived(self) -> tuple[np.ndarray, np.ndarray]:
        samples, stamps = [], []
        try:
            while not stamps or len(stamps[-1]) == CHUNK:
                some, at = self._inlet.pull_chunk(timeout=0.0, max_samples=CHUNK)
                samples.append(np.array(some))  # LSL's buffer is used again
                stamps.append(np.array(at))
        except Exception as error:  # mne_lsl raises errors of its own for a stream that is gone
            LOG.debug("stream %s: %s", self.stream.name, error)
            self.problem = f"stream {self.stream.name} is gone"
        if not samples:
            return np.empty((0, self.stream.width)), np.empty(0)
        return np.concatenate(samples), np.concatenate(stamps)

    def _correct(self, now: float) -> None:
        self.corrected_at = now
        try:
            self.offset = self._inlet.time_correction(timeout=CORRECTION_WAIT)
        except TimeoutError:
            return  # the last one is good for minutes

    def _look(self, now: float) -> None:
        """Go on with a stream that has come back; LSL by itself takes many seconds for that."""
        if not self.problem:
            self.problem = f"stream {self.stream.name} has been silent for over {SILENT:.0f} s"
        if self._search is not None and self._search.is_alive():
            return
        if self._heard > self._looked:  # what was found meanwhile would repeat samples
            self._forget()
        if self._found is not None:
            before, (self._inlet, self.offset) = self._inlet, self._found
            self._found, self._heard = None, now
            threading.Thread(target=before._del, daemon=True).start()
        elif now - self._looked > LOOK_EVERY:
            self._looked = now
            self._search = threading.Thread(target=self._find, daemon=True)
            self._search.start()

    def _forget(self) -> None:
        if self._found is not None:
            threading.Thread(target=self._found[0]._del, daemon=True).start()
            self._found = None

    def _find(self) -> None:
        """In the background: subscribe to a new stream of the same sender, if there is one."""
        same = {"source_id": self.stream.source} if self.stream.source else {}
        name, type_ = self.stream.name, self.stream.type or None
        try:
            there = lsl().resolve_streams(timeout=1.0, name=name, stype=type_, **same)
            new = [info for info in there if info.uid != self._uid]
            fit = [i for i in new if (i.n_channels, i.sfreq) == (self.stream.width, self._rate)]
            if fit:
                inlet = _open(fit[0])
                self._uid = fit[0].uid
                self._found = inlet, inlet.time_correction(timeout=OPEN_WAIT)
            elif new:
                self.problem = (
                    f"stream {name} is back with {new[0].n_channels} channels at "
                    f"{new[0].sfreq:g} Hz, not {self.stream.width} at {self._rate:g} Hz: start "
                    "again"
                )
        except Exception as error:  # it may die again at any time
            LOG.debug("stream %s: %s", name, error)


def _open(found: Any) -> Any:
    # stamps as they were sent: one correction is enough, and it is EvenClock's
    inlet = lsl().StreamInlet(found, max_buffered=BUFFERED, processing_flags=None, recover=True)
    inlet.open_stream(timeout=OPEN_WAIT)
    return inlet
