"""Recordings cleaned with an export beside those cleaned with torch, and without torch at all."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import neurofuse as nf
from neurofuse.fusion.metrics.errors import score
from neurofuse.io.recording import stream_dataset

SECONDS = 25.0
MONTAGES = {
    "two electrodes": {"eeg_montage": ["AF7", "AF8"], "nirs_montage": "prefrontal"},
    "cap": {},
    "32 electrodes": {"eeg_montage": 32, "nirs_montage": "motor"},
}
RATES = (250.0, 10.0), (128.0, 15.0)  # Hz: the second fNIRS one is above the filter's


@pytest.fixture(scope="module", params=[(m, r) for m in MONTAGES for r in RATES], ids=str)
def known(request):
    """Truth and recording of a montage at a rate, with an IMU."""
    montage, (eeg, nirs) = request.param
    options = MONTAGES[montage] | {"eeg_rate": eeg, "nirs_rate": nirs, "sensors": True}
    return nf.simulate(SECONDS, seed=6, share="full", bouts_per_minute=8, **options)


def test_an_export_cleans_as_torch_does(known, exports):
    truth, recording = known
    with_torch = nf.clean(recording, uncertainty=True)
    without = nf.clean(recording, exports["joint"], uncertainty=True)
    errors = [
        score(truth, recording, cleaned).value.sel(metric="error_db")
        for cleaned in (with_torch, without)
    ]
    assert float(abs(errors[0] - errors[1]).max()) <= 0.05
    for stream in ("eeg", "nirs"):
        one, other = (stream_dataset(cleaned, stream) for cleaned in (with_torch, without))
        assert (one.gate.values > 0).any()
        assert (np.abs(one.gate.values - other.gate.values) <= 0.01).mean() >= 0.999
        assert (one.verdict.values == other.verdict.values).mean() >= 0.999
        for name in ("evidence", "uncertainty"):
            wanted = one[name].values
            apart = np.abs(other[name].values - wanted)
            assert np.quantile(apart, 0.999) <= 0.02 * np.abs(wanted).max()
    quiet = (without["eeg"].gate == 0).values
    assert (without["eeg"].eeg.values == recording["eeg"].eeg.values)[quiet].all()


@pytest.mark.parametrize("method", ["eeg", "nirs"])
def test_single_modality_models_too(simulated, exports, method):
    recording = simulated[1]
    one, other = nf.clean(recording, method), nf.clean(recording, exports[method])
    assert np.abs(one[method].gate.values - other[method].gate.values).max() < 0.01
    untouched = "nirs" if method == "eeg" else "eeg"
    assert "gate" not in other[untouched]


def test_a_live_export_is_the_packaged_model(simulated, exports):
    recording = simulated[1]
    samples = recording["eeg"].eeg.values[:, :2500]
    one, other = (
        nf.LiveCleaner(recording, method).push(samples)
        for method in ("joint-live", exports["joint-live"])
    )
    assert np.array_equal(one.eeg, other.eeg)
    assert np.array_equal(one.gate["eeg"], other.gate["eeg"])


def test_what_settles_of_a_live_export_is_what_its_other_model_cleans(simulated, exports):
    recording = simulated[1].sel(time=slice(0, 20))
    samples = recording["eeg"].eeg.values, recording["nirs"].intensity.values
    cleaners = [nf.LiveCleaner(recording, m) for m in ("joint-live", exports["joint-live"])]
    for cleaner in cleaners:
        cleaner.push(*samples)
    one, other = (cleaner.settled() for cleaner in cleaners)
    assert other.eeg.shape[1] > 0
    assert (np.abs(one.gate["eeg"] - other.gate["eeg"]) <= 0.01).mean() >= 0.999
    wanted = nf.clean(recording, exports["joint"])["eeg"].eeg.values[:, : other.eeg.shape[1]]
    np.testing.assert_allclose(other.eeg, wanted, atol=1e-9)


def test_what_needs_torch_says_so(simulated, exports):
    recording = simulated[1]
    with pytest.raises(nf.NeurofuseError, match="weights of yours"):
        nf.explain(recording, nf.clean(recording, exports["eeg"]), exports["eeg"])


WITHOUT = '''
import sys

class Blocked:
    """Refuses torch and what only exporting needs."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "onnx", "onnxscript"):
            raise ModuleNotFoundError(f"{name} is blocked", name=name)

sys.meta_path.insert(0, Blocked())
import neurofuse as nf
from neurofuse.cli import main

folder, joint, live = sys.argv[1:]
truth, recording = nf.simulate(20.0, seed=2)
nf.write(recording, folder, stem="a")
recording = nf.read(f"{folder}/a_recording.nc")
_, moved = nf.inject(truth, seed=2)
cleaned = nf.clean(moved, joint)
assert {"gate", "verdict", "evidence"} <= set(cleaned["eeg"].data_vars)
assert cleaned["nirs"].gate.shape == cleaned["nirs"].verdict.shape
nf.write(cleaned, folder, stem="b")
cleaner = nf.LiveCleaner(recording, live)
out = cleaner.push(recording["eeg"].eeg.values, recording["nirs"].intensity.values)
assert out.eeg.shape[1] > 4900
assert cleaner.settled().nirs.shape[-1] == 120
try:
    nf.clean(recording)
except nf.NeurofuseError as error:
    assert "torch" in str(error), error
else:
    raise AssertionError("torch came from somewhere")
sys.argv = ["neurofuse", "clean", f"{folder}/a_recording.nc", "--method", joint]
sys.argv += ["--out", f"{folder}/c"]
main()
'''


@pytest.mark.slow
def test_reading_injecting_cleaning_and_writing_need_no_torch(exports, tmp_path):
    folders = [str(tmp_path), str(exports["joint"]), str(exports["joint-live"])]
    command = [sys.executable, "-c", WITHOUT, *folders]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert list(Path(tmp_path, "c").glob("*_recording.nc"))
