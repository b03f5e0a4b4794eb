"""The page of a study, made of rows: what stands out, what is compared, and that all is text."""

import re

import numpy as np
import pytest

from neurofuse.fusion.report.group import group_page
from neurofuse.fusion.report.group_outliers import by_device, outliers, robust_z
from neurofuse.fusion.report.group_row import Figures, GroupRow
from neurofuse.fusion.report.group_self_test import group_self_test
from neurofuse.io.errors import ParameterError, WriteError

EVIL = "<script>alert(1)</script>"
USUAL = {
    **{"channels": 20, "usable": 20, "bad": 0, "rate": 250.0, "seconds": 60.0, "moving": 0.2},
    **{"unchanged": 0.8, "lost": 0.0, "movements": 4, "attenuation_db": 9.0, "quality": 1e-5},
}


def row(name="a", modality="eeg", device="", **figures):
    return GroupRow(
        name,
        "done",
        entities={"sub": name},
        device=device,
        streams={modality: Figures(**{**USUAL, **figures})},
    )


def cohort(count=20, **last):
    """Attenuations of about 9 dB, and a last recording of the same device."""
    rng = np.random.default_rng(0)
    rows = [row(f"r{n}", attenuation_db=rng.normal(9, 0.5)) for n in range(count - 1)]
    return [*rows, row("odd", **last)]


def page(rows, folder, **options):
    return group_page(rows, folder / "index.html", **options).read_text("utf-8")


@pytest.mark.parametrize(
    ("figures", "measures"),
    [
        ({"attenuation_db": 2.0}, ["attenuation_db"]),
        ({"attenuation_db": 30.0}, ["attenuation_db"]),
        ({"usable": 10}, ["usable"]),
        ({"lost": 0.3}, ["lost"]),
        ({"moving": 0.9}, ["moving"]),
        ({"moving": 0.0}, []),  # less motion is not worse
        ({"lost": 0.01}, []),  # far by its z, but it does not matter
        ({"quality": 1e-3}, ["quality"]),
        ({"quality": 1.2e-5}, []),
        ({"attenuation_db": None}, []),
    ],
)
def test_what_is_unusual_for_a_device_is_found(figures, measures):
    found = outliers(cohort(attenuation_db=9.0) if not figures else cohort(**figures))
    assert [one.measure.key for one in found] == measures
    assert all(one.row == 19 for one in found)


def test_devices_are_judged_by_themselves_and_only_with_enough_recordings():
    rows = cohort(attenuation_db=2.0)
    assert len(outliers(rows)) == 1
    # among seven of its own kind nobody is an outlier, nor among others like it
    few = [row(f"f{n}", device="other", attenuation_db=2.0 + 9 * (n == 0)) for n in range(7)]
    assert len(outliers([*rows, *few])) == 1
    more = [*few, row("f7", device="other", attenuation_db=2.0)]
    assert {one.row for one in outliers([*rows, *more])} == {19, 20}
    assert [len(group) for group in by_device([*rows, *more]).values()] == [20, 8]


def test_robust_z_is_that_of_iglewicz_and_hoaglin():
    values = dict(enumerate([1.0, 2.0, 4.0, 5.0, 7.0, 8.0, 9.0, 50.0]))
    median, z = robust_z(values)
    mad = np.median(np.abs(np.array([*values.values()]) - 6.0))
    assert median == 6.0
    assert z[7] == pytest.approx(0.6745 * (50 - 6) / mad)
    # without a spread in the middle the mean gap stands in
    _, z = robust_z(dict.fromkeys(range(9), 1.0) | {9: 2.0})
    assert z[9] == pytest.approx(1 / (np.sqrt(np.pi / 2) * 0.1))
    assert robust_z(dict.fromkeys(range(9), 1.0))[1] == {}


