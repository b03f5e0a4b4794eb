"""Recording → file → Recording is the identity, for whatever a Recording may hold."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import mne
import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import neurofuse.io as io
from neurofuse.io.clock.joining import event_rows, join
from neurofuse.io.recording import with_stream
from tests.marks import slow

few = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=(Phase.explicit, Phase.generate),  # shrinking takes minutes with files
)
fewer = settings(few, max_examples=5)  # stores of many small arrays take their time
LETTERS = st.characters(exclude_categories=("C", "Z"), exclude_characters=",", max_codepoint=0x2FFF)
RATES = st.sampled_from([1.0, 64.0, 250.0, 512.0, 1000.0]) | st.floats(1.5, 2000.0)
UNKNOWN = datetime(2000, 1, 1, tzinfo=UTC)  # MNE's stand-in for no date
DATES = st.none() | st.datetimes(datetime(1986, 1, 1), datetime(2037, 12, 31)).map(
    lambda date: date.replace(tzinfo=UTC)
).filter(
    lambda date: date != UNKNOWN
)  # FIF tells seconds since 1970 in 32 bits, EDF years in two digits
# What a format keeps of an EEG stream, as docs/formats.md says: relative error of the rate, largest
# error of event times (share of themselves, s, samples), of places [m], and what else comes back.
KEEPS = {
    ".fif": {"rate": 1e-7, "event": (1e-6, 1e-6, 0), "places": 1e-7,
             "also": ("types", "bads", "date", "owners")},
    ".edf": {"rate": 1e-6, "event": (1e-6, 1e-6, 0), "also": ("date", "owners")},
    ".bdf": {"rate": 1e-6, "event": (1e-6, 1e-6, 0), "also": ("date", "owners")},
    ".vhdr": {"rate": 1e-9, "event": (0, 1e-6, 0.5), "also": ("date",)},
    ".set": {"rate": 1e-9, "event": (1e-6, 1e-6, 0), "places": 1e-6, "also": ()},
}  # fmt: skip


@st.composite
def names(draw, count: int, suffix: str):
    longest = 16 if suffix in (".edf", ".bdf") else 40
    letters = st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=",")
    if suffix in (".vhdr", ".set", ".nc", ".zarr"):
        letters = LETTERS
    word = st.text(letters, min_size=1, max_size=longest // 2 - 1)
    pair = st.tuples(word, word).map(" ".join) | word
    # "x": MNE and our reader take names such as "ECG" and "STI 1" for types of their own
    plain = pair.map(lambda name: f"x{name}"[:longest])
    return draw(st.lists(plain, min_size=count, max_size=count, unique_by=str.lower))


@st.composite
def events(draw, stream: str, seconds: float, channels: list[str]):
    """Rows with texts of their own: of no duration, long, and outside the samples."""
    words = st.text(LETTERS, min_size=1, max_size=12)
    texts = draw(st.lists(words, max_size=4, unique=True))
    rows = []
    for text in texts:
        onset = draw(st.floats(-0.5, 1.5)) * seconds
        duration = draw(st.sampled_from([0.0, 0.1, 3.0])) * seconds
        owner = draw(st.sampled_from(["", *channels])) if "," not in "".join(channels) else ""
        rows.append((onset, duration, text, owner, stream))
    return io.events_dataset(rows)


@st.composite
def eeg_recordings(draw, suffix: str = ".nc"):
    count = draw(st.integers(1, 5))
    channels = draw(names(count, suffix))
    kinds = ["eeg", "ecg", "eog", "emg", "misc"][: 4 if suffix in (".edf", ".bdf") else 5]
    rate, samples = draw(RATES), draw(st.integers(8, 300))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = 10.0 ** draw(st.sampled_from([-7, -5, -3]))
    data = scale * rng.standard_normal((count, samples)) + draw(st.sampled_from([0.0, 1e-3]))
    places = rng.standard_normal((count, 3))
    places *= 0.09 / np.linalg.norm(places, axis=1, keepdims=True)  # EEGLAB's unit is guessed
    places[rng.random(count) < draw(st.sampled_from([0.0, 0.5, 1.0]))] = np.nan
    node = io.eeg_dataset(
        data,
        rate,
        channels,
        ch_type=["eeg", *draw(st.lists(st.sampled_from(kinds), min_size=count - 1,
                                       max_size=count - 1))],
        position=places,
        bad=rng.random(count) < 0.3,
    )  # fmt: skip
    node = node.assign_coords(
        position=node.position.where(node.ch_type == "eeg")  # others have no place on the head
    )
    date = draw(DATES)
    told = "" if date is None else date.isoformat()
    node.attrs.update(measured_at=told, file="", subject="", positions="file")
    rows = draw(events("eeg", samples / rate, channels))
    return io.build(node, events=rows, measured_at=told)


@st.composite
def nirs_recordings(draw):
    waves = sorted(draw(st.sets(st.integers(650, 950), min_size=1, max_size=4)))
    pairs = sorted(draw(st.sets(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1,
                                max_size=6)))  # fmt: skip
    rate, samples = draw(st.sampled_from([1.0, 7.8125, 10.0]) | st.floats(0.5, 200.0)), 60
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    optode = {(k, n): 0.03 * rng.standard_normal(3) for k in "SD" for n in range(1, 10)}
    known = draw(st.booleans())
    data = np.exp(rng.standard_normal((len(pairs), len(waves), samples)))
    data[rng.random(data.shape) < 0.01] *= -1  # devices do that
    node = io.nirs_dataset(
        data,
        rate,
        waves,
        [f"S{s}" for s, _ in pairs],
        [f"D{d}" for _, d in pairs],
        variable=draw(st.sampled_from(["intensity", "od"])),
        source_position=np.array([optode["S", s] for s, _ in pairs]) if known else None,
        detector_position=np.array([optode["D", d] for _, d in pairs]) if known else None,
        bad=rng.random(len(pairs)) < 0.3,
    )
    date = draw(DATES)
    told = "" if date is None else date.isoformat()
    node.attrs.update(measured_at=told, file="", subject="", frame="head")
    aux = {}
    for name in draw(st.lists(st.sampled_from(["acc", "pulse", "µ x"]), max_size=2, unique=True)):
        own = draw(st.floats(1.0, 300.0))
        count, length = draw(st.integers(1, 3)), draw(st.integers(2, 90))
        aux[name] = xr.Dataset(
            {name: (("channel", "time"), rng.standard_normal((count, length)), {"units": "g"})},
            coords={"channel": [f"{name}{i}" for i in range(count)] if count > 1 else [name],
                    "time": draw(st.sampled_from([-0.21, 0.0, 1.5])) + np.arange(length) / own},
            attrs={"rate": own},
        )  # fmt: skip
    rows = draw(events("nirs", samples / rate, []))
    return io.build(nirs=node, aux=aux, events=rows, measured_at=told)


def through(recording: xr.DataTree, suffix: str) -> xr.DataTree:
    """Write a Recording's stream, or all of it, and read the file."""
    write = {".nc": io.write_netcdf, ".zarr": io.write_zarr, ".snirf": io.write_nirs}
    with tempfile.TemporaryDirectory() as folder:
        path = write.get(suffix, io.write_eeg)(recording, Path(folder) / f"a{suffix}")
        return io.read(path)


