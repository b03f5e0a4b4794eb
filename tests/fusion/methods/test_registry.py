"""Methods by name, by path and as objects; registering; plug-ins."""

from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

import neurofuse as nf
from neurofuse.fusion.compare import MISMATCHED
from neurofuse.fusion.methods import registry
from neurofuse.fusion.methods.learned import Learned, weights_path
from neurofuse.fusion.methods.plain import UNCORRECTED
from neurofuse.fusion.methods.registry import BASELINES, MODELS, default_method, get_method, names
from neurofuse.io.errors import ParameterError, ReadError
from neurofuse.io.recording import note, provenance, stream_dataset, with_stream, without_stream


class Halved:
    """Somebody's own cleaner: half of the EEG."""

    name = "halved"
    streams = ("eeg",)
    delay = 0.0
    citation = "made up for a test"

    def __init__(self):
        self.fitted = 0

    def fit(self, recording):
        self.fitted += 1
        return self

    def transform(self, recording):
        node = stream_dataset(recording, "eeg")
        return with_stream(recording, "eeg", node.assign(eeg=node.eeg / 2))


@pytest.fixture
def methods_as_before(monkeypatch):
    monkeypatch.setattr(registry, "_known", dict(registry._known))


def same(one, other):
    for stream, variable in (("eeg", "eeg"), ("nirs", "intensity")):
        np.testing.assert_array_equal(one[stream][variable].values, other[stream][variable].values)


@pytest.mark.parametrize("name", [*MODELS, *BASELINES])
def test_every_method_has_the_whole_interface(name):
    cleaner = get_method(name)
    assert isinstance(cleaner, nf.Cleaner)
    assert cleaner.name == name
    assert set(cleaner.streams) <= {"eeg", "nirs"}
    assert cleaner.streams
    assert cleaner.delay >= 0
    assert len(cleaner.citation) > 10


def test_the_table_lists_every_method_once():
    table = nf.methods()
    assert table.index.tolist() == list(names())
    assert table.index.is_unique
    assert list(table.columns) == ["streams", "needs", "delay", "citation"]
    assert table.loc["joint", "streams"] == "eeg, nirs"
    assert np.isinf(table.loc["tddr", "delay"])
    assert table.loc["tddr", "needs"] == "2 wavelengths"


@pytest.mark.parametrize("kind", [str, Path])
def test_weights_are_taken_by_their_path(pair, kind):
    path = kind(weights_path("eeg"))
    same(nf.clean(pair[1], path), nf.clean(pair[1], "eeg"))
    assert get_method(path).name == "eeg"


def test_a_model_in_memory_is_taken(pair):
    from neurofuse.models.weights import load_model

    model = load_model("eeg")
    same(nf.clean(pair[1], model), nf.clean(pair[1], "eeg"))
    assert (
        provenance(nf.clean(pair[1], Learned(model, "mine")))[-1]["parameters"]["method"] == "mine"
    )


def test_weights_of_a_single_series_network_are_taken_by_their_path(pair):
    from neurofuse.models.single_series.weights import PRETRAINED

    path = PRETRAINED / "cnn_nirs.safetensors"
    by_path, by_name = nf.clean(pair[1], path), nf.clean(pair[1], "cnn")
    np.testing.assert_array_equal(
        by_path["nirs"].intensity.values, by_name["nirs"].intensity.values
    )
    np.testing.assert_array_equal(by_path["eeg"].eeg.values, pair[1]["eeg"].eeg.values)


def test_configured_and_fitted_methods_are_taken(pair):
    truth, contaminated = pair
    narrow = nf.get_method("bandpass", high=20.0)
    same(nf.clean(contaminated, narrow), narrow.transform(contaminated))
    fitted = nf.get_method("pca").fit(truth)
    same(nf.clean(contaminated, fitted), fitted.transform(contaminated))


def test_ones_own_cleaner_stands_in_a_comparison(pair, methods_as_before):
    truth, contaminated = pair
    own = Halved()
    table = nf.compare(contaminated, [own, "tddr", Path(weights_path("eeg"))], truth)
    assert table.method.values[:3].tolist() == ["halved", "tddr", "eeg"]
    assert not table.failure.values[:3].any()
    assert np.isnan(table.value.loc["halved", "nirs", "residual"])
    assert table.delay.values[0] == 0
    nf.register(own)
    again = nf.compare(contaminated, ["halved"], truth)
    np.testing.assert_array_equal(
        again.value.loc["halved", "eeg"], table.value.loc["halved", "eeg"]
    )
    assert nf.methods().loc["halved", "citation"] == own.citation


