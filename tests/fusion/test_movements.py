"""The table of movements, and what became of every channel."""

import json
from itertools import pairwise

import mne_bids
import numpy as np
import pytest

import neurofuse as nf
from neurofuse import io
from neurofuse.fusion import movements as module
from neurofuse.fusion.clean import clean
from neurofuse.fusion.movement_files import write_channels, write_movements
from neurofuse.fusion.movements import Movement, movements, shares
from neurofuse.io import lazy
from neurofuse.io.errors import ParameterError, SchemaError, WriteError
from neurofuse.io.recording import LOST, build, eeg_dataset, stream_dataset, with_stream

HEAD = ["onset", "duration", "trial_type", "modality", "channels"]
HEAD += ["size_before", "size_after", "unit", "verdict"]
HEAD += ["kind", "kind_probability", "from_partner", "from_imu"]
ONSET_ERROR = {"eeg": 0.2, "nirs": 0.7}  # s
SAMPLES = ("channel", "time")


@pytest.fixture(scope="module")
def contaminated(simulated_long):
    return simulated_long[1]


@pytest.fixture(scope="module")
def cleaned(contaminated):
    return clean(contaminated)


@pytest.fixture(scope="module")
def found(contaminated, cleaned):
    return movements(contaminated, cleaned)


def injected(truth, contaminated, stream):
    """The movements that a cleaner would list which knows the truth."""
    node = stream_dataset(truth, stream)
    perfect = with_stream(truth, stream, node.assign(gate=1.0 * contaminated[stream].motion))
    return [m for m in movements(contaminated, perfect) if m.modality == stream]


def with_variable(recording, stream, **arrays):
    node = stream_dataset(recording, stream)
    return with_stream(
        recording, stream, node.assign({name: (SAMPLES, a) for name, a in arrays.items()})
    )


def at_once(volts, rate=10.0, bad=None):
    """A Recording of EEG channels A, B, …."""
    names = [chr(ord("A") + row) for row in range(len(volts))]
    return build(eeg_dataset(np.asarray(volts, float), rate, names, bad=bad))


def rows_of(path):
    head, *rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    return [dict(zip(head, row, strict=True)) for row in rows]


@pytest.mark.parametrize("stream", ["eeg", "nirs"])
def test_injected_movements_are_found(simulated_long, found, stream):
    own = [m for m in found if m.modality == stream]
    truth, contaminated = simulated_long
    true = injected(truth, contaminated, stream)
    plain = [m for m in true if m.size_before > 2 * m.size_after]  # others hide in the signal
    assert len(plain) >= 10
    assert all(
        any(m.onset < t.onset + t.duration and t.onset < m.onset + m.duration for m in own)
        for t in plain
    )
    nearest = [min(abs(m.onset - t.onset) for m in own) for t in plain]
    assert np.median(nearest) < ONSET_ERROR[stream]


def test_sizes_shrink(found):
    repaired = [m for m in found if m.verdict == "repaired"]
    for stream in ("eeg", "nirs"):
        before, after = np.array(
            [(m.size_before, m.size_after) for m in repaired if m.modality == stream]
        ).T
        assert (after < before).all()
        assert np.median(after / before) < 0.5


def test_movements_come_in_order_and_apart(found):
    assert [m.onset for m in found] == sorted(m.onset for m in found)
    for stream in ("eeg", "nirs"):
        own = [m for m in found if (m.modality, m.verdict) == (stream, "repaired")]
        pauses = [b.onset - a.onset - a.duration for a, b in pairwise(own)]
        assert min(pauses) >= module.PAUSE - 1e-9


def test_lazy_eeg_gives_the_same(contaminated, cleaned, found, monkeypatch, tmp_path):
    monkeypatch.setattr(lazy, "BLOCK", 7.0)

    def in_a_file(recording, *names):
        node = stream_dataset(recording, "eeg")
        blocks = {name: lazy.blocks_of(node[name].values, 250.0) for name in names}
        return with_variable(recording, "eeg", **blocks)

    before, after = in_a_file(contaminated, "eeg"), in_a_file(cleaned, "eeg", "gate", "verdict")
    assert lazy.is_lazy(after["eeg"].gate)
    assert movements(before, after) == found
    for kind, share in shares(contaminated, cleaned, "eeg").items():
        np.testing.assert_array_equal(shares(before, after, "eeg")[kind], share)
    table, _ = write_channels(tmp_path / "a_channels.tsv", before, after, "eeg")
    assert len(rows_of(table)) == 19


