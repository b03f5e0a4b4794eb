"""EEG written as FIF, EDF, BDF, BrainVision and EEGLAB, read back by MNE."""

import logging
from datetime import UTC, date, datetime, timedelta
from typing import Any

import mne
import numpy as np
import pytest

import neurofuse.io as io
from neurofuse.io.formats.brainvision import write_brainvision
from neurofuse.io.lazy import blocks_of

SUFFIXES = (".fif", ".edf", ".bdf", ".vhdr", ".set")
NAMES = ("C3", "C4", "ECG", "misc1", "STI")
TYPES = ("eeg", "eeg", "ecg", "misc", "stim")
STEPS = {".fif": 0, ".edf": 2.0**-16, ".bdf": 2.0**-24, ".vhdr": 2.0**-24, ".set": 2.0**-24}


@pytest.fixture
def mixed(eeg_raw):
    """Channels of five types and very different sizes, one on a large offset; two annotations."""

    def make(names=NAMES, rate=250.0, seconds=10.0, first_samp=0, **more):
        raw = eeg_raw(names, rate, seconds, **more)
        raw.set_channel_types(dict(zip(names, TYPES, strict=True)), on_unit_change="ignore")
        raw._data[1] += 7e-4
        raw._data[2] *= 50
        raw._data[3] *= 4e5
        raw._data[4] = np.arange(raw.n_times) // 100 % 3
        raw = mne.io.RawArray(raw.get_data(), raw.info, first_samp, verbose="error")
        raw.info["bads"] = [names[1]]
        raw.info["line_freq"] = 50.0
        when = raw.info["meas_date"]
        late = raw.first_time if when else 0
        raw.set_annotations(
            mne.Annotations(
                np.array([1.0, 2.0013]) + late,
                [0.0, 0.5],
                ["Stimulus/S  1", "tåp, left|b/c"],
                when,
                [(), tuple(names[:2])],
            )
        )
        return raw

    return make


def there_and_back(raw, path) -> Any:
    io.write_eeg(io.from_mne(raw), path)
    return mne.io.read_raw(path, preload=True, verbose="error")


def marks_of(raw):
    """(s since the first sample, s, text) of each different annotation, without fillings."""
    rows = zip(
        (raw.annotations.onset - raw.first_time).tolist(),
        raw.annotations.duration.tolist(),
        raw.annotations.description.tolist(),
        strict=True,
    )
    return sorted({row for row in rows if row[2] not in ("BAD_ACQ_SKIP", "New Segment/")})


def pulses_of(raw):
    """The pulses on the trigger channel, which are events as well, in the form of `marks_of`."""
    options: dict[str, Any] = {"consecutive": True, "shortest_event": 1}
    found = mne.find_events(
        raw, NAMES[4] if NAMES[4] in raw.ch_names else None, verbose="error", **options
    )
    rate = raw.info["sfreq"]
    return [((s - raw.first_samp) / rate, 0.0, str(c)) for s, _, c in found.tolist()]


def compare(again, raw, suffix):
    """What every format keeps: names, order, samples, rate, and marks to half a sample."""
    assert again.ch_names == raw.ch_names
    assert again.info["sfreq"] == pytest.approx(raw.info["sfreq"], rel=1e-6)
    ours, theirs = again.get_data()[:, : raw.n_times], raw.get_data()
    edf = suffix in (".edf", ".bdf")  # steps are fractions of each channel's own range
    size = np.ptp(theirs, axis=1) if edf else np.abs(theirs).max(axis=1)
    assert (np.abs(ours - theirs).max(axis=1) <= STEPS[suffix] * size * 1.01).all()
    found, wanted = marks_of(again), sorted({*marks_of(raw), *pulses_of(raw)})
    texts = [text for *_, text in wanted]
    if suffix == ".vhdr":
        texts = [t if t == "Stimulus/S  1" else f"Comment/{t}" for t in texts]
    assert [text for *_, text in found] == texts
    for (onset, length, _), (at, long, _) in zip(found, wanted, strict=True):
        assert onset == pytest.approx(at, abs=0.51 / raw.info["sfreq"])
        assert length == pytest.approx(long, abs=0.51 / raw.info["sfreq"])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_samples_names_rate_and_marks_come_back(mixed, tmp_path, suffix):
    raw = mixed()
    again = there_and_back(raw, tmp_path / f"a{suffix}")
    compare(again, raw, suffix)
    assert again.n_times == raw.n_times
    whole = raw.info["meas_date"].replace(microsecond=0)
    dates = {".edf": whole, ".bdf": whole, ".set": None}
    assert again.info["meas_date"] == dates.get(suffix, raw.info["meas_date"])
    types = {".fif": list(TYPES), ".vhdr": ["eeg", "eeg", "eeg", "misc", "eeg"]}
    assert again.get_channel_types() == types.get(suffix, ["eeg"] * 5)
    assert again.info["bads"] == (["C4"] if suffix == ".fif" else [])
    types_again = io.from_mne(again)["eeg"].ch_type.values.tolist()
    assert types_again[:3] == ["eeg", "eeg", "ecg"]  # from names


@pytest.mark.parametrize("suffix", [".fif", ".edf", ".bdf"])
def test_channels_of_annotations_come_back(mixed, tmp_path, suffix):
    again = there_and_back(mixed(), tmp_path / f"a{suffix}")
    assert [names for names in again.annotations.ch_names if names] == [("C3", "C4")]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("rate", [250.0123, 256 / 1.0001, 7.8125])
