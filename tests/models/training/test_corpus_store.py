"""Stores of recordings to train on: the same windows as from memory, or one clear error."""

import errno
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import zarr

from neurofuse.io.errors import ParameterError, ReadError, WriteError
from neurofuse.models.training import corpus_build
from neurofuse.models.training.corpus import Clean, Source, slowed
from neurofuse.models.training.corpus_build import build_corpus, check_corpus, write_signal
from neurofuse.models.training.corpus_store import facts_of, open_corpus
from neurofuse.models.training.shards import ShardedRows
from neurofuse.models.training.train import train
from neurofuse.models.training.windows import WindowSampling, sample_batch
from neurofuse.models.weights import digest

PLAN = {"simulated": 0, "real": False}
QUICK = Path(__file__).parents[3] / "benchmarks/training/configs/quick.json"
TINY = json.loads(QUICK.read_text()) | {"name": "tiny"}


@pytest.fixture(autouse=True)
def fresh():
    facts_of.cache_clear()


@pytest.fixture(scope="module")
def recorded(clean_corpus):
    """Three training participants and one to validate on, by (part, modality)."""
    whole = {s: found[0] for s, found in clean_corpus.items()}
    rng = np.random.default_rng(0)
    listed = {}
    for s, clean in whole.items():
        for number in range(4):
            kept = slice(number, None)
            ends = clean.optodes
            if ends is not None:
                fields = {n: v[kept] for n, v in vars(ends).items() if n != "wavelength"}
                ends = replace(ends, **fields)
            calm = rng.random((len(clean.calm[kept]), 40)).repeat(clean.shape[-1] // 40, 1) < 0.6
            calm = np.pad(calm, [(0, 0), (0, clean.shape[-1] - calm.shape[-1])])
            one = Clean(
                f"person-{number}",
                clean.signal[kept],
                clean.rate,
                np.where(number == 1, np.nan, clean.position[kept]),
                clean.channel[kept],
                calm,
                ends,
            )
            listed.setdefault(("validation" if number == 3 else "train", s), []).append(one)
    return listed


@pytest.fixture
def people(recorded, monkeypatch):
    """The same in place of files."""
    listed = {key: list(found) for key, found in recorded.items()}
    monkeypatch.setattr(corpus_build, "sources", in_place_of_files(listed))
    return listed


def in_place_of_files(listed):
    def sources(part, stream, *_):
        return [Source(c.name, lambda c=c: c) for c in listed[part, stream]], []

    return sources


@pytest.fixture(scope="module")
def built(recorded, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(corpus_build, "sources", in_place_of_files(recorded))
        return build_corpus(PLAN, tmp_path_factory.mktemp("built") / "corpus.zarr")


@pytest.fixture
def store(built, tmp_path):
    return shutil.copytree(built, tmp_path / "corpus.zarr")


def in_memory(people, stream):
    found = people["train", stream]
    return found + [source.make() for source in slowed(found, stream)]


@pytest.mark.parametrize("settings", [{}, {"wearable": 1.0, "eeg_channels": (1, 4)}])
def test_windows_are_those_from_memory_to_the_bit(store, people, settings):
    streams = ("eeg", "nirs")
    sampling = WindowSampling(window=20.0, batch=2, **settings)
    memory = {s: in_memory(people, s) for s in streams}
    stored = {s: open_corpus(store, "train", s) for s in streams}
    for step in range(6):
        one, other = (
            sample_batch(c, sampling, np.random.default_rng([2, step])) for c in (memory, stored)
        )
        for s in streams:
            for a, b in zip(one[s], other[s], strict=True):
                for name, x in vars(a).items():
                    y = vars(b)[name]
                    same = isinstance(x, torch.Tensor) and torch.equal(
                        x.nan_to_num(9.0), y.nan_to_num(9.0)
                    )
                    assert same or x == y or x is y is None, name


def test_everything_comes_back_and_zarr_reads_it_too(store, people):
    for s in ("eeg", "nirs"):
        for clean, stored in zip(in_memory(people, s), open_corpus(store, "train", s), strict=True):
            whole = stored.whole()
            for name, value in vars(clean).items():
                if name not in ("optodes", "_at_rest"):
                    np.testing.assert_array_equal(vars(whole)[name], value, err_msg=name)
            for name, value in vars(clean.optodes).items() if clean.optodes else ():
                np.testing.assert_array_equal(vars(whole.optodes)[name], value, err_msg=name)
            np.testing.assert_array_equal(stored.at_rest, clean.at_rest)
            array = zarr.open_array(store / stored.folder / "signal", mode="r")
            np.testing.assert_array_equal(array[:], clean.signal)
            assert array.shards is not None


def test_rows_over_many_shards(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus_build, "CHUNK", 0.7)
    monkeypatch.setattr(corpus_build, "CHUNKS", 3)
    signal = np.random.default_rng(0).normal(size=(5, 2, 101))
    calm = np.ones((5, 101), bool)
    names = np.array(list("abcde"))
    clean = Clean("x", signal, 10.0, np.zeros((5, 3)), names, calm)
    write_signal(clean, tmp_path / "x.zarr")
    rows = ShardedRows(tmp_path / "x.zarr" / "signal")
    assert len(rows.files) == 5
    rng = np.random.default_rng(1)
    for _ in range(50):
        start, stop = sorted(rng.choice(102, 2, replace=False))
        pick = rng.permutation(5)[: rng.integers(1, 6)]
        np.testing.assert_array_equal(rows.read(pick, start, stop), signal[pick][..., start:stop])


def test_opening_reads_no_recording(store, monkeypatch):
    def none(folder):
        raise AssertionError(folder)

    monkeypatch.setattr("neurofuse.models.training.corpus_store.facts_of", none)
    found = open_corpus(store, "train", "eeg")
    assert [one.name for one in found] == ["person-0", "person-1", "person-2"]
    assert [one.shape[0] for one in found] == [19, 18, 17]


def contents(store):
    return {p.relative_to(store): p.read_bytes() for p in store.rglob("*") if p.is_file()}


def test_an_interrupted_build_goes_on_and_ends_alike(store, people, tmp_path, monkeypatch):
    class StoppedError(Exception):
        pass

    written = []

    def stopping(clean, folder):
        written.append(clean.name)
        write_signal(clean, folder)
        if len(written) == 3:
            raise StoppedError  # the samples are there, but the recording does not count

    other = tmp_path / "other.zarr"
    with monkeypatch.context() as patched:
        patched.setattr(corpus_build, "write_signal", stopping)
        with pytest.raises(StoppedError):
            build_corpus(PLAN, other)
    with pytest.raises(ReadError, match="begun and not finished"):
        open_corpus(other, "train", "eeg")
    with pytest.raises(ParameterError, match="already"):
        build_corpus(PLAN, other)
    again = []
    monkeypatch.setattr(
        corpus_build, "write_signal", lambda c, f: again.append(c.name) or write_signal(c, f)
    )
    build_corpus(PLAN, other, resume=True)
    assert len(again) == len(json.loads((other / "index.json").read_text())) - 2
    assert contents(other) == contents(store)


def damaged(store, stream="eeg"):
    """A store with a wrong byte in a chunk of person-1."""
    folder = next(o.folder for o in open_corpus(store, "train", stream) if o.name == "person-1")
    file = next(p for p in (store / folder / "signal" / "c").rglob("*") if p.is_file())
    held = bytearray(file.read_bytes())
    held[100] ^= 1
    file.write_bytes(held)
    return file


def test_a_damaged_chunk_names_its_participant_and_is_repaired(store, people):
    whole = contents(store)
    damaged(store)
    one = open_corpus(store, "train", "eeg")[1]
    with pytest.raises(ReadError, match=r"damaged recording of person-1 .*wrong checksum"):
        one.samples(np.arange(18), 0, one.shape[-1])
    with pytest.raises(ReadError, match=r"damaged recordings of person-1 \(train/eeg"):
        check_corpus(store)
    build_corpus(PLAN, store, resume=True)
    assert contents(store) == whole
    assert check_corpus(store)["train", "eeg"] == 3


@pytest.mark.parametrize("lost", ["shard", "zarr.json"])
def test_what_is_lost_of_a_recording_names_its_participant(store, people, lost):
    file = damaged(store, "nirs")
    (file if lost == "shard" else file.parents[4] / lost).unlink()
    with pytest.raises(ReadError, match="damaged recording of person-1"):
        _ = open_corpus(store, "train", "nirs")[1].position
    build_corpus(PLAN, store, resume=True)
    assert open_corpus(store, "train", "nirs")[1].position.shape[1] == 3


def test_a_lost_recording_is_noticed_on_opening(store):
    folder = store / open_corpus(store, "train", "eeg")[2].folder
    folder.rename(folder.with_suffix(".away"))
    with pytest.raises(ReadError, match="without recordings of person-2"):
        open_corpus(store, "train", "eeg")


def test_other_stores_are_refused(store, people, tmp_path):
    with pytest.raises(ReadError, match="does not exist"):
        open_corpus(tmp_path / "none.zarr", "train", "eeg")
    with pytest.raises(ReadError, match="is no corpus store"):
        check_corpus(tmp_path)
    people["train", "eeg"].pop()
    with pytest.raises(ParameterError, match="other recordings"):
        build_corpus(PLAN, store, resume=True)
    with pytest.raises(ParameterError, match=r"ends in \.zarr"):
        build_corpus(PLAN, tmp_path / "corpus")
    text = (store / "zarr.json").read_text()
    (store / "zarr.json").write_text(text.replace('"layout": 1', '"layout": 99'))
    with pytest.raises(ReadError, match="of layout 99"):
        open_corpus(store, "train", "eeg")


def test_a_full_disk_and_a_file_in_the_way_are_one_error(people, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError):
        build_corpus(PLAN, tmp_path / "file" / "corpus.zarr")

    def full(clean, folder):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(corpus_build, "write_signal", full)
    with pytest.raises(WriteError, match="disk full"):
        build_corpus(PLAN, tmp_path / "corpus.zarr")
    assert not list((tmp_path / "corpus.zarr").rglob("*.zarr"))


@pytest.mark.slow
def test_a_run_trained_from_a_store_has_the_weights_of_one_from_memory(tmp_path):
    plan = TINY | {"steps": 2, "warm_steps": 1, "validate_every": 2}
    store = build_corpus(plan, tmp_path / "corpus.zarr")
    memory = train(plan, tmp_path / "memory")
    stored = train(plan | {"corpus": str(store)}, tmp_path / "stored")
    assert digest(stored) == digest(memory)
    with pytest.raises(ParameterError, match=r"no recording for train .* build the store"):
        train(plan | {"corpus": str(store), "window": 900.0}, tmp_path / "long")
