"""Generated motion beside real motion, quantity by quantity, with one and the same measure.

    python -m benchmarks.realism --page docs/synth_realism.md

Every key of motion_statistics.json that is strong enough to be a target ("ok") has a row, or is
listed with the reason why it is no property of motion. A row is inside if the generated value (the
median of a distribution, or the same number) lies in the measured range: 5-95 % of the JSON, or
25-75 % where it has no more; for a single number 5-95 % of what this code finds in the single real
recordings (fNIRS) or people (EEG). Exit status 1 if a row of strength "ok" is outside.
Needs the real recordings: NEUROFUSE_DATA or ../shared/data.
"""

import argparse
import importlib.util
import logging
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

import benchmarks.realism.eeg as eeg
import benchmarks.realism.nirs as nirs
from benchmarks.realism.nirs import Values, summarise

matplotlib.use("Agg")
import matplotlib.pyplot as plt

FIGURES = Path("docs/figures")
PEOPLE = 16  # simulated for clean physiology
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
    found: dict[str, dict[str, float]] = {}
    for key, entry in wanted.items():
        match = re.fullmatch(r"(.*)_(q\d\d(?:p9)?)", key)
        base, name = match.groups() if match else (key, "")
        found.setdefault(base, {})[name] = float(entry["value"])
    return found


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


def by_subject(found: list[tuple[str, str, Values]]) -> list[Values]:
    """All tasks of a subject (or of a subject and seed) are one recording."""
    joined: list[Values] = []
    last = ""
    for subject, _, values in found:
        if subject != last:
            joined.append({})
        joined[-1] |= values
        last = subject
    return joined


def clean_rows(wanted: dict[str, dict], seeds: int) -> list[Row]:
    """Rows of simulated clean physiology, where benchmarks/realism/clean.py is present."""
    if importlib.util.find_spec("realism_clean") is None:
        return []
    clean = importlib.import_module("realism_clean")
    found = clean.clean_quantities(range(nirs.FRESH, nirs.FRESH + seeds))
    real = clean.real_quantities(nirs.DATA)
    rows = []
    for base, have in bases(wanted).items():
        if base not in found or not {"q25", "q50", "q75"} <= have.keys():
            continue
        values = np.asarray(found[base], float)
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
    return "-" if not np.isfinite(value) else f"{value:.3g}"


def table(rows: list[Row]) -> list[str]:
    head = (
        "quantity",
        "unit",
        "measured middle",
        "measured range",
        "range of",
        "real, this code",
        "generated",
        "generated 5-95 %",
        "q25, q75 inside",
        "inside",
    )
    lines = [" | ".join(head), " | ".join(["---"] * len(head))]
    words = {None: "-", True: "yes", False: "**no**"}
    for r in rows:
        cells = (
            f"`{re.sub('_q50$', '', r.key)}`",
            r.unit,
            number(r.middle),
            f"{number(r.low)} to {number(r.high)}",
            r.kind,
            number(r.real),
            number(r.made),
            f"{number(r.spread[0])} to {number(r.spread[1])}",
            ", ".join(words[q] for q in r.quarters) if r.quarters[0] is not None else "-",
            words[r.inside],
        )
        lines.append(" | ".join(cells))
    return [f"| {line} |" for line in lines]


def again(real_nirs: list[Values], real_eeg: list[Values]) -> str:
    """How well this code gives the JSON's figures, and how quiet the base is."""
    near = nirs.agreement(summarise(real_nirs), nirs.MOTION)
    near_eeg = nirs.agreement(summarise(real_eeg), eeg.MOTION)
    rate = "fnirs_event_rate_per_channel_per_min_ge0p1"
    base = np.mean([nirs.measure(nirs.quiet(r))[rate] for r in nirs.runs_of_twni()])
    true = np.mean([m[rate] for m in real_nirs])
    return (
        f"- On the real recordings at hand this code gives {sum(near.values())} of {len(near)}"
        f" medians and single numbers of the JSON\n  (fNIRS), {sum(near_eeg.values())} of"
        f" {len(near_eeg)} (EEG), within 15 % or between its quartiles.\n"
        f"- The fNIRS base itself holds {base:.2f} events of 0.1 OD a minute and channel, the real"
        f" runs {true:.2f}."
    )


