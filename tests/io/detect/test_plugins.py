"""Readers of further formats, which other packages bring."""

import sys
from importlib.metadata import EntryPoint
from types import SimpleNamespace

import numpy as np
import pytest

import neurofuse.io as io
from neurofuse.io.detect import plugins
from neurofuse.io.detect.format import find_format

MODULE = "neurofuse_test_readers"


class Columns:
    """A reader that makes a Recording of text in columns."""

    suffixes = (".abc", ".rec.csv")

    def __call__(self, path):
        volts = 1e-6 * np.loadtxt(path).T
        return io.build(io.eeg_dataset(volts, 250.0, ["C3", "C4"]))


def of_abc(reader):
    """A function as a reader of .abc files."""
    reader.__dict__["suffixes"] = (".abc",)
    return reader


@of_abc
def failing(path):
    raise KeyError("no column C3")


@of_abc
def misleading(path):
    return {"C3": [0.0]}


@of_abc
def unsound(path):
    return io.build(io.eeg_dataset(np.zeros((2, 9)), 250.0, ["C3", "C3"]))


@pytest.fixture
def install(monkeypatch):
    """A function that installs readers by name; returns how often each group was looked up."""
    lookups = []

    def make(**readers):
        monkeypatch.setitem(sys.modules, MODULE, SimpleNamespace(**readers))
        entries = [EntryPoint(name, f"{MODULE}:{name}", plugins.GROUP) for name in readers]
        entries.append(EntryPoint("lost", "no_such_package:reader", plugins.GROUP))

        def entry_points(group):
            lookups.append(group)
            return entries

        monkeypatch.setattr(plugins, "entry_points", entry_points)
        return lookups

    return make


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "a.ABC"
    np.savetxt(path, np.arange(20.0).reshape(10, 2))
    return path


@pytest.mark.parametrize("reader", [Columns, Columns()])
def test_a_file_of_a_plugins_suffix_is_read(install, table, reader):
    assert install(columns=reader) == []
    assert find_format(table) == "plug-in columns"
    recording = io.read(table)
    np.testing.assert_allclose(recording["eeg"].eeg[:, 0], [0.0, 1e-6])
    last = io.provenance(recording)[-1]
    assert last["step"] == "read"
    assert last["parameters"] == {"reader": "plug-in columns", "file": "a.ABC"}


def test_a_raw_of_both_modalities_becomes_a_recording(install, table, eeg_raw, nirs_raw):
    both = eeg_raw(["C3", "C4"], rate=10.0)
    both.add_channels([nirs_raw()], force_update_info=True)

    install(raws=of_abc(lambda path: both))
    assert io.streams(io.read(table)) == ("eeg", "nirs")


def test_a_table_that_no_format_knows_goes_to_the_plugin(install, tmp_path, table):
    install(columns=Columns)
    path = table.rename(tmp_path / "a.rec.csv")
    assert io.read(path)["eeg"].sizes["channel"] == 2
    with pytest.raises(io.ReadError, match="no recording of a known layout"):
        io.read(path.rename(tmp_path / "a.csv"))


def test_formats_of_neurofuse_come_first_and_look_up_nothing(install, tmp_path, eeg_raw):
    lookups = install(columns=type("Greedy", (Columns,), {"suffixes": (".edf",)}))
    path = io.write_eeg(io.from_mne(eeg_raw()), tmp_path / "a.edf")
    assert find_format(path) == "EDF"
    assert lookups == []
    with pytest.raises(io.ReadError, match=r"no file .*absent\.abc"):
        io.read(tmp_path / "absent.abc")
    assert lookups == []


def test_plugins_do_not_serve_readers_of_one_modality(install, table):
    install(columns=Columns)
    with pytest.raises(io.ReadError, match="unknown type"):
        io.read_eeg_raw(table)


@pytest.mark.parametrize(
    ("reader", "message"),
    [
        (failing, r"plug-in columns cannot read \(KeyError: 'no column C3'\)"),
        (misleading, r"plug-in columns .*returned a dict, not a Recording or an MNE Raw"),
        (unsound, r"plug-in columns .*two channels have the name C3"),
    ],
)
def test_errors_of_a_plugin_name_it_and_the_file(install, table, reader, message):
    install(columns=reader)
    with pytest.raises(io.ReadError, match=message) as caught:
        io.read(table)
    assert str(table) in str(caught.value)


def test_plugins_that_cannot_be_loaded_are_left_out_with_a_warning(install, table, caplog):
    install(number=3, text=SimpleNamespace(suffixes=".abc", __call__=None), zcolumns=Columns)
    assert find_format(table) == "plug-in zcolumns"
    for name in ("lost", "number", "text"):
        assert f"plug-in {name} (" in caplog.text
    assert caplog.text.count("is left out") == 3


def test_without_plugins_an_unknown_suffix_is_refused_as_ever(install, table):
    install()
    with pytest.raises(io.ReadError, match=r"unknown type '\.abc'"):
        io.read(table)