def test_any_rate(mixed, tmp_path, suffix, rate):
    raw = mixed(rate=rate, seconds=10.3)
    again = there_and_back(raw, tmp_path / f"a{suffix}")
    compare(again, raw, suffix)
    filling = [d for d in again.annotations.description if d == "BAD_ACQ_SKIP"]
    assert len(filling) == (suffix in (".edf", ".bdf"))
    exact = suffix in (".vhdr", ".set") or rate == 7.8125
    assert again.info["sfreq"] == pytest.approx(rate, rel=1e-15 if exact else 5e-7)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_cropped_raw(mixed, tmp_path, suffix):
    raw = mixed(first_samp=1234)
    again = there_and_back(raw, tmp_path / f"a{suffix}")
    compare(again, raw, suffix)
    start = raw.info["meas_date"] + timedelta(seconds=raw.first_time)
    assert again.first_samp == (1234 if suffix == ".fif" else 0)
    if suffix != ".set":
        found = again.info["meas_date"] + timedelta(seconds=again.first_time)
        assert abs(found - start) < timedelta(seconds=1 if suffix in (".edf", ".bdf") else 2e-6)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("year", [1904, 1970, 2037])
def test_dates_that_a_format_cannot_store_are_left_out(mixed, tmp_path, caplog, suffix, year):
    raw = mixed(date=datetime(year, 3, 2, 4, 5, 6, tzinfo=UTC), seconds=3)
    with caplog.at_level(logging.WARNING, "neurofuse"):
        again = there_and_back(raw, tmp_path / f"a{suffix}")
    compare(again, raw, suffix)
    lost = suffix in (".edf", ".bdf") and year < 1985
    assert any(f"{year}-03-02 is left out" in m for m in caplog.messages) == lost
    if suffix != ".set" and not lost:
        assert again.info["meas_date"] == raw.info["meas_date"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_names_beyond_ascii(mixed, tmp_path, caplog, suffix):
    names = ("Cé", "Ce", "C€", "Fp1µ", "Łód")
    raw = mixed(names=names, seconds=3)
    with caplog.at_level(logging.WARNING, "neurofuse"):
        again = there_and_back(raw, tmp_path / f"a{suffix}")
    if suffix in (".vhdr", ".set"):
        assert again.ch_names == list(names)
        return
    assert again.ch_names == ["Ce2", "Ce", "C?", "Fp1u", "?od"]
    assert [set(n) for n in again.annotations.ch_names if n] == [{"Ce2", "Ce"}]
    assert any("ASCII names only" in m and "'Fp1µ': 'Fp1u'" in m for m in caplog.messages)
    np.testing.assert_allclose(again.get_data()[2], raw.get_data()[2], atol=1e-6)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_long_names(mixed, tmp_path, suffix):
    names = ("A very long name over 16", "with, comma", *NAMES[2:])
    raw = mixed(names=names, seconds=3)
    if suffix in (".edf", ".bdf"):
        with pytest.raises(io.WriteError, match=r"'A very long name over 16'; .*16 characters"):
            there_and_back(raw, tmp_path / f"a{suffix}")
        assert list(tmp_path.iterdir()) == []
    else:
        assert there_and_back(raw, tmp_path / f"a{suffix}").ch_names == list(names)


@pytest.mark.parametrize("suffix", [".edf", ".bdf"])
def test_rates_below_one_are_refused(eeg_raw, tmp_path, suffix):
    with pytest.raises(io.WriteError, match=r"0\.5 Hz; .*one sample a second"):
        there_and_back(eeg_raw(rate=0.5, seconds=40), tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_unusual_subjects_and_devices(mixed, tmp_path, suffix):
    raw = mixed(seconds=3)
    raw.info["subject_info"] = {
        "his_id": "Müller  no 7\0" + "x" * 60, "first_name": "José María", "sex": 2,
        "birthday": date(1890, 1, 2), "weight": 60.0,
    }  # fmt: skip
    raw.info["device_info"] = {"type": "Müse 2 with a name that never ends"}
    compare(there_and_back(raw, tmp_path / f"a{suffix}"), raw, suffix)


def test_brainvision_is_written_in_blocks(mixed, tmp_path, monkeypatch):
    raw = mixed()
    write_brainvision(raw, tmp_path / "whole.vhdr")
    monkeypatch.setattr("neurofuse.io.lazy.BLOCK", 1.37)
    lazy = io.from_mne(raw)
    node = lazy["eeg"].to_dataset()
    node = node.assign(eeg=(("channel", "time"), blocks_of(node.eeg.values, 250.0)))
    io.write_eeg(io.with_stream(lazy, "eeg", node), tmp_path / "blocks.vhdr")
    whole, blocks = (tmp_path / f"{n}.eeg" for n in ("whole", "blocks"))
    assert whole.read_bytes() == blocks.read_bytes()


def test_a_writer_that_fails_in_any_way_reports_it(eeg_raw, tmp_path, monkeypatch):
    def broken(*args, **kwargs):
        raise KeyError("signal")

    monkeypatch.setattr("mne.export.export_raw", broken)
    with pytest.raises(io.WriteError, match=r"\.edf cannot hold \('signal'\).*\.fif or \.nc"):
        io.write_eeg(io.from_mne(eeg_raw()), tmp_path / "a.edf")
    assert list(tmp_path.iterdir()) == []