def test_the_page_tells_first_whether_it_worked(tmp_path):
    rows = [
        *cohort(attenuation_db=2.0),
        GroupRow("bad", "failed", "found half a file", crash="logs/sub-x/crash-bad.json"),
        GroupRow("alone", "left out", "EEG without fNIRS"),
        GroupRow("next", "not done"),
        GroupRow("odd file", "unreadable", "the summary does not count"),
        row("lossy", lost=0.5),
    ]
    text = page(rows, tmp_path, trouble=["The plan is torn."])
    lead = re.findall(r"<li>(.*?)</li>", text.partition("</ul>")[0])
    assert lead[0] == (
        "21 of 25 recordings are cleaned; 1 failed, 1 unreadable, 1 not done and 1 left out."
    )
    assert lead[1] == "The plan is torn."
    look = text.partition('id="look"')[2].partition("</section>")[0]
    for words in (
        "found half a file",
        "EEG without fNIRS",
        "1 not done",
        "usual 8.9\N{NO-BREAK SPACE}dB",
        "lossy",
    ):
        assert words in look
    body = text.partition("<tbody>")[2]
    assert 'href="logs/sub-x/crash-bad.json"' in text
    assert len(re.findall(r'<tr id="r\d+"', body)) == 25
    assert page(rows, tmp_path / "again", trouble=["The plan is torn."]) == text


def test_equal_reasons_are_told_once(tmp_path):
    rows = [GroupRow(f"s{n}", "failed", f"found s{n}.edf, cut at {n} bytes") for n in range(9)]
    text = page(rows, tmp_path)
    look = text.partition('id="look"')[2].partition("</section>")[0]
    assert look.count("cut at") == 1
    assert "9 failed" in look
    assert "and 3 more" in look


def test_whatever_comes_from_files_is_text(tmp_path):
    evil = row(EVIL, device=EVIL)
    rows = [
        GroupRow(**{**vars(evil), "site": EVIL, "report": 'a"><b>.html', "method": EVIL}),
        GroupRow(EVIL, "failed", EVIL, {"task": EVIL}, site="x", crash='"><i>'),
    ]
    rows += [
        GroupRow(f"p{n}", "done", method=EVIL, errors={"eeg": {EVIL: 1.0, "b": 2.0}})
        for n in range(3)
    ]
    text = page(rows, tmp_path, title=EVIL)
    assert EVIL not in text
    assert "<b>.html" not in text
    assert "<i>" not in text
    assert text.count("&lt;script&gt;") > 8


def test_nothing_and_existing_pages_are_refused(tmp_path):
    with pytest.raises(ParameterError, match="participant"):
        group_page([], tmp_path / "a.html")
    group_page([row()], tmp_path / "a.html")
    with pytest.raises(WriteError, match="existing"):
        group_page([row()], tmp_path / "a.html")


def after_tests(people, repeats=1, gap=2.0):
    rng = np.random.default_rng(1)
    rows = []
    for person in range(people):
        base = rng.normal(-6, 1)
        for _ in range(repeats):
            errors = {"joint": base, "asr": base + gap + rng.normal(0, 0.1)}
            best = min(errors, key=errors.__getitem__)
            rows.append(
                GroupRow(
                    f"{person}",
                    "done",
                    entities={"sub": str(person)},
                    method="joint",
                    errors={"eeg": errors},
                    best={"eeg": best},
                )
            )
    return rows


def test_self_tests_are_compared_within_participants(tmp_path):
    found = group_self_test(after_tests(12, repeats=2), "eeg")
    assert found is not None
    joint, asr = found.methods
    assert (found.against, found.people, found.recordings) == ("joint", 12, 24)
    assert (joint.method, joint.best, joint.people) == ("joint", 24, 12)
    assert joint.low < joint.mean < joint.high
    assert asr.difference == pytest.approx(2.0, abs=0.1)
    assert asr.p == pytest.approx(2 / 2**12)  # all of twelve participants, not of 24 recordings
    text = page(after_tests(12, repeats=2), tmp_path)
    assert "24 of 24" in text
    assert "cannot fall below" not in text
    assert "cannot fall below" in page(after_tests(5), tmp_path / "few")
    assert "&lt; 0.001" in text


def test_few_participants_and_untested_modalities_have_no_statistics(tmp_path):
    assert group_self_test(after_tests(2, repeats=5), "eeg") is None
    assert group_self_test(after_tests(5), "nirs") is None
    assert 'id="self-test"' not in page(after_tests(2, repeats=5), tmp_path)


def test_methods_that_ran_in_some_recordings_only(tmp_path):
    rows = after_tests(5)
    first = GroupRow(**{**vars(rows[0]), "errors": {"eeg": {"asr": -1.0}}})
    found = group_self_test([first, *rows[1:]], "eeg")
    assert found is not None
    assert {one.method: one.people for one in found.methods} == {"joint": 4, "asr": 5}
    text = page([first, *rows[1:]], tmp_path).partition('id="self-test"')[2]
    assert "nan" not in text.partition("</section>")[0]