def inside(recording: xr.DataTree, stream: str) -> dict[str, tuple[float, float, str]]:
    """Events by text: the part of each that lies within the samples."""
    node = recording[stream]
    start, step = float(node.time[0]), 1 / node.attrs["rate"]
    end = float(node.time[-1]) + step
    found = {}
    for onset, duration, text, channel, owner in event_rows(recording):
        if owner != stream:
            continue
        first, last = max(onset, start), min(onset + duration, end)
        if onset <= end - step and onset + duration >= start:
            found[text] = (first - start, max(last - first, 0.0), channel)
    return found


def assert_same_events(before, after, stream, error, prefix="", owners=True):
    """Every event that begins before the last sample is there; `error`: share, s, samples."""
    step = 1 / before[stream].attrs["rate"]
    expected, found = inside(before, stream), inside(after, stream)
    last = float(before[stream].time[-1] - before[stream].time[0]) - 1.5 * step
    sure = {text for text, (onset, *_) in expected.items() if onset <= last}
    assert {prefix + text for text in sure} <= set(found)
    for text, (onset, duration, channel) in expected.items():
        if prefix + text in found:
            at, length, owner = found[prefix + text]
            share, seconds, samples = error
            allowed = share * (onset + duration) + seconds + samples * step
            assert at == pytest.approx(onset, abs=allowed)
            assert length == pytest.approx(duration, abs=step + 2 * allowed)
            assert not owners or owner == channel


def assert_same_date(before, after, stream, tolerance):
    told, found = (r[stream].attrs["measured_at"] for r in (before, after))
    if not told:
        assert not found or datetime.fromisoformat(found).year < 1986  # the format's own "none"
    else:
        late = datetime.fromisoformat(found) - datetime.fromisoformat(told)
        assert abs(late) <= timedelta(seconds=tolerance)


