"""The simulation of Gao et al. 2022 (Neurophotonics 9:041406).

    python -m benchmarks.protocols.gao --page docs/measured/gao.md

One channel a record, 7 Hz, five trials of 512 samples: rest from autoregressive models of real
rest, spikes and shifts of real size and number, a response after each onset. Sources: fNIRS at rest
and in motion of participants not used in training. Every method is followed by a band-pass and an
average over trials. Resumable: one JSON a record and method.

What differs from the paper: other recordings to take rest and motion from; methods here work on
optical density, so records are turned into it (760 and 850 nm, 30 mm, partial pathlength 6); the
paper has a low-pass only, which leaves the drift of autoregressions to methods that take it out.
"""

import argparse
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import xarray as xr
from rich.progress import track
from scipy.signal import resample_poly

from benchmarks.common.keys import method_key, result_key, weights_key
from benchmarks.common.methods import (
    CLASSICAL_NAMES,
    UNCORRECTED,
    baselines,
    packaged,
    row_name,
)
from benchmarks.common.page import NO_RUN, Page, Table, no_run
from benchmarks.common.paths import ROOT, write
from benchmarks.common.statistics import interval
from neurofuse.fusion.clean import clean
from neurofuse.fusion.signal.bands import BANDPASS_NIRS, bandpass
from neurofuse.io import build, mark_bad, nirs_dataset, read, stream_dataset, to_haemoglobin
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.modality import NIRS
from neurofuse.io.optics.absorption import haemoglobin_to_density
from neurofuse.io.quality.channels import channel_quality
from neurofuse.io.runs import runs
from neurofuse.models.training.corpus import CONTACT
from neurofuse.models.training.split import data_folder, subject_files

RATE, TRIAL, TRIALS, BEFORE = 7.0, 512, 5, 40  # Hz, samples, trials, samples before an onset
LENGTH = TRIAL * TRIALS
WAVELENGTHS, DISTANCE, PATHLENGTH = np.array([760.0, 850.0]), 0.03, 6.0  # nm, m
PER_MOLAR = 1e-6 / (1e3 * DISTANCE * PATHLENGTH)  # mol/L of a µM mm
ORDER, REST = 5, 75  # of the autoregression, and samples of rest that it is fitted to
CHANGE, SPREAD, LIMIT = 0.5, 1.0, 10.0  # s, s, SD: a movement is a change this fast and large
SHIFTS = 6  # one movement in so many is a shift
EVERY = 10  # record without a response
COLUMNS = ["method", "movements left", "removed [%]", "MSE of HbO", "MSE of HbR"]
COLUMNS += ["HbO / best classical"]


@dataclass(frozen=True)
class Source:
    """What records are made from: autoregressions, and sizes and density of movements."""

    models: list[tuple[np.ndarray, np.ndarray, np.ndarray]]  # HbO and HbR: coefficients, SD; limit
    sizes: np.ndarray  # µM mm
    density: np.ndarray  # movements a sample


def movements(series: np.ndarray, spread: float | None = None) -> np.ndarray:
    """Samples (time,) within 1 s of a change in 0.5 s above 10 SD of a sample's changes.

    SD: robust, by default the series' own (as Homer detects motion, according to the paper).
    """
    step, reach = max(1, round(CHANGE * RATE)), round(SPREAD * RATE)
    spread = spread_of(series) if spread is None else spread
    mask = np.zeros(series.size, bool)
    for first in np.flatnonzero(np.abs(series[step:] - series[:-step]) > LIMIT * spread):
        mask[max(0, first - reach) : first + step + reach] = True
    return mask


def spread_of(series: np.ndarray) -> float:
    """Robust SD of sample-to-sample changes."""
    steps = np.diff(series)
    return float(1.4826 * np.median(np.abs(steps - np.median(steps))))


def concentration(path: Path, contact: float = -1.0) -> np.ndarray:
    """HbO and HbR (kind, channel, time) [µM mm] at 7 Hz of a file's channels of good contact."""
    marked = mark_bad(read(path))
    node = stream_dataset(to_haemoglobin(marked, partial_pathlength=PATHLENGTH), "nirs")
    good = ~node.bad.values & np.isfinite(node.hbo).all("time").values
    good &= channel_quality(marked, "nirs").sci.values > contact
    path_mm = 1e3 * node.distance.values[good] * PATHLENGTH
    data = np.stack([node[k].values[good] for k in ("hbo", "hbr")]) * 1e6 * path_mm[:, None]
    rate = float(node.attrs["rate"])
    down = round(100 * rate / RATE)
    return resample_poly(data - data.mean(-1, keepdims=True), 100, down, axis=-1)


