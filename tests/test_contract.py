"""The public contract: what `__all__` names is on its page, explained and typed."""

import doctest
import importlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import neurofuse as nf

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "neurofuse": "neurofuse",
    "neurofuse.plot": "neurofuse.fusion.plot",
    **{name: name for name in ("neurofuse.io", "neurofuse.synth", "neurofuse.fusion")},
    **{name: name for name in ("neurofuse.fusion.report", "neurofuse.models")},
}
ENTRIES = [
    (public, name)
    for public, package in PACKAGES.items()
    for name in importlib.import_module(package).__all__
]
CANNOT_FAIL = {  # entries without Raises, and why
    "neurofuse.methods": "lists what is registered",
    "neurofuse.fusion.Classical.named": "any name will do",
    "neurofuse.fusion.to_table": "takes what `compare` returns",
    "neurofuse.io.ClockModel.to_common": "arithmetic",
    "neurofuse.io.clock_dataset": "stores models as they are",
    "neurofuse.io.note": "stores anything, as text where JSON lacks it",
    "neurofuse.io.stem_of": "has a default",
    "neurofuse.io.streams": "only looks",
    "neurofuse.io.time_axis": "arithmetic",
    "neurofuse.models.Architecture.lags": "the lag 0 always fits",
    "neurofuse.models.Centre.answer": "failures are told in the answer",
    "neurofuse.models.Server.aggregate": "updates were checked before",
    "neurofuse.models.Server.factors": "arithmetic",
    "neurofuse.io.with_stream": "the node is checked where it is used",
    "neurofuse.io.without_stream": "the stream may be absent",
}
AFTER_A_PAPER = [
    *("neurofuse.io.channel_quality", "neurofuse.io.global_variance"),
    *("neurofuse.io.to_haemoglobin", "neurofuse.fusion.neurovascular_coupling_p"),
    *("neurofuse.fusion.score", "neurofuse.fusion.score_no_reference"),
]
# methods without a paper
OWN = {"joint", "eeg", "nirs", "joint-small", "uncorrected", "zero", "bandpass"}
SOURCE = re.compile(r"\w+(?: \w\.)?( et al\.|,? (&|and) \w+) \d{4}")
LEAST = 0.98  # of the symbols that can be imported have a type that pyright knows


def entry(public: str, name: str) -> Any:
    return getattr(importlib.import_module(PACKAGES[public]), name)


def sections(doc: str) -> dict[str, str]:
    """The text of each section of a docstring in numpy style."""
    parts = re.split(r"(?m)^([A-Z]\w+)\n-+$", doc)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def parameters(section: str) -> dict[str, str]:
    """What a section says of each parameter, its type first."""
    described = {}
    for names, text in re.findall(r"(?m)^(\S.*?)(?: : |$)((?:.*\n(?:    .*\n|\n)*)?)", section):
        for name in names.split(", "):
            described[name.lstrip("*")] = text
    return described


def lacking(name: str, function: Any, *, example: bool = True) -> Iterator[str]:
    """What is missing in the docstring of a function or class, in words."""
    doc = inspect.getdoc(function) or ""
    held = sections(doc)
    described = parameters(held.get("Parameters", "") + "\n")
    taken = {
        n: p
        for n, p in inspect.signature(function).parameters.items()
        if n not in ("self", "cls") and not getattr(function, "_is_protocol", False)
    }
    if not doc:
        yield "a docstring"
    for one in sorted(taken.keys() - described.keys()):
        yield f"the parameter {one!r}"
    for one in sorted(described.keys() - taken.keys()):
        yield f"no parameter {one!r}, which does not exist"
    for one, text in described.items():
        if not text.strip():
            yield f"the type of {one!r}"
        if re.match(r".*\b(float|array)", text) and "[" not in text:
            yield f"the unit of {one!r}, as [s], or [1]"
    if inspect.isfunction(function):
        if function.__annotations__.get("return") not in (None, "None") and "Returns" not in held:
            yield "Returns"
        if "Raises" not in held and name not in CANNOT_FAIL:
            yield "Raises"
    if re.match(r"\s*(float|array)", held.get("Returns", "")) and "[" not in held["Returns"]:
        yield "the unit of what it returns, as [s], or [1]"
    examples = doctest.DocTestParser().get_examples(doc)
    if example and all(one.options.get(doctest.SKIP) for one in examples):
        yield "an example that runs"


