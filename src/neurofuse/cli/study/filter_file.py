"""fMRIPrep's filter file: which runs of each modality are wanted, by their entities."""

import json
from pathlib import Path
from typing import Any

from neurofuse.cli.study.errors import NoInputError, UsageError
from neurofuse.io.modality import MODALITIES

NAMES = {  # entities in a filter file, as PyBIDS and as file names call them
    "subject": "sub", "sub": "sub", "session": "ses", "ses": "ses", "task": "task",
    "acquisition": "acq", "acq": "acq", "run": "run", "extension": "extension",
}  # fmt: skip

Wanted = tuple[str | None, ...]


def read_filter_file(file: Path) -> dict[str, dict[str, Wanted]]:
    """What entities of runs may be, by "eeg" and "nirs" and by entity; None stands for absent.

    Parameters
    ----------
    file : Path
        JSON in fMRIPrep's form.

    Raises
    ------
    StudyError
        If it cannot be opened, is no such JSON, or has names that are not known.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "filter.json")
    ...     _ = file.write_text('{"eeg": {"run": [1, 2]}, "nirs": {"session": null}}')
    ...     read_filter_file(file)
    {'eeg': {'run': ('1', '2')}, 'nirs': {'ses': (None,)}}
    """
    try:
        content = json.loads(Path(file).read_text("utf-8-sig"))
    except OSError as error:
        raise NoInputError(
            f"{file}, which cannot be opened ({error.strerror})", "a filter file", "check the path"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"{file}, which is no JSON ({error})", "a filter file", "correct it there"
        ) from error
    form = 'such as {"eeg": {"task": "rest", "run": [1, 2]}, "nirs": {"session": null}}'
    by_kind: dict[str, dict[str, Wanted]] = {}
    for kind, wanted in _object(content, file, form).items():
        if kind not in MODALITIES:
            raise UsageError(
                f"{kind!r} in {file}", f"one of {', '.join(MODALITIES)}", f"write it {form}"
            )
        for name, value in _object(wanted, file, form).items():
            if name not in NAMES:
                raise UsageError(
                    f"{name!r} in {file}", f"one of {', '.join(NAMES)}", "leave it out"
                )
            values = value if isinstance(value, list) else [value]
            if not values or any(isinstance(v, (bool, float, dict, list)) for v in values):
                raise UsageError(
                    f"{json.dumps(value)} as {name} in {file}",
                    "a text, a whole number, a list of them, or null",
                    f"write it {form}",
                )
            texts = tuple(None if v is None else str(v) for v in values)
            by_kind.setdefault(kind, {})[NAMES[name]] = texts
    return by_kind


def _object(value: Any, file: Path, form: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(
            f"{json.dumps(value)[:40]} in {file}", "an object of JSON", f"write it {form}"
        )
    return value
