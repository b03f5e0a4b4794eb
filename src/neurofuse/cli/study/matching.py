"""Which EEG, fNIRS and motion runs of a BIDS data set are of one recording."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from neurofuse.cli.study.labels import ORDER, in_order
from neurofuse.io.bids.read import SUFFIXES
from neurofuse.io.bids.study import IMU, Run
from neurofuse.io.modality import EEG, MODALITIES, NIRS

Key = tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Runs of one recording: one of each kind, or several of which it is unclear what pairs."""

    runs: tuple[Run, ...]
    unclear: bool = False

    @property
    def entities(self) -> dict[str, str]:
        """Those of the recording: of the EEG, else of fNIRS; "acq" if all that have one agree."""
        found: dict[str, str] = {}
        for run in reversed(self.runs):
            found.update(run.entities)
        if len({run.entities["acq"] for run in self.runs if "acq" in run.entities}) != 1:
            found.pop("acq", None)
        return {key: found[key] for key in ORDER if key in found}

    def of(self, kind: str) -> list[Run]:
        """Its runs of one kind."""
        return [run for run in self.runs if run.kind == kind]


def groups_of(runs: Iterable[Run]) -> list[Group]:
    """Put EEG and fNIRS runs together, and motion runs to them.

    Runs pair that have the same subject, session, task and run, whatever "acq" says if there is
    one of each; of several, those with the same "acq". One EEG and one fNIRS run of a session and
    task also pair if only one of them has a run number. 1 and 01 are the same number.

    Returns
    -------
    list of Group
        In order of session, task and run. EEG comes before fNIRS before motion in each.
    """
    by_key: dict[Key, list[Run]] = {}
    for run in runs:
        by_key.setdefault(_key(run), []).append(run)
    groups: list[Group] = []
    for members in by_key.values():
        groups += _pairs(members)
    groups = _join_lone(groups)
    with_motion = [Group(group.runs + _motion(group, by_key), group.unclear) for group in groups]
    taken = {run.path for group in with_motion for run in group.runs}
    rest = [run for members in by_key.values() for run in members if run.path not in taken]
    with_motion += [Group((run,)) for run in rest]
    return sorted(with_motion, key=lambda group: in_order(group.entities))


def why_alone(run: Run, hidden: Sequence[tuple[Run, str]]) -> str:
    """Why an EEG or fNIRS run has no partner; `hidden` are runs that are not looked at, and why."""
    own, other = MODALITIES[run.kind], MODALITIES[run.kind].other
    for partner, reason in hidden:
        if partner.kind == other.name and _key(partner) == _key(run):
            return f"{own.display} whose {other.display} {reason}"
    files = " ".join(SUFFIXES[other.name])
    return (
        f"{own.display} without {other.display}: no …_{other.name} file ({files}) of "
        f"{_words(run.entities)}"
    )


def why_unclear(group: Group) -> str:
    """Why several runs of one task and run cannot be told apart or put together."""
    counts = " and ".join(
        f"{len(group.of(kind))} {MODALITIES[kind].display} file"
        + ("s" if len(group.of(kind)) > 1 else "")
        for kind in MODALITIES
        if group.of(kind)
    )
    return (
        f"{counts} of {_words(group.entities)}: tell which belong together by acq-…, or choose "
        "by a filter file"
    )


def why_motion(run: Run) -> str:
    """Why a motion run is of no use."""
    return f"motion without EEG or fNIRS of {_words(run.entities)}"


def _key(run: Run) -> Key:
    """Subject, session, task and the run as a number, "" where there is none."""
    of = run.entities
    number = str(int(of["run"])) if "run" in of else ""
    return (of["sub"], of.get("ses", ""), of["task"], number)


def _pairs(members: list[Run]) -> Iterator[Group]:
    """Groups of the EEG and fNIRS runs that share subject, session, task and run."""
    eeg, nirs = ([run for run in members if run.kind == kind] for kind in (EEG.name, NIRS.name))
    if len(eeg) == len(nirs) == 1:
        yield Group((*eeg, *nirs))
        return
    by_acq: dict[str, list[Run]] = {}
    for run in (*eeg, *nirs):
        by_acq.setdefault(run.entities.get("acq", ""), []).append(run)
    rest: list[Run] = []
    for some in by_acq.values():
        if [run.kind for run in some] == [EEG.name, NIRS.name]:
            yield Group(tuple(some))
        else:
            rest += some
    labels = {run.entities.get("acq", "") for run in rest}
    if len({run.kind for run in rest}) > 1 or len(labels) < len(rest):
        yield Group(tuple(rest), unclear=True)
    else:
        yield from (Group((run,)) for run in rest)


def _join_lone(groups: list[Group]) -> list[Group]:
    """The groups, in which the only EEG and fNIRS run of a task are one if one has no number."""
    by_task: dict[Key, list[Group]] = {}
    for group in groups:
        by_task.setdefault(_key(group.runs[0])[:3], []).append(group)
    joined: list[Group] = []
    for some in by_task.values():
        runs = sorted((run for group in some for run in group.runs), key=lambda run: run.kind)
        kinds = [run.kind for run in runs]
        numbered = sum("run" in run.entities for run in runs)
        one = len(some) == 2 and kinds == [EEG.name, NIRS.name] and numbered == 1
        joined += [Group(tuple(runs))] if one else some
    return joined


def _motion(group: Group, by_key: dict[Key, list[Run]]) -> tuple[Run, ...]:
    """The motion runs with the key of a run of the group."""
    keys = dict.fromkeys(_key(run) for run in group.runs)
    return tuple(run for key in keys for run in by_key.get(key, []) if run.kind == IMU)


def _words(entities: dict[str, str]) -> str:
    """Task, run, subject and session in words.

    Examples
    --------
    >>> _words({"sub": "03", "task": "rest", "run": "2"})
    'task rest, run 2 in sub-03'
    """
    of = entities
    run = "".join(f", {key} {of[key]}" for key in ("acq", "run") if key in of)
    session = f", session {of['ses']}" if "ses" in of else ""
    return f"task {of['task']}{run} in sub-{of['sub']}{session}"
