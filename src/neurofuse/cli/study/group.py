"""The level "group" of a study: one page and one table about all recordings, made of tables."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neurofuse.cli.study.errors import NoInputError
from neurofuse.cli.study.rows import rows_of
from neurofuse.fusion.report.group_outliers import (
    FARTHEST,
    FEW_USABLE,
    MUCH_LOST,
    beyond_limits,
    measures_of,
    outliers,
)
from neurofuse.fusion.report.group_row import STATES, GroupRow
from neurofuse.io.bids.sidecars import NONE
from neurofuse.io.modality import MODALITIES
from neurofuse.io.staging import staged

PAGE = "index.html"
TABLE, SIDECAR = "group_desc-clean_recordings.tsv", "group_desc-clean_recordings.json"
ERROR = "self_test_error_"  # begins the columns of methods
FIGURES: dict[str, tuple[str, str]] = {  # of a modality: attribute of `Figures` and unit
    "channels": ("Number of channels", ""),
    "usable": ("Number of usable channels", ""),
    "bad": ("Number of channels marked bad", ""),
    "rate": ("Sampling rate", "Hz"),
    "seconds": ("Duration", "s"),
    "moving": ("Fraction of the time in which some channel is in motion", ""),
    "unchanged": (
        "Fraction of the EEG samples, or of the steps between fNIRS samples, that is as recorded",
        "",
    ),
    "lost": (
        "Fraction of channel-time, of channels that are not bad, that measured nothing of the "
        "participant",
        "",
    ),
    "movements": ("Number of movements repaired", ""),
    "attenuation_db": ("RMS before over after cleaning within detected motion", "dB"),
    "quality": (
        "Median over channels before cleaning: of EEG the standard deviation in 1-50 Hz [V], of "
        "fNIRS the scalp coupling index [1]",
        "",
    ),
}


def group(out: Path, *, title: str = "Cleaning of a study", overwrite: bool = True) -> Path:
    """Write the page of a study, `index.html`, and its table for statistics.

    Every task of the plan is there, whatever became of it. Recordings are not read.

    Parameters
    ----------
    out : Path
        The derivative data set that `neurofuse app … participant` has filled.
    title : str
        Heading of the page.
    overwrite : bool
        Replace an earlier page.

    Returns
    -------
    Path
        The page. Beside it lies `group_desc-clean_recordings.tsv`, with one row for each recording
        and modality, and a JSON file that describes its columns.

    Raises
    ------
    NoInputError
        If there is nothing to show.
    WriteError
        If the files exist and `overwrite` is false, or cannot be written.

    Examples
    --------
    >>> group(Path("nothing"))
    Traceback (most recent call last):
        ...
    neurofuse.cli.study.errors.NoInputError: found no plan, summary or crash file in nothing; ...
    """
    out = Path(out)
    rows, trouble = rows_of(out)
    if not rows:
        raise NoInputError(
            f"no plan, summary or crash file in {out}",
            "the outputs of a study",
            f"clean its recordings first: neurofuse app BIDS_DIR {out} participant",
        )
    from neurofuse.fusion.report.group import group_page

    head, body = table(rows)
    lines = ["\t".join(head), *("\t".join(map(_cell, line)) for line in body)]
    with staged(out, [PAGE, TABLE, SIDECAR], overwrite=overwrite) as stage:
        group_page(rows, stage / PAGE, title=title, trouble=trouble)
        for name, text in (
            (TABLE, "\n".join(lines)),
            (SIDECAR, json.dumps(columns(head), indent=2, ensure_ascii=False)),
        ):
            (stage / name).write_text(f"{text}\n", "utf-8", errors="replace", newline="\n")
    return out / PAGE


def table(rows: Sequence[GroupRow]) -> tuple[list[str], list[list[Any]]]:
    """Columns and lines of the table for statistics: one line a recording and modality.

    A recording without figures has a line for each modality that was planned, at least one.

    Examples
    --------
    >>> head, lines = table([GroupRow("sub-01_task-rest", "failed", "half a file")])
    >>> dict(zip(head, lines[0]))["reason"]
    'half a file'
    """
    methods = sorted({name for row in rows for of in row.errors.values() for name in of})
    head = [*_described(methods)]
    far = {(one.row, one.modality, one.measure.key): one.z for one in outliers(rows)}
    lines = []
    for number, row in enumerate(rows):
        limits = beyond_limits(row)
        for modality in row.streams or row.planned or ("",):
            of = row.streams.get(modality)
            keys = [m.key for m in measures_of(modality)] if modality else []
            own = {
                **{key: row.entities.get(key) for key in ("ses", "task", "acq", "run")},
                "participant_id": f"sub-{row.entities['sub']}" if "sub" in row.entities else None,
                "recording": row.name,
                "modality": modality,
                **{key: getattr(row, key) for key in ("state", "reason", "site", "device")},
                **{key: getattr(row, key) for key in ("method", "version")},
                **({key: getattr(of, key) for key in FIGURES} if of else {}),
                "beyond_limits": ",".join(limits.get(modality, [])),
                "outlier": ",".join(key for key in keys if (number, modality, key) in far),
                "self_test_best": row.best.get(modality),
                **{ERROR + m: row.errors.get(modality, {}).get(m) for m in methods},
            }
            lines.append([own.get(column) for column in head])
    return head, lines


def columns(head: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What the columns of the table mean, as BIDS describes them."""
    methods = [name.removeprefix(ERROR) for name in head if name.startswith(ERROR)]
    return _described(methods)


def _described(methods: Sequence[str]) -> dict[str, dict[str, Any]]:
    """All columns in order, with their descriptions."""
    texts: dict[str, dict[str, Any]] = {
        "participant_id": {"Description": "Participant"},
        "ses": {"Description": "Label of the session"},
        "task": {"Description": "Label of the task"},
        "acq": {"Description": "Label of the acquisition"},
        "run": {"Description": "Label of the run"},
        "recording": {"Description": "Name of the recording, as in the names of its outputs"},
        "modality": {
            "Description": "Modality to which the line applies",
            "Levels": {m.name: m.display for m in MODALITIES.values()},
        },
        "state": {"Description": "What became of the recording", "Levels": dict(STATES)},
        "reason": {"Description": "Why it is not done"},
        "site": {"Description": "Where it was recorded"},
        "device": {"Description": "With what it was recorded"},
        "method": {"Description": "Method of cleaning"},
        "version": {"Description": "Version of neurofuse that cleaned it"},
    }
    for key, (words, unit) in FIGURES.items():
        texts[key] = {"Description": words, **({"Units": unit} if unit else {})}
    texts["beyond_limits"] = {
        "Description": f"Figures beyond a limit: usable (fewer than {FEW_USABLE:.0%} of channels), "
        f"lost (more than {MUCH_LOST:.0%} of channel-time)"
    }
    texts["outlier"] = {
        "Description": f"Figures with a robust z beyond {FARTHEST} within modality and device, on "
        "the side that is worse"
    }
    texts["self_test_best"] = {
        "Description": "Method with the smallest error in the self-test of this recording"
    }
    for name in methods:
        texts[ERROR + name] = {
            "Description": f"Error of {name} in motion, in the self-test of this recording",
            "Units": "dB",
        }
    return texts


def _cell(value: object) -> str:
    """A value as BIDS's tables have it.

    Examples
    --------
    >>> _cell(None), _cell(0.25), _cell(32.0)
    ('n/a', '0.25', '32')
    """
    if value is None or value == "":
        return NONE
    return f"{value:.6g}" if isinstance(value, float) else " ".join(str(value).split())