@pytest.mark.parametrize("suffix", slow([".nc", ".zarr"], {".zarr"}))
def test_own_formats_return_an_identical_recording(suffix):
    @fewer
    @given(eeg_recordings(suffix), nirs_recordings(), st.floats(-0.5, 0.5))
    def identical(eeg, nirs, share):
        # the fNIRS begins within the EEG, or the EEG within the fNIRS
        last = (eeg["eeg"] if share > 0 else nirs["nirs"]).time.values[-1]
        for recording in (nirs, join(eeg, nirs, offset=share * last)):
            assert through(recording, suffix).identical(recording)

    identical()


def step_of(values: np.ndarray, suffix: str) -> np.ndarray:
    """Largest error of each channel (channel, 1) that a format may make."""
    size = np.abs(values).max(axis=-1, keepdims=True)
    span = np.ptp(values, axis=-1, keepdims=True)
    if suffix in (".edf", ".bdf"):  # the range is told in 8 characters, so it may be wider by 1e-5
        bits = 16 if suffix == ".edf" else 24
        return (span + 1e-4 * size) / (2**bits - 1) + 1e-12
    return {".fif": 0.0, ".vhdr": 2**-23, ".set": 2**-23}[suffix] * size


@pytest.mark.parametrize("suffix", list(KEEPS))
def test_eeg_formats_return_the_recording_to_their_precision(suffix):
    keeps = KEEPS[suffix]

    @few
    @given(eeg_recordings(suffix))
    def same(recording):
        read = through(recording, suffix)
        before, after = recording["eeg"], read["eeg"]
        assert after.channel.values.tolist() == before.channel.values.tolist()
        assert after.attrs["rate"] == pytest.approx(before.attrs["rate"], rel=keeps["rate"])
        count = before.sizes["time"]
        assert after.sizes["time"] >= count  # EDF fills up its last record
        error = np.abs(after.eeg.values[:, :count] - before.eeg.values)
        assert (error <= step_of(before.eeg.values, suffix)).all()
        if "types" in keeps["also"]:
            assert after.ch_type.values.tolist() == before.ch_type.values.tolist()
        if "bads" in keeps["also"]:
            assert after.bad.values.tolist() == before.bad.values.tolist()
        if "places" in keeps and np.isfinite(before.position.values).any():
            np.testing.assert_allclose(
                after.position.values, before.position.values, atol=keeps["places"]
            )
        prefix = "Comment/" if suffix == ".vhdr" else ""
        owners = "owners" in keeps["also"]
        assert_same_events(recording, read, "eeg", keeps["event"], prefix, owners)
        if "date" in keeps["also"]:
            assert_same_date(recording, read, "eeg", 2e-6)

    same()


@few
@given(nirs_recordings())
def test_snirf_returns_the_recording_exactly(recording):
    after = through(recording, ".snirf")
    before, found = recording["nirs"].to_dataset(), after["nirs"].to_dataset()
    variable = "od" if "od" in before else "intensity"
    assert found.attrs["rate"] == before.attrs["rate"]
    for name in ("channel", "wavelength", "source", "detector", "bad", variable, "time"):
        np.testing.assert_array_equal(found[name].values, before[name].values, name)
    for name in ("source_position", "detector_position"):
        np.testing.assert_array_equal(found[name].values, before[name].values, name)
    assert_same_events(recording, after, "nirs", (0, 1e-6, 0))
    assert_same_date(recording, after, "nirs", 2e-6)
    sensors = recording["aux"].children if "aux" in recording.children else {}
    assert set(sensors) == (set(after["aux"].children) if "aux" in after.children else set())
    for name, sensor in sensors.items():
        other = after[f"aux/{name}"]
        np.testing.assert_array_equal(other[name].values, sensor[name].values)
        np.testing.assert_allclose(other.time.values, sensor.time.values, atol=1e-9)
        assert other.channel.values.tolist() == sensor.channel.values.tolist()
        assert other.attrs["rate"] == pytest.approx(sensor.attrs["rate"], rel=1e-6)