def page(
    rows: list[Row], measure: str, left: dict[str, list[str]], uncovered: list[str], args
) -> str:
    ok = [r for r in rows if r.strength == "ok"]
    outside = [r for r in ok if not r.inside]
    quarters = [q for r in ok for q in r.quarters if q is not None]
    shown = [r for r in rows if r.strength != "ok"]
    motion = [r for r in ok if "_clean_" not in r.key or "_psd_" in r.key]
    clean = [r for r in ok if r not in motion]
    parts = [
        "# Generated motion beside real motion",
        "",
        f"    python -m benchmarks.realism --seeds {args.seeds} --page {args.page}",
        "",
        'Targets are all quantities of strength "ok" in `motion_statistics.json`, measured in',
        "Homer3's twNI recordings (fNIRS, 3 people, 10 runs; this page measures again the 6 runs",
        "of 2 people that are at hand) and in Porr's tasks (EEG, 8 people; 6 at hand). One code",
        "measures real and generated recordings (`benchmarks/realism/nirs.py`,",
        "`benchmarks/realism/eeg.py`). What the description of the detectors leaves open was",
        "chosen on the real recordings so that they give the JSON's figures. What the",
        "comparison sets itself (the base, how often movements of a task come, how hard eyes are",
        "squeezed and brows raised: severity 1.4 and 0.7) was chosen for likeness to the real",
        "files, but with generated figures in sight. The generator was fitted on other seeds;",
        "those of this page were used for nothing else.",
        "",
        f"- Generated fNIRS: {args.seeds} recordings of 8 min with fresh seeds and all settings of",
        "  `inject` left as they are. Base: quiet stretches of the real runs, each channel's own,",
        "  joined end to end; so device, optodes and physiology are the same and motion differs.",
        "- Generated EEG: the same people lying relaxed, with the movements of the task injected,",
        f"  {args.eeg_seeds} seeds a person and task; how often they come is set, not measured.",
        "- Inside: the generated median (or the same number) lies in the measured range. The range",
        "  is that of the JSON (5-95 %, or 25-75 % where it has no more); for a single number,",
        "  5-95 % of what this code finds in the single real recordings or people.",
        "  It is wide: this says that generated motion is possible, not that it cannot be told",
        "  from real motion.",
        "- q25, q75 inside: the generated quartiles lie in the JSON's 5-95 %.",
        measure,
        "",
        f"**{len(ok) - len(outside)} of {len(ok)} targets are inside**; of the quartiles"
        f" {sum(quarters)} of {len(quarters)}.",
        "",
        *(
            f"- outside: `{re.sub('_q50$', '', r.key)}`, generated {number(r.made)},"
            f" measured {number(r.low)} to {number(r.high)}"
            for r in outside
        ),
        *(f"- without a row or a reason: `{k}`" for k in uncovered),
        "",
        "![Real and generated fNIRS motion](figures/synth_nirs.png)",
        "",
        "![Real and generated EEG motion](figures/synth_eeg.png)",
        "",
        "Examples are not chosen: they are the events (fNIRS) at the 30, 60 and 90 % points of",
        "size in the first real run and in the first generated recording, and 8 s about",
        "the loudest 2 s (EEG) of the recording of middling size.",
        "",
        "## Motion",
        "",
        *table(motion),
        "",
        *(["## Clean physiology of `simulate`", "", *table(clean), ""] if clean else []),
        "## Not a property of motion",
        "",
        *(f"- {reason}: {', '.join(f'`{k}`' for k in keys)}" for reason, keys in left.items()),
        "",
        "## Measured on too little to be targets (weak)",
        "",
        *table(shown),
        "",
    ]
    return "\n".join(parts)


def draw_nirs(real: list[Values], made: list[Values], examples) -> None:
    figure, axes = plt.subplots(4, 3, figsize=(11, 9), constrained_layout=True)
    for row, (title, recording) in enumerate(examples):
        od = nirs.density(recording)
        rate = od.attrs["rate"]
        events = [e for e in nirs.detect(od) if e.size >= 0.2]
        events.sort(key=lambda e: e.size)
        for column, part in enumerate((0.3, 0.6, 0.9)):
            event = events[int(part * (len(events) - 1))]
            first = max(event.start - int(10 * rate), 0)
            here = slice(first, first + int(30 * rate))
            axis = axes[row, column]
            for color, course in zip(("C3", "C0"), od.values[event.channel], strict=True):
                axis.plot(np.arange(len(course[here])) / rate, course[here], color, lw=0.8)
            axis.set(title=f"{title}: {od.channel.values[event.channel]}", xlabel="s")
        axes[row, 0].set_ylabel("OD, 690 (red), 830 nm")
    wanted = nirs.targets()
    names = {
        "fnirs_event_duration_s_ge0p1": "duration, s",
        "fnirs_event_peak_abs_od_ge0p1": "peak, OD",
        "fnirs_event_rise_10_90_s_ge0p1": "rise, s",
        "fnirs_event_abs_shift_over_peak_ge0p1": "|shift| / peak",
        "fnirs_event_gap_s_ge0p1": "gap between events, s",
        "fnirs_artifact_corr_830_690": "r of 830 and 690 nm",
    }
    for axis, (base, label) in zip(axes[2:].ravel(), names.items(), strict=True):
        for color, group, who in (("k", real, "real"), ("C1", made, "generated")):
            pool = np.sort(np.concatenate([m[base] for m in group if base in m]))
            axis.plot(pool, np.linspace(0, 1, len(pool)), color, label=who)
        points = ("05", "25", "50", "75", "95")
        have = [(wanted[f"{base}_q{q}"]["value"], int(q) / 100) for q in points]
        axis.plot(*zip(*have, strict=True), "ko", ms=4, mfc="w", label="JSON, 10 runs")
        if have[0][0] > 0:
            axis.set_xscale("log")
        axis.set(xlabel=label, ylim=(0, 1))
    axes[2, 0].legend(fontsize=8)
    figure.savefig(FIGURES / "synth_nirs.png", dpi=75)
    plt.close(figure)


