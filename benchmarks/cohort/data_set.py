"""A Recording → a session of a BIDS data set, as if it came from the devices."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import xarray as xr

from neurofuse.io import stream_dataset, streams
from neurofuse.io.bids.sidecars import as_json
from neurofuse.io.bids.write import save_bids

BEGAN = datetime(2026, 1, 5, 9, 0, 0, 250_000)


def write_session(
    root: Path,
    entities: Mapping[str, str],
    recording: xr.DataTree,
    devices: Mapping[str, str],
    began: datetime = BEGAN,
) -> None:
    """Write a recording's files, and when each began into the table of its participant's scans.

    `entities` are "sub", "task" and perhaps "run"; `devices` are models by "eeg" and "nirs".
    """
    files = save_bids(recording, root, dict(entities))
    where = root / f"sub-{entities['sub']}"
    table = where / f"sub-{entities['sub']}_scans.tsv"
    lines = table.read_text("utf-8").splitlines() if table.exists() else ["filename\tacq_time"]
    for modality in streams(recording):
        sidecar = (root / files[modality]).with_suffix(".json")
        facts = json.loads(sidecar.read_text("utf-8"))
        for derived in ("neurofuse", "Description"):  # a recording as it comes from the device
            facts.pop(derived)
        sidecar.write_text(as_json(facts | {"ManufacturersModelName": devices[modality]}), "utf-8")
        start = float(stream_dataset(recording, modality).time[0])
        when = (began + timedelta(seconds=start)).isoformat(timespec="microseconds")
        lines.append(f"{(root / files[modality]).relative_to(where).as_posix()}\t{when}")
    table.write_text("\n".join(lines) + "\n", "utf-8")


def write_top(root: Path, name: str, about: str, sites: Sequence[tuple[str, str]]) -> None:
    """Write the files of the whole data set; `sites` are participants with where they were."""
    facts = {"Name": name, "BIDSVersion": "1.10.0", "DatasetType": "raw"}
    (root / "dataset_description.json").write_text(as_json(facts), "utf-8")
    (root / "README").write_text(about + "\n", "utf-8")
    rows = [f"sub-{subject}\t{site}" for subject, site in sites]
    (root / "participants.tsv").write_text(
        "\n".join(["participant_id\tsite", *rows]) + "\n", "utf-8"
    )
    column = {"site": {"Description": "where it was recorded"}}
    (root / "participants.json").write_text(as_json(column), "utf-8")
