"""Server and centres as processes that meet on a port of this machine."""

import json
import multiprocessing
import os
import signal
import socket
import sys
import time

import pytest

from neurofuse.io.errors import NeurofuseError, ParameterError
from neurofuse.models.federated import post
from neurofuse.models.federated.link import Together
from neurofuse.models.federated.message import pack
from neurofuse.models.federated.post import Office, attend
from neurofuse.models.federated.record import ROUNDS

pytestmark = pytest.mark.skipif(os.name == "nt", reason="not tried on Windows")
forked = [
    pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="processes cannot be forked"),
    pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning"),
]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def started(centre, port, dies_at=None):
    """A process of a centre, which may kill itself when a message of a round comes."""
    answer, heard = centre.answer, [0]

    def until_death(message):
        heard[0] += 1
        if heard[0] == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer(message)

    centre.answer = until_death
    context = multiprocessing.get_context("fork")
    process = context.Process(target=attend, args=(centre, "127.0.0.1", port, 60.0), daemon=True)
    process.start()
    return process


class TestProcesses:
    pytestmark = forked

    @pytest.mark.slow
    def test_rounds_go_on_without_the_one_that_dies(self, make_server, make_centre, monkeypatch):
        monkeypatch.setattr(post, "SILENT", 3.0)
        names, port = ["anna", "ben", "cleo", "dora"], free_port()
        server = make_server()  # what torch loads for it, processes need not load again
        processes = [
            started(make_centre(name, seed), port, dies_at=2 if name == "cleo" else None)
            for seed, name in enumerate(names)
        ]
        with Office("127.0.0.1", port) as office:
            assert office.wait_for(4, 60.0) == names
            weights = server.run(office)
        for process in processes:
            process.join(30.0)
        assert [p.exitcode for p in processes] == [0, 0, -signal.SIGKILL, 0]
        rows = [json.loads(r) for r in (server.record.folder / ROUNDS).read_text().splitlines()]
        assert [row["centres"] for row in rows] == [names, ["anna", "ben", "dora"]]
        assert "it is gone" in rows[1]["missing"]["cleo"]
        assert all(0 < row["traffic"]["anna"] < 100_000 for row in rows)

        # what travelled is what would have been computed here
        alike = make_server(folder="alike")
        here = [make_centre(name, seed, f"here-{name}") for seed, name in enumerate(names)]
        alike.take_round(Together(here))
        del here[2]
        assert alike.run(Together(here)).read_bytes() == weights.read_bytes()

    def test_a_centre_waits_for_a_server_that_is_started_again(self, make_server, make_centre):
        port, server = free_port(), make_server()
        process = started(make_centre("anna"), port)
        first = Office("127.0.0.1", port)
        assert first.wait_for(1, 60.0) == ["anna"]
        server.take_round(first)
        del first  # as if it had been killed
        server = make_server(resume=True)
        until = time.monotonic() + 30
        with Office("127.0.0.1", port) as office:
            assert office.wait_for(1, until - time.monotonic()) == ["anna"]
            server.run(office)
        process.join(30.0)
        assert process.exitcode == 0
        assert server.round == 2


def test_large_messages_come_whole_and_in_order():
    with Office() as office:
        there = post.Box(office.store, "x")
        here = post.Box(office.store, "x")
        assert here.take() is None
        large = os.urandom(2 * post.PART + 5)
        there.put(large)
        there.put(b"")
        there.put(b"last")
        assert [here.take() for _ in range(4)] == [large, b"", b"last", None]


@pytest.mark.parametrize("length", ["many", str(10**12)])
def test_what_no_message_can_be_comes_empty(length):
    with Office() as office:
        office.store.set("x/0", length)
        assert post.Box(office.store, "x").take() == b""


def test_a_port_that_is_taken_and_a_name_that_is_none_are_refused(make_centre):
    with Office() as office, pytest.raises(ParameterError, match="cannot listen"):
        Office("127.0.0.1", office.port)
    with pytest.raises(ParameterError, match=r"called '\.\./x'"):
        attend(make_centre("../x", folder="x"), "127.0.0.1", 1)


def test_a_server_that_never_comes_is_told(make_centre):
    with pytest.raises(NeurofuseError, match=r"no server at 127\.0\.0\.1:\d+ for 0\.2 s"):
        attend(make_centre("anna"), "127.0.0.1", free_port(), patience=0.2)


def test_a_centre_that_never_joined_gives_no_answer():
    with Office() as office:
        assert office.exchange({"anna": pack({})}, 1.0) == {}
        assert office.wait_for(1, 0.2) == []
