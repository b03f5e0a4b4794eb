"""Which streams of a network are taken, and what is said where that is unclear."""

from types import SimpleNamespace

import pytest

from neurofuse.io.errors import NeurofuseError
from neurofuse.io.live import search

lsl = pytest.importorskip("mne_lsl.lsl", reason="the extra `stream` is not installed")


def there(name, kind, *, source="x", rate=100.0):
    return lsl.StreamInfo(name, kind, 2, rate, "float32", source)


@pytest.fixture
def network(monkeypatch):
    """Set which streams answer; what is subscribed to is their names, by kind."""

    def answering(*infos):
        def resolve_streams(timeout, **by):
            return [i for i in infos if all(getattr(i, f) == v for f, v in by.items())]

        found = SimpleNamespace(resolve_streams=resolve_streams)
        monkeypatch.setattr(search, "lsl", lambda: found)
        monkeypatch.setattr(search, "_subscribed", lambda info, kind: info.name)

    return answering


def test_the_only_stream_of_each_kind_is_taken_and_our_own_are_not(network):
    network(
        there("amp", "EEG"),
        there("amp cleaned", "EEG", source=f"{search.OWN}eeg-of-amp"),
        there("lights", "fNIRS"),
        there("head", "ACC"),
    )
    assert search.find_inlets({}) == {"eeg": "amp", "nirs": "lights", "imu": "head"}


def test_of_several_one_has_to_be_named(network):
    network(there("amp", "EEG"), there("other amp", "EEG"))
    with pytest.raises(NeurofuseError, match=r"2 streams of EEG: amp \(EEG, 2 channels, 100 Hz\)"):
        search.find_inlets({"eeg": None})
    assert search.find_inlets({"eeg": "other amp", "nirs": None}) == {"eeg": "other amp"}


@pytest.mark.parametrize("by", ["name", "type", "source_id"])
def test_streams_are_found_by_what_is_said(network, by):
    own = there("lights cleaned", "NIRS", source=f"{search.OWN}nirs-of-lights")
    network(there("lights", "NIRS", source="probe 7"), there("amp", "EEG"), own)
    text = {"name": "lights", "type": "NIRS", "source_id": "probe 7"}[by]
    assert search.find_inlets({"nirs": text}, by=by) == {"nirs": "lights"}


def test_an_empty_network_is_one_clear_error(network):
    network(there("head", "ACC"))
    with pytest.raises(NeurofuseError, match=r"no stream of EEG or fNIRS \(there: head"):
        search.find_inlets({}, wait=0.0)
    with pytest.raises(NeurofuseError, match="no stream whose name is 'amp'"):
        search.find_inlets({"eeg": "amp"}, wait=0.0)
    with pytest.raises(NeurofuseError, match="by='color'"):
        search.find_inlets({}, by="color")  # pyright: ignore[reportArgumentType]
