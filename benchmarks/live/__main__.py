"""How much worse is cleaning while recording than afterwards, and does it keep up?

OMP_NUM_THREADS=1 python -m benchmarks.live --page docs/measured/live.md
"""

import argparse
import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from rich.progress import track

from benchmarks.common.keys import weights_key
from benchmarks.common.page import Page, Table
from benchmarks.common.paths import ROOT
from benchmarks.common.statistics import cell
from benchmarks.live.cost import MONTAGES, PARTS, Cost, cost
from benchmarks.live.errors import LIVE, UNTOUCHED, WHEN, ZEROS, Row, at_lookaheads, rows
from benchmarks.live.still import Still, by_person, changes
from neurofuse.io.modality import MODALITIES

SEVERITIES = {"weak": 0.2, "strong": 1.0}
COLUMNS = {
    "weak [dB]": (0.2, WHEN[0]),
    "strong [dB]": (1.0, WHEN[0]),
    "strong, first 20 s [dB]": (1.0, WHEN[1]),
    "weak, at rest [dB]": (0.2, WHEN[2]),
}
REFERENCES = (UNTOUCHED, ZEROS)  # whose change at rest says nothing
AHEAD = [0.5, 1.0, 2.0, 4.0]  # s
MOST = 4  # recordings whose look-ahead is varied
HOUR = 3600.0  # s

QUESTION = """How much worse is cleaning while recording than afterwards, and does it keep up?

Errors: pairs of clean recordings of validation participants with generated motion that shares its
times (weak 0.2, strong 1), scored in motion of -5 to 20 dB as on the page of [19
channels](joint_gain.md), from the very first sample: EEG as a whole, fNIRS in 0.01-0.7 Hz; means
over recordings with 95 % intervals. EEG comes 0.1 s late, fNIRS 1 s. At rest: what is changed in
channels at rest while others move. Cost: computing for a hop of 0.1 s on one thread, 250 Hz and
10 Hz, a simulated recording with movement."""
LIMITS = """Weights and settings were chosen on these participants; there are no fresh ones with
many channels. Motion is generated. Times are of the machine that the page was made on, with 2
cores."""


def error_table(found: list[Row]) -> Table:
    """Errors by modality and method: of both severities, and more of the strong one."""
    lines = []
    for s in MODALITIES:
        for method in dict.fromkeys(r.method for r in found if r.modality == s):
            own = [r for r in found if (r.modality, r.method) == (s, method)]
            cells = [
                cell([r.value for r in own if (r.severity, r.when) == (severity, when)])
                if when != WHEN[2] or method not in REFERENCES
                else "–"
                for severity, when in COLUMNS.values()
            ]
            lines.append([MODALITIES[s].display, method, *cells])
    return Table(["modality", "method", *COLUMNS], lines)


def lookahead_table(found: list[Row]) -> Table:
    """The error of fNIRS by look-ahead."""
    lines = [
        [method, cell([r.value for r in found if r.method == method and r.when == "all"])]
        for method in dict.fromkeys(r.method for r in found)
    ]
    return Table(["fNIRS, strong", "error [dB]"], lines)


def cost_table(costs: dict[str, Cost]) -> Table:
    """Computing times and memory."""
    lines = []
    for name, one in costs.items():
        parts = np.array_split(one.hops, PARTS)
        medians = [float(1e3 * np.median(p)) for p in (parts[0], parts[-1])]
        lines.append(
            [
                name,
                *(f"{one.milliseconds(q):.1f}" for q in (0.5, 0.99, 1.0)),
                f"{medians[0]:.1f} → {medians[1]:.1f}",
                f"{one.grown:.1f}",
            ]
        )
    columns = ["channels", "p50 [ms]", "p99 [ms]", "largest [ms]", "first → last sixth [ms]"]
    return Table([*columns, "memory grown [MiB]"], lines)


def page(found: list[Row], ahead: list[Row], quiet: list[Still], costs: dict[str, Cost]) -> Page:
    """The page of all that was measured."""
    spent = cost_table(costs)
    said = "; ".join(
        f"{r[0]}: p50 {r[1]} ms, p99 {r[2]} ms, largest {r[3]} ms, {r[4]} ms, memory +{r[5]} MiB"
        for r in spent.rows
    )
    looked = ", ".join(
        f"{r[0].removeprefix(LIVE + ', ')} {r[1]}" for r in lookahead_table(ahead).rows
    )
    rested = "; ".join(f"{kind} {cell(v)}" for kind, v in by_person(quiet).items())
    return Page(
        title="Cleaning while recording",
        question=f"{QUESTION}\n\n**Cost** of a hop ({_span(costs)}). {said}.\n\n"
        f"**Look-ahead of fNIRS**, strong motion [dB]: {looked}.\n\n"
        f"**Where nobody moves** ([at rest](still.md), validation people), change [dB]: {rested}.",
        table=error_table(found),
        limits=LIMITS,
        command="OMP_NUM_THREADS=1 python -m benchmarks.live --page docs/measured/live.md",
        data={
            "": Table(
                ["modality", "severity", "recording", "method", "when", "error"],
                [
                    [r.modality, f"{r.severity:g}", r.recording, r.method, r.when, f"{r.value:.3f}"]
                    for r in [*found, *ahead]
                ],
            ),
            "cost": spent,
            "still": Table(
                ["kind", "participant", "change"],
                [[one.kind, one.participant, f"{one.value:.2f}"] for one in quiet],
            ),
        },
    )


def _span(costs: dict[str, Cost]) -> str:
    minutes = {round(len(one.hops) / 600) for one in costs.values()}
    return f"{' and '.join(map(str, sorted(minutes)))} minutes on end"


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--most", type=int, default=100, help="recordings")
    parser.add_argument("--seconds", type=float, default=HOUR, help="how long the cost is measured")
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args(None if arguments is None else list(arguments))
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    costs = {name: cost(given, options.seconds) for name, given in MONTAGES.items()}
    print(cost_table(costs).markdown())
    key = weights_key(ROOT / "models/pretrained" / "joint-live.safetensors")
    kept = ROOT / "runs/live" / f"errors-{key}.jsonl"
    found = list(track(rows("validation", SEVERITIES.values(), options.most, kept)))
    ahead = list(at_lookaheads("validation", AHEAD, min(MOST, options.most), SEVERITIES["strong"]))
    made = page(found, ahead, changes("validation"), costs)
    print(made.markdown("live"))
    if options.page:
        made.write(options.page)


if __name__ == "__main__":
    main()
