"""The self-test against the truth, and recordings in which nothing can be tested."""

import dataclasses
import json
import re

import numpy as np
import pytest

import neurofuse as nf
from neurofuse.cli.check import as_json
from neurofuse.fusion.methods.cleaner import apply
from neurofuse.fusion.methods.registry import get_method
from neurofuse.fusion.metrics.errors import ErrorScorer
from neurofuse.fusion.report.self_test import self_test_section
from neurofuse.fusion.self_test import self_test
from neurofuse.io.errors import ParameterError
from neurofuse.io.recording import build, eeg_dataset, stream_dataset, with_stream, without_stream

NEAR = 3.0  # dB; a recording of two minutes and a half holds few movements
METHODS = ["joint", "tddr"]


@pytest.fixture(scope="module")
def found(simulated_long):
    return self_test(simulated_long[1], METHODS)


def test_the_error_of_eeg_is_near_the_true_one(simulated_long, found):
    truth, contaminated = simulated_long
    cleaned = apply(get_method("joint"), contaminated)
    scorer = ErrorScorer(truth, contaminated)
    true = float(scorer.score(cleaned).value.loc["eeg", "error_db"])
    assert found.tested == ("eeg", "nirs")
    assert abs(found.figure("joint", "eeg") - true) < NEAR
    before = float(scorer.score(contaminated).value.loc["eeg", "error_db"])
    assert abs(found.figure("uncorrected", "eeg") - before) < NEAR


def test_what_is_left_untouched_is_kept(found):
    assert found.figure("uncorrected", "eeg", "clean_change_db") == -np.inf
    assert found.figure("uncorrected", "nirs", "clean_change_db") == -np.inf
    assert 0.5 < found.figure("joint", "eeg", "alpha_kept") < 1.1
    assert np.isnan(found.figure("joint", "nirs", "alpha_kept"))
    assert np.isnan(found.figure("tddr", "eeg"))  # treats fNIRS only


def test_the_best_method_has_the_smallest_error(found):
    for modality in found.tested:
        rows = found.ranking(modality)
        assert found.best(modality) == rows[0][0]
        assert found.margin(modality) == rows[1][1] - rows[0][1] >= 0
    factor = found.uncertainty_factor["joint"]["eeg"]
    assert 0.3 < factor < 3


def test_words_and_json_say_the_same(found):
    text = str(found)
    for modality in found.tested:
        assert f"joint leaves {found.figure('joint', modality):+.1f} dB" in text
        assert f"Recommended: {found.best(modality)}" in text
    facts = json.loads(as_json(found))
    [row] = [r for r in facts["rows"] if (r["method"], r["modality"]) == ("joint", "eeg")]
    assert row["error_db"] == found.figure("joint", "eeg")
    assert facts["best"]["eeg"]["method"] == found.best("eeg")
    assert facts["recommended"] == {m: found.recommended(m) for m in found.tested}


@pytest.mark.parametrize("best", ["joint", "uncorrected"])
def test_what_is_worse_than_zeros_is_not_recommended(found, best):
    table = found.table.copy(deep=True)
    errors = dict.fromkeys(table.method.values.tolist(), 2.5) | {best: 1.2}
    for method, error in errors.items():
        table.value.loc[method, "eeg", "error_db"] = error
    poor = dataclasses.replace(found, table=table)
    assert (poor.best("eeg"), poor.recommended("eeg")) == (best, "")
    said = (
        f"Recommended: none. The smallest error, +1.2 dB ({best}), is no smaller than that of zeros"
    )
    assert said in str(poor)
    assert json.loads(as_json(poor))["recommended"]["eeg"] is None
    section = self_test_section(poor)
    assert "Recommended: none." in section
    assert section.count("class=best") == self_test_section(found).count("class=best") - 1


def test_methods_for_the_other_modality_are_refused(simulated):
    for stream, methods in (("nirs", ["tddr", "wavelet"]), ("eeg", "asr")):
        without = without_stream(simulated[1], stream)
        if stream == "nirs":
            assert self_test(without, methods).failures().keys() == {"tddr"}
            methods = ["tddr", "spline"]
        with pytest.raises(ParameterError, match=r"only, which .* cannot treat; wanted a method"):
            self_test(without, methods)


def test_the_report_has_the_figures(found):
    section = self_test_section(found)
    assert f">{found.figure('joint', 'nirs'):+.1f}<" in section
    assert section.count("<table") == 2
    with pytest.raises(ParameterError, match="self_test returned"):
        self_test_section({})  # type: ignore[arg-type]


def test_the_input_stays_as_it_is_and_repeats_give_the_same(simulated):
    eeg = without_stream(simulated[1], "nirs")
    before = eeg["eeg"].eeg.values.copy()
    one, other = (self_test(eeg, ["eeg"]) for _ in range(2))
    assert np.array_equal(eeg["eeg"].eeg.values, before)
    assert one.facts() == other.facts()


