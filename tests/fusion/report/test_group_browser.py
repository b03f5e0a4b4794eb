"""The page of a study in a real browser: it fits, sorts, filters, and opens with thousands."""

import time

import pytest

from neurofuse.cli.study.group import group
from tests.cli.study import made_study as made
from tests.fusion.report.test_browser import Opened, browser

__all__ = ["browser"]  # a fixture

pytestmark = pytest.mark.slow

SHOWN = "document.querySelectorAll('.group tbody tr:not([hidden]):not(.later)').length"
LONG = "W" * 90  # a name without a place to break
MANY = 3000


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):
    out = made.make_study(tmp_path_factory.mktemp("study"), waiting=(6,))
    lossy = made.summary(8)
    lossy["streams"]["nirs"]["lost"] = 0.4
    lossy["device"] = lossy["site"] = LONG
    made.write_json(lossy, made.summary_path(out, 8))
    made.write_json(made.crash(3, f"found {LONG} {LONG}"), made.crash_path(out, 3))
    page = Opened(browser, group(out), viewport={"width": 1280, "height": 800})
    yield page
    page.page.close()


@pytest.fixture
def page(opened):
    yield opened.page
    opened.page.click("[data-show=all]")
    opened.page.fill("[data-find]", "")
    for menu in opened.page.query_selector_all("select[data-by]"):
        menu.select_option(index=0)
    assert opened.trouble == []


def names(page):
    return page.eval_on_selector_all(
        ".group tbody tr:not([hidden]):not(.later) th", "all => all.map(e => e.textContent)"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_without_scrolling_sideways(page, scheme):
    page.emulate_media(color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    wide = page.eval_on_selector_all(
        ".group, .strips, .halves > div",
        "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).length",
    )
    assert wide == 0
    ink, ground = (page.evaluate(f"getComputedStyle(document.body).{p}") for p in COLOURS)
    lightness = [sum(map(int, text[4:-1].split(","))) for text in (ink, ground)]
    assert (lightness[0] > lightness[1]) is (scheme == "dark")


COLOURS = ("color", "backgroundColor")


def test_the_first_screen_shows_what_failed(page):
    page.evaluate("scrollTo(0, 0)")
    for selector in (".lead li", "#look .state.failed", "#look .state.limit"):
        box = page.locator(selector).first.bounding_box()
        assert box["y"] + box["height"] < 800


def test_headers_sort_by_numbers(page):
    lost = "th button:text('lost') >> nth=1"
    cells = ".group tbody tr.done td:nth-child(13)"
    page.click(lost)
    values = page.eval_on_selector_all(cells, "all => all.map(e => Number(e.dataset.value))")
    assert len(values) == 46
    assert values == sorted(values)
    page.click(lost)
    values = page.eval_on_selector_all(cells, "all => all.map(e => Number(e.dataset.value))")
    assert values[0] == 0.4
    assert values == sorted(values, reverse=True)
    page.click("th button:text('Recording')")
    assert names(page)[:2] == [made.name(0), made.name(1)]


def test_rows_are_chosen_by_state_text_and_menus(page):
    page.click("[data-show=failed]")
    assert names(page) == [made.name(n) for n in (3, 17, 30)]
    assert page.get_attribute("[data-show=failed]", "aria-pressed") == "true"
    page.fill("[data-find]", "half FILE")
    assert names(page) == [made.name(n) for n in (17, 30)]
    page.fill("[data-find]", "")
    page.click("[data-show=not-done]")
    assert names(page) == [made.name(6)]
    page.click("[data-show=all]")
    page.select_option("[data-by=task]", "walk")
    page.select_option("[data-by=device]", made.DEVICES[0])
    chosen = names(page)
    assert 0 < len(chosen) < 51
    assert all("walk" in one for one in chosen)
    assert page.inner_text("[data-count]") == f"{len(chosen)} of 51 shown"


def test_a_link_shows_its_row_though_it_was_filtered_out(page):
    page.fill("[data-find]", "rest")
    assert made.name(3) not in names(page)
    page.click(f"#look a:text('{made.name(3)}')")
    page.wait_for_function("() => document.querySelector('tr:target')?.hidden === false")
    assert made.name(3) in names(page)
    box = page.locator("tr:target").bounding_box()
    assert 0 <= box["y"] < 800


def test_paper_has_all_rows_and_no_buttons(page):
    page.emulate_media(media="print")
    assert page.locator(".group tbody tr").last.is_visible()
    assert not page.locator("[data-find]").is_visible()
    page.emulate_media(media="screen")


def test_without_scripts_all_rows_are_there(browser, tmp_path):
    path = group(made.make_study(tmp_path, 230, failed=()))
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(path.as_uri())
    assert plain.locator(".group tbody tr").last.is_visible()
    assert not plain.locator("[data-find]").is_visible()
    context.close()


def test_thousands_of_recordings_open(browser, tmp_path):
    path = group(made.make_study(tmp_path, MANY))
    assert path.stat().st_size < 10e6
    start = time.perf_counter()
    found = Opened(browser, path, viewport={"width": 1280, "height": 800})
    assert time.perf_counter() - start < 30  # about 1 s on a machine that does nothing else
    assert found.page.evaluate(SHOWN) == 200
    assert found.page.evaluate("document.documentElement.scrollWidth") <= 1280
    last = made.name(MANY - 1)
    found.page.fill("[data-find]", last)
    assert names(found.page) == [last]
    found.page.fill("[data-find]", "")
    found.page.evaluate("document.querySelector('[data-more]').scrollIntoView()")
    found.page.wait_for_function(f"() => {SHOWN} > 200")
    assert found.trouble == []
    found.page.close()
