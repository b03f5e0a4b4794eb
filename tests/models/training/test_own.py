"""A lab's own recordings: whose they are, who judges, and which weights are kept."""

import json
from pathlib import Path

import numpy as np
import pytest

from neurofuse.io import build, eeg_dataset, write
from neurofuse.io.errors import ParameterError, ReadError
from neurofuse.models.training.own import (
    check_modalities,
    fine_tuning,
    own_movements,
    participants_in,
    settle,
    split,
)

FILES = {
    "marked": ["sub-01/eeg/sub-01_eeg.edf", "sub-01/nirs/sub-01_nirs.snirf", "sub-02/x.edf"],
    "folders": ["anna/rest.edf", "anna/again.edf", "ben/rest.snirf"],
    "names": ["anna_rest.edf", "anna_nirs.snirf", "ben.edf"],
}
OWNERS = {
    "marked": {"sub-01": 2, "sub-02": 1},
    "folders": {"anna": 2, "ben": 1},
    "names": {"anna": 2, "ben": 1},
}


def placed(folder: Path, names: list[str]) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize("kind", FILES)
def test_recordings_of_a_folder_belong_to_participants(tmp_path, kind):
    found = participants_in(placed(tmp_path, FILES[kind]))
    assert {who: len(files) for who, files in found.items()} == OWNERS[kind]


@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_a_table_names_participants_and_files(tmp_path, mark):
    placed(tmp_path, ["a.edf", "deep/b.edf"])
    lines = [["File", "age", "Participant"], ["a.edf", "30", "anna"], ["deep/b.edf", "", "ben"], []]
    table = tmp_path / "ours.csv"
    table.write_text("\n".join(mark.join(line) for line in lines))
    found = participants_in(table)
    assert found == {"anna": [tmp_path / "a.edf"], "ben": [tmp_path / "deep/b.edf"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("who,file\nanna,a.edf\n", "columns who, file"),
        ("", "columns none"),
        ("participant,file\n", "no recording in"),
        ("participant,file\nanna,b.edf\n", r"line 2 of ours.csv with file 'b.edf' that is not"),
        ("participant,file\n,a.edf\n", r"line 2 of ours.csv with '' and 'a.edf'"),
        (b"\xff\xfe\x00p", "cannot be read as text"),
    ],
)
def test_a_table_that_cannot_be_used(tmp_path, text, message):
    placed(tmp_path, ["a.edf"])
    table = tmp_path / "ours.csv"
    table.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ParameterError, match=message):
        participants_in(table)


def test_neither_table_nor_folder(tmp_path):
    with pytest.raises(ParameterError, match=r"none\.csv, which is not there"):
        participants_in(tmp_path / "none.csv")
    with pytest.raises(ParameterError, match=r"a\.edf, which is no table"):
        participants_in(placed(tmp_path, ["a.edf"]) / "a.edf")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ParameterError, match="no recording in"):
        participants_in(tmp_path / "empty")


def people(count: int) -> dict[str, list[Path]]:
    return {f"sub-{k:02d}": [Path(f"sub-{k:02d}.edf")] for k in range(count)}


@pytest.mark.parametrize(("count", "held"), [(2, 1), (3, 1), (6, 2), (12, 3)])
def test_a_quarter_judges_and_nobody_is_in_both_parts(count, held):
    parts = split(people(count))
    assert len(parts["validation"]) == held
    assert set(parts["train"]) | set(parts["validation"]) == set(people(count))
    assert not set(parts["train"]) & set(parts["validation"])


def test_who_judges_can_be_named():
    assert list(split(people(4), ["sub-01"])["validation"]) == ["sub-01"]
    with pytest.raises(ParameterError, match="eva to validate on"):
        split(people(4), ["eva", "sub-01"])
    with pytest.raises(ParameterError, match="all 2 participants to validate"):
        split(people(2), ["sub-00", "sub-01"])
    with pytest.raises(ParameterError, match=r"one participant, sub-00.*other people"):
        split(people(1))


@pytest.fixture(scope="module")
def moving(tmp_path_factory) -> str:
    """Half a minute of two dry electrodes with one large movement."""
    signal = 1e-5 * np.random.default_rng(0).standard_normal((2, 7500))
    signal[:, 4000:4300] += 4e-4 * np.hanning(300)
    recording = build(eeg_dataset(signal, 250.0, ["AF7", "AF8"]))
    return str(write(recording, tmp_path_factory.mktemp("own") / "moving")["recording"])


def test_large_movements_are_taken_from_own_recordings(moving):
    found = own_movements({"anna": [moving]}, "eeg")
    assert list(found) == ["anna"]
    assert len(found["anna"]) == 1
    assert found["anna"][0].moved.all()
    assert np.abs(found["anna"][0].artifact).max() == pytest.approx(4e-4, rel=0.3)
    assert own_movements({"anna": [moving]}, "nirs") == {}


def test_what_the_weights_hear_must_be_there(moving):
    def plan(start: str) -> dict:
        return fine_tuning(start, {"train": {"anna": [moving]}, "validation": {"ben": [moving]}})

    check_modalities(plan("eeg"))
    with pytest.raises(ParameterError, match=r"no fNIRS of anna .*begin from 'eeg'"):
        check_modalities(plan("joint"))
    with pytest.raises(ParameterError, match="no fNIRS of anna"):
        check_modalities(plan("nirs"))


def run_of(folder: Path, before: float, after: list[float]) -> tuple[Path, Path]:
    """What a run leaves: its log, its weights, and the weights that it began from."""
    start, weights = folder / "start.safetensors", folder / "run/ours.safetensors"
    weights.parent.mkdir()
    for file, text in ((start, "before"), (weights, "after")):
        file.write_text(text)
        file.with_suffix(".json").write_text(text)
    plan = {"start_scores": {"eeg_db": before, "eeg_change": -20.0}}
    (weights.parent / "plan.json").write_text(json.dumps(plan))
    rows = [json.dumps({"step": k, "eeg_db": score}) for k, score in enumerate(after)]
    (weights.parent / "log.jsonl").write_text("\n".join(rows))
    return start, weights


def test_the_better_weights_are_kept(tmp_path):
    start, weights = run_of(tmp_path, -5.0, [-4.0, -6.0, -5.5])
    outcome = settle(weights.parent, weights, start)
    assert (outcome.before, outcome.after, outcome.gained) == ({"eeg": -5.0}, {"eeg": -6.0}, True)
    assert weights.read_text() == "after"


@pytest.mark.parametrize("after", [[-4.0, -4.9], [-5.0]])
def test_where_nothing_was_gained_the_start_is_kept(tmp_path, after):
    start, weights = run_of(tmp_path, -5.0, after)
    assert not settle(weights.parent, weights, start).gained
    assert weights.read_text() == weights.with_suffix(".json").read_text() == "before"


def test_a_run_without_a_log_is_refused(tmp_path):
    with pytest.raises(ReadError, match="without the log of a finished run"):
        settle(tmp_path, tmp_path / "ours.safetensors", tmp_path / "start.safetensors")
