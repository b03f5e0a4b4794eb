"""Confounds as files: a TSV, and a JSON that describes its columns, as BIDS has them."""

import json
import re
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from neurofuse.fusion.confounds.design import check_frame
from neurofuse.io.errors import ParameterError
from neurofuse.io.staging import staged

if TYPE_CHECKING:
    import pandas as pd

MISSING = "n/a"
DESCRIPTIONS = {
    "time": "Time after the first fNIRS sample.",
    "onset": "Begin of the epoch, after the first EEG sample.",
    "duration": "Length of the epoch.",
    "motion": "Share of the usable channels in motion, by the estimated motion mask.",
    "lost": "Share of the usable channels that measured nothing which could be repaired.",
    "motion_outlier": "1 where most usable channels are in motion, else 0.",
    "gvtd": "Global variance of temporal derivatives of optical density in 0.01-0.7 Hz.",
    "expected_error": "Estimated standard deviation of the error of cleaned samples, "
    "root mean square over usable channels.",
    "level_step": "0 before and 1 after a movement, after which the baseline level is an estimate.",
    "short_channel": "Principal component of the optical density of short channels, mean 0, SD 1.",
    "head_acceleration": "Acceleration of the head without gravity, root mean square over axes.",
    "head_rotation": "Rotation of the head without bias, root mean square over axes.",
}


def write_confounds(
    path: str | Path, frame: "pd.DataFrame", *, overwrite: bool = False
) -> dict[str, Path]:
    """Write a table of confounds as TSV, with a JSON beside it that describes its columns.

    Parameters
    ----------
    path : path
        The TSV, e.g. "sub-01_task-walk_desc-confounds_timeseries.tsv"; the JSON has its name.
    frame : pandas.DataFrame
        One of `confounds`; missing values become n/a.
    overwrite : bool
        Whether existing files are replaced.

    Returns
    -------
    dict of str to Path
        "table" and "description". Both files or none are written.

    Raises
    ------
    ParameterError
        If the path does not end in .tsv.
    WriteError
        If a file exists and `overwrite` is false, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"gvtd": [0.0, np.nan]}, pd.Index([0.0, 0.1], name="time"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = write_confounds(f"{folder}/a_timeseries.tsv", frame)
    ...     made["table"].read_text().split()
    ['time', 'gvtd', '0', '0', '0.1', 'n/a']
    """
    check_frame(frame, "frame")
    if not isinstance(path, str | PathLike) or Path(path).suffix != ".tsv":
        raise ParameterError(f"a table named {path}", "a name that ends in .tsv", "rename it")
    path = Path(path)
    table = frame.reset_index() if frame.index.name == "time" else frame
    units = frame.attrs.get("units", {})
    columns = {}
    for name in map(str, table.columns):
        kind = re.sub(r"_\d+$", "", name)
        known = {"Description": DESCRIPTIONS.get(kind), "Units": units.get(name)}
        columns[name] = {key: value for key, value in known.items() if value}
    named = {"table": path.name, "description": path.with_suffix(".json").name}
    with staged(path.parent, named.values(), overwrite=overwrite) as stage:
        table.to_csv(
            stage / named["table"], sep="\t", index=False, na_rep=MISSING, float_format="%.9g"
        )
        text = json.dumps(columns, indent=2, ensure_ascii=False)
        (stage / named["description"]).write_text(f"{text}\n", encoding="utf-8")
    return {key: path.parent / name for key, name in named.items()}
