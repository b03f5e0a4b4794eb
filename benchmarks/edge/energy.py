"""How much artifact goes for how much estimated power: the joint model, rounded, and its student.

python -m benchmarks.edge.energy --page docs/measured/edge.md
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import matplotlib.pyplot as plt

from benchmarks.common.page import Page, Table, figure_of
from benchmarks.edge import compress, cost, curve
from benchmarks.edge.errors import (
    MONTAGES,
    SEVERITIES,
    Row,
    by_person,
    chosen,
    difference,
    text,
)
from benchmarks.edge.power import BUDGET, CHIPS, CLAIM, LEAST, PULP
from neurofuse.io.modality import MODALITIES

WORN, FEW = MONTAGES  # the montages by name
SHOWN = ("float", "int8", "pruned 30 %", "pruned 30 %, int8", compress.UNFILTERED)
ALLOWED = 0.5  # dB that a student may lose
DRAWN = ("int8",)  # and the models as they are

QUESTION = """How much artifact goes for how much power, and what is lost when the network is made
smaller? Minutes of clean recordings of validation people with generated movement of the same times
in both modalities, weak 0.2 and strong 1, the same for all models. Error: energy of (cleaned -
true) in motion over that of the true signal, fNIRS as optical density; *less*: error before minus
error after. *Over joint*: how much larger the error is than that of `joint` in the same windows.
Means over people; 95 % intervals are in the CSV. Multiply-adds (network + filters), estimated
power and *less* are of 8 EEG and 8 fNIRS channels."""
LIMITS = """Power is estimated, not measured: multiply-adds over what others measured with other
networks of 8 bits; traffic to memory is not known, and the filters compute in floats, which
take more than estimated, as does a network in floats. The 12 dB at 5 mW in the figure is a claim
without a source. Rounding is of weights alone ([inputs and other operators](edge_export.md)).
Pruning saves neither bytes nor time here: zeros are stored and multiplied like all else. Weights
and settings were chosen on these people; fNIRS are few."""


def lowered(found: list[Row], model: str, modality: str) -> list[str]:
    """By how much errors are lowered with 8 + 8 channels, weak and strong."""
    own = chosen(found, model=model, modality=modality, montage=WORN)
    return [text(by_person(chosen(own, severity=w), "reduction")) for w in SEVERITIES]


def over_joint(found: list[Row], model: str, modality: str) -> list[str]:
    """How much larger errors are than those of the joint model, by montage."""
    cells = []
    for montage in MONTAGES:
        own = chosen(found, model=model, modality=modality, montage=montage)
        whole = chosen(found, model=compress.FULL, modality=modality, montage=montage)
        cells.append(text(difference(own, whole), 2))
    return cells


def whole_table(found: list[Row], weights: Iterable[Path], costs: list[cost.Cost]) -> Table:
    """A row a model and step, with intervals."""
    used = {one.model: one for one in costs if one.montage == WORN}
    sizes = {r[0]: r[1] for r in compress.table(found, weights).rows}
    rows = []
    for model, size in sizes.items():
        one = used[model] if model in used else used[model.split(", ")[0]]
        cells = [size, f"{one.network / 1e6:.1f}", f"{one.filters / 1e6:.1f}"]
        cells += [f"{chip.milliwatts(one.network + one.filters):.3g}" for chip in CHIPS]
        for s in MODALITIES:
            cells += lowered(found, model, s) + over_joint(found, model, s)
        rows.append([model, *cells])
    columns = ["model", "weights [kB]", "network [10⁶/s]", "filters [10⁶/s]"]
    columns += [f"{chip.name} [mW]" for chip in CHIPS]
    for s in MODALITIES:
        name = MODALITIES[s].display
        columns += [f"{name} less, {w} [dB]" for w in SEVERITIES]
        columns += [f"{name} over joint, {m} [dB]" for m in MONTAGES]
    return Table(columns, rows)


def short_table(whole: Table) -> Table:
    """What fits a page: means alone, in pairs."""
    at = {name: k for k, name in enumerate(whole.columns)}
    columns = ["model", "kB", "10⁶/s", f"{PULP.name} [mW]", f"{CHIPS[-1].name} [mW]"]
    names = [MODALITIES[s].display for s in MODALITIES]
    columns += [f"{n} less [dB]: weak, strong" for n in names]
    columns += [f"{n} over joint [dB]: {WORN}, {FEW}" for n in names]
    rows = []
    for row in whole.rows:
        step = row[0].split(", ", 1)[1] if ", " in row[0] else "float"
        if step not in SHOWN:
            continue

        def pair(*heads: str, row: list[str] = row) -> str:
            return ", ".join(row[at[head]].split(" [")[0] for head in heads)

        cells = [row[0], row[at["weights [kB]"]]]
        cells.append(f"{row[at['network [10⁶/s]']]} + {row[at['filters [10⁶/s]']]}")
        cells += [row[at[f"{chip.name} [mW]"]] for chip in (PULP, CHIPS[-1])]
        cells += [pair(*(f"{n} less, {w} [dB]" for w in SEVERITIES)) for n in names]
        cells += [pair(*(f"{n} over joint, {m} [dB]" for m in MONTAGES)) for n in names]
        rows.append(cells)
    return Table(columns, rows)


def draw(whole: Table, target: Path) -> None:
    """Artifact reduction over estimated power."""
    at = {name: k for k, name in enumerate(whole.columns)}
    marks = dict(zip((chip.name for chip in CHIPS), ("^", "o", "s"), strict=True))
    shown = [r for r in whole.rows if r[0].split(", ", 1)[-1] in (*DRAWN, r[0])]
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    for axis, s in zip(axes, MODALITIES, strict=True):
        name = MODALITIES[s].display
        for number, row in enumerate(shown):
            strong = float(row[at[f"{name} less, strong [dB]"]].split(" [")[0])
            power = [float(row[at[f"{chip.name} [mW]"]]) for chip in CHIPS]
            axis.plot(power, [strong] * len(power), color=f"C{number}", lw=0.5)
            for chip, x in zip(CHIPS, power, strict=True):
                # hollow and larger where another lies within, as rounding changes nothing
                look = {} if ", " in row[0] else {"mfc": "none", "ms": 11}
                axis.plot(x, strong, marks[chip.name], color=f"C{number}", **look)
            axis.plot([], [], color=f"C{number}", label=row[0])
        axis.axhline(LEAST[s], color="0.7", lw=0.8, ls=":")
        axis.axvline(BUDGET, color="0.7", lw=0.8, ls=":")
        if s == "eeg":
            axis.plot(*CLAIM, "x", color="k", label="a claim without a source")
        axis.set(xscale="log", title=name, xlabel="estimated power [mW]", ylim=(0, None))
    for chip, mark in marks.items():
        axes[1].plot([], [], mark, color="0.4", label=chip)
    axes[0].set_ylabel("error less, strong motion [dB]")
    handles = {h.get_label(): h for axis in axes for h in axis.get_legend_handles_labels()[0]}
    figure.legend(handles.values(), handles.keys(), loc="outside right center", fontsize=7)
    figure.savefig(target, dpi=120)
    plt.close(figure)


def page(
    found: list[Row], weights: list[Path], costs: list[cost.Cost], sizes: list[curve.Point]
) -> Page:
    """All that was measured on one screen."""
    whole = whole_table(found, weights, costs)
    full = {f"{c.model}, {c.montage}": c for c in costs}
    big = full[f"{compress.FULL}, 32 + 40"]
    said = "; ".join(f"{p.parameters} weights {p.eeg:.1f}, {p.nirs:.1f}" for p in sizes)
    parts = [
        QUESTION,
        f"Sources: {'; '.join(f'{c.name} {c.efficiency:g} GMAC/s/W ({c.source})' for c in CHIPS)}. "
        f"With 32 + 40 channels `joint` takes {big.network / 1e6:.0f} + {big.filters / 1e6:.0f} "
        f"million a second, {PULP.milliwatts(big.network + big.filters):.1f} mW on {PULP.name}.",
    ]
    for path in weights[1:]:
        gaps = [
            f"{MODALITIES[s].display} {' and '.join(over_joint(found, path.stem, s))}"
            for s in MODALITIES
        ]
        size = full[f"{path.stem}, {WORN}"].parameters
        parts.append(
            f"**Over joint**, `{path.stem}` of {size} weights, with {' and '.join(MONTAGES)} "
            f"channels [dB]: {'; '.join(gaps)}; at most {ALLOWED:g} is wanted."
        )
    if sizes:
        parts.append(
            f"**Error over size** [dB, EEG and fNIRS], widths {', '.join(map(str, curve.WIDTHS))}, "
            f"{curve.STEPS} steps from one teacher, and `joint` as it is: {said}."
        )
    return Page(
        title="On a wearable's budget",
        question="\n\n".join(parts),
        table=short_table(whole),
        limits=LIMITS,
        command=("python -m benchmarks.edge.curve\n" if sizes else "")
        + "python -m benchmarks.edge.energy --page docs/measured/edge.md",
        figure="Artifact reduction in strong motion over estimated power",
        data={
            "": whole,
            "cost": cost.table(costs),
            **({"curve": curve.table(sizes)} if sizes else {}),
            "errors": Table(
                ["model", "modality", "montage", "severity", "person", "pair", "before", "after"],
                [
                    [r.model, r.modality, r.montage, r.severity, r.person, str(r.pair)]
                    + [f"{x:.3f}" for x in (r.before, r.after)]
                    for r in found
                ],
            ),
        },
    )


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--weights", nargs="*", type=Path, default=[compress.STUDENT], help="beside joint"
    )
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args(None if arguments is None else list(arguments))
    weights = [compress.WHOLE, *options.weights]
    found = [row for path in weights for row in compress.measured(path)]
    models = cost.given_models(options.weights)
    for path in weights:
        models |= compress.unfiltered(path)
    made = page(found, weights, cost.costs(models), curve.points())
    print(made.markdown("edge"))
    if options.page:
        made.write(options.page)
        draw(made.data[""], figure_of(options.page))


if __name__ == "__main__":
    main()