def test_a_recording_at_rest_gives_a_header_only(at_rest, tmp_path):
    same = with_variable(at_rest, "eeg", gate=np.zeros(at_rest["eeg"].eeg.shape))
    none = movements(at_rest, same)
    assert none == []
    table, _ = write_movements(tmp_path / "a_desc-motion_events.tsv", none)
    assert table.read_text() == "\t".join(HEAD) + "\n"


def test_short_pauses_are_joined_and_brief_channels_left_out():
    gate = np.zeros((3, 100))
    gate[0, 20:30] = gate[0, 34:40] = gate[1, 20:28] = gate[2, 38:44] = 1
    gate[2, 49:52] = 0.8  # 0.5 s later
    gate[1, 70:80] = 0.5  # not above
    before = at_once(np.zeros((3, 100)))
    listed = movements(before, with_variable(before, "eeg", gate=gate))
    assert [(m.onset, round(m.duration, 6), m.channels) for m in listed] == [
        (2.0, 2.4, ("A", "B")),
        (4.9, 0.3, ("C",)),
    ]


def test_sizes_are_peak_to_peak_of_the_worst_channel_without_trend():
    volts = np.zeros((2, 50))
    volts[0] = 1e-3 * np.arange(50)  # a trend only
    volts[1, 22:28] = 1e-4 * np.array([1, -1, 0, 0, -1, 1])  # as much up early as late
    gate = np.zeros((2, 50))
    gate[:, 20:30] = 1
    after = with_variable(at_once(volts / 4), "eeg", gate=gate)
    [movement] = movements(at_once(volts), after)
    assert movement.size_before == pytest.approx(2e-4)
    assert movement.size_after == pytest.approx(movement.size_before / 4)


def test_the_size_of_a_long_movement_is_that_of_its_largest_piece(monkeypatch):
    monkeypatch.setattr(module, "MEASURED", 2.0)
    volts = np.tile([1e-5, -1e-5], (1, 50))
    volts[0, 60:62] *= 10
    after = with_variable(at_once(volts), "eeg", gate=np.ones((1, 100)))
    [movement] = movements(at_once(volts), after)
    assert movement.size_before == pytest.approx(2e-4, rel=0.1)


def test_fnirs_sizes_are_changes_of_optical_density(contaminated):
    node = stream_dataset(contaminated, "nirs")
    light = np.ones(node.intensity.shape)
    light[3, 1, 500:] = np.exp(-0.25)
    gate = np.zeros((node.sizes["channel"], node.sizes["time"]))
    gate[3, 495:505] = 1
    flat = node.assign(intensity=(node.intensity.dims, np.ones(light.shape)), gate=(SAMPLES, gate))
    shifted = node.assign(intensity=(node.intensity.dims, light))
    [movement] = movements(build(nirs=shifted), build(nirs=flat))
    assert movement.channels == (str(node.channel.values[3]),)
    assert movement.size_before == pytest.approx(0.25)
    assert movement.size_after == 0


def test_missing_samples_are_left_out(tmp_path):
    volts = np.zeros((1, 50))
    volts[0, 20:30] = np.nan
    gate = np.zeros((1, 50))
    gate[0, 22:28] = 1
    before = at_once(volts)
    [movement] = movements(before, with_variable(before, "eeg", gate=gate))
    assert np.isnan([movement.size_before, movement.size_after]).all()
    [row] = rows_of(write_movements(tmp_path / "a_events.tsv", [movement])[0])
    assert (row["size_before"], row["size_after"]) == ("n/a", "n/a")


def test_what_is_lost_for_long_does_not_hide_what_was_repaired():
    verdict = np.zeros((3, 100), np.int8)
    verdict[0, 10:90] = LOST
    verdict[1:, 40:50] = 1
    gate = 1.0 * (verdict == 1)
    volts = np.zeros((3, 100))
    volts[0] = np.tile([1e-2, -1e-2], 50)
    before = at_once(volts)
    after = with_variable(before, "eeg", gate=gate, verdict=verdict)
    lost, repaired = movements(before, after)
    assert (lost.channels, lost.verdict, lost.onset) == (("A",), "lost", 1.0)
    assert (repaired.channels, repaired.verdict, repaired.onset) == (("B", "C"), "repaired", 4.0)
    assert repaired.size_before == 0
    share = shares(before, after, "eeg")
    np.testing.assert_allclose(share["lost"], [0.8, 0, 0])
    np.testing.assert_allclose(share["repaired"], [0, 0.1, 0.1])
    np.testing.assert_allclose(sum(share.values()), 1)


