"""JSON that may be damaged: each value is of the kind that belongs there, or a ValueError says why.

The messages go on after "it", the file that they are about.
"""

import json
from pathlib import Path
from typing import Any

LONGEST = 500  # characters of a text from a file
HUGE = 1e12  # no rate, count or size comes near


def read_json(path: Path, largest: int) -> Any:
    """What a JSON file holds.

    Raises
    ------
    OSError, ValueError
        If it cannot be read, is larger than `largest` bytes, or holds numbers that are not finite.
    """
    if path.stat().st_size > largest:
        raise ValueError(f"it is larger than {largest} bytes")
    try:
        return json.loads(path.read_text("utf-8"), parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"it is no whole JSON ({error})") from error


def _refuse(name: str) -> None:
    raise ValueError(f"it holds {name}")


def reason_of(error: Exception) -> str:
    """What is wrong with a file, from the error that reading it raised.

    Examples
    --------
    >>> reason_of(KeyError("rate"))
    "it lacks 'rate'"
    """
    if isinstance(error, KeyError):
        return f"it lacks {error}"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return text_of(str(error))


def text_of(value: object) -> str:
    """A text on one line, cut where it is too long."""
    if not isinstance(value, str):
        raise ValueError(f"it holds a {type(value).__name__} where a text belongs")
    line = " ".join(value.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


def number_of(value: object) -> float:
    """A number that is finite and no larger than any of ours."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"it holds a {type(value).__name__} where a number belongs")
    if not abs(value) <= HUGE:
        raise ValueError("it holds a number beyond all measures")
    return float(value)


def known_number(value: object) -> float | None:
    """A number, or None for what is not known."""
    return None if value is None else number_of(value)


def fraction_of(value: object) -> float | None:
    """A number from 0 to 1, or None for what is not known."""
    known = known_number(value)
    if known is not None and not 0 <= known <= 1:
        raise ValueError(f"it holds {known:g} where a fraction belongs")
    return known


def object_of(value: object) -> dict[str, Any]:
    """An object of JSON."""
    if not isinstance(value, dict):
        raise ValueError(f"it holds a {type(value).__name__} where an object belongs")
    return value


def list_of(value: object) -> list[Any]:
    """A list of JSON."""
    if not isinstance(value, list):
        raise ValueError(f"it holds a {type(value).__name__} where a list belongs")
    return value
