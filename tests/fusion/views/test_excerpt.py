"""Long recordings are shown where they moved most."""

import numpy as np
import pytest

from neurofuse import io
from neurofuse.fusion.report import report
from neurofuse.fusion.views import excerpt as excerpts
from neurofuse.fusion.views.excerpt import excerpt
from neurofuse.io.lazy import blocks_of, is_lazy

RATE = 50.0


@pytest.fixture
def long_pair(monkeypatch):
    """Ten minutes of one channel that moves at 400-460 s; three minutes fit into memory."""
    monkeypatch.setattr(excerpts, "LARGEST_EEG", 8 * RATE * 180)
    rng = np.random.default_rng(0)
    node = io.eeg_dataset(1e-5 * rng.standard_normal((1, 30000)), RATE, ["Cz"])
    lazy = node.assign(eeg=node.eeg.copy(data=blocks_of(node.eeg.values, RATE)))
    gate = ((node.time > 400) & (node.time < 460)).values[None].astype(np.float32)
    after = lazy.assign(gate=(("channel", "time"), gate))
    return io.build(lazy), io.build(after)


def test_the_stretch_with_most_movement_is_loaded(long_pair):
    before, after, truth, words = excerpt(*long_pair)
    assert truth is None
    times = before["eeg"].time.values
    assert times[0] <= 400
    assert times[-1] >= 460
    assert len(times) == 180 * RATE
    assert not is_lazy(before["eeg"].eeg)
    assert after["eeg"].gate.values.sum() == long_pair[1]["eeg"].gate.values.sum()
    assert words.startswith(f"This page shows {times[0] / 60:.0f} to")


def test_what_no_page_shows_is_not_loaded(long_pair):
    before, after = long_pair
    node = io.stream_dataset(after, "eeg")
    known = io.with_stream(after, "eeg", node.assign(uncertainty=node.gate))
    assert "uncertainty" not in excerpt(before, known)[1]["eeg"]
    assert "uncertainty" in known["eeg"]


def test_recordings_in_memory_are_shown_whole(long_pair):
    loaded = long_pair[0].load()
    assert excerpt(loaded, loaded)[0] is loaded


def test_the_report_says_what_it_shows(long_pair, tmp_path):
    page = report(long_pair[0], long_pair[1], tmp_path / "long.html").read_text("utf-8")
    assert "of 10 min: the stretch with most motion" in page