@lru_cache
def source() -> Source:
    """From the rest of test participants, and recordings in motion that no model has seen."""
    from statsmodels.tsa.ar_model import AutoReg

    models, sizes, density = [], [], []
    for files in subject_files("test", "nirs").values():
        for pair in concentration(files[0], CONTACT).transpose(1, 0, 2)[::2]:
            still = ~(movements(pair[0]) | movements(pair[1]))
            starts = [s for a, b in runs(still) for s in range(a, b - REST, REST)]
            for start in starts[::5]:
                rest = pair[:, start : start + REST]
                fitted = [AutoReg(r - r.mean(), ORDER, trend="n").fit() for r in rest]
                models.append(
                    (
                        np.stack([f.params for f in fitted]),
                        np.array([np.sqrt(f.sigma2) for f in fitted]),
                        np.ptp(rest, axis=-1),
                    )
                )
    folder = data_folder()
    assert folder is not None
    for path in sorted((folder / "fnirs_motion/homer3_twni").glob("*.snirf")):
        hbo = concentration(path)[0]
        for series in hbo:
            results = runs(movements(series))
            sizes += [np.ptp(series[a:b]) for a, b in results]
            density.append(len(results) / series.size)
    return Source(models, np.array(sizes), np.array(density))


def rest_of(model, rng: np.random.Generator) -> np.ndarray:
    """HbO and HbR (kind, time) of an autoregression that stays bounded."""
    from scipy.signal import lfilter

    coefficients, spread, span = model
    made = np.stack(
        [
            lfilter([1], [1, *-c], s * rng.standard_normal(LENGTH + 200))[200:]
            for c, s in zip(coefficients, spread, strict=True)
        ]
    )
    runs = not np.isfinite(made).all() or (np.ptp(made, axis=-1) > 30 * span).any()
    return rest_of(source().models[rng.integers(len(source().models))], rng) if runs else made


