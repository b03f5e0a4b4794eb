"""Messages between a server and centres over a network, by the store of torch.distributed.

The server hosts the store (TCPStore) and everybody else only connects to its one port, so centres
may sit behind a firewall. A process group over gloo would be simpler, but it ends for all members
when one of them dies; a store does not notice, so that the round goes on with the others. It has
neither encryption nor passwords: for networks that are trusted. Between institutions see
`examples/federated`.
"""

import logging
import re
import socket
import threading
import time
from collections.abc import Mapping
from datetime import timedelta

from torch.distributed import DistError, TCPStore  # pyright: ignore[reportPrivateImportUsage]

from neurofuse.io.errors import NeurofuseError, ParameterError
from neurofuse.models.federated.centre import Centre
from neurofuse.models.federated.message import pack
from neurofuse.models.weight_files import LARGEST_FILE

PART = 2**22  # bytes of a value in the store, which takes twice that
BEAT = 1.0  # s between signs of life
SILENT = 60.0  # s without one, after which a centre counts as gone
LOOK = 0.05  # s between looks for a message
REPLY = 30.0  # s for one operation of the store
FAREWELL = 10.0  # s for the centres to take their leave
END = pack({"kind": "end"})  # the last message in both directions
NAME = re.compile(r"[\w.-]{1,64}")

logger: logging.Logger = logging.getLogger("neurofuse")


