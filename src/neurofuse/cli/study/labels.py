"""Labels of BIDS: how they name recordings, and how they are made of other names."""

import re
import unicodedata
from collections.abc import Iterable, Mapping

ORDER = ("sub", "ses", "task", "acq", "run")  # of entities in names
UNNAMED = "unnamed"  # the task of recordings whose task nobody has said
_SPELT = str.maketrans({"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"})


def name_of(entities: Mapping[str, str]) -> str:
    """The entities as in file names.

    Examples
    --------
    >>> name_of({"task": "rest", "sub": "01"})
    'sub-01_task-rest'
    """
    return "_".join(f"{key}-{entities[key]}" for key in ORDER if key in entities)


def in_order(entities: Mapping[str, str]) -> tuple[tuple[tuple[int, int, str], ...], ...]:
    """A key to sort recordings by, in which numbers count as such: run 2 before run 10."""
    return tuple(natural(entities.get(key, "")) for key in ORDER)


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """A key to sort labels by in which numbers count as such.

    Examples
    --------
    >>> sorted(["10", "2", "a1", "1"], key=natural)
    ['1', '2', '10', 'a1']
    """
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    return tuple((0, int(p), p) if p[0] in "0123456789" else (1, 0, p) for p in parts)


def label_from(text: str) -> str:
    """The letters and digits of a text, which is all that a label may hold; "" if there are none.

    Letters with marks lose them.

    Examples
    --------
    >>> label_from("Jörg_M 02")
    'JorgM02'
    """
    plain = unicodedata.normalize("NFKD", text.translate(_SPELT))
    return re.sub(r"[^A-Za-z0-9]", "", plain)


def told_apart(recordings: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """Entities of recordings, of which those that are there already get a number after "sub".

    Upper and lower case are the same, as they are for many disks.

    Examples
    --------
    >>> made = told_apart([{"sub": "S1"}, {"sub": "s1"}, {"sub": ""}, {"sub": "S1x2"}])
    >>> [entities["sub"] for entities in made]
    ['S1', 's1x3', 'x1', 'S1x2']
    """
    wanted = list(recordings)
    taken = {name_of(entities).lower() for entities in wanted if entities["sub"]}
    first: set[str] = set()
    made: list[dict[str, str]] = []
    for entities in wanted:
        name, label = name_of(entities).lower(), entities["sub"]
        if label and name not in first:
            first.add(name)
            made.append(entities)
            continue
        number = 2 if label else 1
        while name_of(other := {**entities, "sub": f"{label}x{number}"}).lower() in taken:
            number += 1
        taken.add(name_of(other).lower())
        made.append(other)
    return made
