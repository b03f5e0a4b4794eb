"""Real movement, no truth: every method on recordings that moved.

    python -m benchmarks.real_data.real_motion --page docs/real_motion.md

EEG of two electrodes (Porr et al.: head, cap and jaw), fNIRS (Homer3 twNI) and one simultaneous
recording (OpenMuse, worn). Figures that need no truth, by `neurofuse.fusion.metrics.no_reference`. Resumable: one
JSON a recording and method.
"""

import argparse
import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import xarray as xr
from rich.progress import track

from benchmarks.common.clean_pairs import pairs
from benchmarks.common.keys import method_key, result_key, weights_key
from benchmarks.common.paths import ROOT, write
from neurofuse.fusion.clean import clean
from neurofuse.fusion.compare import MISMATCHED
from neurofuse.fusion.controls import with_partner
from neurofuse.fusion.methods.registry import BASELINES, MODELS, get_method
from neurofuse.fusion.metrics.no_reference import UNITS, score_no_reference
from neurofuse.fusion.metrics.statistics import summarise
from neurofuse.io import mark_bad, read, stream_dataset, streams
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.recording import with_stream
from neurofuse.models.training.corpus import data_folder
from neurofuse.synth import inject

FILTER_TRANSIENT = 4.0  # s at the start of Porr's recordings
TASKS = ("movehead", "movehat", "jaw")
WORN = 62.0  # s
HEADINGS = {
    "noref_motion_ratio": "moving / quiet power [dB]",
    "noref_gvtd_ratio": "GVTD, 95 % / median",
    "noref_sci": "SCI",
    "noref_quiet_change": "change in quiet [dB]",
    "noref_alpha": "alpha kept",
    "noref_pulse": "pulse kept",
    "noref_accelerometer": "agreement with accelerometer",
}


@dataclass(frozen=True)
class Moved:
    """A recording that moved, and whose."""

    group: str
    name: str
    person: str
    load: Callable[[], xr.DataTree]


def recordings(folder: Path) -> Iterator[Moved]:
    for task in TASKS:
        for path in sorted((folder / "eeg_motion/porr").glob(f"*_task-{task}_eeg.vhdr")):
            yield Moved("Two electrodes (Porr)", path.stem, path.stem[:6], lambda p=path: _porr(p))
    for path in sorted((folder / "fnirs_motion/homer3_twni").glob("*.snirf")):
        yield Moved("fNIRS (Homer3 twNI)", path.stem, path.stem[:2], lambda p=path: _read(p))
    place = folder / "simultaneous/openmuse_worn/own_zero"
    yield Moved("Both (OpenMuse)", "openmuse", "openmuse", lambda: _openmuse(place))


def _read(path: Path) -> xr.DataTree:
    return mark_bad(read(path))


def _porr(path: Path) -> xr.DataTree:
    whole = read(path)
    return mark_bad(whole.sel(time=slice(FILTER_TRANSIENT, None)))


def _openmuse(place: Path) -> xr.DataTree:
    clock = json.loads((place / "test_eeg_quality_clock.json").read_text())
    both = read(
        place / "test_eeg_quality_eeg.edf",
        place / "test_eeg_quality_optics.snirf",
        offset=clock["offset_to_eeg_s"]["optics"],
    )
    return mark_bad(both.sel(time=slice(0, WORN)))


def jobs(moved: Moved, present: tuple[str, ...]) -> Iterator[tuple[str, str, Callable]]:
    """Name, digest and function of everything that may clean these streams."""
    for name, method in MODELS.items():
        if set(method.streams) & set(present) and (name == "joint") <= (len(present) > 1):
            path = ROOT / "models/pretrained" / f"{name}.safetensors"
            yield name, weights_key(path), lambda r, n=name: clean(r, n)
            if name == "joint":
                yield MISMATCHED, weights_key(path), _beside_a_stranger
    for name, peer in BASELINES.items():
        if set(peer.streams) & set(present):
            yield name, method_key(name), lambda r, n=name: clean(r, n)


def _beside_a_stranger(recording: xr.DataTree) -> xr.DataTree:
    """Each stream cleaned beside the other stream of somebody who moves at other moments."""
    person = next(iter(islice(pairs("validation"), 1)))[1]
    stranger = inject(person, seed=5)[1]
    cleaned = recording
    for stream, other in (("eeg", "nirs"), ("nirs", "eeg")):
        beside = clean(with_partner(recording, stranger, other), "joint")
        cleaned = with_stream(cleaned, stream, stream_dataset(beside, stream))
    return cleaned


def facts(before: xr.DataTree, name: str, how: Callable) -> dict:
    try:
        value = score_no_reference(before, how(before)).value
    except NeurofuseError as error:
        return {"failure": str(error)}
    treated = value.modality.values if name == MISMATCHED else get_method(name).streams
    return {
        "value": {
            s: {m: float(value.sel(modality=s, metric=m)) for m in UNITS}
            for s in value.modality.values.tolist()
            if s in treated
        }
    }