def test_methods_of_one_name_have_a_row_each(pair):
    path = weights_path("eeg")
    narrow = nf.get_method("bandpass", high=20.0)
    table = nf.compare(pair[1], ["eeg", path, "bandpass", narrow, "bandpass"], pair[0])
    assert table.method.values[:4].tolist() == ["eeg", str(path), "bandpass", "bandpass (2)"]
    error = table.value.loc[:, "eeg", "error_db"]
    assert error.loc["eeg"] == error.loc[str(path)]
    assert error.loc["bandpass"] != error.loc["bandpass (2)"]


def test_one_method_is_compared_without_a_list(pair):
    rows = ["pca", "uncorrected", "zero"]
    for one in ("pca", get_method("pca")):
        assert nf.compare(pair[1], one).method.values.tolist() == rows


@pytest.mark.parametrize("name", ["oracle", "zero", "uncorrected", "joint", MISMATCHED])
def test_ones_own_cleaner_takes_no_reference_row(pair, name):
    table = nf.compare(pair[1], [type("Own", (Halved,), {"name": name})(), "pca"], pair[0])
    rows = [f"{name} (2)", "pca", "uncorrected", "zero", "oracle"]
    assert table.method.values.tolist() == rows
    assert table.value.loc["zero", "eeg", "error_db"] == 0
    assert 0 < table.value.loc[f"{name} (2)", "eeg", "residual"] < 1


def test_registering_refuses_what_is_taken_or_no_cleaner(methods_as_before):
    own = Halved()
    nf.register(own)
    with pytest.raises(ParameterError, match="a second method named 'halved'"):
        nf.register(Halved())
    other = Halved()
    nf.register(other, replace=True)
    assert get_method("halved") is other
    with pytest.raises(ParameterError, match=r"an? str without name, streams, delay"):
        nf.register("tddr")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"name": "two words"}, "the name 'two words'; wanted one word"),
        ({"name": ""}, "the name ''; wanted one word"),
        ({"streams": ("EEG",)}, r"streams = \('EEG',\) of 'odd'; wanted a tuple of eeg or nirs"),
        ({"streams": "eeg"}, "streams = 'eeg' of 'odd'; wanted a tuple"),
        ({"delay": "all"}, r"delay = 'all' of 'odd'; wanted a number \[s\]"),
    ],
)
def test_registering_refuses_what_would_break_the_table(methods_as_before, attributes, message):
    odd = type("Odd", (Halved,), {"name": "odd", **attributes})
    with pytest.raises(ParameterError, match=message):
        nf.register(odd())
    assert "odd" not in nf.methods().index


def test_a_class_is_no_cleaner_but_its_object_is(pair, methods_as_before):
    with pytest.raises(ParameterError, match=r"found the class Halved; wanted .*an object with"):
        nf.clean(pair[1], Halved)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ParameterError, match="found the class Halved; wanted an object of it"):
        nf.register(Halved)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (lambda r: None, "no Recording with the modalities"),
        (lambda r: without_stream(r, "nirs"), "no Recording with the modalities"),
        (lambda r: r.sel(time=slice(0, 5)), "along time"),
        (lambda r: r.isel(wavelength=[0], missing_dims="ignore"), "along wavelength"),
    ],
)
def test_a_cleaner_that_returns_something_else_is_refused(pair, result, message):
    class Wrong(Halved):
        name = "wrong"

        def transform(self, recording):
            return result(recording)

    with pytest.raises(ParameterError, match=message):
        nf.clean(pair[1], Wrong())


def test_what_is_no_method_is_refused(pair, tmp_path):
    with pytest.raises(ParameterError, match=r"a method of type int.*neurofuse\.methods"):
        nf.clean(pair[1], 3)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ReadError, match=r"no file .*absent\.safetensors"):
        nf.clean(pair[1], tmp_path / "absent.safetensors")
    with pytest.raises(ParameterError, match="the setting 'high' for 'tddr'"):
        nf.get_method("tddr", high=3.0)
    with pytest.raises(ParameterError, match="settings for 'joint'"):
        nf.get_method("joint", high=3.0)
    with pytest.raises(ParameterError, match="uncertainty=True for 'tddr'"):
        nf.clean(pair[1], "tddr", uncertainty=True)
    with pytest.raises(ParameterError, match="uncertainty=True for 'halved'"):
        nf.clean(pair[1], Halved(), uncertainty=True)


