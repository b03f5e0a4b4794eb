"""Rows of channels.tsv → the channels of a file, in whatever order and under whatever names."""

import re
from typing import TYPE_CHECKING

import numpy as np

from neurofuse.io.bids.tables import Rows, number_of
from neurofuse.io.mne_objects.header import snirf_facts
from neurofuse.io.mne_objects.optodes import SAME_WAVELENGTH, name_parts, optode_numbers
from neurofuse.io.modality import EEG

if TYPE_CHECKING:
    import mne


def channels_of(rows: Rows, raw: "mne.io.BaseRaw", stream: str) -> list[str | None]:
    """The channel of each row, None where the file has none.

    EEG goes by name, whatever its case. fNIRS goes by the columns `source`, `detector` and
    `wavelength_nominal` that BIDS asks for, and by name only where they are missing.
    """
    names = {_plain(name): name for name in raw.ch_names}
    by_name = [names.get(_plain(row.get("name", ""))) for row in rows]
    if stream == EEG.name:
        return by_name
    table = _table(raw)
    return [
        _nearest(row, table) if row.get("source") and row.get("detector") else named
        for row, named in zip(rows, by_name, strict=True)
    ]


def optode_labels(raw: "mne.io.BaseRaw", kind: str) -> dict[str, str]:
    """How sources or detectors of a Raw may be called, and what they are called in its names."""
    parts = [name_parts(name, "a Raw") for name in raw.ch_names]
    own = [source if kind == "source" else detector for source, detector, _ in parts]
    labels = snirf_facts(raw).get("probe", {}).get(f"{kind}Labels", [])
    known = {name.lower(): name for name in own}
    numbers = optode_numbers(own, kind[0].upper())
    for name, number in zip(own, numbers, strict=True):
        if number <= len(labels):
            known.setdefault(labels[number - 1].lower(), name)
    return known


def _table(raw: "mne.io.BaseRaw") -> dict[tuple[str, str], list[tuple[float, str]]]:
    """Wavelength [nm] and name of the channels of each pair, by all labels of the pair."""
    labels = [optode_labels(raw, kind) for kind in ("source", "detector")]
    aliases = [
        {name: [a for a, other in known.items() if other == name] for name in known.values()}
        for known in labels
    ]
    table: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for name, channel in zip(raw.ch_names, raw.info["chs"], strict=True):
        source, detector, whole = name_parts(name, "a Raw")
        wave = float(channel["loc"][9])
        for pair in ((s, d) for s in aliases[0][source] for d in aliases[1][detector]):
            table.setdefault(pair, []).append((wave if wave > 0 else whole, name))
    return table


def _nearest(row: dict[str, str], table: dict) -> str | None:
    """The channel of a row's pair whose wavelength comes nearest to the nominal one."""
    held = table.get((row["source"].lower(), row["detector"].lower()), [])
    wanted = number_of(row.get("wavelength_nominal"))
    if not held or np.isnan(wanted):
        return None
    wave, name = min(held, key=lambda item: abs(item[0] - wanted))
    return name if abs(wave - wanted) < SAME_WAVELENGTH else None


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name.strip().lower())
