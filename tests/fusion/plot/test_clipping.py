"""A line that leaves its lane has a gap and arrows: nothing is drawn flat at the lane's edge."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neurofuse as nf
from neurofuse.fusion.plot.clipping import arrows, clip_line
from neurofuse.fusion.plot.draw_carpets import draw_before_after, draw_carpets
from neurofuse.fusion.plot.draw_lanes import HALF
from neurofuse.fusion.plot.draw_traces import draw_traces
from neurofuse.fusion.report.cohort import HEIGHT, cohort_report
from neurofuse.fusion.report.cohort_row import cohort_row
from neurofuse.fusion.views.before_after import views_of
from tests.builders import recording_of

LINES = st.lists(st.sampled_from([-9.0, -1.0, -0.5, 0.0, 0.7, 1.0, 4.0, np.nan]), min_size=1)


@given(LINES)
def test_a_clipped_line_stays_inside_and_never_lies_on_the_edge(values):
    y = np.array(values)
    shown_x, shown_y = clip_line(np.arange(len(y)), y, 1.0)
    assert (np.diff(shown_x) >= 0).all()
    assert not (np.abs(shown_y) > 1).any()
    flat = (np.abs(shown_y[1:]) == 1) & (shown_y[1:] == shown_y[:-1])
    assert not flat.any()
    # all that was inside is drawn where it was
    inside = np.abs(y) < 1
    for x, value in zip(np.flatnonzero(inside), y[inside], strict=True):
        assert value in shown_y[shown_x == x]


@given(LINES)
def test_arrows_point_at_what_is_outside(values):
    y = np.array(values)
    at, side = arrows(np.arange(len(y)), y, 1.0, spacing=1.0)
    found = set(zip(at.tolist(), side.tolist(), strict=True))
    assert found == {(i, int(np.sign(v))) for i, v in enumerate(y) if abs(v) >= 1}


@pytest.fixture(scope="module")
def railed():
    """(before, after) of a minute: spikes and shifts far beyond the cleaned signal's size."""
    rng = np.random.default_rng(0)
    time, slow = np.arange(6000) / 100, np.arange(600) / 10
    eeg = 1e-5 * rng.standard_normal((3, 6000))
    od = 0.01 * rng.standard_normal((2, 2, 600))
    recordings = []
    for size in (1.0, 0.0):
        push = 3e-3 * size * ((time > 20) & (time < 23)) * np.array([1.0, -1.0, 0.3])[:, None]
        shift = size * (slow > 30) * np.array([2.0, -0.5])[:, None, None]
        recordings.append(recording_of(eeg + push, np.exp(-od - shift)))
    return recordings


def _flat(ax):
    """How many neighbouring points of a line of lanes lie on the same edge of a lane, and how
    many points lie on an edge at all."""
    edges = -np.arange(len(ax.get_yticks()))[:, None] + [-HALF, HALF]
    flat = touching = 0
    for line in ax.lines:
        y = np.asarray(line.get_ydata(), float)
        near = np.nanmin(np.abs(y[:, None] - edges.ravel()), axis=1, initial=1.0)
        at_edge = np.where(near < 1e-9, y, np.nan)
        flat += int((at_edge[1:] == at_edge[:-1]).sum())
        touching += int(np.isfinite(at_edge).sum())
    return flat, touching


@pytest.mark.parametrize("window", [None, (15.0, 40.0)])
def test_traces_have_gaps_and_arrows_where_they_leave_their_lane(railed, window):
    for ax in nf.plot.traces(*railed, window=window):
        flat, touching = _flat(ax)
        assert flat == 0
        assert touching > 0
        arrowheads = sum(len(np.asarray(c.get_offsets())) for c in ax.collections if c.get_label())
        assert arrowheads > 0
        assert "▲▼ beyond" in ax.get_title()


def test_the_reports_static_figures_have_them_too(railed):
    views = views_of(*railed)
    for window in (None, (15.0, 40.0)):
        _, *panels = draw_traces(views, window).axes
        assert [_flat(ax)[0] for ax in panels] == [0, 0]
        assert all(_flat(ax)[1] for ax in panels)


def test_what_fits_into_its_lane_is_drawn_whole_without_arrows(railed):
    _, after = railed
    for ax in nf.plot.traces(after):
        assert "beyond" not in ax.get_title()
        assert all(np.isfinite(np.asarray(line.get_ydata(), float)).all() for line in ax.lines)


def test_carpets_show_what_is_beyond_their_scale(railed):
    views = views_of(*railed)
    for figure in (draw_carpets(views), draw_before_after(views, [])):
        images = [image for ax in figure.axes for image in ax.images]
        tops = [float(np.max(image.norm.vmax or 0.0)) for image in images]
        largest = [float(np.max(np.asarray(image.get_array(), float))) for image in images]
        beyond = [i for i, (top, most) in enumerate(zip(tops, largest, strict=True)) if most > top]
        assert beyond
        for i in beyond:
            sizes = np.array([tops[i], 2 * tops[i]])
            inside, outside = np.asarray(images[i].cmap(images[i].norm(sizes)))
            assert (inside != outside).any()


def test_small_pictures_have_no_flat_top(railed, tmp_path):
    rows = [cohort_row(f"sub-{i}", *railed) for i in range(2)]
    rows += [cohort_row(f"quiet-{i}", railed[1], railed[1]) for i in range(3)]
    text = cohort_report(rows, tmp_path / "index.html").read_text("utf-8")
    tops = 0
    for area in re.findall(r'<path d="([^"]*)" fill', text):
        heights = [float(y) for y in re.findall(r"L[-\d.]+ ([-\d.]+)", area)]
        assert all(-1e-9 <= y <= HEIGHT for y in heights)
        assert not any(a == b == 0 for a, b in pairwise(heights))
        tops += heights.count(0.0)
    assert tops
