"""The report in a real browser: it opens without errors, moves, zooms, and draws what is chosen."""

import shutil

import numpy as np
import pytest

from neurofuse.fusion.report import cohort_report, cohort_row, report
from neurofuse.io.recording import without_stream
from tests.builders import eeg_node, recording_of, with_masks

pytestmark = pytest.mark.slow

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
EVIL = "<img src=x onerror=alert(1)>"
PUSH = (200.0, 203.0)  # s
EDGE = 0.55  # of a lane, from its middle


def make(seconds=400.0, eeg=8, rate=100.0, gate=True):
    """(before, after) with a push at PUSH."""
    rng = np.random.default_rng(0)
    time, slow = (np.arange(round(seconds * r)) / r for r in (rate, 10.0))
    pushed, slowly = ((t >= PUSH[0]) & (t < PUSH[1]) for t in (time, slow))
    brain = 1e-5 * rng.standard_normal((eeg, len(time)))
    od = 0.01 * np.sin(slow) + 0.001 * rng.standard_normal((4, 2, len(slow)))
    names = [EVIL, *(f"E{i}" for i in range(1, eeg))]

    def recording(samples, density):
        node = eeg_node(samples, rate, names, position=0.09 * rng.standard_normal((eeg, 3)))
        events = [(50.0, 5.0, EVIL, "", ""), (250.0, 5.0, "task", "", "")]
        return recording_of(node, np.exp(-density), events=events)

    before = recording(brain + 2e-4 * pushed, od + 0.1 * slowly)
    after = recording(brain, od)
    return before, with_masks(after, "gate", eeg=pushed, nirs=slowly) if gate else after


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser is installed (looked for {', '.join(BROWSERS)})")
    with sync_api.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return report(*make(), tmp_path_factory.mktemp("page") / "a.html")


class Opened:
    """A page, and what it complained about."""

    def __init__(self, browser, path, **options):
        self.page = browser.new_page(**options)
        self.trouble = []
        self.page.on("console", lambda m: m.type in ("error", "warning") and self.note(m.text))
        self.page.on("pageerror", lambda error: self.note(str(error)))
        self.page.on("request", lambda r: r.url.startswith("http") and self.note(r.url))
        self.page.on("dialog", lambda dialog: self.note(dialog.message))
        self.page.goto(path.as_uri())

    def note(self, text):
        self.trouble.append(text)

    def ready(self):
        self.page.wait_for_selector("#strip[data-ready]", timeout=120_000)
        return self

    def range(self):
        return self.page.evaluate("document.getElementById('strip').layout.xaxis.range")

    def wait_for_range(self, width):
        """Until the window is about `width` s wide."""
        self.page.wait_for_function(
            "width => { const [a, b] = document.getElementById('strip').layout.xaxis.range;"
            " return Math.abs(b - a - width) < 0.01 * width; }",
            arg=width,
            timeout=60_000,
        )
        return self.range()

    def drawn(self, meta):
        """x and y of one kind of line, without gaps."""
        trace = self.page.evaluate(
            "meta => { const t = document.getElementById('strip').data.find(t => t.meta === meta);"
            " return t ? [t.x, t.y] : null; }",
            meta,
        )
        return None if trace is None else np.array(trace, float)

    def lanes(self, axis="yaxis"):
        return self.page.evaluate(f"document.getElementById('strip').layout.{axis}.ticktext")

    def wait_for_lanes(self, count, axis="yaxis"):
        self.page.wait_for_function(
            f"count => document.getElementById('strip').layout.{axis}.ticktext.length === count",
            arg=count,
            timeout=60_000,
        )
        return self.lanes(axis)


@pytest.fixture(scope="module")
def shared(browser, path):
    made = Opened(browser, path).ready()
    yield made
    made.page.close()


@pytest.fixture
def opened(shared):
    """The page as it opens; loading it anew for each test would take long."""
    yield shared
    for button in ("[data-do=whole]", "[data-pick=most]"):
        shared.page.eval_on_selector_all(button, "all => all.forEach(e => e.click())")
    shared.page.check("[data-kind=before]")
    shared.wait_for_range(400)
    assert shared.trouble == []


