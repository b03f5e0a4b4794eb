"""A cleaned recording's tables in BIDS's form: its movements, and what became of each channel."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import xarray as xr

from neurofuse.fusion.kinds.templates import KINDS, UNLIKE
from neurofuse.fusion.movements import VERDICTS, Movement, shares
from neurofuse.io.bids.sidecars import (
    EVENT_COLUMNS,
    NONE,
    Facts,
    Table,
    as_json,
    as_tsv,
    channel_table,
)
from neurofuse.io.errors import WriteError
from neurofuse.io.mne_objects.pair import names_of_channels, to_mne
from neurofuse.io.modality import MODALITIES
from neurofuse.io.recording import stream_dataset, without_stream
from neurofuse.io.staging import staged

COLUMNS: Facts = {
    "onset": EVENT_COLUMNS["onset"],
    "duration": EVENT_COLUMNS["duration"],
    "trial_type": {
        "Description": "kind of event",
        "Levels": {"motion": "movement of the head, the cap, an electrode or an optode"},
    },
    "modality": {
        "Description": "modality in which the movement is seen",
        "Levels": {name: modality.display for name, modality in MODALITIES.items()},
    },
    "channels": {
        "Description": "channels repaired (lost) for at least half as long as the one for which it "
        "took longest; fNIRS: source-detector pairs, at all wavelengths",
    },
    "size_before": {
        "Description": "peak-to-peak amplitude before cleaning in the worst of these channels: EEG "
        "without its linear trend, fNIRS as change of optical density",
        "Units": "see column unit",
    },
    "size_after": {
        "Description": "the same after cleaning, in the channel that is then the worst",
        "Units": "see column unit",
    },
    "unit": {
        "Description": "unit of the sizes",
        "Levels": {"V": "volt (EEG)", "1": "optical density, without a dimension (fNIRS)"},
    },
    "verdict": {
        "Description": "what became of the samples; two rows where some channels were repaired and "
        "others lost",
        "Levels": {
            "repaired": "the artifact was removed",
            "lost": "the channels measured nothing that could be repaired",
        },
    },
    "kind": {
        "Description": "which known kind of movement it looks like most (neurofuse.synth); n/a "
        "where nothing is known of it",
        "Levels": {**KINDS, UNLIKE: "farther from each of them than their own movements are"},
    },
    "kind_probability": {
        "Description": "that it is of this kind rather than of another known one, if all were "
        "equally frequent; n/a where it is unlike any known kind",
        "Units": "1",
    },
    "from_partner": {
        "Description": "share of the evidence for the movement that came from the other modality "
        "(Shapley value of the motion mask's log odds); negative where it spoke against it; n/a "
        "where the method has no such evidence",
        "Units": "1",
    },
    "from_imu": {
        "Description": "the same of the IMU on the head",
        "Units": "1",
    },
}
DONE = {
    "kept": "that cleaning kept as they were",
    "repaired": "from which an artifact was removed",
    "lost": "that hold no signal",
}
SHARES: Facts = {
    kind: {
        "Description": f"share of the channel's samples {done}, 0 to 1; n/a for a channel marked "
        "bad, which passes unchanged",
        "Units": "1",
    }
    for kind, done in DONE.items()
}


def write_movements(
    path: str | Path, movements: Iterable[Movement], *, start: float = 0.0, overwrite: bool = False
) -> list[Path]:
    """Write movements as BIDS's events.tsv, with the JSON that describes its columns.

    Parameters
    ----------
    path : path
        "…_desc-motion_events.tsv"; the JSON has the same name.
    movements : Movements
        As `neurofuse.fusion.movements.movements` finds them. A file beside one modality holds those
        of this modality.
    start : float
        When the first sample of the data file was taken, on the common clock [s]: BIDS counts
        onsets from there. For a modality `recording[modality].time[0]`.
    overwrite : bool
        Replace files that exist.

    Returns
    -------
    list of Path
        The table and its JSON; both are written, or none. Without movements the table has a header
        only. What stands between names of channels is the JSON's `Delimiter`: a comma, or another
        mark where a name has a comma.

    Raises
    ------
    WriteError
        If the name does not end in ".tsv", a file exists already, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> found = [Movement(12.5, 2.0, "eeg", ("C3", "C4"), 8e-4, 6e-5, "repaired")]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table, _ = write_movements(f"{folder}/a_desc-motion_events.tsv", found, start=10.0)
    ...     print(table.read_text().splitlines()[1].replace(chr(9), " "))
    2.5 2.0 motion eeg C3,C4 0.0008 6e-05 V repaired n/a n/a n/a n/a
    """
    rows = list(movements)
    delimiter = _delimiter({name for row in rows for name in row.channels})
    table: Table = {
        "onset": [round(row.onset - start, 6) for row in rows],
        "duration": [round(row.duration, 6) for row in rows],
        "trial_type": ["motion"] * len(rows),
        "modality": [row.modality for row in rows],
        "channels": [delimiter.join(row.channels) for row in rows],
        "size_before": [_rounded(row.size_before) for row in rows],
        "size_after": [_rounded(row.size_after) for row in rows],
        "unit": [MODALITIES[row.modality].cleaned_unit for row in rows],
        "verdict": [row.verdict for row in rows],
        "kind": [row.kind or NONE for row in rows],
        "kind_probability": [_rounded(row.kind_probability) for row in rows],
        "from_partner": [_rounded(row.from_partner) for row in rows],
        "from_imu": [_rounded(row.from_imu) for row in rows],
    }
    facts = {**COLUMNS, "channels": {**COLUMNS["channels"], "Delimiter": delimiter}}
    return _write(Path(path), table, facts, overwrite)


def write_channels(
    path: str | Path,
    recording: xr.DataTree,
    cleaned: xr.DataTree,
    modality: str,
    *,
    overwrite: bool = False,
) -> list[Path]:
    """Write BIDS's channels.tsv of one modality, with what cleaning kept, repaired and lost.

    The columns are those of `neurofuse.io.write_bids`, one row for each channel of the data file
    (fNIRS: for each wavelength), and `kept`, `repaired` and `lost`, the shares of its samples. The
    JSON beside it describes these three.

    Parameters
    ----------
    path : path
        "…_channels.tsv"; the JSON has the same name.
    recording, cleaned : Recording
        As it was, and what `neurofuse.clean` made of it.
    modality : {"eeg", "nirs"}
        Which channels.
    overwrite : bool
        Replace files that exist.

    Returns
    -------
    list of Path
        The table and its JSON; both are written, or none.

    Raises
    ------
    WriteError
        If the name does not end in ".tsv", a file exists already, or cannot be written.
    ParameterError
        If the two have other channels or times.
    SchemaError
        If one of them lacks the modality.

    Examples
    --------
    >>> import tempfile
    >>> from neurofuse.io.recording import build, eeg_dataset
    >>> recording = build(eeg_dataset(np.zeros((1, 9)), 9.0, ["Cz"]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table, _ = write_channels(f"{folder}/a_channels.tsv", recording, recording, "eeg")
    ...     table.read_text().split()[-3:]
    ['1.0', '0.0', '0.0']
    """
    share = shares(recording, cleaned, modality)
    order = {str(name): row for row, name in enumerate(recording[modality].channel.values)}
    alone = without_stream(cleaned, MODALITIES[modality].other.name)
    raw = next(raw for raw in to_mne(alone, copy=False) if raw is not None)
    node = stream_dataset(cleaned, modality)
    row_of = {
        name: order[str(channel)]
        for channel, names in zip(node.channel.values, names_of_channels(node, raw), strict=True)
        for name in names
    }
    table = channel_table(alone, modality, raw)
    for kind in VERDICTS:
        table[kind] = [_rounded(share[kind][row_of[name]]) for name in raw.ch_names]
    return _write(Path(path), table, SHARES, overwrite)


def _write(path: Path, table: Table, facts: Facts, overwrite: bool) -> list[Path]:
    if path.suffix != ".tsv":
        raise WriteError(f"the name {path.name}", "one that ends in .tsv", "change the suffix")
    texts = {path.name: as_tsv(table), path.with_suffix(".json").name: as_json(facts)}
    with staged(path.parent, list(texts), overwrite=overwrite) as stage:
        for name, text in texts.items():
            (stage / name).write_text(text, encoding="utf-8")
    return [path.parent / name for name in texts]


def _rounded(value: float) -> float | str:
    """Four digits of a number, n/a for none."""
    return float(f"{value:.4g}") if np.isfinite(value) else NONE


def _delimiter(names: Iterable[str]) -> str:
    """What stands between names in a list: a comma, unless one of them has one.

    Examples
    --------
    >>> _delimiter(["C3", "C4"]), _delimiter(["C3, left", "C4"])
    (',', ';')
    """
    taken = set("".join(names))
    return next(mark for mark in (*",;|/&", *map(chr, range(0x2022, 0xD800))) if mark not in taken)
