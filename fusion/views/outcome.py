"""How a cleaning went, in five lines."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from neurofuse.fusion.views.phrases import duration_text, listed, percent
from neurofuse.io.modality import MODALITIES
from neurofuse.io.recording import duration, provenance, stream_dataset, streams

MUCH = 0.25  # of channel-time that was not kept, above which the reader is warned
NAMED = 8  # bad channels of a modality; more are counted


def outcome(cleaned: xr.DataTree, movements: Mapping[str, int]) -> list[str]:
    """Duration, shares of channel-time, movements, bad channels, and whether much was not kept.

    Parameters
    ----------
    cleaned : Recording
        As `neurofuse.clean` returns it, with verdicts.
    movements : dict of int
        How many were found in each modality.

    Examples
    --------
    >>> import neurofuse as nf
    >>> _, recording = nf.simulate(20.0, seed=0)
    >>> lines = outcome(nf.clean(recording, "tddr"), {"eeg": 0, "nirs": 3})
    >>> lines[0], lines[2]
    ('duration: 20 s', 'movements found: 0 in EEG, 3 in fNIRS')
    """
    shares = shares_of(cleaned)
    present = [MODALITIES[s] for s in streams(cleaned)]
    parts = [
        f"{m.display} kept {percent(s['kept'])}, repaired {percent(s['repaired'])}, "
        f"lost {percent(s['lost'])}"
        for m in present
        if (s := shares.get(m.name))
    ]
    counts = [f"{movements[m.name]} in {m.display}" for m in present if m.name in movements]
    lines = [
        f"duration: {duration_text(duration(cleaned))}",
        f"channel-time: {'; '.join(parts) or 'without a verdict'}",
        f"movements found: {', '.join(counts) or 'none'}",
        f"bad channels: {_bad(cleaned)}",
    ]
    much = {m.display: 1 - shares[m.name]["kept"] for m in present if m.name in shares}
    over = [f"{percent(v)} of {name}" for name, v in much.items() if v > MUCH]
    if over:
        lines.append(
            f"careful: {listed(over)} was not kept: look at the report before you use the recording"
        )
    else:
        lines.append(f"no modality has more than {percent(MUCH)} that was not kept")
    return lines


def shares_of(cleaned: xr.DataTree) -> dict[str, dict[str, float]]:
    """Shares of channel-time kept, repaired and lost, by modality, from the provenance."""
    found = [p["parameters"].get("verdict") for p in provenance(cleaned) if p["step"] == "clean"]
    return {s: dict(v) for s, v in found[-1].items() if v} if found and found[-1] else {}


def _bad(cleaned: xr.DataTree) -> str:
    parts = []
    for stream in streams(cleaned):
        node = stream_dataset(cleaned, stream)
        names = [str(n) for n in np.asarray(node.channel.values)[node.bad.values]]
        if names:
            shown = listed(names) if len(names) <= NAMED else f"{len(names)} channels"
            parts.append(f"{MODALITIES[stream].display} {shown}")
    return "; ".join(parts) or "none"
