"""Which formats are read and written, and what became of every shared real recording.

python -m benchmarks.real_data.formats_table --write        # docs/formats.md
"""

import argparse
import logging
import os
import re
import sys
from pathlib import Path

import numpy as np
import xarray as xr

import neurofuse.io as io
from benchmarks.common.paths import ROOT
from neurofuse.io.formats.detect import READABLE

DOCS = ROOT / "docs"
NAMED = ROOT.parent / "shared" / "data"
PARTS = {  # files that belong to another one
    ".eeg": "BrainVision", ".vmrk": "BrainVision", ".wl1": "NIRx", ".wl2": "NIRx", ".evt": "NIRx",
    ".inf": "NIRx", ".tpl": "NIRx", ".dat": "NIRx", ".tri": "NIRx", ".hdr": "NIRx",
    ".nosatflags_wl1": "NIRx", ".nosatflags_wl2": "NIRx", ".mrk": "fNIR Devices",
    ".log": "fNIR Devices",
}  # fmt: skip
TEXTS = (".json", ".tsv", ".md", ".txt", "")  # sidecars and licences, unless they can be read

HEAD = f"""# Formats

Made by `python -m benchmarks.real_data.formats_table --write`; the figures are asserted by
`tests/io/test_properties.py`, which writes and reads made-up recordings of every kind.

`neurofuse.read` takes: {READABLE}. The kind is told by content *and* suffix; where they
disagree, the file is refused and the message tells what it is. A file that is cut off or damaged
is refused as well ([fuzzing.md](fuzzing.md)).

## In

| format | suffix | read by | comes with |
|---|---|---|---|
| EDF, BDF | .edf .bdf | MNE | events (EDF+); types told from names; the date to the fraction of \
a second |
| BrainVision | .vhdr | MNE | events, types by unit, positions, impedances left out |
| FIF | .fif .fif.gz | MNE | everything of the Raw; fNIRS in FIF too |
| EEGLAB | .set | MNE | events, positions; no date |
| XDF (LSL) | .xdf | pyxdf | EEG, fNIRS, further sensors and markers of one file, each on the \
common LSL clock by its own stamps |
| SNIRF 1.0, 1.1 | .snirf | h5py | events, aux sensors at rates of their own, landmarks, bads, \
gaps |
| NIRx | folder or .hdr | MNE | events, positions; saturated stretches annotated |
| Homer | .nirs | scipy, h5py | events, aux, positions; columns switched off are bad |
| Hitachi ETG | .csv | MNE | events; no positions |
| ISS BOXY | .txt | MNE | DC intensity, events; wavelengths as the reader says |
| BIDS | folder, `BIDSPath` | mne-bids | EEG and fNIRS run of a session, with their sidecars |
| Recording | .nc .zarr | xarray | all of it |

## Out

| format | function | samples | rate | events | kept besides | not kept |
|---|---|---|---|---|---|---|
| FIF | `write_eeg` | exact (float64) | 1e-7 | 1e-6 of the onset, channels | names (ASCII), types, \
bads, positions to 1e-7 m, date 1901–2038, `first_samp` | aux, gates |
| EDF, BDF | `write_eeg` | 16, 24 bit of each channel's range | 1e-6 | 1 µs, channels | names up \
to 16 letters (ASCII), date 1985–2084 to 1 µs | types but by name, bads, positions, aux |
| BrainVision | `write_eeg` | float32 | 1e-9 | half a sample, as "Comment/…" | names (any), date | \
types but by name and unit, bads, positions, channels of events, aux |
| EEGLAB | `write_eeg` | float32 | 1e-9 | 1e-6 | names (any), positions to 1e-6 m | types, bads, \
date, channels of events, aux |
| SNIRF 1.1 | `write_nirs` | exact (float64) | exact | 1 µs, channels | names, wavelengths, \
positions exactly, bads, landmarks, date, aux sensors with their times | gates |
| BIDS derivative | `write_bids` | EEG as BrainVision, fNIRS as SNIRF | as these | events.tsv | \
channels.tsv, electrodes.tsv, optodes.tsv, JSON sidecars, `GeneratedBy` | subject's name |
| netCDF 4, zarr 3 | `write_netcdf`, `write_zarr` | exact | exact | exact | everything: \
`read` returns an identical Recording | – |

An event outside the samples is left out by every format but the last; of one that begins before
or ends after them, the inner part is kept. All outputs appear together or not at all.

## Real recordings

Every file under `../shared/data`, opened by itself with `neurofuse.read`. Files of one folder in
which the same was found share a row.

| files | format | found | notes |
|---|---|---|---|
"""