def run(folder: Path, chosen: list[Moved]) -> dict[str, dict[str, dict]]:
    """name of recording: method: facts."""
    own = folder / result_key("real motion")
    found: dict[str, dict[str, dict]] = {}
    for moved in track(chosen, description="recordings"):
        before = moved.load()
        for name, digest, how in jobs(moved, streams(before)):
            target = own / f"{moved.name}_{name}_{digest}.json".replace(" ", "-")
            if not target.exists():
                write(target, facts(before, name, how))
            found.setdefault(moved.name, {})[name] = json.loads(target.read_text())
    return found


def table(chosen: list[Moved], found: dict[str, dict[str, dict]], stream: str) -> xr.Dataset:
    """value (recording, method, modality, metric) of one stream, as `statistics` takes it."""
    names = list(dict.fromkeys(n for m in chosen for n in found[m.name]))
    value = np.full((len(chosen), len(names), 1, len(UNITS)), np.nan)
    for i, moved in enumerate(chosen):
        for j, name in enumerate(names):
            own = found[moved.name].get(name, {}).get("value", {}).get(stream, {})
            value[i, j, 0] = [own.get(metric, np.nan) for metric in UNITS]
    dims = ("recording", "method", "modality", "metric")
    coords = {"method": names, "modality": [stream], "metric": list(UNITS)}
    told = {
        "units": ("metric", list(UNITS.values())),
        "subject": ("recording", [m.person for m in chosen]),
    }
    return xr.Dataset({"value": (dims, value)}, coords | told)


def tables(chosen: list[Moved], found: dict[str, dict[str, dict]]) -> Iterator[str]:
    for group in dict.fromkeys(m.group for m in chosen):
        own = [m for m in chosen if m.group == group]
        people = len({m.person for m in own})
        for stream in ("eeg", "nirs"):
            whole = table(own, found, stream).dropna("metric", how="all")
            if not whole.metric.size:
                continue
            summary = summarise(whole, against="uncorrected").sel(modality=stream)
            label = {"eeg": "EEG", "nirs": "fNIRS"}[stream]
            yield f"\n## {group}: {label}, {len(own)} recordings of {people} people\n"
            shown = [m for m in HEADINGS if m in summary.metric.values]
            yield "| method | " + " | ".join(HEADINGS[m] for m in shown) + " |"
            yield "|---|" + "---|" * len(shown)
            for name in summary.method.values.tolist():
                row = summary.sel({"method": name})
                if not row.people.values.any():
                    reason = next(
                        (f["failure"] for m in own if "failure" in (f := found[m.name][name])), ""
                    )
                    if reason and stream in BASELINES[name].streams:
                        yield f"| {name} | did not run: {reason} |" + " |" * (len(shown) - 1)
                    continue
                yield f"| {name} | " + " | ".join(_cell(row.sel(metric=m)) for m in shown) + " |"


def _cell(one: xr.Dataset) -> str:
    if not int(one.people):
        return "–"
    mean, low, high = (float(one[n]) for n in ("mean", "low", "high"))
    digits = 1 if one.units.item() == "dB" else 2
    text = f"{mean:.{digits}f}"
    return text if int(one.people) < 3 else f"{text} [{low:.{digits}f}, {high:.{digits}f}]"


PAGE = """# Real movement

Made by `python -m benchmarks.real_data.real_motion`. Nobody knows the truth of these recordings:
the figures tell that something shrank, never that it was artifact. A method that sets all to zero
does best where only shrinking counts, so read each row whole: movement less, rest unchanged (the
more negative the better; -100 is untouched), alpha and pulse near 1. What a method gets right is
measured with injected movement ([joint gain](joint_gain.md)).

Movement is found once, in the untouched recording: EEG where the RMS over 1 s is six robust
standard deviations above its median, fNIRS by GVTD (`neurofuse.fusion.metrics.no_reference`).
Recordings of one person are averaged first; 95 % bootstrap intervals by person where there are
three or more. None of these recordings met training; what the generator of movements was fitted to
is told in [synthetic motion](synth.md)."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "runs/real_motion")
    parser.add_argument("--only", default="", help="names of recordings that match this pattern")
    parser.add_argument("--page", type=Path, help="write the tables to this Markdown file")
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    folder = data_folder()
    if folder is None:
        raise SystemExit("no data folder: set NEUROFUSE_DATA to where the recordings are")
    chosen = [m for m in recordings(folder) if re.search(options.only, m.name)]
    text = PAGE + "\n".join(tables(chosen, run(options.out, chosen))) + "\n"
    print(text)
    if options.page:
        options.page.write_text(text)


if __name__ == "__main__":
    main()
