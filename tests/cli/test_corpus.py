"""`neurofuse corpus`: builds and checks a store, and refuses what it cannot use."""

import pytest

from neurofuse.models.training import corpus_build
from neurofuse.models.training.corpus import Source, clean_stream


@pytest.fixture
def asked(at_rest, monkeypatch):
    """What the command asks for, with one recording in place of files."""
    found = []

    def sources(part, stream, simulated, real, own):
        found.append((part, stream, simulated, real, own))
        clean = clean_stream(at_rest, stream, "person-1")
        return [], [Source("person-1", lambda: clean)]

    monkeypatch.setattr(corpus_build, "sources", sources)
    return found


def test_a_store_is_built_checked_and_never_overwritten(run, tmp_path, asked):
    store = str(tmp_path / "corpus.zarr")
    own = "train:anna=rest.edf"
    done = run("corpus", "build", store, "--no-real", "--simulated", "2", "--own", own)
    assert done.exit_code == 0, done.stderr
    assert "train, fNIRS: 1 recordings, all whole" in done.stdout
    assert asked[0] == ("train", "eeg", 2, False, {"anna": ("rest.edf",)})
    assert asked[2] == ("validation", "eeg", 1, False, None)
    assert run("corpus", "check", store).stdout.count("all whole") == 4
    again = run("corpus", "build", store, "--no-real")
    assert again.exit_code == 2
    assert "--resume" in again.stderr
    shard = next((tmp_path / "corpus.zarr/validation/eeg").rglob("signal/c/0/0"))
    shard.write_bytes(shard.read_bytes()[:-1])
    done = run("corpus", "check", store)
    assert done.exit_code == 2
    assert "damaged recordings of person-1 (validation/eeg" in done.stderr
    assert run("corpus", "build", store, "--no-real", "--resume").exit_code == 0
    assert run("corpus", "check", store).exit_code == 0


@pytest.mark.parametrize("own", ["rest.edf", "test:anna=rest.edf", "train:=rest.edf", "train:anna"])
def test_own_recordings_need_part_label_and_file(run, tmp_path, own):
    done = run("corpus", "build", str(tmp_path / "corpus.zarr"), "--own", own)
    assert done.exit_code == 2
    assert "PART:LABEL=FILE" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("args", [("build",), ("check",)])
def test_commands_explain_themselves_with_an_example(run, args):
    assert f"Example: neurofuse corpus {args[0]}" in run("corpus", *args, "--help").stdout
