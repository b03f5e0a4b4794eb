"""SNIRF files made by hand, as exporters write them, and Raws to write."""

import math
from datetime import UTC, datetime

import h5py
import mne
import numpy as np
import pytest

PAIRS = ((1, 1), (1, 2), (2, 2))
DATE = datetime(2024, 5, 17, 9, 30, 12, 250000, tzinfo=UTC)


@pytest.fixture
def snirf(tmp_path):
    """A function that makes a SNIRF file by hand; `change(nirs)` alters it, `tags` replace."""
    numbers = iter(range(99))

    def make(change=None, *, waves=(760.0, 850.0), pairs=PAIRS, count=200, rate=10.0, **tags):
        path = tmp_path / f"made{next(numbers)}.snirf"
        rng = np.random.default_rng(3)
        stored = {
            "SubjectID": "one",
            "MeasurementDate": "2024-05-17",
            "MeasurementTime": "09:30:12.25Z",
            "LengthUnit": "mm",
            "TimeUnit": "s",
            "FrequencyUnit": "Hz",
        }
        with h5py.File(path, "w") as file:
            file["formatVersion"] = "1.0"
            nirs = file.create_group("nirs")
            for name, value in (stored | tags).items():
                nirs[f"metaDataTags/{name}"] = value
            nirs["data1/time"] = np.arange(count) / rate
            nirs["data1/dataTimeSeries"] = rng.uniform(0.5, 2, (count, len(pairs) * len(waves)))
            rows = [(s, d, w + 1) for s, d in pairs for w in range(len(waves))]
            for k, row in enumerate(rows, 1):
                entry = nirs.create_group(f"data1/measurementList{k}")
                for name, value in zip(("source", "detector", "wavelength"), row, strict=True):
                    entry[f"{name}Index"] = np.int32(value)
                entry["dataType"], entry["dataTypeIndex"] = np.int32(1), np.int32(1)
            nirs["probe/wavelengths"] = np.array(waves)
            nirs["probe/sourcePos3D"] = [[30.0, 10, 90], [60, 10, 90]]
            nirs["probe/detectorPos3D"] = [[30.0, 40, 90], [60, 34, 90]]
            nirs["probe/sourceLabels"], nirs["probe/detectorLabels"] = ["A", "B"], ["C", "D"]
            if change is not None:
                change(nirs)
        return path

    return make


@pytest.fixture(scope="session")
def make_raw():
    """A function that makes an fNIRS Raw of noise with optodes at random places."""
    return _raw


def _raw(
    pairs=PAIRS,
    waves=(760.0, 850.0),
    kind="fnirs_cw_amplitude",
    *,
    rate=10.0,
    count=60,
    seed=0,
    when=DATE,
):
    rng = np.random.default_rng(seed)
    names = [f"S{s}_D{d} {math.floor(w)}" for s, d in pairs for w in waves]
    info = mne.create_info(names, rate, kind)
    spots = {}
    for channel, (s, d, w) in zip(
        info["chs"], ((s, d, w) for s, d in pairs for w in waves), strict=True
    ):
        source = spots.setdefault(("S", s), rng.uniform(-0.1, 0.1, 3))
        detector = spots.setdefault(("D", d), source + rng.uniform(0.01, 0.03, 3))
        channel["loc"][:9] = np.concatenate([(source + detector) / 2, source, detector])
        channel["loc"][9] = w
    raw = mne.io.RawArray(rng.normal(size=(len(names), count)), info, verbose="error")
    raw.info["subject_info"] = {"his_id": "one"}
    raw.set_meas_date(when)
    return raw
