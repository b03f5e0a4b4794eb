"""Generated motion beside real motion, quantity by quantity, with one and the same measure.

    python -m benchmarks.realism --page docs/measured/synth_realism.md

Every key of motion_statistics.json that is strong enough to be a target ("ok") has a row, or is
listed with the reason why it is no property of motion. A row is inside if the generated value (the
median of a distribution, or the same number) lies in the measured range: 5-95 % of the JSON, or
25-75 % where it has no more; for a single number 5-95 % of what this code finds in the single real
recordings (fNIRS) or participants (EEG). Exit status 1 if a row of strength "ok" is outside.
Needs the real recordings: NEUROFUSE_DATA.
"""

import argparse
import logging
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.common.page import Page, Table, figure_of
from benchmarks.common.paths import recordings_folder
from benchmarks.realism import eeg, nirs
from benchmarks.realism.clean import clean_quantities, real_quantities
from benchmarks.realism.nirs import Values, summarise

PARTICIPANTS = 16  # simulated, for clean physiology
EXCUSED = {
    r"xmodal_power_": "how much of an injected coupling an estimator finds again: its power",
    r"eeg_relaxinglieing_": "rest: these recordings are themselves the base",
    r"fnirs_clean_.*_scalp_coupling_gt_0p7": "contact of the optodes in one set of recordings",
    r"(eeg|fnirs)_clean_": "clean physiology: of `simulate`, not of motion",
}
UNITS = (
    (r"per_min", "1/min"),
    (r"_db(_|$)", "dB"),
    (r"_uv(_|$)", "uV"),
    (r"_s(_ge|_q|_median|$)", "s"),
    (r"_rms_od|_peak_abs_od", "OD"),
    (r"_peak_hz", "Hz"),
)  # all else is a number


@dataclass
class Row:
    """One quantity: what the JSON, this code on real, and this code on generated motion say."""

    key: str
    strength: str
    middle: float
    low: float
    high: float
    kind: str  # of range
    real: float
    made: float
    spread: tuple[float, float]  # 5-95 % over generated recordings
    quarters: tuple[bool | None, bool | None]  # generated q25 and q75 inside the JSON's q05-q95

    @property
    def inside(self) -> bool:
        return self.low <= self.made <= self.high

    @property
    def unit(self) -> str:
        return next((u for p, u in UNITS if re.search(p, self.key)), "1")


def bases(wanted: dict[str, dict]) -> dict[str, dict[str, float]]:
    """Base key to its quantiles ("" for a single number)."""
    results: dict[str, dict[str, float]] = {}
    for key, entry in wanted.items():
        match = re.fullmatch(r"(.*)_(q\d\d(?:p9)?)", key)
        base, name = match.groups() if match else (key, "")
        results.setdefault(base, {})[name] = float(entry["value"])
    return results


def rows_of(wanted: dict[str, dict], real: list[Values], made: list[Values]) -> list[Row]:
    """A row for each quantity that was measured in generated motion."""
    all_real, all_made = summarise(real), summarise(made)
    each_real, each_made = ([summarise([m]) for m in g] for g in (real, made))
    rows = []
    for base, have in bases(wanted).items():
        names = [n for n in have if not have.keys() >= {"q25", "q50", "q75"} or n == "q50"]
        if "q05" not in have and "q95" in have:  # only the upper half: each one by itself
            names = list(have)
        for name in names:
            key = f"{base}_{name}" if name else base
            if not any(k.startswith(base) for k in all_real):
                continue
            low, high, kind = _range(have, name, key, each_real)
            spread = _percentiles([e[key] for e in each_made if key in e])
            quarters: list[bool | None] = [None, None]
            if name == "q50" and "q05" in have and f"{base}_q25" in all_made:
                quarters = [
                    bool(have["q05"] <= all_made[f"{base}_{q}"] <= have["q95"])
                    for q in ("q25", "q75")
                ]
            row = Row(
                key,
                wanted[key]["strength"],
                have[name],
                low,
                high,
                kind,
                all_real.get(key, np.nan),
                all_made.get(key, np.nan),
                spread,
                (quarters[0], quarters[1]),
            )
            rows.append(row)
    return rows


def _range(have: dict, name: str, key: str, each: list[dict]) -> tuple[float, float, str]:
    if name == "q50" and {"q05", "q95"} <= have.keys():
        return have["q05"], have["q95"], "5-95 %"
    if name == "q50" and set(have) == {"q25", "q50", "q75"}:
        return have["q25"], have["q75"], "25-75 %"
    return *_percentiles([e[key] for e in each if key in e]), "real, each"


def _percentiles(values: list[float]) -> tuple[float, float]:
    if not values:
        return np.nan, np.nan
    low, high = np.percentile(values, [5, 95])
    return float(low), float(high)


def by_subject(results: list[tuple[str, str, Values]]) -> list[Values]:
    """All tasks of a subject (or of a subject and seed) are one recording."""
    joined: list[Values] = []
    last = ""
    for subject, _, values in results:
        if subject != last:
            joined.append({})
        joined[-1] |= values
        last = subject
    return joined


