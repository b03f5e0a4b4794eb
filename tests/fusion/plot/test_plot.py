"""Plots draw what was asked for, on the axes that were asked for, and say what they lack."""

import os
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_rgba

import neurofuse as nf
from neurofuse.fusion.plot.style import AFTER, BEFORE, TRUTH
from neurofuse.io.recording import build, eeg_dataset, stream_dataset, with_stream


@pytest.fixture(scope="module")
def pair(simulated_long):
    return simulated_long


@pytest.fixture(scope="module")
def cleaned(pair):
    return nf.clean(pair[1])


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def _lines(ax, colour):
    return [line for line in ax.lines if to_rgba(line.get_color()) == to_rgba(colour)]


def _legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_traces_show_every_stream_before_after_and_true_on_one_clock(pair, cleaned):
    truth, contaminated = pair
    axes = nf.plot.traces(contaminated, cleaned, truth, window=(10, 40))
    assert [ax.get_title()[:5] for ax in axes] == ["EEG (", "fNIRS"]
    for ax in axes:
        assert ax.get_xlim() == (10, 40)
        assert len(_lines(ax, BEFORE)) == len(_lines(ax, AFTER)) == len(_lines(ax, TRUTH)) == 8
    assert _legend(axes[-1]) == ["recorded", "cleaned", "true", "motion mask (gate > 0.5)"]


def test_a_lane_holds_the_samples_of_its_channel(pair):
    truth, _ = pair
    (ax,) = nf.plot.traces(truth, stream="eeg", channels=["Cz"], window=(10, 12))
    (line,) = _lines(ax, AFTER)
    wanted = truth["eeg"].eeg.sel(channel="Cz", time=slice(10, 12)).values[:500]
    assert np.corrcoef(np.asarray(line.get_ydata()), wanted)[0, 1] > 0.999


def test_channels_are_named_in_the_order_asked_for(pair):
    (ax,) = nf.plot.traces(pair[1], stream="eeg", channels=["Cz", "C3"])
    assert [t.get_text() for t in ax.get_yticklabels()] == ["Cz", "C3"]


def test_plots_draw_on_given_axes(pair, cleaned):
    _, contaminated = pair
    figure, axes = plt.subplots(2)
    assert nf.plot.traces(contaminated, cleaned, axes=axes) == list(axes)
    assert nf.plot.spectra(contaminated, cleaned, axes=axes) == list(axes)
    for ax in axes:
        ax.clear()  # a logarithmic axis holds no time before an event
    assert nf.plot.gate(cleaned, axes=axes) == list(axes)
    assert nf.plot.evoked(contaminated, stream="nirs", ax=axes[0]) is axes[0]
    assert nf.plot.sensors(contaminated, ax=axes[0]) is axes[0]
    assert plt.get_fignums() == [figure.number]


def test_the_image_is_the_motion_mask(cleaned):
    _, ax = nf.plot.gate(cleaned)
    image = np.asarray(ax.images[0].get_array())
    gate = cleaned["nirs"].gate.transpose("channel", "time").values
    assert image.shape[0] == gate.shape[0]
    np.testing.assert_allclose(image.max(axis=1), gate.max(axis=1), rtol=1e-6)


def test_spectrum_shows_where_alpha_is(pair):
    truth, contaminated = pair
    (ax,) = nf.plot.spectra(contaminated, truth=truth, stream="eeg", moving=False)
    assert ax.get_title() == "EEG, without motion"
    (line,) = _lines(ax, TRUTH)
    frequency, power = np.asarray(line.get_data(), float)
    inside = (frequency > 6) & (frequency < 15)
    assert 8 <= frequency[inside][power[inside].argmax()] <= 13


def test_sensors_are_coloured_by_what_is_given(pair):
    _, contaminated = pair
    quality = nf.io.channel_quality(contaminated, "nirs").sci
    ax = nf.plot.sensors(contaminated, value=quality)
    coloured = [c for c in ax.collections if c.get_array() is not None]
    np.testing.assert_allclose(np.asarray(coloured[0].get_array()), quality.values)
    assert ax.get_title() == "sci"


def test_response_is_the_mean_over_events(pair):
    truth, _ = pair
    ax = nf.plot.evoked(truth, stream="eeg", channel="C3", span=(-0.5, 1.0))
    (line,) = _lines(ax, AFTER)
    node = truth["eeg"]
    onsets = truth["events"].onset.values
    first = np.round((onsets - 0.5) * 250).astype(int)
    epochs = np.stack([1e6 * node.eeg.sel(channel="C3").values[a : a + 375] for a in first])
    wanted = (epochs - epochs[:, :125].mean(1, keepdims=True)).mean(0)
    np.testing.assert_allclose(np.asarray(line.get_ydata(), float), wanted, atol=1e-9)


