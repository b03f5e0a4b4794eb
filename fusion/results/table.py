"""A comparison as text: Markdown to read, CSV to compute with."""

from pathlib import Path

import numpy as np
import xarray as xr

from neurofuse.io.modality import MODALITIES
from neurofuse.io.staging import staged

COLUMNS = [
    *("method", "modality", "metric", "value", "units"),
    *("seconds", "memory", "delay", "failure"),
]


def to_table(dataset: xr.Dataset) -> str:
    """A comparison as Markdown that also reads as plain text.

    There is one table for each modality, without methods that do not treat it and metrics that it
    does not have. For fewer metrics: `to_table(dataset.sel(metric=["error_db", "residual"]))`.

    Parameters
    ----------
    dataset : Dataset
        Of `neurofuse.compare`: `value` (method, modality, metric) and `seconds` (method) [s].

    Returns
    -------
    str
        Tables with the unit of each metric in its heading, then the methods that failed and why.

    Examples
    --------
    >>> from neurofuse.fusion.compare import compare
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> eeg = np.random.default_rng(0).standard_normal((2, 2500)) * 1e-5
    >>> table = compare(build(eeg_dataset(eeg, 250.0, ["C3", "C4"])), ["uncorrected"])
    >>> print(to_table(table.sel(metric=["noref_quiet_change"])).splitlines()[2])
    | method      | noref_quiet_change [dB] | seconds |
    """
    parts = []
    for modality in dataset.modality.values:
        value = dataset.value.sel(modality=modality)
        known = value.metric.values[~value.isnull().all("method").values]
        head = ["method"]
        for metric in known:
            unit = str(dataset.units.sel(metric=metric).item())
            head.append(str(metric) if unit == "1" else f"{metric} [{unit}]")
        body = []
        for index, method in enumerate(dataset.method.values):
            row = value.isel(method=index).sel(metric=known).values
            if not np.isnan(row).all():
                took = float(dataset.seconds[index])
                body.append([str(method), *map(_number, row), _number(took)])
        parts.append(
            f"**{MODALITIES[str(modality)].display}**\n\n{_markdown([*head, 'seconds'], body)}"
        )
    failed = [
        f"- {method}: {reason}"
        for method, reason in zip(dataset.method.values, dataset.failure.values, strict=True)
        if reason
    ]
    if failed:
        parts.append("Did not run:\n\n" + "\n".join(failed))
    if dataset.attrs.get("truth") == "unknown":
        parts.append("The truth is unknown: these figures show what shrank, not what was artifact.")
    return "\n\n".join(parts)


def to_csv(dataset: xr.Dataset, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a comparison as CSV, one row for each method, modality and metric.

    Parameters
    ----------
    dataset : Dataset
        Of `neurofuse.compare`.
    path : str or Path
        The file to write.
    overwrite : bool
        Whether an existing file is replaced.

    Returns
    -------
    Path
        The file, with the columns method, modality, metric, value, units, seconds [s], memory [B],
        delay [s] and failure.

    Raises
    ------
    WriteError
        If the file exists and `overwrite` is false, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from neurofuse.fusion.compare import compare
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> eeg = np.random.default_rng(0).standard_normal((2, 2500)) * 1e-5
    >>> table = compare(build(eeg_dataset(eeg, 250.0, ["C3", "C4"])), ["uncorrected"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(to_csv(table, f"{folder}/table.csv").read_text().splitlines()[0])
    method,modality,metric,value,units,seconds,memory,delay,failure
    """
    path = Path(path)
    frame = dataset.to_dataframe().reset_index()[COLUMNS]
    with staged(path.parent, [path.name], overwrite=overwrite) as stage:
        frame.to_csv(stage / path.name, index=False)
    return path


def _number(value: float) -> str:
    if np.isnan(value):
        return "–"
    if 1e-6 < abs(value) < 0.01:
        return f"{value:.1g}"
    return f"{value:.2f}".replace("-0.00", "0.00")


def _markdown(head: list[str], body: list[list[str]]) -> str:
    width = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    rule = [":" + "-" * (width[0] - 1), *("-" * (w - 1) + ":" for w in width[1:])]
    lines = [
        [
            row[0].ljust(width[0]),
            *(cell.rjust(w) for cell, w in zip(row[1:], width[1:], strict=True)),
        ]
        for row in (head, *body)
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))
