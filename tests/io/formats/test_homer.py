"""Homer's .nirs files, saved by old and new MATLAB, and real ones beside their SNIRF twins."""

import h5py
import numpy as np
import pytest
from scipy.io import savemat

import neurofuse as nf
import neurofuse.io as io

COLUMNS = np.array(
    [[1, 1, 1, 1], [1, 2, 1, 1], [2, 2, 1, 1], [1, 1, 1, 2], [1, 2, 1, 2], [2, 2, 1, 2]]
)


@pytest.fixture
def parts():
    """The variables of a small recording of three pairs at 5 Hz."""
    rng = np.random.default_rng(0)
    marks = np.zeros((100, 2))
    marks[[10, 50], 0] = 1
    marks[60:66, 1] = 1
    marks[80, 1] = -1
    return {
        "t": 0.2 * np.arange(1, 101)[:, None],
        "d": rng.uniform(1, 2, (100, 6)),
        "s": marks,
        "aux": np.column_stack([np.sin(np.arange(100)), np.zeros(100)]),
        "CondNames": np.array(["tap", "rest"], object),
        "SD": {
            "Lambda": np.array([760.0, 850.0]),
            "SrcPos": np.array([[0.0, 0, 0], [60, 0, 0]]),
            "DetPos": np.array([[30.0, 0, 0], [60, 30, 0]]),
            "MeasList": COLUMNS.astype(float),
            "MeasListAct": np.array([1, 1, 1, 1, 0, 1]),
            "SpatialUnit": "mm",
            "nSrcs": 2,
            "nDets": 2,
        },
    }


def save_hdf5(path, parts):
    """As MATLAB 7.3 does: axes turned, text as numbers, cells as references."""

    def put(group, name, value):
        if isinstance(value, dict):
            inner = group.create_group(name)
            inner.attrs["MATLAB_class"] = np.bytes_("struct")
            for key, item in value.items():
                put(inner, key, item)
        elif isinstance(value, str):
            codes = np.array([[ord(c)] for c in value], "u2")
            group.create_dataset(name, data=codes).attrs["MATLAB_class"] = np.bytes_("char")
        elif np.asarray(value).dtype == object:
            refs = np.empty((len(value), 1), h5py.ref_dtype)
            for i, item in enumerate(value):
                put(group.file.require_group("#refs#"), f"{name}{i}", item)
                refs[i, 0] = group.file[f"#refs#/{name}{i}"].ref
            group.create_dataset(name, data=refs).attrs["MATLAB_class"] = np.bytes_("cell")
        else:
            data = np.atleast_2d(np.asarray(value, float)).T
            group.create_dataset(name, data=data).attrs["MATLAB_class"] = np.bytes_("double")

    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in parts.items():
            put(file, name, value)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file")
    return path


def save(path, parts, version):
    if version == "7.3":
        return save_hdf5(path, parts)
    savemat(path.with_suffix(".mat"), parts, do_compression=version == "7")
    return path.with_suffix(".mat").rename(path)


@pytest.mark.parametrize("version", ["5", "7", "7.3"])
def test_every_part_arrives(tmp_path, parts, version):
    recording = nf.read(save(tmp_path / "sub-01_nirs.nirs", parts, version))
    node = recording["nirs"].to_dataset()
    assert node.channel.values.tolist() == ["S1-D1", "S1-D2", "S2-D2"]
    assert node.wavelength.values.tolist() == [760, 850]
    np.testing.assert_array_equal(
        node.intensity.values.transpose(2, 1, 0).reshape(100, 6), parts["d"]
    )
    np.testing.assert_allclose(node.distance, [0.03, np.hypot(0.06, 0.03), 0.03])
    assert node.channel.values[node.bad.values].tolist() == ["S1-D2"]
    assert node.attrs["rate"] == pytest.approx(5)
    assert node.attrs["frame"] == "unknown"
    assert node.time.values[0] == 0
    events = recording["events"].to_dataset()
    assert events.description.values.tolist() == ["tap", "tap", "rest"]
    np.testing.assert_allclose(events.onset, [2, 10, 12])
    np.testing.assert_allclose(events.duration, [0, 0, 1])
    assert list(recording["aux"].children) == ["aux1"]
    np.testing.assert_array_equal(
        recording["aux/aux1"].to_dataset()["aux1"].values[0], parts["aux"][:, 0]
    )
    assert io.stem_of(recording) == "sub-01"


def test_missing_names_positions_and_marks_are_no_hindrance(tmp_path, parts):
    for name in ("s", "aux", "CondNames"):
        del parts[name]
    for name in ("SrcPos", "DetPos", "SpatialUnit", "MeasListAct"):
        del parts["SD"][name]
    recording = nf.read(save(tmp_path / "a.nirs", parts, "5"))
    assert np.isnan(recording["nirs"].distance.values).all()
    assert recording["events"].sizes["event"] == 0


def test_an_impossible_length_unit_is_corrected(tmp_path, parts, caplog):
    parts["SD"]["SrcPos"] /= 100
    parts["SD"]["DetPos"] /= 100
    recording = nf.read(save(tmp_path / "a.nirs", parts, "5"))
    assert recording["nirs"].distance.values[0] == pytest.approx(0.03)
    assert "positions taken times 100" in caplog.text


