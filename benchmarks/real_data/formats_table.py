"""What `neurofuse.read` finds in every real recording at hand.

python -m benchmarks.real_data.formats_table --page docs/measured/formats.md
"""

import argparse
import logging
import os
import re
from pathlib import Path

import numpy as np
import xarray as xr

from benchmarks.common.page import Page, Table
from benchmarks.common.paths import recordings_folder
from neurofuse import io
from neurofuse.io.detect.format import READABLE

PARTS = {  # files that belong to another one
    ".eeg": "BrainVision", ".vmrk": "BrainVision", ".wl1": "NIRx", ".wl2": "NIRx", ".evt": "NIRx",
    ".inf": "NIRx", ".tpl": "NIRx", ".dat": "NIRx", ".tri": "NIRx", ".hdr": "NIRx",
    ".nosatflags_wl1": "NIRx", ".nosatflags_wl2": "NIRx", ".mrk": "fNIR Devices",
    ".log": "fNIR Devices",
}  # fmt: skip
TEXTS = (".json", ".tsv", ".md", ".txt", "")  # sidecars and licences, unless they can be read


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
    results = list(nirx)
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        inside = path.parent in nirx and path.suffix.lower() not in (".nirs",)
        if not inside and path.suffix.lower() not in PARTS:
            results.append(path)
    return sorted(results)


def describe(recording: xr.DataTree) -> tuple[str, dict[str, float]]:
    """Modalities, channels and rates in words; the seconds of each are filled in later."""
    words, seconds = [], {}
    for stream in io.streams(recording):
        node = io.stream_dataset(recording, stream)
        rate, count = node.attrs["rate"], node.sizes["channel"]
        if stream == "eeg":
            kinds = node.ch_type.values.tolist()
            channels = ", ".join(f"{kinds.count(k)} {k}" for k in dict.fromkeys(kinds))
        else:
            waves = "/".join(f"{w:g}" for w in node.wavelength.values)
            short = int(node.short.values.sum())
            channels = f"{count} fNIRS pairs × {waves} nm" + (f" ({short} short)" if short else "")
        words.append(f"{channels} at {rate:.5g} Hz, {{{stream}}}")
        seconds[stream] = node.sizes["time"] / rate
    sensors: dict[str, list[str]] = {}
    for name, node in recording["aux"].children.items() if "aux" in recording.children else ():
        count = node.sizes["channel"]
        shown_name = name if count == 1 else f"{name} ({count})"
        sensors.setdefault(f"{node.attrs['rate']:.4g} Hz", []).append(shown_name)
    words += [f"aux at {rate}: {', '.join(names)}" for rate, names in sensors.items()]
    return "; ".join(words), seconds


def look(path: Path, folder: Path) -> dict:
    """Open one entry: {kind, found, seconds, notes, events}."""
    notes = _Notes()
    logger = logging.getLogger("neurofuse")
    logger.addHandler(notes)
    try:
        from neurofuse.io.detect.format import find_format

        recording = io.read(path)
        kind = find_format(path).replace("neurofuse ", "")
        results, seconds = describe(recording)
        events = recording["events"].sizes["event"]
    except io.NeurofuseError as error:
        reason = str(error).replace(READABLE, "…")
        kind, results, seconds, events = "–", f"refused: {reason}", {}, 0
    finally:
        logger.removeHandler(notes)
    plain = [_relative(text, path, folder) for text in dict.fromkeys(notes.said)]
    return {
        "path": path,
        "kind": kind,
        "found": _relative(results, path, folder),
        "seconds": seconds,
        "notes": "; ".join(plain),
        "events": events,
    }


def rows(folder: Path) -> Table:
    """A row for each set of files in one folder in which the same was found."""
    seen: dict[tuple, list[dict]] = {}
    for path in entries(folder):
        results = look(path, folder)
        if results["kind"] == "–" and path.suffix.lower() in TEXTS:
            continue  # a sidecar, a licence: refused, as below
        key = path.parent, path.suffix, results["kind"], results["found"], _shape(results["notes"])
        seen.setdefault(key, []).append(results)
    columns = ["files", "format", "found", "notes"]
    return Table(columns, [_row(same, folder) for same in seen.values()])


def _row(same: list[dict], folder: Path) -> list[str]:
    first = same[0]["path"].relative_to(folder).as_posix()
    name = first if len(same) == 1 else f"{first} and {len(same) - 1} more"
    results = same[0]["found"]
    for stream in same[0]["seconds"]:
        values = [one["seconds"][stream] for one in same]
        results = results.replace(f"{{{stream}}}", f"{_span(values, '.4g')} s")
    counts = [one["events"] for one in same]
    if max(counts):
        results += f"; {_span(counts, 'd')} events"
    notes = same[0]["notes"] + (" (figures of the first)" if _differ(same) else "")
    return [name, same[0]["kind"], " ".join(results.split()), " ".join(notes.split())]


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


def shown(whole: Table) -> Table:
    """Rows and files of each format, and how many were refused."""
    groups: dict[str, list[list[str]]] = {}
    for row in whole.rows:
        groups.setdefault(row[1] if row[1] != "–" else REFUSED, []).append(row)
    lines = []
    for kind, own in groups.items():
        files = sum(1 + int(results[1]) if (results := MORE.search(r[0])) else 1 for r in own)
        noted = sum(bool(row[3]) for row in own)
        lines.append([kind, str(files), str(len(own)), str(noted)])
    return Table(["format", "files", "different contents", "with notes"], lines)


MORE = re.compile(r"and (\d+) more$")
REFUSED = "refused"
QUESTION = """Which real recordings are read, and what is found in them? Every file under
`NEUROFUSE_DATA`, opened by itself with `neurofuse.read`; what a reader warns of stands in the
notes. In the file, recordings of one folder in which the same was found share a row: the format,
modalities, channels, rates, durations, events and notes. Which formats are read and written:
[formats](../formats.md)."""
LIMITS = """Not listed: sidecars and licences ({others}), which are refused when given by
themselves, and parts of a recording that another file leads to ({parts}). {refused}"""


def page(whole: Table, others: list[str]) -> Page:
    refused = [f"{row[0]}: {row[2]}" for row in whole.rows if row[1] == "–"]
    text = f"Refused: {' · '.join(refused)}." if 0 < len(refused) < 4 else ""
    return Page(
        title="Formats of real recordings",
        question=QUESTION,
        table=shown(whole),
        limits=LIMITS.format(
            others=", ".join(others), parts=", ".join(sorted({*PARTS} - {".hdr"})), refused=text
        ),
        command="python -m benchmarks.real_data.formats_table --page docs/measured/formats.md",
        data={"": whole},
    )


def sidecars(folder: Path) -> list[str]:
    """Suffixes of files that are no recording."""
    suffixes = (p.suffix.lower() for p in folder.rglob("*") if p.is_file())
    return sorted({suffix or "no suffix" for suffix in suffixes if suffix in TEXTS})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    given = parser.parse_args()
    np.seterr(all="ignore")
    folder = recordings_folder().resolve()
    made = page(rows(folder), sidecars(folder))
    print(made.markdown("formats"))
    if given.page:
        made.write(given.page)


if __name__ == "__main__":
    main()
