"""Whatever runs and files there are: none gets lost, none is taken twice, names are unique."""

import re
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from neurofuse.cli.study.folder import plan_folder
from neurofuse.cli.study.labels import in_order, name_of, told_apart
from neurofuse.cli.study.matching import groups_of
from neurofuse.io.bids.study import Run

LABELS = {
    "sub": ("1", "01"),
    "ses": ("", "a"),
    "task": ("rest", "walk"),
    "acq": ("", "x", "y"),
    "run": ("", "1", "01", "2"),
}
ENDS = {"eeg": (".edf", ".vhdr"), "nirs": (".snirf",), "imu": (".tsv",)}


@st.composite
def run(draw):
    kind = draw(st.sampled_from(sorted(ENDS)))
    labels = {key: draw(st.sampled_from(values)) for key, values in LABELS.items()}
    entities = {key: label for key, label in labels.items() if label}
    return Run(
        kind, Path(f"{kind}-{name_of(entities)}{draw(st.sampled_from(ENDS[kind]))}"), entities
    )


@given(st.lists(run(), unique_by=lambda run: run.path), st.randoms())
@settings(max_examples=200)
def test_every_run_is_in_one_group(runs, random):
    groups = groups_of(runs)
    found = Counter(run.path for group in groups for run in group.runs)
    assert set(found) == {run.path for run in runs}
    # motion goes with all recordings of its run: dates tell which it was at the same time as
    assert all(found[run.path] == 1 for run in runs if run.kind != "imu")
    clear = [group for group in groups if not group.unclear and group.runs[0].kind != "imu"]
    assert all(len(group.of(kind)) <= 1 for group in clear for kind in ("eeg", "nirs"))
    names = [name_of(group.entities) for group in clear]
    assert len(set(names)) == len(names)
    assert groups == sorted(groups, key=lambda group: in_order(group.entities))
    for group in groups:  # of one session and task
        assert (
            len({tuple(map(run.entities.get, ("sub", "ses", "task"))) for run in group.runs}) == 1
        )
        assert [run.kind for run in group.runs] == sorted(
            (run.kind for run in group.runs), key=["eeg", "nirs", "imu"].index
        )
    shuffled = random.sample(runs, len(runs))
    again = {frozenset(run.path for run in group.runs) for group in groups_of(shuffled)}
    assert again == {frozenset(run.path for run in group.runs) for group in groups}


@given(st.lists(st.sampled_from(["", "a", "A", "ax1", "ax2", "Ax2x2", "x1", "x2"])))
def test_labels_become_unique_and_those_that_were_stay(labels):
    made = [entities["sub"] for entities in told_apart({"sub": label} for label in labels)]
    assert len({label.lower() for label in made}) == len(labels)
    seen: set[str] = set()
    for label, new in zip(labels, made, strict=True):
        if label and label.lower() not in seen:
            assert new == label
        seen.add(label.lower())


STEMS = st.text(st.sampled_from("aAbé_- .1张&'"), min_size=1, max_size=4)
FILES = st.tuples(
    st.sampled_from(["", "P1", "P 1", "é"]),
    STEMS,
    st.sampled_from(["_eeg.edf", " EEG.BDF", "-nirs.snirf", "fNIRS.nirs", ".xdf", ".set"]),
)


@given(st.sets(FILES, min_size=1, max_size=8))
@settings(max_examples=60)
def test_every_file_is_a_task_or_has_a_reason(files):
    with tempfile.TemporaryDirectory() as root:
        made = set()
        for folder, stem, end in files:
            path = Path(root, folder, "x" + stem + end)
            path.parent.mkdir(exist_ok=True)
            path.touch()
            made.add(path)
        plan = plan_folder(Path(root))
        taken = [path for task in plan.tasks for path in task.inputs.values()]
        left = [path for one in plan.left_out for path in one.files]
        assert sorted(taken + left) == sorted(made)
        names = [task.name.lower() for task in plan.tasks]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"sub-[A-Za-z0-9]+_task-unnamed", task.name) for task in plan.tasks)
