"""Real motion, no truth: every method on recordings with motion.

    python -m benchmarks.real_data.real_motion --page docs/measured/real_motion.md

EEG of two electrodes (Porr et al.: head, cap and jaw), fNIRS (Homer3 twNI) and one simultaneous
recording (OpenMuse, worn). No-reference metrics. Resumable: one JSON a recording and method.
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
from benchmarks.common.methods import (
    ALONE,
    JOINT,
    MISMATCHED,
    UNCORRECTED,
    baselines,
    get_method,
    packaged,
    row_name,
)
from benchmarks.common.page import Page, Table, no_run, stacked
from benchmarks.common.paths import ROOT, recordings_folder, write
from neurofuse.fusion.clean import clean
from neurofuse.fusion.controls import with_partner
from neurofuse.fusion.metrics.no_reference import UNITS, score_no_reference
from neurofuse.fusion.results.statistics import summarise
from neurofuse.io import mark_bad, read, stream_dataset, streams
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.modality import MODALITIES
from neurofuse.io.recording import with_stream
from neurofuse.synth import inject

FILTER_TRANSIENT = 4.0  # s at the start of Porr's recordings
TASKS = ("movehead", "movehat", "jaw")
WORN = 62.0  # s
HEADINGS = {
    "noref_motion_ratio": "power in motion / at rest [dB]",
    "noref_gvtd_ratio": "GVTD, 95 % / median",
    "noref_sci": "SCI",
    "noref_quiet_change": "change at rest [dB]",
    "noref_alpha": "alpha preserved",
    "noref_pulse": "pulse preserved",
    "noref_accelerometer": "agreement with accelerometer",
}


@dataclass(frozen=True)
class InMotion:
    """A recording with motion, and of which participant."""

    group: str
    name: str
    participant: str
    load: Callable[[], xr.DataTree]


def recordings(folder: Path) -> Iterator[InMotion]:
    for task in TASKS:
        for path in sorted((folder / "eeg_motion/porr").glob(f"*_task-{task}_eeg.vhdr")):
            yield InMotion(
                "Two electrodes (Porr)", path.stem, path.stem[:6], lambda p=path: _porr(p)
            )
    for path in sorted((folder / "fnirs_motion/homer3_twni").glob("*.snirf")):
        yield InMotion("fNIRS (Homer3 twNI)", path.stem, path.stem[:2], lambda p=path: _read(p))
    place = folder / "simultaneous/openmuse_worn/own_zero"
    yield InMotion("Both (OpenMuse)", "openmuse", "openmuse", lambda: _openmuse(place))


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


def jobs(present: tuple[str, ...]) -> Iterator[tuple[str, str, Callable]]:
    """Name, key and function of everything that may clean these modalities."""
    for name, treated, path in packaged():
        if set(treated) & set(present) and (name == JOINT) <= (len(present) > 1):
            yield name, weights_key(path), lambda r, n=name: clean(r, n)
            if name == JOINT:
                yield MISMATCHED, weights_key(path), _beside_mismatched
    for name, one in baselines().items():
        if set(one.streams) & set(present):
            yield name, method_key(name), lambda r, n=name: clean(r, n)


def _beside_mismatched(recording: xr.DataTree) -> xr.DataTree:
    """Each modality cleaned beside the other one of another participant, in motion elsewhere."""
    other_participant = next(iter(islice(pairs("validation"), 1)))[1]
    mismatched = inject(other_participant, seed=5)[1]
    cleaned = recording
    for stream, modality in MODALITIES.items():
        beside = clean(with_partner(recording, mismatched, modality.other.name), JOINT)
        cleaned = with_stream(cleaned, stream, stream_dataset(beside, stream))
    return cleaned


def streams_of(name: str) -> tuple[str, ...]:
    """The modalities that the method of a row treats."""
    return get_method(JOINT if name == MISMATCHED else name).streams


def facts(before: xr.DataTree, name: str, how: Callable) -> dict:
    try:
        value = score_no_reference(before, how(before)).value
    except NeurofuseError as error:
        return {"failure": str(error)}
    treated = streams_of(name)
    return {
        "value": {
            s: {m: float(value.sel(modality=s, metric=m)) for m in UNITS}
            for s in value.modality.values.tolist()
            if s in treated
        }
    }


def run(folder: Path, chosen: list[InMotion]) -> dict[str, dict[str, dict]]:
    """name of recording: method: facts."""
    own = folder / result_key("real motion")
    facts_of: dict[str, dict[str, dict]] = {}
    for one in track(chosen, description="recordings"):
        before = one.load()
        for name, key, how in jobs(streams(before)):
            target = own / f"{one.name}_{name}_{key}.json".replace(" ", "-")
            if not target.exists():
                write(target, facts(before, name, how))
            facts_of.setdefault(one.name, {})[name] = json.loads(target.read_text())
    return facts_of


def table(chosen: list[InMotion], facts_of: dict[str, dict[str, dict]], stream: str) -> xr.Dataset:
    """value (recording, method, modality, metric) of one stream, as `statistics` takes it."""
    names = list(dict.fromkeys(n for m in chosen for n in facts_of[m.name]))
    value = np.full((len(chosen), len(names), 1, len(UNITS)), np.nan)
    for i, one in enumerate(chosen):
        for j, name in enumerate(names):
            own = facts_of[one.name].get(name, {}).get("value", {}).get(stream, {})
            value[i, j, 0] = [own.get(metric, np.nan) for metric in UNITS]
    dims = ("recording", "method", "modality", "metric")
    coords = {"method": names, "modality": [stream], "metric": list(UNITS)}
    extra = {
        "units": ("metric", list(UNITS.values())),
        "subject": ("recording", [m.participant for m in chosen]),
    }
    return xr.Dataset({"value": (dims, value)}, coords | extra)


def tables(chosen: list[InMotion], facts_of: dict[str, dict[str, dict]]) -> dict[str, Table]:
    """No-reference metrics of every method, by group of recordings and modality."""
    made = {}
    for group in dict.fromkeys(m.group for m in chosen):
        own = [m for m in chosen if m.group == group]
        participants = len({m.participant for m in own})
        for stream, modality in MODALITIES.items():
            whole = table(own, facts_of, stream).dropna("metric", how="all")
            if not whole.metric.size:
                continue
            summary = summarise(whole, against=UNCORRECTED).sel(modality=stream)
            shown = [m for m in HEADINGS if m in summary.metric.values]
            columns = ["method", *(HEADINGS[m] for m in shown)]
            rows = []
            for name in summary.method.values.tolist():
                row = summary.sel({"method": name})
                if not row.people.values.any():
                    failures = [facts_of[m.name][name].get("failure", "") for m in own]
                    reason = next((f for f in failures if f), "")
                    if reason and stream in streams_of(name):
                        rows.append(no_run(row_name(name), reason, len(columns)))
                    continue
                cells = [_cell(row.sel(metric=m)) for m in shown]
                rows.append([row_name(name), *cells])
            title = f"{group}: {modality.display}, {len(own)} of {participants}"
            made[title] = Table(columns, rows)
    return made


def _cell(one: xr.Dataset) -> str:
    if not int(one.people):
        return "–"
    mean, low, high = (float(one[n]) for n in ("mean", "low", "high"))
    digits = 1 if one.units.item() == "dB" else 2
    text = f"{mean:.{digits}f}"
    return text if int(one.people) < 3 else f"{text} [{low:.{digits}f}, {high:.{digits}f}]"


QUESTION = """What does each method do to recordings with real motion, whose truth is unknown?
Motion is detected once, in the uncorrected recording: EEG where the RMS over 1 s is six robust
standard deviations above its median, fNIRS by GVTD (`neurofuse.fusion.metrics.no_reference`).
Recordings of one participant are averaged first; 95 % bootstrap intervals by participant where
there are three or more. The column names the recordings and how many participants they are of.
Shown: power ratio of motion to rest or GVTD, change at rest and preserved alpha or pulse of the
models, the references and some baseline methods."""
LIMITS = """The figures show that something shrank, never that it was artifact: an output of zeros
does best where only shrinking counts. Read each row whole: less motion, rest unchanged (the more
negative the better; −100 is uncorrected), alpha and pulse near 1. What a method gets right is
measured with injected motion ([joint gain](joint_gain.md)). None of these recordings was used in
training; what the generator of motion was fitted to stands in [synthetic motion](../synth.md)."""
SHOWN = ("uncorrected", "zero", "joint", *ALONE.values(), "asr", "wiener", "tddr")


def page(made: dict[str, Table]) -> Page:
    """One table of the main metrics on the page, all metrics in the file."""
    rows = []
    for title, one in made.items():
        for row in one.only("method", list(SHOWN)).rows:
            cells = dict(zip(one.columns, row, strict=True))
            motion = (
                cells.get(HEADINGS["noref_motion_ratio"]) or cells[HEADINGS["noref_gvtd_ratio"]]
            )
            still = cells[HEADINGS["noref_quiet_change"]]
            brain = cells.get(HEADINGS["noref_alpha"], cells.get(HEADINGS["noref_pulse"], "–"))
            rows.append([title, row[0], motion, still, brain])
    columns = ["recordings", "method", "left in motion", "change at rest [dB]", "preserved"]
    return Page(
        title="Real motion",
        question=QUESTION,
        table=Table(columns, rows),
        limits=LIMITS,
        command="python -m benchmarks.real_data.real_motion --page docs/measured/real_motion.md",
        data={"": stacked(made, "recordings")},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "runs/real_motion")
    parser.add_argument("--only", default="", help="names of recordings that match this pattern")
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    chosen = [m for m in recordings(recordings_folder()) if re.search(options.only, m.name)]
    made = page(tables(chosen, run(options.out, chosen)))
    print(made.markdown("real_motion"))
    if options.page:
        made.write(options.page)


if __name__ == "__main__":
    main()