def clean_rows(wanted: dict[str, dict], seeds: int) -> list[Row]:
    """Rows of simulated clean physiology."""
    results = clean_quantities(range(nirs.FRESH, nirs.FRESH + seeds))
    real = real_quantities(recordings_folder())
    rows = []
    for base, have in bases(wanted).items():
        if base not in results or not {"q25", "q50", "q75"} <= have.keys():
            continue
        values = np.asarray(results[base], float)
        key, ends = f"{base}_q50", ("q05", "q95") if "q05" in have else ("q25", "q75")
        low, high = have[ends[0]], have[ends[1]]
        at = np.percentile(values, [25, 50, 75])
        quarters = (bool(low <= at[0] <= high), bool(low <= at[2] <= high))
        spread = _percentiles(values.tolist())
        strength = wanted[key]["strength"]
        kind = "5-95 %" if "q05" in have else "25-75 %"
        again = float(np.median(real[base])) if len(real.get(base, ())) else np.nan
        row = Row(key, strength, have["q50"], low, high, kind, again, at[1], spread, quarters)
        rows.append(row)
    return rows


def excuses(wanted: dict[str, dict], rows: list[Row]) -> tuple[dict[str, list[str]], list[str]]:
    """Base keys of strength "ok" without a row, by reason; and those without a reason."""
    shown = {re.sub(r"_q\d\d(p9)?$", "", r.key) for r in rows}
    left: dict[str, list[str]] = {}
    uncovered = []
    for base, have in bases(wanted).items():
        key = next(f"{base}_{n}" if n else base for n in have)
        if wanted[key]["strength"] != "ok" or base in shown:
            continue
        reason = next((r for p, r in EXCUSED.items() if re.match(p, base)), None)
        if reason is None:
            uncovered.append(base)
        else:
            left.setdefault(reason, []).append(base)
    return left, uncovered


def number(value: float) -> str:
    return "–" if not np.isfinite(value) else f"{value:.3g}"


def table(rows: list[Row]) -> Table:
    """All rows: what was measured, measured again, and generated."""
    columns = ["part", "quantity", "unit", "measured middle", "measured range", "range of"]
    columns += ["real, this code", "generated", "generated 5-95 %", "q25, q75 inside", "inside"]
    words = {None: "–", True: "yes", False: "no"}
    lines = [
        [
            _part(r),
            re.sub("_q50$", "", r.key),
            r.unit,
            number(r.middle),
            f"{number(r.low)} to {number(r.high)}",
            r.kind,
            number(r.real),
            number(r.made),
            f"{number(r.spread[0])} to {number(r.spread[1])}",
            ", ".join(words[q] for q in r.quarters) if r.quarters[0] is not None else "–",
            words[r.inside],
        ]
        for r in rows
    ]
    return Table(columns, lines)


def _part(row: Row) -> str:
    if row.strength != "ok":
        return WEAK
    return CLEAN if "_clean_" in row.key and "_psd_" not in row.key else MOTION


def shown(rows: Table) -> Table:
    """Targets and those inside, by group of quantities."""
    at = {name: k for k, name in enumerate(rows.columns)}
    groups: dict[str, list[list[str]]] = {}
    for row in rows.rows:
        if row[at["part"]] != WEAK:
            parts = row[at["quantity"]].split("_")
            modality = {"eeg": "EEG", "fnirs": "fNIRS"}[parts[0]]
            clean = row[at["part"]] == CLEAN
            what = "clean, simulated" if clean else f"motion: {GROUPS.get(parts[1], 'other')}"
            groups.setdefault(f"{modality}, {what}", []).append(row)
    lines = []
    for name, own in groups.items():
        inside = [row[at["inside"]] for row in own]
        quarters = ", ".join(row[at["q25, q75 inside"]] for row in own).replace("–", "")
        outside = ", ".join(row[at["quantity"]] for row in own if row[at["inside"]] == "no")
        yes, no = (len(re.findall(rf"\b{word}\b", quarters)) for word in ("yes", "no"))
        lines.append(
            [name, str(len(own)), str(inside.count("yes")), f"{yes} of {yes + no}", outside]
        )
    return Table(["quantities", "targets", "inside", "quartiles inside", "outside"], lines)


def again(real_nirs: list[Values], real_eeg: list[Values]) -> str:
    """How well this code gives the JSON's figures, and how quiet the base is."""
    near = nirs.agreement(summarise(real_nirs), nirs.MOTION)
    near_eeg = nirs.agreement(summarise(real_eeg), eeg.MOTION)
    rate = "fnirs_event_rate_per_channel_per_min_ge0p1"
    base = np.mean([nirs.measure(nirs.quiet(r))[rate] for r in nirs.runs_of_twni()])
    true = np.mean([m[rate] for m in real_nirs])
    return AGAIN.format(
        near=sum(near.values()),
        nirs=len(near),
        near_eeg=sum(near_eeg.values()),
        eeg=len(near_eeg),
        base=base,
        true=true,
    )