def test_bad_channels_are_neither_in_motion_nor_counted():
    verdict = np.full((2, 50), LOST, np.int8)
    before = at_once(np.zeros((2, 50)), bad=[True, False])
    after = with_variable(before, "eeg", verdict=verdict)
    [movement] = movements(before, after)
    assert movement.channels == ("B",)
    assert np.isnan(shares(before, after, "eeg")["kept"]).tolist() == [True, False]


def test_verdicts_are_worked_out_where_there_are_none(contaminated, cleaned):
    node = stream_dataset(cleaned, "eeg")
    without = with_stream(cleaned, "eeg", node.drop_vars("verdict"))
    share = shares(contaminated, without, "eeg")
    np.testing.assert_allclose(share["repaired"], (node.gate.values > 0).mean(1))
    np.testing.assert_allclose(share["kept"], (node.gate.values == 0).mean(1))
    listed = [m for m in movements(contaminated, without) if m.modality == "eeg"]
    assert {m.verdict for m in listed} == {"repaired"}
    lazily = node.gate.copy(data=lazy.blocks_of(node.gate.values, 250.0))
    node = node.drop_vars("verdict").assign(gate=lazily)
    again = movements(contaminated, with_stream(cleaned, "eeg", node))
    assert [m for m in again if m.modality == "eeg"] == listed


def test_a_method_without_a_mask_shows_what_it_changed(contaminated):
    listed = movements(contaminated, clean(contaminated, "spline"))
    repaired = [m for m in listed if m.verdict == "repaired"]
    assert {m.modality for m in repaired} == {"nirs"}
    assert len(repaired) > 5
    volts = np.zeros((2, 100))
    changed = volts.copy()
    changed[1, 30:40] = 1e-5
    [movement] = movements(at_once(volts), at_once(changed))
    assert (movement.onset, movement.channels) == (3.0, ("B",))


def test_a_method_that_changes_everything_shows_no_movement(caplog):
    before = at_once(np.zeros((2, 100)))
    assert movements(before, at_once(np.ones((2, 100)))) == []
    assert "changed nearly all samples" in caplog.text
    verdict = np.ones((2, 100), np.int8)
    verdict[0, 50:60] = LOST
    [movement] = movements(before, with_variable(before, "eeg", verdict=verdict))
    assert (movement.onset, movement.verdict) == (5.0, "lost")


def test_the_order_of_channels_does_not_matter(contaminated, cleaned, found):
    node = stream_dataset(cleaned, "nirs")
    turned = with_stream(cleaned, "nirs", node.isel(channel=slice(None, None, -1)))
    assert movements(contaminated, turned) == found


def test_other_recordings_are_refused(contaminated, cleaned):
    with pytest.raises(ParameterError, match="same"):
        movements(contaminated, cleaned.sel(time=slice(0, 20)))
    eeg = build(stream_dataset(contaminated, "eeg"))
    with pytest.raises(SchemaError, match="'nirs' in both"):
        shares(eeg, cleaned, "nirs")


@pytest.mark.parametrize("stream", ["eeg", "nirs"])
def test_onsets_count_from_the_first_sample_of_the_data_file(
    contaminated, cleaned, stream, tmp_path
):
    before, after = (r.sel(time=slice(25.0, 80.0)) for r in (contaminated, cleaned))
    start = float(before[stream].time[0])
    own = [m for m in movements(before, after) if m.modality == stream]
    assert min(m.onset for m in own) > start > 20
    table, _ = write_movements(tmp_path / "a_desc-motion_events.tsv", own, start=start)
    raw = io.to_mne(after, motion=True)[0 if stream == "eeg" else 1]
    assert raw is not None
    marks = np.array(raw.annotations.onset) - raw.first_time
    rows = rows_of(table)
    assert len(rows) == len(own)
    for row in rows:
        assert np.abs(marks - float(row["onset"])).min() < 1e-5


def test_the_table_is_one_of_bids(found, tmp_path):
    table, sidecar = write_movements(tmp_path / "sub-01_task-rest_desc-motion_events.tsv", found)
    rows = rows_of(table)
    assert list(rows[0]) == HEAD
    assert len(rows) == len(found)
    assert all(cell.strip() == cell != "" for row in rows for cell in row.values())
    assert {row["unit"] for row in rows if row["modality"] == "nirs"} == {"1"}
    facts = json.loads(sidecar.read_text(encoding="utf-8"))
    assert sidecar.name == "sub-01_task-rest_desc-motion_events.json"
    assert list(facts) == HEAD
    for name, column in facts.items():
        assert column["Description"]
        if "Levels" in column:
            assert {row[name] for row in rows} <= {*column["Levels"], "n/a"}
    read = mne_bids.events_file_to_annotation_kwargs(table)
    np.testing.assert_allclose(read["onset"], [m.onset for m in found], atol=1e-6)
    assert set(read["description"]) == {"motion"}


