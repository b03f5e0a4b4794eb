"""How often is drift told where nothing drifted, and how soon where something did?

    NEUROFUSE_DATA=… python -m benchmarks.adaptation.drift

Real recordings of people at rest, cleaned by the single-modality models, watched as
`neurofuse.drift` does; and simulated people, cleaned while recorded, of whom one channel changes
after six minutes. Rows go to `runs/adaptation/drift.json`; what is there is not done again.
"""

import argparse
import json
import logging
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import neurofuse as nf
from benchmarks.common.page import Page, Table
from benchmarks.common.paths import ROOT, write
from neurofuse.fusion.drift import at_rest
from neurofuse.fusion.drift_watch import CORRELATION, EVERY, LEAST, LEVEL, RECALL, SECONDS, UNITS
from neurofuse.fusion.live import LiveCleaner
from neurofuse.io import streams
from neurofuse.io.modality import MODALITIES
from neurofuse.io.recording import stream_dataset, without_stream
from neurofuse.models.training.split import subject_files

ROWS = ROOT / "runs/adaptation/drift.json"
VERSION = 1  # of what is measured here
MEASURES = tuple(UNITS)
SHORT = 60.0  # s; in recordings of less than ten minutes
AT_REST = (("eeg", "eeg"), ("few_electrodes", "eeg"), ("nirs", "nirs"), ("nirs_still", "nirs"))
CHANGE, LENGTH = 360.0, 840.0  # s
CHANGES = {  # what is made of a channel's samples after the change
    "EEG, gain x 0.1": "eeg",
    "EEG, 60 µV of noise": "eeg",
    "fNIRS, light with 2 % of noise": "nirs",
    "nothing": "eeg",
}
CHANNELS = 8  # of simulated people
LATER = (60.0, 230.0)  # s after it was told, at which what is known of rest is looked at


def recordings(part: str) -> Iterator[tuple[str, Path, str]]:
    """Person, file and modality of real recordings at rest."""
    for kind, modality in AT_REST:
        for who, files in subject_files(part, kind).items():
            yield from ((who, file, modality) for file in files if "porr" not in who)


def still_row(
    who: str, file: Path, modality: str, only_long: bool = False
) -> dict[str, Any] | None:
    """How far a recording's rest moves from its start, and what of it is told."""
    recording = nf.read(file)
    if modality not in streams(recording):
        return None
    node = stream_dataset(recording, modality)
    length = node.sizes["time"] / float(node.attrs["rate"])
    every = EVERY if length > 2 * EVERY else SHORT
    if length < 2 * every or (only_long and every < EVERY):
        return None
    for other in (s for s in streams(recording) if s != modality):
        recording = without_stream(recording, other)
    cleaned = nf.clean(recording, modality)
    found = nf.drift(recording, cleaned, every=every, method=modality)
    rest = at_rest(stream_dataset(cleaned, modality))
    return {
        "who": who,
        "modality": modality,
        "compared": compared(rest, float(node.attrs["rate"]), modality, every),
        "every": every,
        "told": {m: [len(d.channels) for d in found if d.measure == m] for m in MEASURES},
        "largest": {m: [d.change for d in found if d.measure == m] for m in MEASURES},
    }