def test_lost_samples_are_interpolated_and_annotated(tmp_path, parts):
    keep = np.r_[0:40, 45:100]
    for name in ("t", "d", "s", "aux"):
        parts[name] = parts[name][keep]
    recording = nf.read(save(tmp_path / "a.nirs", parts, "5"))
    assert recording["nirs"].sizes["time"] == 100
    events = recording["events"].to_dataset()
    gap = events.description.values.tolist().index("BAD_gap")
    assert events.onset.values[gap] == pytest.approx(39 * 0.2)
    assert events.duration.values[gap] == pytest.approx(6 * 0.2)
    np.testing.assert_allclose(events.onset.values[events.description.values == "rest"], [12])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: p.pop("SD"), "without SD"),
        (lambda p: p.update(t=p["t"][:50]), "50 times and samples of shape (100, 6)"),
        (lambda p: p.update(d=p["d"][:, :4]), "4 columns of light and a MeasList of shape (6, 4)"),
        (lambda p: p["SD"].update(Lambda=[760.0]), "wavelengths 760 nm"),
        (lambda p: p["SD"].update(Lambda=[1.0, 2.0]), "wavelengths 1, 2 nm"),
        (lambda p: p["SD"].update(SrcPos=np.zeros((1, 3))), "1 sources, 2 detectors"),
        (lambda p: p["SD"].update(MeasList=COLUMNS * 0.5), "no counting numbers"),
        (lambda p: p["SD"].update(MeasList=COLUMNS[[0, 0, 1, 2, 3, 4]]), "two columns 'S1_D1 760'"),
        (lambda p: p.update(t=p["t"][::-1]), "do not ascend"),
    ],
)
def test_parts_that_contradict_each_other_are_refused(tmp_path, parts, change, words):
    change(parts)
    path = save(tmp_path / "a.nirs", parts, "5")
    with pytest.raises(io.ReadError) as caught:
        nf.read(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("version", ["5", "7.3"])
@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_cut_off_file_is_refused(tmp_path, parts, version, keep):
    path = save(tmp_path / "a.nirs", parts, version)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(io.ReadError, match=r"a\.nirs"):
        nf.read(path)


def test_another_matlab_file_is_refused(tmp_path):
    path = tmp_path / "a.nirs"
    savemat(tmp_path / "a.mat", {"signal": np.arange(5.0)})
    (tmp_path / "a.mat").rename(path)
    with pytest.raises(io.ReadError, match=r"without t and d and SD"):
        nf.read(path)


def test_real_file_equals_its_snirf_copy(data_dir):
    folder = data_dir / "fnirs_clean" / "homer3_fingertapping"
    homer = nf.read(folder / "sub-01_run-01_nirs.nirs")
    snirf = nf.read(folder / "sub-01_run-01_nirs.snirf")
    one, other = homer["nirs"].to_dataset(), snirf["nirs"].to_dataset()
    assert one.channel.values.tolist() == other.channel.values.tolist()
    np.testing.assert_allclose(one.intensity, other.intensity, rtol=6e-8)  # the twin is float32
    np.testing.assert_allclose(one.time, other.time, atol=1e-9)
    np.testing.assert_allclose(one.source_position, other.source_position)
    np.testing.assert_allclose(one.distance, other.distance)
    assert homer["events"].to_dataset().equals(snirf["events"].to_dataset())
    assert list(homer["aux"].children) == list(snirf["aux"].children)


def test_real_file_of_another_writer_equals_its_snirf_copy(data_dir):
    folder = data_dir / "formats" / "mne_testing_data"
    homer = nf.read(next(folder.rglob("2021-05-05_001.nirs")))["nirs"].to_dataset()
    snirf = nf.read(next(folder.rglob("2021-05-05_001.snirf")))["nirs"].to_dataset()
    snirf = snirf.sel(channel=homer.channel)
    np.testing.assert_allclose(homer.intensity, snirf.intensity, rtol=1e-12)
    np.testing.assert_allclose(homer.distance, snirf.distance, atol=1e-9)


def test_real_file_with_an_untrue_unit_has_the_probe_of_its_snirf(data_dir):
    homer = nf.read(data_dir / "formats" / "homer_nirs" / "Simple_Probe.nirs")
    snirf = nf.read(data_dir / "fnirs_motion" / "snirf_samples" / "Simple_Probe.snirf")
    one, other = homer["nirs"].to_dataset(), snirf["nirs"].to_dataset()
    assert one.intensity.shape == other.intensity.shape == (4, 2, 1200)
    np.testing.assert_allclose(one.source_position, other.source_position)
    np.testing.assert_allclose(one.detector_position, other.detector_position)


def test_times_in_milliseconds_are_refused(tmp_path, parts):
    parts["t"] = parts["t"] * 1e3
    with pytest.raises(io.ReadError, match=r"times in seconds; .* not seconds, it is 5 Hz"):
        nf.read(save(tmp_path / "sub-01_nirs.nirs", parts, "5"))
