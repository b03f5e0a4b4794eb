"""Damaged files of every format: read, or refused by an error of our own; a small share of them."""

import subprocess
import sys

import pytest

import benchmarks.fuzz.__main__ as fuzz
from benchmarks.common.paths import ROOT


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
    assert all(row[4] == "0" for row in rows.values())


@pytest.mark.slow
def test_every_format_that_makes_its_own_files_was_damaged(outcome):
    _, rows = outcome
    wanted = {"EDF", "BDF", "BrainVision", "FIF", "EEGLAB", "SNIRF", "netCDF", "zarr", "XDF"}
    assert wanted | {"Homer", "BOXY", "Hitachi", "BIDS"} <= set(rows)
    assert all(int(row[1]) == 20 for row in rows.values())
    refused = [int(row[3].removesuffix(" %")) for row in rows.values()]
    assert sum(refused) / len(refused) > 20  # the damage is felt


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

    assert fuzz.attempt(Reader, tmp_path, None)["outcome"] == outcome


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "outcome", "limit"),
    [("import os; os.abort()", "crash", 60.0), ("import time; time.sleep(60)", "hang", 2.0)],
)
def test_a_reader_that_dies_or_hangs_is_noticed(tmp_path, code, outcome, limit):
    worker = fuzz.Worker(tmp_path, [sys.executable, "-c", code], imports=limit)
    assert worker.ask(tmp_path, None, 1.0)["outcome"] == outcome
    assert worker.process is None  # the next case gets a new one
    worker.errors.close()