def compared(rest: np.ndarray, rate: float, modality: str, every: float) -> int:
    """How many channels times stretches were at rest for long enough to be compared.

    Examples
    --------
    >>> compared(np.ones((2, 1800), bool), 10.0, "eeg", 60.0)
    4
    """
    seconds = SECONDS[modality]
    size, count = round(seconds * rate), round(every / seconds)
    blocks = rest[:, : rest.shape[1] // size * size].reshape(len(rest), -1, size)
    whole = np.asarray(blocks.all(-1))
    stretches = whole[:, : whole.shape[1] // count * count].reshape(len(rest), -1, count)
    enough = np.asarray(stretches).sum(-1) >= LEAST / seconds
    before = np.logical_or.accumulate(enough, axis=1)
    return int(np.logical_and(enough[:, 1:], before[:, :-1]).sum())


def changed(kind: str) -> tuple[xr.DataTree, int]:
    """A simulated person of whom a channel changes, and which."""
    modality, at = CHANGES[kind], 2
    _, recording = nf.simulate(LENGTH, seed=11, severity=0.3)
    other = {"eeg": "nirs", "nirs": "eeg"}[modality]
    recording = without_stream(recording, other)
    node = recording[modality].to_dataset().isel(channel=slice(CHANNELS))
    name = "eeg" if modality == "eeg" else "intensity"
    x = node[name].values.copy()
    since = node.time.values > CHANGE
    noise = np.random.default_rng(0).standard_normal((*x.shape[1:-1], int(since.sum())))
    if "gain" in kind:
        x[at, since] *= 0.1
    elif "µV" in kind:
        x[at, since] += 60e-6 * noise
    elif modality == "nirs":
        x[at][..., since] *= np.exp(0.02 * noise)
    recording[modality] = node.assign({name: (node[name].dims, x, node[name].attrs)})
    return recording, at


def live_row(kind: str, watching: bool) -> dict[str, Any]:
    """When it is told, and what is known of rest a minute and four minutes later."""
    recording, at = changed(kind)
    modality = CHANGES[kind]
    node = stream_dataset(recording, modality)
    rate, name = float(node.attrs["rate"]), "eeg" if modality == "eeg" else "intensity"
    x, cleaner = node[name].values, LiveCleaner(recording)
    if not watching:
        cleaner.watch.watches[modality].every = 10 * LENGTH
    count, known = round(0.5 * rate), []
    for first in range(0, x.shape[-1], count):
        new = x[..., first : first + count]
        cleaner.push(eeg=new) if modality == "eeg" else cleaner.push(nirs=new)
        known.append(_quiet(cleaner, modality, at))
    settled = float(np.median(known[-60:]))
    told = [one for one in cleaner.drifts if one.time > CHANGE]
    moment = 600.0
    off = {
        f"{later:.0f}": 10 * float(np.log10(known[round((moment + later) * 2) - 1] / settled))
        for later in LATER
    }
    return {
        "told": [str(one) for one in cleaner.drifts],
        "after": min((one.time for one in told), default=np.nan) - CHANGE,
        "off": off,
    }


def _quiet(cleaner: LiveCleaner, modality: str, channel: int) -> float:
    """Variance at rest of a channel, as the filter knows it."""
    filter_: Any = cleaner.engine.filters[modality]
    if modality == "eeg":
        return float(filter_.spatial.noise.value[channel, channel])
    quiet = filter_.filter.quiet
    return float(quiet.sums[channel, 0, 0, 0] / max(quiet.weight[channel], 1e-12))


def rows() -> dict[str, dict[str, Any]]:
    """Those that are known, by name."""
    known = json.loads(ROWS.read_text()) if ROWS.exists() else {}
    return {key: row for key, row in known.items() if row["version"] == VERSION}


def quiet_table(known: dict[str, dict[str, Any]]) -> Table:
    """By part, modality and length of the stretches, what was told of people at rest."""
    columns = ["at rest", "part", "people", "recordings", "channels compared", "levels told"]
    columns += ["correlations told", "recalls told", "recordings told of"]
    groups: dict[tuple[str, str, float], list[dict[str, Any]]] = {}
    for key, row in known.items():
        if key.startswith("still "):
            part = key.removeprefix("still ").split("/")[0]
            groups.setdefault((part, row["modality"], row["every"]), []).append(row)
    cells = []
    for (part, modality, every), own in sorted(groups.items(), reverse=True):
        told = {m: sum(sum(row["told"][m]) for row in own) for m in MEASURES[:2]}
        recalls = sum(len(row["told"]["recall"]) for row in own)
        noisy = sum(any(row["told"].values()) for row in own)
        people = len({row["who"] for row in own})
        looks = sum(row["compared"] for row in own)
        counts = [people, len(own), looks, *told.values(), recalls, noisy]
        name = f"{MODALITIES[modality].display}, every {every:g} s"
        cells.append([name, part, *map(str, counts)])
    return Table(columns, cells)


def change_lines(known: dict[str, dict[str, Any]]) -> str:
    """What was told of simulated changes, in sentences."""
    lines = []
    for kind in CHANGES:
        row, blind = (known.get(key_of(kind, w)) for w in (True, False))
        if row is None or blind is None:
            continue
        if kind == "nothing":
            lines.append(f"Nothing: {len(row['told'])} told.")
            continue
        off = [f"{one['off'][f'{later:.0f}']:+.1f}" for later in LATER for one in (row, blind)]
        lines.append(
            f"{kind}: told after {row['after']:.0f} s ({'; '.join(row['told'])}); the filter's "
            f"power at rest was off by {off[0]} dB {LATER[0]:g} s later ({off[1]} without the "
            f"watch), {off[2]} dB after {LATER[1]:g} s ({off[3]})."
        )
    return " ".join(lines)


def key_of(kind: str, watching: bool) -> str:
    """The name of a row of a simulated person."""
    return f"live, {kind}, {'watched' if watching else 'not watched'}"


TITLE = "Drift of recordings"
QUESTION = """How often is drift told where nothing drifted, and how soon where something did?

`nf.drift` and live cleaning compare levels and correlations of channels outside motion with the
start, every {every:g} s; recordings of less than ten minutes were looked at every {short:g} s,
which is harder. The limits ({level:g} dB, {correlation:g}, {recall:g} of the movements put into a
minute of each stretch) were set beforehand; of the test part the recordings of more than ten
minutes were looked at, once. A channel counts as often as it was compared. **Simulated**,
{channels} channels, cleaned while recorded, one of which changes after {change:g} s. {lines}"""
LIMITS = """What is told of people at rest need not be false: eyes close, people get drowsy,
contacts settle. Wearables moved for most of the time, so that few of their channels were compared:
a channel needs {least:g} s at rest in a stretch. Where a contact becomes so noisy that the motion
mask stays open, the mask says so, and no drift."""
COMMAND = """python -m benchmarks.adaptation.drift --part test --long
python -m benchmarks.adaptation.drift --page docs/measured/drift.md"""


def page(known: dict[str, dict[str, Any]]) -> Page:
    """The page of what is known."""
    values = {
        "every": EVERY,
        "short": SHORT,
        "level": LEVEL["eeg"],
        "correlation": CORRELATION["eeg"],
        "recall": RECALL,
        "channels": CHANNELS,
        "change": CHANGE,
        "lines": change_lines(known),
        "least": LEAST,
    }
    table = quiet_table(known)
    return Page(
        title=TITLE,
        question=QUESTION.format(**values),
        table=table,
        limits=LIMITS.format(**values),
        command=COMMAND,
        data={"": table},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--part", default="validation", choices=["train", "validation", "test"])
    parser.add_argument("--long", action="store_true", help="only of more than ten minutes")
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    tasks = {
        f"still {options.part}/{who}/{file.name}": partial(
            still_row, who, file, modality, options.long
        )
        for who, file, modality in recordings(options.part)
    }
    tasks |= {key_of(k, w): partial(live_row, k, w) for k in CHANGES for w in (True, False)}
    for key, make in tasks.items():
        if key in rows():
            continue
        made = make()
        if made is not None:
            write(ROWS, rows() | {key: made | {"version": VERSION}})
            print(key, json.dumps(made), flush=True)
    made = page(rows())
    print(made.markdown("drift"))
    if options.page:
        made.write(options.page)


if __name__ == "__main__":
    main()
