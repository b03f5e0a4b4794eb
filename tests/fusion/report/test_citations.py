"""The works behind a page: complete, sound, and readable without TeX."""

import re

import pytest

from neurofuse.fusion.methods.registry import BASELINES
from neurofuse.fusion.report.citations import (
    METHOD,
    MODALITY,
    SOFTWARE,
    citations_block,
    library,
    plain,
    reference,
)

# no paper, or none whose entry could be checked
WITHOUT = {"uncorrected", "zero", "bandpass", "lstm", "gedai"}
NO_DOI = {"neurofuse", "lagerlund1997", "gao2023", "kingma2014", "sawangjai2022"}  # likewise


def test_every_method_has_its_works():
    assert set(BASELINES) - set(METHOD) == WITHOUT
    assert not WITHOUT & set(METHOD)
    used = {
        *SOFTWARE,
        "welch1967",
        *(key for of in (MODALITY, METHOD) for k in of.values() for key in k),
    }
    assert used == set(library())


@pytest.mark.parametrize("name", sorted(set(METHOD) & set(BASELINES) - {"asr"}))
def test_the_works_are_those_that_the_method_names(name):
    for key in METHOD[name]:
        author, year = re.fullmatch(r"([a-z]+)(\d+)", key).groups()  # type: ignore
        cited = BASELINES[name].citation.lower().replace("ü", "u").replace(" ", "")
        if (name, author) != ("ica", "hyvarinen"):  # the citation names it FastICA
            assert author in cited.replace("ç", "c"), key
            assert year in cited, key


@pytest.mark.parametrize("key", sorted(library()))
def test_an_entry_is_sound_and_readable(key):
    entry = library()[key]
    assert entry.count("{") == entry.count("}")
    found = re.findall(r"doi = \{(.*)\}", entry)
    assert len(found) == (key not in NO_DOI)
    assert all(re.fullmatch(r"10\.\d{4,5}/\S+", doi) for doi in found)
    line = reference(entry)
    assert not re.search(r"[{}\\]", line)
    if key != "neurofuse":
        author, year = re.fullmatch(r"([a-z]+)(\d+)", key).groups()  # type: ignore
        first = plain(entry.partition("author = {")[2]).lower().replace("ü", "u").replace("ä", "a")
        assert first.replace(" ", "").startswith(author[:4])
        assert f"({year})" in line


def test_the_list_and_the_entries_are_on_the_page():
    text = citations_block(["neurofuse", "yucel2014"])
    assert "<li>Yücel M. A., Selb J., Cooper R. J., et al. (2014). Targeted" in text
    assert "doi:10.1142/S1793545813500661</li>" in text
    assert "Y{\\&quot;u}cel" in text