def test_it_opens_with_the_whole_recording(opened):
    assert opened.range() == [0, 400]
    assert opened.page.is_visible("#strip")
    assert not opened.page.is_visible(".still")
    for meta in ("eeg before", "eeg after", "eeg mask", "nirs before", "nirs after", "events"):
        x, _ = opened.drawn(meta)
        assert np.nanmin(x) >= -0.01
        assert np.nanmax(x) <= 400.01
    assert opened.drawn("eeg truth") is None
    x, _ = opened.drawn("eeg mask")
    assert (np.nanmin(x), np.nanmax(x)) == pytest.approx(PUSH, abs=0.011)
    # names from files are text
    assert "&lt;img" in opened.lanes()[0]
    assert opened.page.query_selector("img") is None
    assert opened.page.evaluate("document.body.scrollWidth <= innerWidth")


def test_the_page_has_its_parts_in_order(opened):
    headings = opened.page.eval_on_selector_all("h2", "all => all.map(h => h.textContent)")
    links = opened.page.eval_on_selector_all("nav a", "all => all.map(a => a.textContent)")
    assert headings == links
    assert headings[:3] == ["In numbers", "Traces", "Motion mask and change"]
    unnamed = opened.page.eval_on_selector_all(
        "svg[role=img], canvas, [role=application]",
        "all => all.filter(e => !e.getAttribute('aria-label')).length",
    )
    assert unnamed == 0
    assert opened.page.eval_on_selector_all("[id]", "a => new Set(a.map(e => e.id)).size") == len(
        opened.page.query_selector_all("[id]")
    )


def test_buttons_and_keys_zoom_and_move(opened):
    coarse, _ = opened.drawn("eeg after")
    opened.page.click("[data-do=largest]")
    start, stop = opened.wait_for_range(20)
    assert start < PUSH[0] < PUSH[1] < stop
    fine, y = opened.drawn("eeg before")
    inside = fine[np.isfinite(fine)]
    # from nearby every sample is a point; from afar a bin of many has two
    assert np.median(np.diff(inside[:500])) == pytest.approx(0.01, abs=1e-4)
    assert np.diff(coarse[:200:2]).mean() > 0.1
    # the push leaves its lane: the line ends at the edge, and arrows stand in its gap
    during = (fine > PUSH[0] + 0.1) & (fine < PUSH[1] - 0.1)
    assert not np.isfinite(y[during]).any()
    assert np.nanmax(y) == pytest.approx(EDGE)
    at, height = opened.drawn("eeg before beyond")
    assert PUSH[0] <= at.min() <= PUSH[0] + 0.5
    assert PUSH[1] - 0.5 <= at.max() <= PUSH[1]
    assert height.max() == pytest.approx(EDGE - 0.07)
    assert "beyond" in opened.page.evaluate(
        "document.getElementById('strip').layout.annotations[0].text"
    )
    at, cleaned = opened.drawn("eeg after")
    during = (at > PUSH[0] + 0.1) & (at < PUSH[1] - 0.1)
    assert np.nanmax(cleaned[during]) < 0.5
    chart = opened.page.locator("#strip")
    chart.focus()
    chart.press("ArrowRight")
    opened.page.wait_for_function(
        "start => document.getElementById('strip').layout.xaxis.range[0] > start + 1", arg=start
    )
    assert opened.range() == pytest.approx([start + 5, stop + 5])
    chart.press("+")
    opened.wait_for_range(10)
    chart.press("0")
    assert opened.wait_for_range(400) == [0, 400]
    chart.press("n")
    start, stop = opened.wait_for_range(20)
    assert (start + stop) / 2 == pytest.approx(sum(PUSH) / 2, abs=0.1)
    assert "every sample" in opened.page.inner_text("#shown")


@pytest.mark.parametrize("zoom", [[], ["largest"], ["largest", "in", "taller", "taller"]])
def test_no_line_runs_along_the_edge_of_its_lane(opened, zoom):
    for button in zoom:
        opened.page.click(f"[data-do={button}]")
    opened.wait_for_range({0: 400, 1: 20, 4: 10}[len(zoom)])
    crossings = 0
    for meta in ("eeg before", "eeg after", "nirs before", "nirs after"):
        _, y = opened.drawn(meta)
        edges = -np.arange(8)[:, None] + [-EDGE, EDGE]
        near = np.abs(y[:, None] - edges.ravel())
        edge = np.where(np.nanmin(near, axis=1, initial=1.0) < 1e-9, y, np.nan)
        assert not (edge[1:] == edge[:-1]).any()
        crossings += np.isfinite(edge).sum()
    assert crossings
    for _ in range(zoom.count("taller")):
        opened.page.click("[data-do=flatter]")


