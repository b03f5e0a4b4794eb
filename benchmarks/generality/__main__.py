"""How much worse is a model in a lab, or with a device, that its training has not met?

    python -m benchmarks.generality.train
    python -m benchmarks.generality --page docs/measured/generality.md

Resumable: models and errors lie below `runs/generality`.
"""

import argparse
import logging
import warnings
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
time. Error [dB]: energy of (cleaned - true) over that of the true signal in motion, after
generated movements ({severities} times typical, {bouts:g} bouts a minute) were added to calm
stretches of people whom no training met; 0 is what zeros give. EEG unfiltered, fNIRS in 0.01–0.7
Hz. Gap: error of the model without the lab less that of the model with it, paired by participant,
mean with its 95 % bootstrap interval from {fewest} participants on. Scatter: standard deviation
over the models that have met the lab, which differ in what else they met: what chance does in
training. A lab without a model that left it out is one that no model here has met. Classical: ASR
in full caps, wavelet in few electrodes, TDDR in fNIRS. Packaged: the weights in use, after many
more steps with augmentation; it has met the same labs, and movements of Porr, dyads and
NIRSport2. Simulated devices record {people} simulated people (EEG judged in 0.5–45 Hz) and are
cleaned by the packaged model of the modality; gap: to the usual device.

{large} A gap of the size of its scatter is none."""
LIMITS = """One seed, few steps and no augmentation: gaps are of this recipe. One or two
participants in most fNIRS labs: no interval. Labs of the test part (UmindSleep, Homer3,
Cortivision) were opened once for this page; nothing was chosen by them. Porr's calm stretches and
dyads at rest are too short for a window of training, so that no model here has met them; the
dyads' device also recorded the 2 Hz set, and FineMI's is of the same maker. TechEn's recordings
have no calm stretch: its movements are transplanted into others' recordings at rest. Draws of
movements for each recording and size: {draws}."""


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
    if key not in known:
        return [*cells, NOTHING, number(every), NOTHING, NOTHING], np.nan
    without = errors(trained(f"{stream}-without-{key}"), key)
    others = [errors(trained(f"{stream}-without-{one}"), key) for one in known - {key}]
    spread = float(np.std([mean(one) for one in (every, *others)], ddof=1))
    cells += [number(every), number(without), gap(without, every), f"{spread:.1f}"]
    return cells, mean(without) - mean(every)


def device_rows() -> list[list[str]]:
    """A row for each simulated device."""
    rows = []
    for name, device in DEVICES.items():
        stream, usual = device.stream, USUAL[device.stream]
        known = {m: device_errors(m, name) for m in (UNTOUCHED, stream)}
        cells = [f"simulated {name}", NOTHING, str(PEOPLE), number(known[UNTOUCHED]), NOTHING]
        apart = NOTHING if name == usual else gap(known[stream], device_errors(stream, usual))
        rows.append([*cells, number(known[stream]), NOTHING, NOTHING, apart, NOTHING])
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
    verdict = f"Gaps above {LARGE:g} dB: {', '.join(large) or 'none'}."
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
        table=Table(COLUMNS, [cells for cells, _ in made.values()] + device_rows()),
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