def incomplete(rate: float, count: int) -> float:
    """A docstring.

    Parameters
    ----------
    rate : float
        Without unit.
    old : int
        Not there any more.

    Examples
    --------
    >>> incomplete(1.0, 2)  # doctest: +SKIP
    """
    return rate * count


def test_what_a_docstring_lacks_is_named():
    assert [*lacking("incomplete", incomplete)] == [
        "the parameter 'count'",
        "no parameter 'old', which does not exist",
        "the unit of 'rate', as [s], or [1]",
        "Returns",
        "Raises",
        "an example that runs",
    ]


def lacking_in_members(name: str, kind: type) -> Iterator[str]:
    for member, value in vars(kind).items():
        value = getattr(value, "__func__", value)
        if member.startswith("_"):
            continue
        if inspect.isfunction(value):
            for what in lacking(f"{name}.{member}", value, example=False):
                yield f"{what} (of {member})"
        elif isinstance(value, property) and not value.__doc__:
            yield f"a docstring (of {member})"


@pytest.mark.parametrize(("public", "package"), PACKAGES.items())
def test_a_page_lists_what_all_names(public, package):
    module = importlib.import_module(package)
    page = (ROOT / f"docs/api/{public.split('.')[-1]}.md").read_text("utf-8")
    directive = r"^\.\. (?:auto(?:function|class|exception)|py:data):: ([\w.]+)"
    listed = re.findall(directive, page, re.MULTILINE)
    modules = {name for name in module.__all__ if inspect.ismodule(getattr(module, name))}
    assert sorted(listed) == sorted(f"{public}.{n}" for n in module.__all__ if n not in modules)
    for name in modules:
        assert (ROOT / f"docs/api/{name}.md").is_file()
        assert f"[{public}.{name}]({name}.md)" in page


@pytest.mark.parametrize(("public", "name"), ENTRIES)
def test_a_docstring_says_all_that_a_user_needs(public, name):
    value, full = entry(public, name), f"{public}.{name}"
    if not callable(value):  # modules, and data, which their page describes
        return
    missing = [*lacking(full, value)]
    if inspect.isclass(value):
        missing += lacking_in_members(full, value)
    assert not missing, f"{full} lacks {'; '.join(missing)}"


@pytest.mark.parametrize("full", AFTER_A_PAPER)
def test_what_implements_a_paper_names_it(full):
    assert SOURCE.search(inspect.getdoc(entry(*full.rsplit(".", 1))) or ""), f"{full} lacks it"


def test_methods_name_their_papers():
    citations = nf.methods().citation
    assert [n for n in citations.index if n not in OWN and not SOURCE.search(citations[n])] == []


@pytest.mark.parametrize("full", CANNOT_FAIL)
def test_exceptions_exist(full):
    public = max((p for p in PACKAGES if full.startswith(f"{p}.")), key=len)
    value = importlib.import_module(PACKAGES[public])
    for part in full.removeprefix(f"{public}.").split("."):
        value = getattr(value, part)
    assert "Raises" not in sections(inspect.getdoc(value) or "")


@pytest.mark.slow
def test_types_are_complete(tmp_path):
    """On a copy, as pyright does not follow the links in `src`."""
    source = ROOT / "src" / "neurofuse"
    shutil.copytree(source, tmp_path / "neurofuse", ignore=shutil.ignore_patterns("__pycache__"))
    tools = Path(sys.executable).parent
    done = subprocess.run(
        [tools / "pyright", "--verifytypes", "neurofuse", "--ignoreexternal", "--outputjson"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(tmp_path),
        },
        capture_output=True,
        text=True,
    )
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)["typeCompleteness"]
    known = {
        s["name"]: s["isTypeKnown"] and not s["isTypeAmbiguous"]
        for s in found["symbols"]
        if s["isExported"]
    }
    assert Path(found["packageRootDirectory"]) == tmp_path / "neurofuse"
    assert found["completenessScore"] >= LEAST, [name for name, typed in known.items() if not typed]
    counted = [f"{PACKAGES[p]}.{n}" for p, n in ENTRIES if not n.startswith("__")]
    assert [name for name in counted if not known.get(name)] == []
