"""How much worse is a model in a lab, or with a device, that its training has not met?

    python -m benchmarks.generality.train
    python -m benchmarks.generality --page docs/measured/generality.md

Resumable: models and errors lie below `runs/generality`.
"""

import argparse
import logging
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from benchmarks.common.page import Page, Table
from benchmarks.common.paths import recordings_folder
from benchmarks.generality.cases import BOUTS, DRAWS, SEVERITIES, TECHEN, cases
from benchmarks.generality.devices import DEVICES, PEOPLE, USUAL
from benchmarks.generality.devices import errors as device_errors
from benchmarks.generality.errors import FEWEST, errors, gap, mean
from benchmarks.generality.labs import LABS, met
from benchmarks.generality.train import ALL, STEPS, trained
from neurofuse.io.modality import MODALITIES

LARGE = 1.0  # dB of a gap from which adaptation is tried
UNTOUCHED, NOTHING = "uncorrected", "–"
CLASSICAL = {"eegmat": "asr", "eeg": "wavelet", "nirs": "tddr"}  # by lab, else by modality
COLUMNS = ["recordings", "part", "people", "untouched", "classical", "packaged"]
COLUMNS += ["lab in training", "lab left out", "gap [dB]", "scatter [dB]"]
TITLE = "Other labs and devices"

QUESTION = """How much worse is a model in a lab, or with a device, that its training has not met?
Single-modality models from nothing, {steps} steps, one seed: with all labs, and without one at a
time. Error [dB]: energy of (cleaned - true) over that of the true signal in motion, after generated
movements ({severities} times typical, {bouts:g} bouts a minute) were added to calm stretches of
people whom no training met; 0 is what zeros give; EEG unfiltered, fNIRS in 0.01–0.7 Hz. Gap: error
without the lab less that with it, paired by participant, 95 % bootstrap interval from {fewest} on.
Scatter: standard deviation over the models that met the lab (without a gap: none did), which differ
in what else they met: chance. Classical: ASR, wavelet (few electrodes), TDDR. Packaged: the weights
in use, after many more steps. Simulated devices record {people} people (EEG in 0.5–45 Hz), the
packaged model cleans; gap: to the usual device.

{large}"""
LIMITS = """One seed, few steps, no augmentation: gaps are of this recipe, negative ones show its
scatter. UmindSleep, Homer3 and
Cortivision are of the test part, opened once for this page. Porr's and the dyads' stretches at
rest are too short to train on; the dyads' device also recorded the 2 Hz set. TechEn's movements are
transplanted into others' recordings. At other fNIRS rates courses of movements are drawn anew.
Draws of movements a recording and size: {draws}."""


def method_of(lab: str, stream: str) -> str:
    """The best classical method of a lab."""
    return CLASSICAL.get(lab, CLASSICAL[stream])


def row_of(key: str) -> tuple[list[str], float]:
    """The cells of a lab, and its gap [dB], NaN where there is none."""
    stream, title, part = "nirs", "TechEn, its movements in others", "validation"
    if key != TECHEN:
        lab = LABS[key]
        stream, title, part = lab.stream, lab.title, lab.part
    known = {lab.key for lab in met(stream)}
    every = errors(trained(f"{stream}-{ALL}"), key)
    cells = [title, part, str(len({case.receiver for case in cases(key)}))]
    cells += [number(errors(m, key)) for m in (UNTOUCHED, method_of(key, stream), stream)]
    others = [errors(trained(f"{stream}-without-{one}"), key) for one in sorted(known - {key})]
    spread = float(np.std([mean(one) for one in (every, *others)], ddof=1))
    if key not in known:
        return [*cells, NOTHING, number(every), NOTHING, f"{spread:.1f}"], np.nan
    without = errors(trained(f"{stream}-without-{key}"), key)
    cells += [number(every), number(without), gap(without, every), f"{spread:.1f}"]
    return cells, mean(without) - mean(every)


def apart(name: str) -> float:
    """How much larger the error is on a device than on the usual one [dB]."""
    stream = DEVICES[name].stream
    return mean(device_errors(stream, name)) - mean(device_errors(stream, USUAL[stream]))


def device_rows(names: Iterable[str]) -> list[list[str]]:
    """A row for each of some simulated devices."""
    rows = []
    for name in names:
        stream, usual = DEVICES[name].stream, USUAL[DEVICES[name].stream]
        known = {m: device_errors(m, name) for m in (UNTOUCHED, stream)}
        cells = [f"simulated {name}", NOTHING, str(PEOPLE), number(known[UNTOUCHED]), NOTHING]
        more = NOTHING if name == usual else gap(known[stream], device_errors(stream, usual))
        rows.append([*cells, number(known[stream]), NOTHING, NOTHING, more, NOTHING])
    return rows


def of_joint() -> Table:
    """Errors of the packaged joint model on simulated devices, beside the model of the modality."""
    rows = []
    for name, device in DEVICES.items():
        usual = USUAL[device.stream]
        for method in (device.stream, "joint"):
            found = device_errors(method, name)
            rows.append([name, method, number(found), gap(found, device_errors(method, usual))])
    return Table(["device", "model", "error [dB]", "gap [dB]"], rows)


def people() -> Table:
    """Every participant's error with every model and method."""
    rows = []
    for key in (*LABS, TECHEN):
        stream = LABS[key].stream if key in LABS else "nirs"
        models = [ALL, *(f"without-{lab.key}" for lab in met(stream))]
        methods = [trained(f"{stream}-{one}") for one in models]
        for method in (UNTOUCHED, method_of(key, stream), stream, *methods):
            name = method if isinstance(method, str) else method.parent.name
            rows += [[key, name, who, f"{e:.2f}"] for who, e in errors(method, key).items()]
    return Table(["lab", "model", "participant", "error [dB]"], rows)


def number(values: dict[str, float]) -> str:
    """A mean over participants."""
    return f"{mean(values):.1f}" if values else NOTHING


def page() -> Page:
    """The page of all labs and devices."""
    made = {key: row_of(key) for key in (*LABS, TECHEN)}
    large = [made[key][0][0] for key in made if made[key][1] > LARGE]
    shown = [n for n in DEVICES if n in USUAL.values() or apart(n) > LARGE or "the same" in n]
    worse = [f"{n} ({apart(n):+.1f})" for n in shown if apart(n) > LARGE]
    near = [n for n in DEVICES if n not in shown]
    verdict = f"**Gaps above {LARGE:g} dB.** Labs: {', '.join(large) or 'none'}. "
    verdict += f"Devices: {'; '.join(worse) or 'none'}. Less, or better: {'; '.join(near)}."
    question = QUESTION.format(
        steps=STEPS,
        severities=" and ".join(map(str, SEVERITIES)),
        bouts=BOUTS,
        fewest=FEWEST,
        people=PEOPLE,
        large=verdict,
    )
    draws = ", ".join(f"{n} in {MODALITIES[s].display}" for s, n in DRAWS.items())
    return Page(
        title=TITLE,
        question=question,
        table=Table(COLUMNS, [cells for cells, _ in made.values()] + device_rows(shown)),
        limits=LIMITS.format(draws=draws),
        command="python -m benchmarks.generality.train\n"
        "python -m benchmarks.generality --page docs/measured/generality.md",
        data={"devices": of_joint(), "people": people()},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--page", type=Path, help="write the page and its rows")
    options = parser.parse_args()
    recordings_folder()
    logging.getLogger("neurofuse").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    made = page()
    print(made.markdown("generality"))
    if options.page:
        made.write(options.page)


if __name__ == "__main__":
    main()