class _Notes(logging.Handler):
    """Collects what the readers warn of."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def entries(folder: Path) -> list[Path]:
    """What to open: files, and folders of NIRx in place of what is in them."""
    nirx = {path.parent for path in folder.rglob("*.hdr")}
    found = list(nirx)
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        inside = path.parent in nirx and path.suffix.lower() not in (".nirs",)
        if not inside and path.suffix.lower() not in PARTS:
            found.append(path)
    return sorted(found)


def describe(recording: xr.DataTree) -> tuple[str, dict[str, float]]:
    """Streams, channels and rates in words, with the seconds of each stream left open."""
    words, seconds = [], {}
    for stream in io.streams(recording):
        node = io.stream_dataset(recording, stream)
        rate, count = node.attrs["rate"], node.sizes["channel"]
        if stream == "eeg":
            kinds = node.ch_type.values.tolist()
            told = ", ".join(f"{kinds.count(k)} {k}" for k in dict.fromkeys(kinds))
        else:
            waves = "/".join(f"{w:g}" for w in node.wavelength.values)
            short = int(node.short.values.sum())
            told = f"{count} fNIRS pairs × {waves} nm" + (f" ({short} short)" if short else "")
        words.append(f"{told} at {rate:.5g} Hz, {{{stream}}}")
        seconds[stream] = node.sizes["time"] / rate
    sensors: dict[str, list[str]] = {}
    for name, node in recording["aux"].children.items() if "aux" in recording.children else ():
        count = node.sizes["channel"]
        told = name if count == 1 else f"{name} ({count})"
        sensors.setdefault(f"{node.attrs['rate']:.4g} Hz", []).append(told)
    words += [f"aux at {rate}: {', '.join(names)}" for rate, names in sensors.items()]
    return "; ".join(words), seconds


def look(path: Path, folder: Path) -> dict:
    """Open one entry: {kind, found, seconds, notes, events}."""
    notes = _Notes()
    logger = logging.getLogger("neurofuse")
    logger.addHandler(notes)
    try:
        from neurofuse.io.formats.detect import find_format

        recording = io.read(path)
        kind = find_format(path).replace("neurofuse ", "")
        found, seconds = describe(recording)
        events = recording["events"].sizes["event"]
    except io.NeurofuseError as error:
        told = str(error).replace(READABLE, "…")
        kind, found, seconds, events = "–", f"refused: {told}", {}, 0
    finally:
        logger.removeHandler(notes)
    plain = [_relative(text, path, folder) for text in dict.fromkeys(notes.said)]
    return {
        "path": path,
        "kind": kind,
        "found": _relative(found, path, folder),
        "seconds": seconds,
        "notes": "; ".join(plain),
        "events": events,
    }


def rows(folder: Path) -> list[str]:
    """A row for each set of files in one folder in which the same was found."""
    seen: dict[tuple, list[dict]] = {}
    for path in entries(folder):
        found = look(path, folder)
        if found["kind"] == "–" and path.suffix.lower() in TEXTS:
            continue  # a sidecar, a licence: refused, as below
        key = path.parent, path.suffix, found["kind"], found["found"], _shape(found["notes"])
        seen.setdefault(key, []).append(found)
    return [_row(same, folder) for same in seen.values()]


def _row(same: list[dict], folder: Path) -> str:
    first = same[0]["path"].relative_to(folder).as_posix()
    name = f"`{first}`" if len(same) == 1 else f"`{first}` and {len(same) - 1} more"
    found = same[0]["found"]
    for stream in same[0]["seconds"]:
        values = [one["seconds"][stream] for one in same]
        found = found.replace(f"{{{stream}}}", f"{_span(values, '.4g')} s")
    counts = [one["events"] for one in same]
    if max(counts):
        found += f"; {_span(counts, 'd')} events"
    notes = same[0]["notes"] + (" (figures of the first)" if _differ(same) else "")
    return f"| {name} | {same[0]['kind']} | {_cell(found)} | {_cell(notes)} |"


def _span(values: list, form: str) -> str:
    low, high = format(min(values), form), format(max(values), form)
    return low if low == high else f"{low}–{high}"


def _differ(same: list[dict]) -> bool:
    return len({one["notes"] for one in same}) > 1


def _shape(text: str) -> str:
    """A note without its figures, so that files alike share a row."""
    return re.sub(r"\d[\d.,e+-]*", "#", text)


def _relative(text: str, path: Path, folder: Path) -> str:
    """A message that names the file neither by its place on this machine nor at all."""
    for inner in sorted({path, *path.parent.iterdir()}, key=lambda p: -len(str(p))):
        text = text.replace(str(inner), "it" if inner == path else inner.name)
    return text.replace(str(folder) + os.sep, "")


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def page(folder: Path) -> str:
    others = sorted(
        {
            p.suffix.lower() or "no suffix"
            for p in folder.rglob("*")
            if p.is_file() and p.suffix.lower() in TEXTS
        }
    )
    tail = (
        f"\nNot listed: sidecars and licences ({', '.join(others)}), which are refused when given "
        "by themselves, and parts of a recording that another file leads to "
        f"({', '.join(sorted({*PARTS} - {'.hdr'}))}).\n"
    )
    return HEAD + "\n".join(rows(folder)) + "\n" + tail


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("NEUROFUSE_DATA", NAMED)))
    parser.add_argument("--write", action="store_true", help="to docs/formats.md")
    given = parser.parse_args()
    if not given.data.is_dir():
        print(f"no real recordings at {given.data}", file=sys.stderr)
        return 1
    np.seterr(all="ignore")
    text = page(given.data.resolve())
    if given.write:
        (DOCS / "formats.md").write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
