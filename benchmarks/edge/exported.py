"""How close is an export to its model, how soon does it start, and what of it computes in 8 bits?

python -m benchmarks.edge.exported --page docs/measured/edge_export.md
"""

import argparse
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common.keys import result_key
from benchmarks.common.page import Page, Table
from benchmarks.edge import quantised, startup
from benchmarks.edge.compress import FULL, RUNS, STUDENT, WHOLE
from benchmarks.edge.quantised import Rounded
from neurofuse.fusion.export import export_model
from neurofuse.fusion.methods.registry import SMALL
from neurofuse.io.modality import MODALITIES
from neurofuse.models.edge.spec import read_spec

WEIGHTS = {FULL: WHOLE, SMALL: STUDENT}
REPEATS = 3
WANTED = {  # at most so many times what it is with torch
    f"{startup.FIRST}, core [s]": 0.5,
    f"{startup.FIRST}, memory [MB]": 0.4,
    startup.WHOLE: 1.0,
    startup.NETWORK: 1 / 1.5,
}
QUESTION = """How close is an export to its model, how soon does it clean, and what of the network
can compute in 8 bits?

Times and memory are of `joint` and a minute of 32 EEG and 24 fNIRS channels, on one thread, the
fastest of three starts (a process each: import, read, clean), or the median of three turns within a
process. Errors are the energy of (cleaned - true) in motion over that of the true signal, in
recordings of validation people with injected motion, and simulated ones."""
LIMITS = """One machine, on which others computed at the same time. 8-bit ranges are measured on the
same people as errors, in other motion; rounding is simulated in floats by onnxruntime, as on common
processors."""


@dataclass(frozen=True)
class Parity:
    """How far an export is from its model, in all rows of its report."""

    model: str
    bits: int
    kilobytes: float
    worst: float  # dB
    equal: float  # smallest share of equal masks
    rows: int


def parity(model: str, bits: int) -> Parity:
    """Of a packaged model; its export is made where there is none of these weights yet."""
    key = result_key("export", bits, files=[WEIGHTS[model]])
    folder = RUNS / "exports" / f"{model}-{bits}-{key}"
    if not (folder / "parity.json").exists():
        export_model(FULL, folder, int8=bits == 8, student=model == SMALL)
    rows = json.loads((folder / "parity.json").read_text())["rows"]
    return Parity(
        model,
        bits,
        sum(part.bytes for part in read_spec(folder).files.values()) / 1e3,
        max(abs(row["model_db"] - row["export_db"]) for row in rows),
        min(row["gate_close"] for row in rows),
        len(rows),
    )


def started(repeats: int = REPEATS) -> dict[str, list[float]]:
    """With torch and with the export, by what was measured; kept."""
    key = result_key("export", 32, files=[WHOLE])
    file = RUNS / f"startup-{key}.json"
    if not file.exists():
        found = startup.measured(RUNS / "exports" / f"{FULL}-32-{key}", repeats)
        file.write_text(json.dumps({name: list(map(float, v)) for name, v in found.items()}))
    return json.loads(file.read_text())


def table(times: Mapping[str, list[float]]) -> Table:
    """With torch beside the export."""
    rows = []
    for name, (one, other) in times.items():
        wanted = f"{WANTED[name]:.2f}" if name in WANTED else "–"
        rows.append([name, f"{one:.3g}", f"{other:.3g}", f"{other / one:.2f}", wanted])
    return Table(["", "with torch", "export", "ratio", "wanted at most"], rows)


def page(times: Mapping[str, list[float]], close: list[Parity], bits: list[Rounded]) -> Page:
    """All that was measured on one screen."""
    said = "; ".join(
        f"`{p.model}`{', 8 bits' if p.bits == 8 else ''}: {p.kilobytes:.0f} kB, {p.worst:.3f} dB, "
        f"{100 * p.equal:.2f} %"
        for p in close
    )
    whole = quantised.table(bits)
    means = [column for column in whole.columns if column.endswith("worse [dB]")]
    at = {column: whole.columns.index(column) for column in means}
    told = []
    for model in dict.fromkeys(row.model for row in bits):
        rows = [row for row in whole.rows if row[0] == model]
        parts = (f"{row[1]} {', '.join(row[at[c]] for c in means)}" for row in rows)
        told.append(f"`{model}`: {'; '.join(parts)}")
    names = " and ".join(MODALITIES[s].display for s in MODALITIES)
    return Page(
        title="Without torch",
        question="\n\n".join(
            [
                QUESTION,
                f"**Parity** (size of the networks; largest difference of error between model and "
                f"export in {close[0].rows} rows; smallest share of the mask that is equal within "
                f"0.01): {said}. Wanted: 0.05 dB and 99.9 % in floats, 0.1 dB in 8 bits.",
                f"**8 bits** (error over that in floats [dB], mean of {names}; each kind of "
                f"operators alone, weights and inputs by static calibration): {'. '.join(told)}.",
            ]
        ),
        table=table(times),
        limits=LIMITS,
        command="python -m benchmarks.edge.exported --page docs/measured/edge_export.md",
        data={"": table(times), "parity": _parity_table(close), "operators": whole},
    )


def _parity_table(close: list[Parity]) -> Table:
    rows = [
        [p.model, str(p.bits), f"{p.kilobytes:.1f}", f"{p.worst:.4f}", f"{p.equal:.5f}"]
        for p in close
    ]
    return Table(["model", "bits", "networks [kB]", "most [dB]", "least equal masks"], rows)


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args(None if arguments is None else list(arguments))
    close = [parity(model, bits) for model in WEIGHTS for bits in (32, 8)]
    bits = [row for path in WEIGHTS.values() for row in quantised.measured(path)]
    made = page(started(), close, bits)
    print(made.markdown("edge_export"))
    if options.page:
        made.write(options.page)


if __name__ == "__main__":
    main()