def test_one_modality_gets_the_method_that_suits_its_channels(simulated):
    eeg = without_stream(simulated[1], "nirs")
    few = with_stream(eeg, "eeg", stream_dataset(eeg, "eeg").isel(channel=slice(0, 1)))
    for recording, other in ((eeg, "asr"), (few, "wavelet")):
        tested = self_test(recording)
        assert set(tested.table.method.values) == {"eeg", other, "uncorrected"}
        assert np.isfinite(tested.figure("eeg", "eeg"))
        assert "fNIRS" not in str(tested)


def noise(seconds: float, size: float = 1e-5, channels: int = 2) -> np.ndarray:
    return size * np.random.default_rng(0).standard_normal((channels, round(250 * seconds)))


def of_eeg(samples: np.ndarray):
    return build(eeg_dataset(samples, 250.0, [f"E{k}" for k in range(len(samples))]))


def test_a_recording_too_short_says_so():
    short = self_test(of_eeg(noise(1.0)))
    assert short.tested == ()
    assert "too short to test (1.0 s, at least 20 s are needed)" in str(short)
    assert short.best("eeg") == ""
    assert np.isnan(short.figure("eeg", "eeg"))


def test_without_movement_nothing_is_claimed():
    still = self_test(of_eeg(noise(40.0)))
    assert still.tested == ()
    assert "no movement was found" in str(still)
    assert "<table" not in self_test_section(still)


def test_with_a_single_movement_nothing_is_claimed():
    once = noise(60.0)
    once[:, 5000:5500] += 5e-4 * np.hanning(500)
    tested = self_test(of_eeg(once))
    assert tested.tested == ()
    assert re.search(r"too few movements to test with \(1 within 60 s", str(tested))


def test_modalities_that_were_not_recorded_together(simulated):
    both = simulated[1]
    node = stream_dataset(both, "nirs")
    apart = with_stream(both, "nirs", node.assign_coords(time=node.time + 100))
    assert "(0.0 s of both modalities together, at least" in str(self_test(apart))


def test_without_a_quiet_stretch_nothing_is_claimed():
    restless = noise(60.0)
    loud = np.arange(restless.shape[1]) % 500 < 350  # every 2 s for most of it
    restless[:, loud] *= 40
    tested = self_test(of_eeg(restless))
    assert tested.tested == ()
    assert re.search(r"no quiet stretch to test in \(\d+\.\d s of quiet per channel", str(tested))


def test_channels_with_gaps_are_left_out(simulated):
    eeg = without_stream(simulated[1], "nirs")
    node = stream_dataset(eeg, "eeg")
    values = node.eeg.values.copy()
    values[0, 1000:1100] = np.nan
    values[1] = np.nan
    gappy = with_stream(eeg, "eeg", node.assign(eeg=(node.eeg.dims, values, node.eeg.attrs)))
    tested = self_test(gappy, ["eeg"])
    assert np.isfinite(tested.figure("eeg", "eeg"))


def test_unknown_methods_are_refused_and_failing_ones_named(simulated):
    with pytest.raises(ParameterError, match="the method 'jiont'"):
        self_test(of_eeg(noise(1.0)), ["jiont"])
    with pytest.raises(ParameterError, match="no method"):
        self_test(of_eeg(noise(1.0)), [])
    with pytest.raises(ParameterError, match="seed='x'"):
        self_test(of_eeg(noise(1.0)), seed="x")  # type: ignore[arg-type]
    eeg = without_stream(simulated[1], "nirs")
    tested = self_test(eeg, ["eeg", Broken()])
    assert tested.failures() == {"broken": "RuntimeError: out of order"}
    assert "broken did not run: RuntimeError: out of order" in str(tested)
    assert tested.best("eeg") == "eeg"


class Broken:
    name, streams, delay, citation = "broken", ("eeg",), 0.0, "nobody"

    def fit(self, recording):
        return self

    def transform(self, recording):
        raise RuntimeError("out of order")


def test_where_no_method_ran_nothing_is_recommended(simulated):
    nirs = without_stream(simulated[1], "eeg")
    one = with_stream(nirs, "nirs", stream_dataset(nirs, "nirs").isel(wavelength=[0]))
    tested = self_test(one, ["tddr"])
    assert tested.sentences("nirs")[1:] == ["No method ran: nothing can be recommended."]
    assert "tddr did not run" in str(tested)


def test_a_longer_recording_is_tested_in_part():
    samples = noise(700.0, channels=1)
    samples[0, 250 * 500 : 250 * 503] += 5e-4 * np.hanning(750)
    from neurofuse.fusion.self_test.window import span, tested_part

    first, last = span(tested_part(of_eeg(samples)))
    assert first < 500 < 503 < last
    assert 179 < last - first < 181


def test_it_is_a_public_name():
    assert nf.self_test is self_test