@pytest.mark.parametrize("stream", ["eeg", "nirs"])
def test_what_was_made_of_another_recording_is_refused(simulated, stream):
    recording = io.without_stream(simulated[1], "nirs" if stream == "eeg" else "eeg")
    own = nf.clean(recording)
    node = stream_dataset(recording, stream)
    turned = {name: node[name].copy(data=node[name].values[..., ::-1]) for name in node.data_vars}
    other = nf.clean(with_stream(recording, stream, node.assign(turned)))
    for about in (movements, nf.explain, lambda a, b: shares(a, b, stream)):
        with pytest.raises(ParameterError, match=f"/{stream} whose kept samples are not those"):
            about(recording, other)
    back = own[stream].to_dataset().isel(channel=slice(None, None, -1))
    again = movements(recording, with_stream(own, stream, back))
    assert [one.onset for one in again] == [one.onset for one in movements(recording, own)]


def test_names_cannot_break_the_table(tmp_path):
    odd = Movement(1.0, 2.0, "eeg", ("A\tB", "C\nD", "E,F"), 1e-4, 1e-5, "repaired")
    [row] = rows_of(write_movements(tmp_path / "a_events.tsv", [odd])[0])
    assert row["channels"] == "A B;C D;E,F"
    assert list(row) == HEAD


@pytest.mark.parametrize(
    "names", [("C3", "C4"), ("C3, left", "C4"), ("A;B", "C,D", "E|F"), (",;|/&•",)]
)
def test_channels_can_be_told_apart(names, tmp_path):
    one = Movement(1.0, 2.0, "eeg", names, 1e-4, 1e-5, "repaired")
    table, sidecar = write_movements(tmp_path / "a_events.tsv", [one])
    delimiter = json.loads(sidecar.read_text(encoding="utf-8"))["channels"]["Delimiter"]
    assert (delimiter == ",") == (names == ("C3", "C4"))
    assert tuple(rows_of(table)[0]["channels"].split(delimiter)) == names


@pytest.mark.parametrize("stream", ["eeg", "nirs"])
def test_channels_are_those_of_the_data_file(contaminated, cleaned, stream, tmp_path):
    written = io.write_bids(cleaned, tmp_path, subject="01", task="rest")[stream]
    path = written.with_name("sub-01_task-rest_desc-clean_channels.tsv")
    plain = rows_of(path)
    table, sidecar = write_channels(path, contaminated, cleaned, stream, overwrite=True)
    rows = rows_of(table)
    shown = ("kept", "repaired", "lost")
    assert [{k: v for k, v in row.items() if k not in shown} for row in rows] == plain
    per_channel = 2 if stream == "nirs" else 1
    repaired = (cleaned[stream].verdict.values == 1).mean(1)
    listed = [float(row["repaired"]) for row in rows]
    np.testing.assert_allclose(listed, np.repeat(repaired, per_channel), rtol=1e-3)
    assert all(sum(float(row[k]) for k in shown) == pytest.approx(1, abs=1e-3) for row in rows)
    assert set(json.loads(sidecar.read_text())) == set(shown)
    again = io.read(tmp_path)
    assert again[stream].channel.values.tolist() == cleaned[stream].channel.values.tolist()


def test_bad_channels_have_a_reason_and_no_shares(tmp_path):
    volts = 1e-5 * np.random.default_rng(0).standard_normal((3, 1000))
    volts[1] = 0
    marked = io.mark_bad(at_once(volts, 250.0))
    rows = rows_of(write_channels(tmp_path / "a_channels.tsv", marked, marked, "eeg")[0])
    assert [row["status"] for row in rows] == ["good", "bad", "good"]
    assert rows[1]["status_description"] == "flat"
    assert [row["kept"] for row in rows] == ["1.0", "n/a", "1.0"]


def test_files_are_replaced_only_if_asked_for(found, tmp_path):
    path = tmp_path / "new" / "a_events.tsv"
    write_movements(path, found)
    with pytest.raises(WriteError, match="already"):
        write_movements(path, [])
    assert len(rows_of(path)) == len(found)
    write_movements(path, [], overwrite=True)
    assert rows_of(path) == []
    with pytest.raises(WriteError, match=r"ends in \.tsv"):
        write_movements(tmp_path / "a.csv", found)
