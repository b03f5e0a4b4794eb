"""What both modalities and the sensors on the head really share under each setting."""

import numpy as np
import pytest
from scipy import signal

from neurofuse.synth import inject
from tests.builders import eeg_node, nirs_node, recording_of

RATE = 25.0  # Hz, of both streams
WINDOW = 50  # samples after a movement's onset that are compared


@pytest.fixture(scope="module")
def artifacts():
    """Bare artifacts: movements in a Recording that holds nothing else, for each setting."""
    count = int(1200 * RATE)
    still = recording_of(
        eeg_node(np.zeros((6, count)), RATE), nirs_node(np.ones((4, 2, count)), RATE)
    )
    return lambda share: inject(
        still, seed=5, share=share, types=("nod", "shake", "tilt"), lag=0.0, sensors=True
    )[1]


def explained(recording) -> float:
    """R² of EEG and fNIRS artifacts in 0.5-2 Hz, beyond what mismatched movements explain.

    Median over movements longer than the window and over pairs of channels.
    """
    band = signal.butter(2, [0.5, 2.0], "bandpass", fs=RATE, output="sos")
    volts = signal.sosfiltfilt(band, recording["eeg"].eeg.values)
    light = signal.sosfiltfilt(band, -np.log(recording["nirs"].intensity.values[:, 0]))
    events = recording["events"]
    long = events.duration.values > 2.0
    starts = {
        s: (events.onset.values[long & (events.stream.values == s)] * RATE).astype(int)
        for s in ("eeg", "nirs")
    }

    def together(first: int, second: int) -> float:
        a, b = volts[:, first : first + WINDOW], light[:, second : second + WINDOW]
        b = b[np.ptp(b, axis=1) > 1e-3]
        if a.shape[1] != b.shape[1] or not len(b):
            return np.nan
        return float(np.median(np.corrcoef(a, b)[:6, 6:] ** 2))

    rng = np.random.default_rng(0)
    same = [together(n, n) for n in starts["nirs"] if n in starts["eeg"]]
    other = [together(rng.choice(starts["eeg"]), n) for n in np.tile(starts["nirs"], 3)]
    chance = np.nanmedian(other)
    return float((np.nanmedian(same) - chance) / (1 - chance))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("share", "least", "most"), [("timing", -0.1, 0.1), ("partial", 0.1, 0.3), ("full", 0.6, 1.0)]
)
def test_waveform_in_common(artifacts, share, least, most):
    assert least < explained(artifacts(share)) < most


def envelope(samples: np.ndarray, rate: float) -> np.ndarray:
    """Logarithm of the size (seconds) of what is faster than 0.5 Hz."""
    band = signal.butter(2, 0.5, "highpass", fs=rate, output="sos")
    size = np.abs(signal.sosfiltfilt(band, samples)).mean(axis=0)
    step = int(rate)
    return np.log(
        1e-3 * size.max() + size[: len(size) // step * step].reshape(-1, step).mean(axis=1)
    )


def test_head_sensors_show_when_but_not_what(artifacts):
    recording = artifacts("timing")
    turning = recording["aux/GYRO"].GYRO.values
    volts = recording["eeg"].eeg.values
    when = envelope(turning, 50.0)[:1190], envelope(volts, RATE)[:1190]
    assert np.corrcoef(*when)[0, 1] > 0.4
    course = signal.resample_poly(turning, 1, 2, axis=1)[:, : volts.shape[1] - 50]
    assert (np.corrcoef(course, volts[:, : course.shape[1]])[:3, 3:] ** 2).max() < 0.1


def test_gravity_and_units(artifacts):
    sensors = artifacts("none")["aux"]
    assert sensors["ACC"].ACC.attrs["units"] == "m/s^2"
    assert sensors["GYRO"].GYRO.attrs["units"] == "rad/s"
    strength = np.sqrt((sensors["ACC"].ACC.values ** 2).sum(axis=0))
    assert np.median(strength) == pytest.approx(9.81, abs=0.1)
    assert np.abs(sensors["GYRO"].GYRO.values).max() < 20


def test_movements_without_artifact_show_in_head_sensors(artifacts):
    events = artifacts("timing")["events"]
    seen = {s: set(events.onset.values[events.stream.values == s]) for s in ("eeg", "nirs", "aux")}
    assert seen["aux"] > seen["eeg"]
    assert seen["aux"] - seen["eeg"] - seen["nirs"]