def test_the_chart_can_be_saved_but_not_sent_away(opened):
    opened.page.hover("#strip")
    buttons = opened.page.eval_on_selector_all(
        ".modebar-btn", "all => all.map(e => e.dataset.title)"
    )
    assert buttons == ["Download plot as a PNG", "Zoom", "Pan"]
    with opened.page.expect_download() as saved:
        opened.page.click(".modebar-btn >> nth=0")
    assert saved.value.suggested_filename.endswith(".png")


def test_dragging_pans_both_streams(opened):
    opened.page.click("[data-do=largest]")
    start, _ = opened.wait_for_range(20)
    opened.page.locator("#strip").scroll_into_view_if_needed()
    box = opened.page.locator("#strip .draglayer .xy .nsewdrag").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    opened.page.mouse.move(x, y)
    opened.page.mouse.down()
    opened.page.mouse.move(x + box["width"] / 4, y, steps=4)
    opened.page.mouse.up()
    opened.page.wait_for_function(
        "start => document.getElementById('strip').layout.xaxis.range[0] < start - 1", arg=start
    )
    moved = opened.range()[0]
    assert moved == pytest.approx(start - 5, abs=0.2)
    for meta in ("eeg after", "nirs after"):
        assert np.nanmin(opened.drawn(meta)[0]) < moved


def test_channels_are_chosen(opened):
    assert len(opened.lanes()) == 6
    opened.page.click("details.channels >> nth=0 >> summary")
    opened.page.click("button[data-stream=eeg][data-pick=none]")
    opened.wait_for_lanes(0)
    opened.page.check("input[data-stream=eeg][data-channel='7']")
    assert opened.wait_for_lanes(1) == ["E7"]
    assert opened.page.inner_text("[data-count=eeg]") == "1"
    opened.page.click("button[data-stream=eeg][data-pick=all]")
    assert opened.wait_for_lanes(8)[1:] == [f"E{i}" for i in range(1, 8)]
    assert len(opened.lanes("yaxis2")) == 4
    opened.page.click("details.channels >> nth=1 >> summary")
    before = opened.drawn("nirs before")
    opened.page.select_option("select[data-stream=nirs]", "0")
    opened.page.wait_for_function(
        "() => document.getElementById('strip').layout.annotations[1].text.includes('760 nm')"
    )
    assert not np.array_equal(before, opened.drawn("nirs before"), equal_nan=True)
    opened.page.uncheck("[data-kind=before]")
    opened.page.wait_for_function(
        "() => !document.getElementById('strip').data.some(t => t.meta === 'eeg before')"
    )
    assert opened.drawn("eeg after") is not None


def test_a_modality_that_was_not_recording_is_named(browser, tmp_path):
    rng = np.random.default_rng(0)
    still = recording_of(1e-5 * rng.standard_normal((1, 2000)), np.ones((1, 2, 1000)))
    page = Opened(browser, report(still, still, tmp_path / "a.html")).ready()
    page.page.click("[data-do=in]")
    page.page.click("[data-do=in]")
    page.wait_for_range(25)
    page.page.locator("#strip").focus()
    page.page.keyboard.press("End")
    page.page.wait_for_function(
        "() => document.getElementById('strip').layout.annotations[0].text.includes('not recorded')"
    )
    text = page.page.evaluate("document.getElementById('strip').layout.annotations[1].text")
    assert "each lane is" in text
    assert page.trouble == []
    page.page.close()


def test_a_click_on_the_head_draws_the_channel(opened):
    hidden = next(
        i for i in range(8) if not opened.page.is_checked(f"[data-stream=eeg][data-channel='{i}']")
    )
    opened.page.eval_on_selector(
        f"[data-sensor=eeg-{hidden}]", "e => e.dispatchEvent(new Event('click'))"
    )
    assert f"E{hidden}" in opened.wait_for_lanes(7)


