"""Live cleaning: chunks of any size, nothing from the future, nobody waits."""

import numpy as np
import pytest
import xarray as xr

import neurofuse as nf
from neurofuse.fusion.live import LiveCleaner, LiveOutput
from neurofuse.io.errors import NeurofuseError, ParameterError, SchemaError
from neurofuse.io.recording import LOST, without_stream

RATE, NIRS_RATE = 250, 10


@pytest.fixture(scope="module")
def moving():
    return nf.simulate(duration=24, seed=6)[1]


@pytest.fixture(scope="module")
def samples(moving):
    return moving["eeg"].eeg.values, moving["nirs"].intensity.values


def run(recording, eeg, nirs, chunk=25, **options) -> LiveOutput:
    """All that comes out when samples go in by chunks, fNIRS as far as EEG is."""
    cleaner, parts, sent = LiveCleaner(recording, **options), [], 0
    for first in range(0, eeg.shape[1], chunk):
        last = min(first + chunk, eeg.shape[1])
        upto = last * NIRS_RATE // RATE
        parts.append(cleaner.push(eeg[:, first:last], nirs[..., sent:upto]))
        sent = upto
    return LiveOutput(
        np.concatenate([p.eeg for p in parts], -1),
        np.concatenate([p.nirs for p in parts], -1),
        *(
            {s: np.concatenate([p[name][s] for p in parts], -1) for s in ("eeg", "nirs")}
            for name in LiveOutput.NAMES[2:]
        ),
    )


@pytest.fixture(scope="module")
def whole(moving, samples):
    return run(moving, *samples)


def test_every_sample_comes_out_once_and_a_movement_is_made_smaller(moving, samples, whole):
    eeg, nirs = samples
    assert whole.eeg.shape == eeg.shape
    assert whole.nirs.shape[-1] == nirs.shape[-1] - NIRS_RATE
    quiet = whole.gate["eeg"] == 0
    assert np.array_equal(whole.eeg[quiet], eeg[quiet])
    strong = np.abs(eeg - np.median(eeg, -1, keepdims=True)) > 300e-6
    assert strong.any()
    assert np.abs(whole.eeg[strong]).mean() < 0.5 * np.abs(eeg[strong]).mean()
    assert set(np.unique(whole.verdict["eeg"])) <= {0, 1, 2}
    assert whole["uncertainty"]["eeg"][whole.gate["eeg"] > 0.5].min() > 0