def artifact_of(rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Movements (kind, time): spikes and shifts at the same times in HbO and HbR."""
    results, time = source(), np.arange(LENGTH) / RATE
    count = round(rng.choice(results.density) * LENGTH)
    total = np.zeros((2, LENGTH))
    shifts = round(rng.integers(count + 1) / (SHIFTS / 2)) if count else 0
    for number in range(count):
        at, ramp = rng.uniform(0, time[-1]), rng.uniform(0.25, 1.5)
        for kind in range(2):
            size = rng.choice([-1, 1]) * rng.choice(results.sizes)
            if number < shifts:
                total[kind] += size * np.clip((time - at) / ramp, 0, 1)
            else:
                total[kind] += size * np.exp(-np.abs(time - at) / rng.uniform(1e-3, 1.5))
    return total, count


def response_of(rng: np.random.Generator) -> np.ndarray:
    """HbO and HbR (kind, sample of a trial) after an onset."""
    since = np.arange(TRIAL - BEFORE) / RATE
    size, delay = rng.uniform(30, 80), rng.uniform(1, 11)
    lasting, width = rng.uniform(15, 30), rng.uniform(5, 15)
    bump = np.where(since > delay, ((since - delay) / width) ** 2, 0)
    bump = np.e * bump * np.exp(-(((since - delay) / width) ** 2))
    course = np.convolve(bump, np.ones(round(lasting * RATE)))[: since.size]
    hbo = np.zeros(TRIAL)
    hbo[BEFORE:] = size * course / course.max()
    return np.stack([hbo, -hbo / 3])


def record(number: int) -> tuple[xr.DataTree, np.ndarray, int]:
    """A Recording, the response (kind, sample of a trial) [µM mm], and how many movements."""
    rng = np.random.default_rng([2022, number])
    results = source()
    response = np.zeros((2, TRIAL)) if number % EVERY == 0 else response_of(rng)
    artifact, count = artifact_of(rng)
    rest = rest_of(results.models[rng.integers(len(results.models))], rng)
    hbo, hbr = PER_MOLAR * (rest + np.tile(response, TRIALS) + artifact)
    density = haemoglobin_to_density(
        hbo[None], hbr[None], WAVELENGTHS, np.array([DISTANCE]), partial_pathlength=PATHLENGTH
    )
    node = nirs_dataset(
        np.exp(-density),
        RATE,
        WAVELENGTHS,
        ["S1"],
        ["D1"],
        source_position=np.array([[0, 0, 0.09]]),
        detector_position=np.array([[0, DISTANCE, 0.09]]),
    )
    return build(nirs=node), response, count


def facts(cleaned: xr.DataTree, recording: xr.DataTree, response: np.ndarray) -> dict:
    """Squared error of the average response, and movements left by the record's own limit."""
    data = courses(cleaned)
    limits = [spread_of(series) for series in courses(recording)]
    left = [len(runs(movements(d, s))) for d, s in zip(data, limits, strict=True)]
    average, wanted = (averaged(x) for x in (data, np.tile(response, TRIALS)))
    error = ((average - wanted) ** 2).mean(-1)
    return {"left": sum(left), "hbo": float(error[0]), "hbr": float(error[1])}


def averaged(data: np.ndarray) -> np.ndarray:
    """Average over trials (kind, sample of a trial) in 0.01-0.5 Hz, minus that before its onset."""
    trials = bandpass(data, RATE, *BANDPASS_NIRS).reshape(len(data), TRIALS, TRIAL)
    average = trials.mean(1)
    return average - average[:, :BEFORE].mean(-1, keepdims=True)


def courses(recording: xr.DataTree) -> np.ndarray:
    """HbO and HbR (kind, time) [µM mm]."""
    node = stream_dataset(to_haemoglobin(recording, partial_pathlength=PATHLENGTH), "nirs")
    return np.stack([node.hbo.values[0], node.hbr.values[0]]) / PER_MOLAR


def methods() -> Iterator[tuple[str, str]]:
    """Names and keys of what is compared."""
    yield from ((name, weights_key(path)) for name, _, path in packaged() if name == NIRS.name)
    for name, one in baselines(NIRS.name).items():
        if not any(t.references for t in one.treatments.values()):
            yield name, method_key(name)


def run(folder: Path, count: int) -> dict[str, list[dict]]:
    own = result_key("gao")
    results: dict[str, list[dict]] = {}
    for number in track(range(count), description="records"):
        made = None
        for name, key in methods():
            target = folder / own / f"{number}_{name}_{key}.json"
            if not target.exists():
                made = made or record(number)
                recording, response, movements_put_in = made
                try:
                    cleaned = clean(recording, name)
                except NeurofuseError as error:
                    write(target, {"failure": str(error)})
                else:
                    result = facts(cleaned, recording, response)
                    write(target, result | {"movements": movements_put_in})
            results.setdefault(row_name(name), []).append(json.loads(target.read_text()))
    return results


def table(results: dict[str, list[dict]]) -> Table:
    """Movements left, errors of the response, and their ratio to the best classical method."""
    before = sum(f["left"] for f in results[UNCORRECTED])
    ran = {n: rows for n, rows in results.items() if "failure" not in rows[0]}
    hbo = {n: np.array([f["hbo"] for f in rows]) for n, rows in ran.items()}
    means = {n: float(errors.mean()) for n, errors in hbo.items()}
    best = min((CLASSICAL_NAMES | {"bandpass"}) & set(means), key=lambda n: means[n])
    made = []
    for name in sorted(ran, key=lambda n: means[n]):
        left = sum(f["left"] for f in ran[name])
        errors = [interval([f[kind] for f in ran[name]]) for kind in ("hbo", "hbr")]
        cells = ["{:.1f} [{:.1f}, {:.1f}]".format(*error) for error in errors]
        cells += ["{:.2f} [{:.2f}, {:.2f}]".format(*ratio(hbo[name], hbo[best]))]
        made.append([name, f"{left}", f"{100 * (1 - left / before):.1f}", *cells])
    for name in sorted(set(results) - set(ran)):
        made.append(no_run(name, results[name][0]["failure"], len(COLUMNS)))
    return Table(COLUMNS, made)


def ratio(errors: np.ndarray, best: np.ndarray) -> tuple[float, float, float]:
    """Ratio of two methods' mean errors on the same records and its 95 % bootstrap interval.

    Examples
    --------
    >>> ratio(np.array([1.0, 2.0]), np.array([2.0, 4.0]))
    (0.5, 0.5, 0.5)
    """
    chosen = np.random.default_rng(0).integers(len(best), size=(4000, len(best)))
    ratios = errors[chosen].mean(1) / best[chosen].mean(1)
    return float(errors.mean() / best.mean()), *np.quantile(ratios, [0.025, 0.975]).tolist()


QUESTION = """How well does each method recover a response under spikes and shifts? {records}
records after the recipe of Gao et al. 2022, one fNIRS channel each; rest from recordings of test
participants, movements from Homer3's twNI. A movement is a change in 0.5 s above 10 robust SD of
the uncorrected record's differences. MSE [(µM mm)²]: average over five trials in 0.01-0.5 Hz
against the response that was put in (none in every tenth record), filtered alike; mean over
records, and the ratio of HbO's to the classical method with the least, with 95 % bootstrap
intervals by record."""
LIMITS = """No EEG, so the joint model has no partner: the fNIRS model stands alone. It and the
baseline networks were trained with exponential spikes and shifts of this kind
(`models/training/augment.py`), on other participants' rest. The paper has a low-pass only, and
other recordings as sources."""


def page(rows: Table, records: int) -> Page:
    ran = [row[0] for row in rows.rows if not row[1].startswith(NO_RUN)]
    return Page(
        title="The simulation of Gao et al. 2022",
        question=QUESTION.format(records=records),
        table=rows.only("method", ran),
        limits=LIMITS,
        command=f"python -m benchmarks.protocols.gao --records {records} "
        "--page docs/measured/gao.md",
        data={"": rows},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--records", type=int, default=100)
    parser.add_argument("--out", type=Path, default=ROOT / "runs/gao")
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    made = page(table(run(options.out, options.records)), options.records)
    print(made.markdown("gao"))
    if options.page:
        made.write(options.page)


if __name__ == "__main__":
    main()