def test_keys_walk_over_the_head_and_tick_its_sensors(opened):
    focused = "document.activeElement.dataset.sensor"
    place = "(() => { const b = document.activeElement.getBBox(); return b.x + b.width / 2; })()"
    ticked = "document.activeElement.getAttribute('aria-checked') === 'true'"
    head = opened.page.locator("svg.map").first
    assert head.locator("[tabindex='0']").count() == 1  # one stop of the tab key
    head.locator("[tabindex='0']").focus()
    for key, sign in (("ArrowRight", 1), ("ArrowLeft", -1)):
        while True:  # to the last sensor on that side
            before, x = opened.page.evaluate(focused), opened.page.evaluate(place)
            opened.page.keyboard.press(key)
            if opened.page.evaluate(focused) == before:
                break
            assert sign * (opened.page.evaluate(place) - x) > 0
    channel = opened.page.evaluate(focused).split("-")[1]
    box = f"[data-stream=eeg][data-channel='{channel}']"
    for key in ("Enter", " "):
        was = opened.page.is_checked(box)
        assert opened.page.evaluate(ticked) is was
        opened.page.keyboard.press(key)
        assert opened.page.is_checked(box) is not was
        assert opened.page.evaluate(ticked) is not was
    assert opened.trouble == []


def test_dark_pages_have_light_ink(opened):
    for scheme, ink in (("dark", "#e8eaed"), ("light", "#1b1f24")):
        opened.page.emulate_media(color_scheme=scheme)
        opened.page.wait_for_function(
            "ink => document.getElementById('strip').layout.font.color === ink", arg=ink
        )


def test_a_phone_need_not_scroll_sideways(opened):
    opened.page.set_viewport_size({"width": 390, "height": 844})
    opened.page.wait_for_function(
        "() => document.querySelector('#strip .main-svg').clientWidth <= 390"
    )
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 390
    opened.page.set_viewport_size({"width": 1280, "height": 720})


def test_paper_and_pages_without_scripts_have_the_static_figures(opened, browser, path):
    opened.page.emulate_media(media="print")
    assert opened.page.is_visible(".still svg >> nth=0")
    assert not opened.page.is_visible("#strip")
    # buttons are useless on paper; the works are read, not copied
    assert not opened.page.is_visible("button >> nth=-1")
    assert opened.page.is_visible(".references")
    opened.page.emulate_media(media="screen")
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(path.as_uri())
    assert plain.is_visible(".still svg >> nth=0")
    assert not plain.is_visible("#strip")
    context.close()


@pytest.mark.parametrize("case", ["one second of one channel", "one stream", "many channels"])
def test_recordings_of_any_kind_open(browser, tmp_path, case):
    options = {
        "one second of one channel": {"eeg": 1, "seconds": 1.0, "gate": False},
        "many channels": {"eeg": 128, "seconds": 30.0},
    }.get(case, {})
    before, after = make(**options)
    if case == "one stream":
        before, after = (without_stream(r, "nirs") for r in (before, after))
    made = Opened(browser, report(before, after, tmp_path / "a.html")).ready()
    made.page.click("[data-do=in]")
    made.wait_for_range(options.get("seconds", 400.0) / 2)
    line = made.drawn("eeg after")
    assert line is not None
    assert np.isfinite(line[1]).any()
    if case == "many channels":
        made.page.eval_on_selector("button[data-stream=eeg][data-pick=all]", "e => e.click()")
        made.wait_for_lanes(128)
    assert made.trouble == []
    made.page.close()


def test_the_page_of_many_recordings_sorts_and_links(browser, path, tmp_path):
    rows = []
    for number, seconds in enumerate((30.0, 10.0, 20.0)):
        rows.append(cohort_row(f"sub-{number}", *make(seconds=seconds, eeg=2, gate=False), path))
    made = Opened(browser, cohort_report(rows, tmp_path / "index.html"))

    def order():
        names = "tbody th"
        return made.page.eval_on_selector_all(names, "all => all.map(e => e.textContent)")

    assert order() == ["sub-0", "sub-1", "sub-2"]
    made.page.click("th button:text('Duration')")
    assert order() == ["sub-1", "sub-2", "sub-0"]
    assert made.page.get_attribute("th:has(button:text('Duration'))", "aria-sort") == "ascending"
    made.page.click("th button:text('Duration')")
    assert order() == ["sub-0", "sub-2", "sub-1"]
    made.page.click("tbody a >> nth=0")
    made.ready()
    assert made.page.url == path.as_uri()
    assert made.trouble == []
    made.page.close()


def test_references_can_be_copied(opened):
    opened.page.evaluate(
        "() => { window.copied = []; document.execCommand = () =>"
        " window.copied.push(document.activeElement.value);"
        " Object.defineProperty(navigator, 'clipboard', { value: undefined }); }"
    )
    opened.page.click("[data-copy=bibtex]")
    opened.page.wait_for_selector("button:text('Copied')")
    (text,) = opened.page.evaluate("window.copied")
    assert text.startswith("@software{neurofuse,")
    assert "@article{gramfort2013," in text