def test_former_names_still_work_and_warn(pair):
    with pytest.warns(FutureWarning, match=r"clean\(model=\) is now clean\(method=\)"):
        by_old = nf.clean(pair[1], model="pca")
    same(by_old, nf.clean(pair[1], method="pca"))
    with pytest.warns(FutureWarning, match=r"peers\.get is now .*registry\.get_method"):
        get = import_module("neurofuse.fusion.peers").get
    assert get is get_method
    with pytest.warns(FutureWarning, match="'untouched' is now 'uncorrected'"):
        assert get_method("untouched") is UNCORRECTED
    with pytest.warns(FutureWarning, match=r"compare\(stranger=\) is now compare\(mismatched=\)"):
        nf.compare(pair[1], ["zero"], pair[0], stranger=pair[0])


def test_the_default_method_is_that_of_the_modalities_at_hand(pair):
    assert default_method(pair[1]) == "joint"
    for stream, other in (("eeg", "nirs"), ("nirs", "eeg")):
        alone = without_stream(pair[1], other)
        assert default_method(alone) == stream
        assert provenance(nf.clean(alone))[-1]["parameters"]["method"] == stream


def test_plugins_are_found_and_broken_ones_left_out(monkeypatch, methods_as_before, caplog):
    group = "neurofuse.methods"
    module = "neurofuse_test_plugin"
    made = type("Module", (), {"Own": type("Own", (Halved,), {"name": "own"}), "half": 3})
    monkeypatch.setitem(__import__("sys").modules, module, made)
    entries = [
        EntryPoint("own", f"{module}:Own", group),
        EntryPoint("half", f"{module}:half", group),
        EntryPoint("lost", "no_such_package:Thing", group),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: entries)
    monkeypatch.setattr(registry, "_searched", [])
    assert "own" in names()
    assert {"half", "lost"}.isdisjoint(names())
    left_out = [record.getMessage() for record in caplog.records]
    assert len(left_out) == 2
    assert all("is left out" in line for line in left_out)


def test_raws_are_cleaned_and_come_back_as_they_were(pair):
    noted = note(pair[1], "a step")
    raw_eeg, raw_nirs = nf.to_mne(noted)
    assert raw_eeg is not None
    assert raw_nirs is not None
    before = [raw.get_data() for raw in (raw_eeg, raw_nirs)]
    clean_eeg, clean_nirs = nf.clean_raws(raw_eeg, raw_nirs, offset=0)
    wanted = nf.to_mne(nf.clean(nf.from_mne(raw_eeg, raw_nirs, offset=0)))
    for raw, was, cleaned, want in zip(
        (raw_eeg, raw_nirs), before, (clean_eeg, clean_nirs), wanted, strict=True
    ):
        assert cleaned is not None
        assert want is not None
        np.testing.assert_array_equal(raw.get_data(), was)
        np.testing.assert_array_equal(cleaned.get_data(), want.get_data())
        assert cleaned.ch_names == raw.ch_names
        assert not np.array_equal(cleaned.get_data(), was)
    alone, none = nf.clean_raws(raw_eeg)
    assert none is None
    assert alone is not None
    assert alone.ch_names == raw_eeg.ch_names


def test_a_cleaner_that_fails_or_writes_in_place_costs_its_own_row_only(pair, caplog):
    class Broken(Halved):
        name = "broken"

        def transform(self, recording):
            raise ZeroDivisionError("no quiet sample")

    class InPlace(Halved):
        name = "in_place"

        def transform(self, recording):
            recording["eeg"].eeg.values[:] = 0
            return recording

    before = pair[1]["eeg"].eeg.values.copy()
    table = nf.compare(pair[1], [InPlace(), Broken(), "bandpass"], pair[0])
    np.testing.assert_array_equal(pair[1]["eeg"].eeg.values, before)
    assert table.failure.values[:3].tolist() == ["", "ZeroDivisionError: no quiet sample", ""]
    alone = nf.compare(pair[1], ["bandpass"], pair[0])
    np.testing.assert_array_equal(
        table.value.loc["bandpass", "eeg"], alone.value.loc["bandpass", "eeg"]
    )
    assert "broken failed with ZeroDivisionError" in caplog.text


def test_what_is_no_raw_is_refused(pair):
    with pytest.raises(ParameterError, match=r"a str for an MNE Raw.*neurofuse\.read"):
        nf.clean_raws("a.edf", "b.snirf")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ParameterError, match=r"a DataTree for an MNE Raw"):
        nf.clean_raws(pair[1])