class Box:
    """Messages in one direction, in order; each is taken out once."""

    def __init__(self, store: TCPStore, name: str):
        self.store: TCPStore = store
        self.name: str = name
        self.number: int = 0

    def put(self, message: bytes) -> None:
        """Add a message."""
        key = f"{self.name}/{self.number}"
        for part in range(-(-len(message) // PART)):
            chunk = message[part * PART : (part + 1) * PART]
            self.store.set(f"{key}/{part}", chunk)  # pyright: ignore[reportArgumentType]
        self.store.set(key, str(len(message)))  # last: it says that all is there
        self.number += 1

    def take(self) -> bytes | None:
        """The next message; None as long as there is none, and nothing of one that is too large."""
        key = f"{self.name}/{self.number}"
        if not self.store.check([key]):
            return None
        told = self.store.get(key)[:20]
        length = int(told) if told.isdigit() else 0
        parts = [f"{key}/{k}" for k in range(-(-min(length, LARGEST_FILE) // PART))]
        whole = length <= LARGEST_FILE and (not parts or self.store.check(parts))
        message = b"".join(self.store.get(part) for part in parts) if whole else b""
        for used in (key, *parts):
            self.store.delete_key(used)
        self.number += 1
        return message


class Office:
    """The server's side: hosts the store, and reaches the centres that have joined.

    Parameters
    ----------
    host : str
        Address on which to listen.
    port : int
        0: any that is free.

    Examples
    --------
    >>> with Office("127.0.0.1") as office:
    ...     office.centres(), office.port > 0
    ([], True)
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0):
        try:
            self.socket: socket.socket = socket.create_server((host, port))
        except OSError as error:
            raise ParameterError(
                f"{host}:{port}, where this machine cannot listen ({error})",
                "an address of this machine and a port that is free",
                "choose another --host or --port",
            ) from error
        self.port: int = self.socket.getsockname()[1]
        self.store: TCPStore = TCPStore(
            host,
            self.port,
            is_master=True,
            timeout=timedelta(seconds=REPLY),
            wait_for_workers=False,
            master_listen_fd=self.socket.detach(),
        )
        self._known: int = 0  # sessions
        self._nameless: set[int] = set()
        self._boxes: dict[str, tuple[str, Box, Box]] = {}  # session, to and from
        self._beats: dict[str, tuple[int, float]] = {}  # of a session: the last one, and when

    def __enter__(self) -> "Office":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:  # else centres wait for a server that goes on
            self.close()

    def centres(self) -> list[str]:
        """Names of the centres that have joined and give signs of life."""
        joined = self.store.add("joined", 0)
        self._nameless |= set(range(self._known + 1, joined + 1))
        self._known = joined
        for number in sorted(self._nameless):
            session = str(number)
            if not self.store.check([f"{session}/name"]):
                continue  # it is about to say its name
            self._nameless.remove(number)
            name = self.store.get(f"{session}/name").decode(errors="replace")
            if not NAME.fullmatch(name):
                logger.warning("a centre with a name that is none was turned away")
                continue
            to, back = (Box(self.store, f"{session}/{way}") for way in ("to", "from"))
            self._boxes[name] = (session, to, back)  # one that was started again replaces itself
            self._beats[session] = (0, time.monotonic())
        return sorted(name for name in self._boxes if self._lives(name))

    def wait_for(self, count: int, patience: float) -> list[str]:
        """Wait until so many centres have joined, or no longer than `patience` [s]."""
        until = time.monotonic() + patience
        while len(self.centres()) < count and time.monotonic() < until:
            time.sleep(LOOK)
        return self.centres()

    def exchange(self, messages: Mapping[str, bytes], patience: float) -> dict[str, bytes]:
        """Answers by centre; those that gave none within `patience` [s] or are gone are missing."""
        sessions = {name: self._boxes[name] for name in messages if name in self._boxes}
        for name, (_, to, _) in sessions.items():
            to.put(messages[name])
        answers: dict[str, bytes] = {}
        until = time.monotonic() + patience
        while sessions.keys() - answers.keys() and time.monotonic() < until:
            for name in sessions.keys() - answers.keys():
                answer = sessions[name][2].take()
                if answer is not None:
                    answers[name] = answer
            self.centres()
            for name in sessions.keys() - answers.keys():
                if self._boxes[name] != sessions[name] or not self._lives(name):
                    del sessions[name]  # gone, or started again without this message
            time.sleep(LOOK)
        return answers

    def close(self) -> None:
        """Tell the centres that it is over, and wait a moment for them to hear it."""
        leaving = [name for name in self._boxes if self._lives(name)]
        self.exchange(dict.fromkeys(leaving, END), FAREWELL)

    def _lives(self, name: str) -> bool:
        session = self._boxes[name][0]
        beat, since = self.store.add(f"{session}/beat", 0), time.monotonic()
        if beat != self._beats[session][0]:
            self._beats[session] = (beat, since)
        return since - self._beats[session][1] < SILENT


def attend(centre: Centre, host: str, port: int, patience: float = 600.0) -> None:
    """Join a server and answer its messages until it says that it is over.

    Where the server is lost, joining is tried again: it may have been started anew.

    Parameters
    ----------
    centre : Centre
    host, port
        Of the server.
    patience : float
        How long a server that is not there is waited for [s].

    Raises
    ------
    NeurofuseError
        If there is no server for so long.
    """
    if not NAME.fullmatch(centre.name):
        raise ParameterError(
            f"a centre called {centre.name!r}",
            "up to 64 letters, digits, dots, dashes and underscores",
            "choose another --name",
        )
    until = time.monotonic() + patience
    while True:
        try:
            socket.create_connection((host, port), REPLY).close()  # the store would complain aloud
            store = TCPStore(host, port, is_master=False, timeout=timedelta(seconds=REPLY))
            until = time.monotonic() + patience
            if _attend(centre, store):
                return
        except (DistError, OSError) as error:
            logger.info("centre %s: %s", centre.name, str(error).splitlines()[0])
            if time.monotonic() > until:
                raise NeurofuseError(
                    f"no server at {host}:{port} for {patience:g} s",
                    "the address that `neurofuse federate server` tells",
                    "start it, or see whether a firewall is between",
                ) from error
            time.sleep(min(BEAT, patience))


def _attend(centre: Centre, store: TCPStore) -> bool:
    """Answer messages until the end; True when it came."""
    session = str(store.add("joined", 1))
    store.set(f"{session}/name", centre.name)
    over = threading.Event()
    beating = threading.Thread(target=_beat, args=(store, f"{session}/beat", over), daemon=True)
    beating.start()
    to, back = Box(store, f"{session}/to"), Box(store, f"{session}/from")
    try:
        while True:
            message = to.take()
            if message is None:
                time.sleep(LOOK)
                continue
            if message == END:
                back.put(END)
                return True
            back.put(centre.answer(message))
    finally:
        over.set()
        beating.join()


def _beat(store: TCPStore, key: str, over: threading.Event) -> None:
    """Give signs of life until it is over or the store is gone."""
    try:
        while not over.wait(BEAT):
            store.add(key, 1)
    except DistError:
        return
