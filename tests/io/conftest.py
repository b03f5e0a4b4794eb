"""Small MNE Raws to build files from."""

from datetime import UTC, datetime

import mne
import numpy as np
import pytest

DATE = datetime(2024, 5, 17, 9, 30, 12, 250000, tzinfo=UTC)


@pytest.fixture
def eeg_raw():
    """A function that makes an EEG Raw: white noise of 20 uV."""

    def make(names=("C3", "C4", "Cz"), rate=250.0, seconds=10.0, date=DATE, seed=0, marks=()):
        rng = np.random.default_rng(seed)
        info = mne.create_info(list(names), rate, "eeg")
        data = 2e-5 * rng.standard_normal((len(names), round(rate * seconds)))
        raw = mne.io.RawArray(data, info, verbose="error")
        raw.set_meas_date(date)
        raw.set_annotations(_annotations(marks, date))
        return raw

    return make


@pytest.fixture
def nirs_raw():
    """A function that makes an fNIRS Raw of intensities about 1 in the head frame; S1-D1: 30 mm."""

    def make(
        pairs=((1, 1), (1, 2), (2, 2)),
        waves=(760, 850),
        rate=10.0,
        seconds=10.0,
        date=DATE,
        seed=1,
        marks=(),
        kind="fnirs_cw_amplitude",
    ):
        rng = np.random.default_rng(seed)
        names = [f"S{s}_D{d} {w}" for s, d in pairs for w in waves]
        info = mne.create_info(names, rate, kind)
        for i, channel in enumerate(info["chs"]):
            s, d = pairs[i // len(waves)]
            source = np.array([0.03 * s, 0.01, 0.09])
            detector = np.array([0.02 + 0.01 * d, 0.04, 0.09])
            channel["loc"][:9] = np.concatenate([(source + detector) / 2, source, detector])
            channel["loc"][9] = waves[i % len(waves)]
        drift = 0.05 * rng.standard_normal((len(names), round(rate * seconds)))
        raw = mne.io.RawArray(np.exp(drift), info, verbose="error")
        raw.info["subject_info"] = {"his_id": "one"}
        raw.set_meas_date(date)
        raw.set_annotations(_annotations(marks, date))
        return raw

    return make


def _annotations(marks, date):
    onsets = [float(m[0]) for m in marks]
    return mne.Annotations(onsets, [0.5] * len(marks), [str(m[1]) for m in marks], date)


@pytest.fixture
def case(data_dir):
    """A function that gives the path of a small input after a report: shared/cases/INDEX.md."""
    folder = data_dir.parent / "cases"
    if not folder.is_dir():
        pytest.skip(f"no small inputs at {folder}")
    return lambda name: folder / name