MOTION, CLEAN, WEAK = "motion", "clean physiology", "weak: measured on too little to be a target"
GROUPS = {
    "event": "events",
    "isolated": "events",
    "shift": "events",
    "bout": "events",
    "artifact": "wavelengths",
    "pair": "channels together",
    "amplitude": "channels together",
    "p": "channels together",
    "psd": "spectra",
    **{task: task for task in eeg.TYPES},
}
AGAIN = """On the real recordings at hand this code gives {near} of {nirs} medians and single
numbers of the JSON (fNIRS), {near_eeg} of {eeg} (EEG), within 15 % or between its quartiles. The
fNIRS base holds {base:.2f} events of 0.1 OD a minute and channel, the real runs {true:.2f}."""
QUESTION = """Does generated motion lie within the spread of real motion, quantity by quantity?
Targets: all quantities of strength "ok" in `benchmarks/realism/motion_statistics.json`, measured in
Homer3's twNI (fNIRS, 3 participants, 10 runs; here 6 runs of 2) and Porr's tasks (EEG, 8
participants; here 6). One code measures real and generated recordings. Generated: {seeds} fNIRS
recordings of 8 min, default settings, on the quiet stretches of the real runs; EEG of the same
participants lying relaxed with the movements of each task injected, {eeg_seeds} seeds each. Inside:
the generated median lies in the measured range (5-95 %, or 25-75 % where there is no more).
**{inside} of {targets} targets are inside.**"""
LIMITS = """The range is wide: generated motion is possible, not indistinguishable from real motion.
How often movements of a task come, and severity 1.4 and 0.7 of eyes and brows, are set with
generated figures in sight; the generator was fitted on other seeds. {again} Second file: quantities
that are no property of motion."""


def page(rows: Table, excused: Table, agreement: str, seeds: int, eeg_seeds: int) -> Page:
    at = rows.columns.index("inside")
    targets = [row for row in rows.rows if row[0] != WEAK]
    inside = sum(row[at] == "yes" for row in targets)
    return Page(
        title="Generated motion beside real motion",
        question=QUESTION.format(
            seeds=seeds, eeg_seeds=eeg_seeds, inside=inside, targets=len(targets)
        ),
        table=shown(rows),
        limits=LIMITS.format(again=agreement),
        command=f"python -m benchmarks.realism --seeds {seeds} "
        "--page docs/measured/synth_realism.md",
        data={"": rows, "excused": excused},
        figure="Real and generated fNIRS motion",
        further={"figure of EEG": "figures/synth_realism_eeg.png"},
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=60, help="generated fNIRS recordings")
    parser.add_argument("--eeg-seeds", type=int, default=8, help="for each participant and task")
    parser.add_argument("--page", type=Path, help="write the page, its figures and its rows")
    parser.add_argument("--motion", action="store_true", help="leave clean physiology out")
    args = parser.parse_args()
    logging.disable(logging.WARNING)  # seeds without movement, and twNI's unit of length
    if not list((recordings_folder() / nirs.TWNI).glob("*.snirf")):
        print(f"{recordings_folder()} without {nirs.TWNI}", file=sys.stderr)
        return 2
    wanted = nirs.targets()
    recordings = list(nirs.generated(args.seeds))
    real_nirs, made_nirs = nirs.real(), [nirs.measure(r) for r in recordings]
    real_eeg = by_subject(list(eeg.real()))
    made_eeg = [v for _, _, v in eeg.generated(args.eeg_seeds)]
    rest = r"eeg_relaxinglieing|(eeg|fnirs)_clean_"
    motion = {k: v for k, v in wanted.items() if not re.match(rest, k)}
    rows = rows_of({k: v for k, v in motion.items() if k[:3] == "fni"}, real_nirs, made_nirs)
    rows += rows_of({k: v for k, v in motion.items() if k[:3] == "eeg"}, real_eeg, made_eeg)
    if not args.motion:
        rows += clean_rows(wanted, min(args.seeds, PARTICIPANTS))
    left, uncovered = excuses(wanted, rows)
    outside = [r for r in rows if r.strength == "ok" and not r.inside]
    for r in outside:
        print(f"OUTSIDE {r.key} {number(r.made)} not in {number(r.low)} to {number(r.high)}")
    for base in uncovered:
        print(f"WITHOUT A ROW OR A REASON {base}")
    excused = Table(
        ["quantity", "reason"], [[key, why] for why, keys in left.items() for key in keys]
    )
    agreement = again(real_nirs, real_eeg)
    made = page(table(rows), excused, agreement, args.seeds, args.eeg_seeds)
    print(made.markdown("synth_realism"))
    if args.page:
        from benchmarks.realism.figures import draw_eeg, draw_nirs

        made.write(args.page)
        target, first = figure_of(args.page), next(nirs.runs_of_twni())
        draw_nirs(real_nirs, made_nirs, [("real", first), ("generated", recordings[0])], target)
        draw_eeg(real_eeg, made_eeg, target.with_name(f"{target.stem}_eeg.png"))
    return int(bool(outside or uncovered))


if __name__ == "__main__":
    sys.exit(main())
