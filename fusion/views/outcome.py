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
    shares = _in_words(cleaned)
    present = [MODALITIES[s] for s in streams(cleaned)]
    counts = [f"{movements[m.name]} in {m.display}" for m in present if m.name in movements]
    return [
        f"duration: {duration_text(duration(cleaned))}",
        f"channel-time: {shares or 'without a verdict'}",
        f"movements found: {', '.join(counts) or 'none'}",
        f"bad channels: {_bad(cleaned)}",
        _usable(cleaned),
    ]


def plain_verdict(cleaned: xr.DataTree) -> list[str]:
    """The first sentences of a report: whether much was not kept, and the shares.

    Examples
    --------
    >>> import neurofuse as nf
    >>> _, recording = nf.simulate(20.0, seed=0)
    >>> plain_verdict(nf.clean(recording, "tddr"))[1].startswith("EEG kept 100 %")
    True
    """
    first = _usable(cleaned)
    return [f"{first[0].upper()}{first[1:]}.", f"{_in_words(cleaned)} of channel-time."]


def _in_words(cleaned: xr.DataTree) -> str:
    shares = shares_of(cleaned)
    return "; ".join(
        f"{MODALITIES[name].display} kept {percent(share['kept'])}, "
        f"repaired {percent(share['repaired'])}, lost {percent(share['lost'])}"
        for name, share in shares.items()
    )


def _usable(cleaned: xr.DataTree) -> str:
    """Whether much of a modality was not kept."""
    much = {MODALITIES[s].display: 1 - share["kept"] for s, share in shares_of(cleaned).items()}
    over = [f"{percent(share)} of {name}" for name, share in much.items() if share > MUCH]
    if over:
        return (
            f"careful: {listed(over)} was not kept: look at the report before you use the recording"
        )
    return f"at least {100 * (1 - MUCH):.0f} % of every modality was kept as recorded"


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