def middle(recordings: list) -> tuple[np.ndarray, float]:
    """Samples (channel, time) [uV] in 0.5-45 Hz, and rate, of the recording of middling size."""
    found = []
    for recording in recordings:
        samples, rate = eeg.samples_of(recording)
        course = eeg.filtered(samples, rate, 0.5, 45.0) * 1e6
        found.append((np.percentile(np.abs(course), 99), course, rate))
    found.sort(key=lambda f: f[0])
    return found[len(found) // 2][1:]


def draw_eeg(real: list[Values], made: list[Values]) -> None:
    figure = plt.figure(figsize=(11, 9), constrained_layout=True)
    parts: Any = figure.subfigures(2, 1, height_ratios=(1, 2.2))
    above, below = parts
    place = np.arange(len(eeg.BANDS))
    for column, (axis, task) in enumerate(zip(above.subplots(1, 5), eeg.TYPES, strict=True)):
        for shift, color, group, who in (
            (-0.15, "k", real, "real"),
            (0.15, "C1", made, "generated"),
        ):
            found = summarise(group)
            base = [f"eeg_{task}_psd_{b}_hz_over_relax_db" for b in eeg.BANDS]
            low, mid, high = np.array([[found[f"{b}_q{q}"] for b in base] for q in (25, 50, 75)])
            ends = [mid - low, high - mid]
            axis.errorbar(place + shift, mid, ends, fmt="o", color=color, ms=3, label=who)
        axis.set_xticks(place, [f"{int(b[1])}" for b in eeg.BANDS.values()], fontsize=7)
        axis.set_title(task, fontsize=10)
        axis.set_xlabel("band up to, Hz", fontsize=8)
        axis.axhline(0, color="0.8", lw=0.5)
        if not column:
            axis.set_ylabel("dB over rest, middle half")
            axis.legend(fontsize=7)
    rests = [eeg.recording_of(s, eeg.REST) for s in eeg.subjects()]
    for order, (pair, task) in enumerate(
        zip(
            below.subplots(3, 2, sharex=True),
            ("movehead", "movehat", "jaw"),
            strict=True,
        )
    ):
        true = [eeg.recording_of(s, task) for s in eeg.subjects()]
        seed = nirs.FRESH + 1000 * order
        moved = [eeg.injected(r, task, seed + number) for number, r in enumerate(rests)]
        for axis, recordings, who in zip(pair, (true, moved), ("real", "injected"), strict=True):
            course, rate = middle(recordings)
            count, loud = int(8 * rate), int(2 * rate)
            power = np.convolve((course**2).sum(axis=0), np.ones(loud), "valid")
            first = int(np.argmax(power)) - (count - loud) // 2
            first = min(max(first, 0), course.shape[1] - count)
            for channel, values in enumerate(course[:, first : first + count : 5]):
                axis.plot(np.arange(len(values)) * 5 / rate, values, f"C{channel}", lw=0.6)
            axis.set_title(f"{task}, {who}", fontsize=10)
            axis.set_ylabel("uV")
    figure.savefig(FIGURES / "synth_eeg.png", dpi=75)
    plt.close(figure)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=60, help="generated fNIRS recordings")
    parser.add_argument("--eeg-seeds", type=int, default=8, help="for each person and task")
    parser.add_argument("--page", type=Path, help="write the table and figures here")
    parser.add_argument("--show", action="store_true", help="print only")
    parser.add_argument("--motion", action="store_true", help="leave clean physiology out")
    args = parser.parse_args()
    logging.disable(logging.WARNING)  # seeds without movement, and twNI's unit of length
    if not nirs.STATISTICS.exists() or not list((nirs.DATA / nirs.TWNI).glob("*.snirf")):
        print("no real recordings: set NEUROFUSE_DATA to their folder", file=sys.stderr)
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
        rows += clean_rows(wanted, min(args.seeds, PEOPLE))
    left, uncovered = excuses(wanted, rows)
    print("\n".join(table(rows)))
    ok = [r for r in rows if r.strength == "ok"]
    outside = [r for r in ok if not r.inside]
    for r in outside:
        print(f"OUTSIDE {r.key} {number(r.made)} not in {number(r.low)} to {number(r.high)}")
    for base in uncovered:
        print(f"WITHOUT A ROW OR A REASON {base}")
    print(f"{len(ok) - len(outside)} of {len(ok)} targets inside")
    if args.page and not args.show:
        FIGURES.mkdir(parents=True, exist_ok=True)
        first = next(nirs.runs_of_twni())
        draw_nirs(real_nirs, made_nirs, [("real", first), ("generated", recordings[0])])
        draw_eeg(real_eeg, made_eeg)
        args.page.write_text(page(rows, again(real_nirs, real_eeg), left, uncovered, args))
    return int(bool(outside or uncovered))


if __name__ == "__main__":
    sys.exit(main())