def test_both_haemoglobins_are_plotted(pair, cleaned):
    ax = nf.plot.evoked(pair[1], cleaned, pair[0], stream="nirs")
    legend = _legend(ax)
    assert legend[:2] == ["HbO, recorded", "HbR, recorded"]
    assert len(legend) == 6


def test_comparison_is_in_order_and_bounds_are_hollow(pair):
    truth, contaminated = pair
    table = nf.compare(contaminated, ["tddr"], truth)
    (ax,) = nf.plot.comparison(table, modality="nirs")
    names = [text.get_text() for text in ax.get_yticklabels()]
    values = table.value.sel(modality="nirs", metric="error_db").to_pandas()
    assert names == values.dropna().sort_values(ascending=False).index.tolist()
    assert {"zero", "uncorrected", "tddr", "oracle"} == set(names)


def test_a_channel_name_is_text_not_a_formula():
    rng = np.random.default_rng(0)
    recording = build(eeg_dataset(1e-5 * rng.standard_normal((1, 500)), 250.0, ["$x$<b>"]))
    (ax,) = nf.plot.traces(recording)
    ax.figure.canvas.draw()
    assert ax.get_yticklabels()[0].get_text() == "$x$<b>"
    assert not ax.get_yticklabels()[0].get_parse_math()


@pytest.mark.slow
def test_a_first_plot_leaves_a_notebook_showing_figures(tmp_path):
    (tmp_path / "notebook_backend.py").write_text(
        "import matplotlib\n"
        "from matplotlib.backends.backend_agg import FigureCanvas\n"
        "matplotlib.interactive(True)\n"
    )
    code = (
        "import matplotlib, numpy as np, neurofuse as nf\n"
        "volts = 1e-5 * np.random.default_rng(0).random((1, 500))\n"
        "nf.plot.traces(nf.io.build(nf.io.eeg_dataset(volts, 250.0, ['C3'])))\n"
        "assert matplotlib.is_interactive()\n"
    )
    given = {**os.environ, "MPLBACKEND": "module://notebook_backend", "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda c: nf.plot.traces(c, stream="ecg"), "one of eeg, nirs"),
        (lambda c: nf.plot.traces(c, channels=["C3", "Q9"]), "the channels Q9"),
        (lambda c: nf.plot.traces(c, window=(500, 600)), "a window from 500 to 600 s"),
        (lambda c: nf.plot.traces(c, axes=plt.gca()), "1 axes for 2 panels"),
        (lambda c: nf.plot.evoked(c, event="oddball"), "0 events 'oddball'.*task"),
        (lambda c: nf.plot.evoked(c, channel="Q9"), "the channel 'Q9'"),
        (lambda c: nf.plot.evoked(c, span=(-80, 80)), "0 events whose -80 to 80 s"),
    ],
)
def test_what_is_not_there_is_refused(pair, draw, message):
    with pytest.raises(nf.NeurofuseError, match=message):
        draw(pair[1])


def test_a_recording_without_gate_or_mask_or_positions_is_refused(pair):
    bare = build(eeg_dataset(np.ones((1, 500)), 250.0, ["C3"]))
    with pytest.raises(nf.NeurofuseError, match="neither `gate` nor `motion`"):
        nf.plot.gate(bare)
    with pytest.raises(nf.NeurofuseError, match="without positions"):
        nf.plot.sensors(bare)


def test_a_bad_channel_is_crossed_out(pair):
    _, contaminated = pair
    node = stream_dataset(contaminated, "eeg")
    bad = node.channel.values == "Pz"
    marked = with_stream(contaminated, "eeg", node.assign_coords(bad=("channel", bad)))
    ax = nf.plot.sensors(marked, stream="eeg")
    crosses = np.asarray(ax.collections[-1].get_offsets())
    assert len(crosses) == 1
    assert abs(crosses[0, 0]) < 0.05  # Pz: on the midline, behind the vertex
    assert crosses[0, 1] < 0


def test_an_oracle_does_not_flatten_the_intervals_of_others():
    from neurofuse.fusion.results.statistics import summarise

    value = np.array([[-5.0, -200.0], [-4.0, -210.0]])[..., None, None]
    table = xr.Dataset(
        {"value": (("recording", "method", "modality", "metric"), value)},
        {
            "method": ["joint", "oracle"],
            "modality": ["eeg"],
            "metric": ["error_db"],
            "units": ("metric", ["dB"]),
            "subject": ("recording", ["a", "b"]),
        },
    )
    ax = nf.plot.intervals(summarise(table), "eeg")
    assert [text.get_text() for text in ax.get_yticklabels()] == ["joint", "oracle"]
    assert ax.get_xlim()[0] > -40