@pytest.mark.parametrize("chunk", [1, 7, 250])
def test_chunks_make_no_difference(moving, samples, whole, chunk):
    eeg, nirs = (x[..., : x.shape[-1] // 2] for x in samples)
    given = run(moving, eeg, nirs, chunk)
    for s in ("eeg", "nirs"):
        length = given[s].shape[-1]
        scale = np.abs(whole[s]).max()
        np.testing.assert_allclose(given[s] / scale, whole[s][..., :length] / scale, atol=1e-5)


def test_nothing_depends_on_what_comes_later(moving, samples, whole):
    eeg, nirs = (x.copy() for x in samples)
    at = 12.0
    eeg[:, int(at * RATE) :] = 1e-3
    nirs[..., int(at * NIRS_RATE) :] *= 3
    given = run(moving, eeg, nirs)
    first = int((at - 0.1) * RATE)
    assert np.array_equal(given.eeg[:, :first], whole.eeg[:, :first])
    first = int((at - 1.0) * NIRS_RATE)
    assert np.array_equal(given.nirs[..., :first], whole.nirs[..., :first])


def test_neither_modality_waits_for_the_other(moving, samples):
    eeg, nirs = samples
    cleaner = LiveCleaner(moving)
    assert cleaner.push(eeg=eeg[:, :500]).eeg.shape[1] == 500
    out = cleaner.push(nirs=nirs[..., :40])
    assert out.eeg.shape[1] == 0
    assert out.nirs.shape[-1] == 30
    assert cleaner.push().nirs.shape[-1] == 0


@pytest.mark.parametrize("stream", ["eeg", "nirs"])
def test_a_single_modality_is_cleaned(moving, samples, stream):
    other = {"eeg": "nirs", "nirs": "eeg"}[stream]
    cleaner = LiveCleaner(without_stream(moving, other))
    given = samples[0 if stream == "eeg" else 1]
    out = cleaner.push(**{stream: given})
    assert out[other] is None
    assert list(out.gate) == [stream]
    assert out[stream].shape[-1] > 0.9 * given.shape[-1]


def test_gaps_stay_gaps_with_a_shut_mask(moving, samples):
    eeg, nirs = (x.copy() for x in samples)
    eeg[:, 3000:3100] = np.nan
    eeg[3, 4000:4010] = np.nan
    nirs[..., 100:110] = np.nan
    out = run(moving, eeg, nirs)
    for s, values in (("eeg", eeg), ("nirs", nirs[..., :-NIRS_RATE])):
        missing = np.isnan(values)
        assert np.array_equal(np.isnan(out[s]), missing)
        gone = missing.any(1) if s == "nirs" else missing
        assert (out.gate[s][gone] == 0).all()
        assert (out.verdict[s][gone] == LOST).all()


def test_an_electrode_that_stands_still_is_lost_and_as_recorded(moving, samples):
    eeg, nirs = samples[0].copy(), samples[1]
    eeg[0, 2000:5000] = 5e-3
    out = run(moving, eeg, nirs)
    assert (out.verdict["eeg"][0, 2800:5000] == LOST).all()
    assert np.array_equal(out.eeg[0, 2800:5000], eeg[0, 2800:5000])


def test_scale_in_is_scale_out(moving, samples, whole):
    eeg, nirs = samples
    out = run(moving, 3 * eeg, 7 * nirs)
    np.testing.assert_allclose(out.eeg / 3, whole.eeg, atol=1e-5 * np.abs(whole.eeg).max())
    np.testing.assert_allclose(out.nirs / 7, whole.nirs, rtol=1e-5)


def test_bad_channels_and_others_pass(moving, samples):
    bad = moving["eeg"].to_dataset()
    bad["bad"][2] = True
    bad["ch_type"][0] = "stim"
    tree = moving.copy()
    tree["eeg"] = type(moving)(bad)
    out = run(tree, *samples)
    assert np.array_equal(out.eeg[[0, 2]], samples[0][[0, 2]])
    assert (out.gate["eeg"][[0, 2]] == 0).all()


def test_stamps_come_back_and_tell_what_belongs_together(moving, samples):
    eeg, nirs = samples
    stamps = {"eeg": 100 + np.arange(500) / RATE, "nirs": 100 + np.arange(20) / NIRS_RATE}
    out = LiveCleaner(moving).push(eeg[:, :500], nirs[..., :20], stamps=stamps)
    assert np.array_equal(out.stamps["eeg"], stamps["eeg"])
    assert np.array_equal(out.stamps["nirs"], stamps["nirs"][:10])


def test_an_imu_is_taken_and_hurts_nobody(moving, samples):
    cleaner = LiveCleaner(moving, rates={"imu": 50.0})
    rng = np.random.default_rng(0)
    for hop in range(100):
        part = samples[0][:, 25 * hop : 25 * hop + 25]
        out = cleaner.push(part, samples[1][..., hop : hop + 1], rng.normal(size=(6, 5)))
        assert np.isfinite(out.eeg).all()


def test_settled_samples_come_later_and_go_on_without_a_seam(moving, samples):
    eeg, nirs = samples
    cleaner = LiveCleaner(moving)
    cleaner.push(eeg[:, :5000], nirs[..., :200])
    first = cleaner.settled()
    assert first.eeg.shape[1] == 3000
    assert first.nirs.shape[-1] == 120
    cleaner.push(eeg[:, 5000:], nirs[..., 200:])
    second = cleaner.settled()
    assert second.eeg.shape[1] == 1000
    assert cleaner.settled().eeg.shape[1] == 0
    taken = np.log(np.concatenate([first.nirs, second.nirs], -1) / nirs[..., :160])
    rest = np.concatenate([first.gate["nirs"], second.gate["nirs"]], -1)[:, 119:121].max(-1) == 0
    assert rest.any()
    np.testing.assert_allclose(taken[rest][..., 119], taken[rest][..., 120], atol=1e-9)


def test_nothing_piles_up_while_a_modality_sends_nothing(moving):
    cleaner = LiveCleaner(moving)
    for _ in range(50):
        cleaner.push(np.zeros((19, 0)), np.zeros((24, 2, 0)))
    assert not any(past.chunks for past in cleaner.pasts.values())


def test_a_modality_without_any_sample_does_not_keep_the_other_from_settling(moving, samples):
    eeg, nirs = samples
    cleaner = LiveCleaner(moving)
    cleaner.push(np.full(eeg[:, :4000].shape, np.nan), nirs[..., :160])
    settled = cleaner.settled()
    assert (settled.eeg.shape[-1], settled.nirs.shape[-1]) == (0, 80)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"eeg": np.zeros((3, 10))}, "channels of the montage"),
        ({"eeg": np.zeros(10)}, "channels of the montage"),
        ({"nirs": np.zeros((24, 10))}, "channels of the montage"),
        ({"imu": np.zeros((3, 10))}, "its rate"),
        ({"eeg": np.zeros((19, 10)), "stamps": {"eeg": np.zeros(3)}}, "one for each"),
        ({"eeg": [[1.0, 2.0], [3.0]]}, "cannot be read as numbers"),
        ({"eeg": np.ones((19, 10), complex)}, "cannot be read as numbers"),
        ({"eeg": np.zeros((19, 10)), "stamps": np.zeros(10)}, "a dict by"),
        ({"eeg": np.zeros((19, 10)), "stamps": {"EEG": np.zeros(10)}}, "a dict by"),
    ],
)
def test_samples_that_do_not_fit_are_refused(moving, given, words):
    with pytest.raises(SchemaError, match=words):
        LiveCleaner(moving).push(**given)


