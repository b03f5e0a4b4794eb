"""Damaged files of every format: read, or refused by an error of our own; a small share of them."""

import subprocess
import sys

import numpy as np
import pytest

from benchmarks.common.paths import ROOT
from benchmarks.fuzz.cases import Made, run_case
from benchmarks.fuzz.mutations import Damage
from benchmarks.fuzz.parts import take_apart
from benchmarks.fuzz.reading import attempt
from benchmarks.fuzz.report import COLUMNS, table
from benchmarks.fuzz.worker import Worker


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """What 20 cases a format came to, by another seed than the full run's."""
    log = tmp_path_factory.mktemp("fuzz") / "log.jsonl"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.fuzz",
            "--per-format",
            "20",
            "--seed",
            "7",
            "--log",
            str(log),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()[2:]]
    return done, {row[0]: row for row in rows}


@pytest.mark.slow
def test_damaged_files_are_read_or_refused_in_our_words(outcome):
    done, rows = outcome
    assert done.returncode == 0, done.stderr[-3000:]
    assert all(row[COLUMNS.index("failures")] == "0" for row in rows.values())


@pytest.mark.slow
def test_every_format_that_makes_its_own_files_was_damaged(outcome):
    _, rows = outcome
    wanted = {"EDF", "BDF", "BrainVision", "FIF", "EEGLAB", "SNIRF", "netCDF", "zarr", "XDF"}
    wanted |= {"Homer", "BOXY", "Hitachi", "BIDS", "BrainVision in parts", "EEGLAB .set + .fdt"}
    assert wanted | {"FIF in parts", "zarr in parts", "BIDS in parts"} <= set(rows)
    assert all(int(row[COLUMNS.index("files")]) == 20 for row in rows.values())
    refused = [int(row[COLUMNS.index("refused")]) for row in rows.values()]
    assert sum(refused) > 0.2 * 20 * len(refused)  # the damage is felt


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ("NeurofuseError('found a.edf, cut off')", "refused"),
        ("NeurofuseError('which takes more memory than this process has')", "memory"),
        ("KeyError('EEG')", "traceback"),
        ("MemoryError()", "memory"),
    ],
)
def test_what_a_reader_raises_is_distinguished(tmp_path, error, outcome):
    class Reader:
        class NeurofuseError(Exception):
            pass

        @staticmethod
        def read(path):
            raise eval(error, {"NeurofuseError": Reader.NeurofuseError})

    assert attempt(Reader, tmp_path, None)["outcome"] == outcome


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "outcome", "limit"),
    [("import os; os.abort()", "crash", 60.0), ("import time; time.sleep(60)", "hang", 2.0)],
)
def test_a_reader_that_dies_or_hangs_is_noticed(tmp_path, code, outcome, limit):
    worker = Worker(tmp_path, [sys.executable, "-c", code], imports=limit)
    assert worker.ask(tmp_path, None, 1.0)["outcome"] == outcome
    assert worker.process is None  # the next case gets a new one
    worker.errors.close()


class Answering(Worker):
    """A worker whose answer is known before; it starts no process."""

    def __init__(self, **answer):
        self.answer = {"outcome": "read", "warned": [], "seconds": 0.1, "peak": 100} | answer

    def ask(self, path, out, seconds):
        return dict(self.answer)


WHOLE = {"samples": {"eeg C3": [100, 7], "eeg C4": [100, 8]}, "warned": ["a"]}


@pytest.mark.parametrize(
    ("answer", "lost", "outcome"),
    [
        ({"samples": WHOLE["samples"]}, True, "read"),
        ({"samples": {"eeg C3": [100, 7], "eeg C4": [90, 9]}}, True, "silent"),
        ({"samples": {"eeg C3": [100, 7]}}, True, "silent"),
        ({"samples": {"eeg C3": [100, 7]}}, False, "read"),
        ({"samples": {"eeg C3": [100, 7]}, "warned": ["a"]}, True, "silent"),
        ({"samples": {"eeg C3": [100, 7]}, "warned": ["b"]}, True, "read"),
        ({"outcome": "refused"}, True, "refused"),
        ({"outcome": "refused", "seconds": 5.1}, True, "hang"),
        ({"outcome": "refused", "peak": 1025}, True, "memory"),
    ],
)
def test_what_came_of_a_file_is_judged(tmp_path, answer, lost, outcome):
    made = Made(tmp_path, "a.edf", 0, Damage("cut", lost), write=False)
    came = run_case(Answering(**answer), [WHOLE], made, tmp_path)
    assert came["outcome"] == outcome
    row = table([{"format": "EDF", **came}]).rows[0]
    assert row[COLUMNS.index("failures")] == str(int(outcome not in ("read", "refused")))
    assert row[COLUMNS.index("warned")] == str(int(answer.get("warned") == ["b"]))


def test_parts_of_a_recording_are_damaged(tmp_path):
    said = set()
    for case in range(300):
        folder, other = tmp_path / f"{case}", tmp_path / "other"
        for place in (folder, other):
            place.mkdir(exist_ok=True)
            for name in ("a.eeg", "a.vhdr", "a.json", "a.tsv"):
                (place / name).write_text(
                    '{"a": 1, "b": 2}\n' if name == "a.json" else "x\ty\n" * 9
                )
        (other / "a.eeg").write_text("z")
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        damage = take_apart(folder, "a.vhdr", np.random.default_rng(case), [other])
        after = {path.name: path.read_bytes() for path in folder.iterdir()}
        if damage.lost:  # bytes are gone, and no others came but those of a file of other size
            for name, data in after.items():
                assert before[name.removeprefix("b")].startswith(data) or data == b"z"
        said |= {word for word in KINDS if word in damage.said}
    assert said == set(KINDS)


KINDS = ("cut to", "missing", "emptied", "exchanged with", "replaced by", "renamed", "without")