@pytest.mark.slow
@few
@given(eeg_recordings(".vhdr"), nirs_recordings())
def test_bids_returns_both_streams(eeg, nirs):
    recording = join(eeg, nirs, offset=0.0)
    with tempfile.TemporaryDirectory() as folder:
        io.write_bids(recording, folder, subject="01", task="rest")
        after = io.read(folder, offset=0.0)
    before, found = recording["eeg"], after["eeg"]
    for name in ("channel", "ch_type", "bad"):
        np.testing.assert_array_equal(found[name].values, before[name].values, name)
    error = np.abs(found.eeg.values - before.eeg.values)
    assert (error <= step_of(before.eeg.values, ".vhdr")).all()
    if np.isfinite(before.position.values).any():
        np.testing.assert_allclose(found.position.values, before.position.values, atol=1e-6)
    before, found = recording["nirs"].to_dataset(), after["nirs"].to_dataset()
    for name in (*before.data_vars, "channel", "wavelength", "bad", "source_position"):
        np.testing.assert_array_equal(found[name].values, before[name].values, str(name))
    for stream in ("eeg", "nirs"):
        assert_same_events(recording, after, stream, (0, 1e-6, 0.5), owners=False)


@pytest.mark.parametrize("suffix", slow([*KEEPS, ".nc"], {".nc", ".vhdr", ".bdf"}))
def test_permuted_channels_come_out_permuted_and_not_else_changed(suffix):
    @(few if suffix in KEEPS else fewer)
    @given(eeg_recordings(suffix), st.randoms(use_true_random=False))
    def permuted(recording, random):
        order = list(range(recording["eeg"].sizes["channel"]))
        random.shuffle(order)
        node = io.stream_dataset(recording, "eeg")
        shuffled = with_stream(recording, "eeg", node.isel(channel=order))
        plain, found = through(recording, suffix), through(shuffled, suffix)
        expected = io.stream_dataset(plain, "eeg").isel(channel=order)
        other = io.stream_dataset(found, "eeg")
        for name in ("channel", "ch_type", "position", "bad", "time", "eeg"):
            np.testing.assert_array_equal(other[name].values, expected[name].values, name)
        assert other.attrs["rate"] == expected.attrs["rate"]
        assert found["events"].to_dataset().identical(plain["events"].to_dataset())

    permuted()


@few
@given(nirs_recordings(), st.randoms(use_true_random=False))
def test_snirf_channels_in_any_order_are_the_same_recording(recording, random):
    _, raw = io.to_mne(recording)
    assert raw is not None
    order = list(raw.ch_names)
    random.shuffle(order)
    other_way: mne.io.BaseRaw = raw.copy()
    other_way.reorder_channels(order)
    shuffled = through(io.from_mne(None, other_way), ".snirf")
    plain = io.stream_dataset(through(recording, ".snirf"), "nirs")
    other = io.stream_dataset(shuffled, "nirs").sel(channel=plain.channel)
    for name in (*plain.data_vars, "wavelength", "bad", "time", "source_position", "distance"):
        np.testing.assert_array_equal(other[name].values, plain[name].values, str(name))
    again = io.to_mne(shuffled)[1]
    assert again is not None
    assert again.ch_names == order


@pytest.mark.parametrize(
    "suffix", slow([*KEEPS, ".nc", ".zarr"], {".nc", ".zarr", ".vhdr", ".bdf"})
)
def test_cutting_then_writing_equals_reading_then_cutting(suffix):
    @(few if suffix in KEEPS else fewer)
    @given(eeg_recordings(suffix), st.floats(0, 0.4), st.floats(0.6, 1.1))
    def cut(recording, first, last):
        end = float(recording["eeg"].time[-1])
        span = slice(first * end, last * end)
        early = io.stream_dataset(through(recording.sel(time=span), suffix), "eeg")
        late = io.stream_dataset(through(recording, suffix), "eeg")
        times = recording["eeg"].time.values
        kept = np.flatnonzero((times >= span.start) & (times <= span.stop))
        late = late.isel(time=kept)
        assert early.sizes["time"] >= kept.size
        early = early.isel(time=slice(kept.size))
        allowed = 0.0
        if suffix in KEEPS:
            allowed = 2 * step_of(recording["eeg"].eeg.values, suffix)
        assert (np.abs(early.eeg.values - late.eeg.values) <= allowed).all()
        for name in ("channel", "ch_type", "bad", "position"):
            np.testing.assert_array_equal(early[name].values, late[name].values, name)
        since = [node.time.values - float(node.time[0]) for node in (early, late)]
        np.testing.assert_allclose(*since, atol=1e-6 * max(end, 1))
        if recording["eeg"].attrs["measured_at"] and suffix != ".set":
            dates = [datetime.fromisoformat(n.attrs["measured_at"]) for n in (early, late)]
            told = dates[0] + timedelta(seconds=float(early.time[0]))
            wanted = dates[1] + timedelta(seconds=float(late.time[0]))
            assert abs(told - wanted) <= timedelta(seconds=1e-3)

    cut()
