"""What is written is valid SNIRF, and what MNE and neurofuse read back."""

from datetime import UTC, date, datetime, timedelta

import h5py
import mne
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import neurofuse.io as io
from neurofuse.io.snirf.read import read_snirf_raw
from neurofuse.io.snirf.write import write_snirf

DATE = datetime(2024, 5, 17, 9, 30, 12, 250000, tzinfo=UTC)
PAIRS = ((1, 1), (1, 2), (2, 2))


def _assert_same(one, other):
    assert one.ch_names == other.ch_names
    assert one.get_channel_types() == other.get_channel_types()
    np.testing.assert_array_equal(one.get_data(), other.get_data())
    for a, b in zip(one.info["chs"], other.info["chs"], strict=True):
        np.testing.assert_array_equal(a["loc"][:10], b["loc"][:10])
        assert int(a["coord_frame"]) == int(b["coord_frame"])
    for part in ("onset", "duration", "description"):
        ours, theirs = getattr(one.annotations, part), getattr(other.annotations, part)
        assert ours.tolist() == theirs.tolist()


@given(
    pairs=st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=1, max_size=5),
    waves=st.lists(st.integers(600, 950), min_size=2, max_size=4, unique=True),
    kind=st.sampled_from(["fnirs_cw_amplitude", "fnirs_od"]),
    rate=st.floats(0.5, 200),
    count=st.integers(2, 80),
    marks=st.lists(
        st.tuples(
            st.integers(0, 900), st.integers(0, 100), st.sampled_from(["BAD_gap", "tap", "1"])
        ),
        max_size=5,
        unique=True,
    ),
    seed=st.integers(0, 99),
)
@settings(max_examples=25)
def test_what_is_written_is_what_neurofuse_and_mne_read(
    tmp_path_factory, make_raw, pairs, waves, kind, rate, count, marks, seed
):
    raw = make_raw(list(dict.fromkeys(pairs)), waves, kind, rate=rate, count=count, seed=seed)
    last = raw.times[-1]
    onset, length, names = zip(*marks, strict=True) if marks else ((), (), ())
    onset, length = last * np.array(onset) / 1000, last * np.array(length) / 1000
    raw.set_annotations(mne.Annotations(onset, length, names, DATE))
    raw.info["bads"] = raw.ch_names[: len(waves)]
    path = tmp_path_factory.mktemp("written") / "a.snirf"
    write_snirf(raw, path)
    ours, theirs = read_snirf_raw(path), mne.io.read_raw_snirf(path, verbose="error")
    assert ours.info["sfreq"] == pytest.approx(rate, rel=1e-15)
    assert theirs.info["sfreq"] == pytest.approx(rate, rel=1e-9)
    _assert_same(theirs, raw)
    _assert_same(ours, raw)
    assert ours.info["bads"] == raw.info["bads"]
    assert ours.info["meas_date"] == theirs.info["meas_date"] == DATE
    assert ours.info["dig"] is None


def test_first_sample_after_a_crop_is_where_it_was(tmp_path, make_raw):
    raw = make_raw(count=100)
    raw.set_annotations(mne.Annotations([6.0], [1.0], ["tap"], DATE))
    raw.crop(4.0)
    write_snirf(raw, tmp_path / "a.snirf")
    again = read_snirf_raw(tmp_path / "a.snirf")
    assert again.annotations.onset == pytest.approx([2.0])
    assert again.info["meas_date"] == DATE + timedelta(seconds=4)


def test_optodes_keep_their_numbers_and_names_without_numbers_their_labels(tmp_path, make_raw):
    raw = make_raw(((3, 7), (12, 7)), (760.0, 850.0))
    write_snirf(raw, tmp_path / "a.snirf")
    assert mne.io.read_raw_snirf(tmp_path / "a.snirf", verbose="error").ch_names == raw.ch_names
    raw.rename_channels({n: n.replace("S", "Tx").replace("D", "Rx") for n in raw.ch_names})
    write_snirf(raw, tmp_path / "b.snirf")
    with h5py.File(tmp_path / "b.snirf") as file:
        assert file["nirs/probe/sourceLabels"][()].tolist() == [b"Tx3", b"Tx12"]  # pyright: ignore
    assert read_snirf_raw(tmp_path / "b.snirf").ch_names[-1] == "S2_D1 850"


def test_what_snirf_cannot_hold_is_refused(tmp_path, make_raw, eeg_raw):
    with pytest.raises(io.WriteError, match="channels of type eeg"):
        write_snirf(eeg_raw(), tmp_path / "a.snirf")
    nameless = make_raw().rename_channels({"S1_D1 760": "left"})
    with pytest.raises(io.WriteError, match=r"'left'.*names like 'S1_D1 760'"):
        write_snirf(nameless, tmp_path / "a.snirf")
    with pytest.raises(io.WriteError, match="an optode numbered 123456"):
        write_snirf(make_raw(((123456, 1),), (760.0, 850.0)), tmp_path / "a.snirf")
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the validator's
@pytest.mark.parametrize("kind", ["fnirs_cw_amplitude", "fnirs_od"])
def test_the_official_validator_has_nothing_to_say(tmp_path, make_raw, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)  # the validator leaves a log where it is imported
    validator = pytest.importorskip("snirf")
    raw = make_raw(((3, 7), (1, 2)), (660.0, 760.0, 850.0), kind)
    marks = mne.Annotations([1.0, 2], [0.5, 0], ["BAD_x", "tap"], DATE, [["S1_D2 660"], []])
    raw.set_annotations(marks)
    raw.info["bads"] = ["S1_D2 660"]
    raw.info["subject_info"] = {"his_id": "a", "sex": 1, "birthday": date(1990, 1, 2)}
    raw.set_montage(None)
    times = {"channel": ["x", "y"], "time": np.arange(30) / 5}
    sensor = xr.Dataset({"acc": (("channel", "time"), np.ones((2, 30)))}, coords=times)
    write_snirf(raw, "a.snirf", {"acc": sensor})
    result = validator.validateSnirf("a.snirf")
    assert result.is_valid()
    assert [issue.location for issue in [*result.errors, *result.warnings]] == []