@pytest.mark.parametrize(
    "options",
    [
        {"method": "joint"},
        {"method": "nothing"},
        {"rates": {"eeg": 0.0}},
        {"method": None},
        {"rates": {"ecg": 250.0}},
        {"rates": {"eeg": "fast"}},
        {"rates": 250.0},
        {"lookahead": 0.0},
        {"lookahead": "short"},
    ],
)
def test_options_that_cannot_be_are_refused(moving, options):
    with pytest.raises(NeurofuseError):
        LiveCleaner(moving, **options)


@pytest.mark.parametrize("montage", [None, "session.snirf", xr.DataTree()])
def test_what_is_no_montage_is_refused(montage):
    with pytest.raises(SchemaError):
        LiveCleaner(montage)


def test_a_model_that_sees_the_future_is_named(moving):
    with pytest.raises(ParameterError, match="sees the future"):
        LiveCleaner(moving, "joint")


@pytest.mark.parametrize("value", [1e300, np.inf, -np.inf])
def test_what_no_sensor_gives_is_lost_and_leaves_no_trace(moving, samples, value):
    cleaned = {}
    for put in (value, np.nan):
        eeg, shaken = samples[0][:, :3000].copy(), np.random.default_rng(0).normal(size=(3, 600))
        eeg[2, 1000:1004], shaken[1, 300] = put, put
        cleaner = LiveCleaner(moving, rates={"imu": 50.0})
        cleaned[put] = cleaner.push(eeg=eeg, imu=shaken)
    strange, missing = cleaned.values()
    assert (strange.verdict["eeg"][2, 1000:1004] == LOST).all()
    assert (strange.eeg[2, 1000:1004] == value).all()
    others = np.isfinite(missing.eeg)
    np.testing.assert_array_equal(strange.eeg[others], missing.eeg[others])


def test_a_flat_modality_settles_as_lost_and_does_not_hold_up_the_other(moving, samples):
    eeg, nirs = np.full_like(samples[0], 5e-3), samples[1]
    cleaner = LiveCleaner(moving)
    cleaner.push(eeg, nirs)
    out = cleaner.settled()
    assert (out.verdict["eeg"] == LOST).all()
    assert (out.eeg == 5e-3).all()
    assert out.nirs.shape[-1] == nirs.shape[-1] - 80
    assert (out.verdict["nirs"] != LOST).mean() > 0.8
