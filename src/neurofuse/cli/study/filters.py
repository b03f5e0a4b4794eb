"""Which part of a study is to be done: labels on the command line, and fMRIPrep's filter file."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from neurofuse.cli.study.errors import NothingMatchesError
from neurofuse.cli.study.filter_file import Wanted, read_filter_file
from neurofuse.cli.study.labels import name_of, natural

WORDS = {"sub": "participant", "ses": "session", "task": "task", "run": "run"}
ANY = "*"  # in a filter file: whatever it is, but it must be there
SHOWN, LISTED = 12, 3  # labels and recordings that an error names


@dataclass(frozen=True)
class Filters:
    """What of a study is wanted; by default all of it.

    Attributes
    ----------
    labels : dict of tuple of str
        Labels of "sub", "ses", "task" and "run", without prefix; a key that is missing allows all.
    names : tuple of str
        Whole names of recordings, such as "sub-01_task-rest"; empty allows all.
    by_kind : dict of dict
        For runs of "eeg" and "nirs": what each entity, or "extension", may be; None stands
        for absent and "*" for anything.

    Examples
    --------
    >>> filters = make_filters(participant=["sub-01"], run=["1"])
    >>> filters.match({"sub": "01", "task": "rest", "run": "01"})
    True
    >>> filters.match({"sub": "1", "task": "rest", "run": "1"})
    False
    """

    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    by_kind: dict[str, dict[str, Wanted]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.labels or self.names or self.by_kind)

    def __str__(self) -> str:
        parts = [f"{WORDS[key]} {' or '.join(labels)}" for key, labels in self.labels.items()]
        parts += [" or ".join(self.names)] if self.names else []
        return ", ".join([*parts, "the filter file"] if self.by_kind else parts)

    def match(self, entities: Mapping[str, str], *, known: bool = True) -> bool:
        """Whether a recording with these entities is wanted.

        `known` says whether an entity that is not there is absent; else it may be anything, as for
        a folder of which no run is known.
        """
        named = not self.names or name_of(entities) in self.names
        return named and all(
            any(_same(key, entities[key], label) for label in labels)
            if key in entities
            else not known
            for key, labels in self.labels.items()
        )

    def match_run(self, kind: str, entities: Mapping[str, str], path: Path) -> bool:
        """Whether the filter file lets a run of this kind pass."""
        found = {**entities, "extension": path.suffix}
        return all(
            any(_fits(key, found.get(key), value) for value in wanted)
            for key, wanted in self.by_kind.get(kind, {}).items()
        )

    def check(self, there: Sequence[Mapping[str, str]]) -> None:
        """Refuse labels that no recording has.

        Parameters
        ----------
        there : sequence of dict
            The entities of all recordings of the study.

        Raises
        ------
        NothingMatchesError
            It names the labels that are there.
        """
        for key, labels in self.labels.items():
            held = sorted({e[key] for e in there if key in e}, key=natural)
            for label in labels:
                if not any(_same(key, other, label) for other in held):
                    if not held:
                        raise NothingMatchesError(
                            f"no {WORDS[key]} {label}",
                            f"a filter for what this study has: none of its names has {key}-",
                            "leave that filter out",
                        )
                    listed = ", ".join(held[:SHOWN])
                    more = f" and {len(held) - SHOWN} more" if len(held) > SHOWN else ""
                    raise NothingMatchesError(
                        f"no {WORDS[key]} {label}",
                        f"a {WORDS[key]} of this study: {listed}{more}",
                        "correct the label; they are text, so that 1 is not 01"
                        if key != "run"
                        else "correct the number",
                    )

    def refuse_nothing(self, left: Sequence[str], there: Sequence[str]) -> None:
        """Refuse filters that nothing fits, or a name that none has.

        Parameters
        ----------
        left, there : sequence of str
            Names of what the filters have left, and of all recordings.

        Raises
        ------
        NothingMatchesError
            It names some that are there.
        """
        lacking = next((name for name in self.names if name not in left), "")
        if self and (lacking or not left):
            raise NothingMatchesError(
                f"no recording {lacking}" if lacking else f"none that fits all filters ({self})",
                f"one of the {len(there)} recordings",
                f"there are, for instance, {', '.join(there[:LISTED])}"
                if there
                else "check the source: no recording was found at all",
            )


def make_filters(
    participant: Iterable[str] = (),
    session: Iterable[str] = (),
    task: Iterable[str] = (),
    run: Iterable[str] = (),
    name: Iterable[str] = (),
    file: Path | None = None,
) -> Filters:
    """Filters from what a command line says.

    Parameters
    ----------
    participant, session, task, run : iterable of str
        Labels with or without "sub-" and so on; several may stand in one text, with blanks or
        commas between them. Runs are numbers: 1 is 01.
    name : iterable of str
        Whole names of recordings.
    file : Path, optional
        JSON in fMRIPrep's form, e.g. {"eeg": {"acquisition": "dry", "run": [1, 2]}, "nirs":
        {"session": null}}: by kind of run, what each entity may be; null for absent, "*" for any.

    Raises
    ------
    StudyError
        If the file is missing, no such JSON, or has names that are not known.

    Examples
    --------
    >>> make_filters(participant=["01 sub-02", "3,4"]).labels
    {'sub': ('01', '02', '3', '4')}
    """
    given = {"sub": participant, "ses": session, "task": task, "run": run}
    split = {
        key: [label for text in texts for label in text.replace(",", " ").split()]
        for key, texts in given.items()
    }
    labels = {
        key: tuple(dict.fromkeys(label.removeprefix(f"{key}-") for label in found))
        for key, found in split.items()
        if found
    }
    return Filters(labels, tuple(name), {} if file is None else read_filter_file(file))


def _same(key: str, label: str, wanted: str) -> bool:
    if key == "run" and label.isdecimal() and wanted.isdecimal():
        return int(label) == int(wanted)
    return label == wanted


def _fits(key: str, label: str | None, wanted: str | None) -> bool:
    if label is None or wanted is None:
        return label is wanted
    if wanted == ANY:
        return True
    if key == "extension":
        return label.lower().lstrip(".") == wanted.lower().lstrip(".")
    return _same(key, label, wanted.removeprefix(f"{key}-"))
