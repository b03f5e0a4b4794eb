"""The container recipe: what it says, and that its steps make a program which any user can run."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

import neurofuse
from benchmarks.cohort import recipe
from benchmarks.cohort.simulated import make_study

ROOT = Path(__file__).parents[1]
STEPS = recipe.steps(recipe.RECIPE.read_text("utf-8"))
SAID = dict(STEPS)  # the last of each kind
STRANGER = 54321  # a user whom the image does not know, as on clusters


def _can_build() -> bool:
    """Whether a step may have a root folder of its own here."""
    if os.name != "posix" or os.geteuid() or not shutil.which("unshare"):
        return False
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


def test_it_names_no_registry_and_runs_as_no_root():
    bases = [rest.split()[0] for name, rest in STEPS if name == "FROM"]
    assert all(re.fullmatch(r"[a-z]+:[\w.-]+", base) for base in bases)
    text = recipe.RECIPE.read_text("utf-8")
    assert not re.search(r"://|--(extra-)?index-url|\.(org|com|io)\b", text)
    assert int(SAID["USER"]) > 0
    assert STEPS.index(("USER", SAID["USER"])) > max(
        k for k, (name, _) in enumerate(STEPS) if name == "RUN"
    )


def test_it_starts_a_program_of_the_package_and_tells_its_version():
    with (ROOT / "pyproject.toml").open("rb") as file:
        scripts = tomllib.load(file)["project"]["scripts"]
    assert json.loads(SAID["ENTRYPOINT"])[0] in scripts
    assert ("ENV", f"NEUROFUSE_CONTAINER=neurofuse:{neurofuse.__version__}") in STEPS


def test_versions_are_those_that_were_tested():
    installs = [rest for name, rest in STEPS if name == "RUN" and "pip install" in rest]
    assert installs
    assert all("--constraint /opt/neurofuse/constraints.txt" in rest for rest in installs)


def test_steps_that_are_not_known_are_refused():
    with pytest.raises(ValueError, match="ADD"):
        recipe.steps("FROM a\nADD b c")


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    if not _can_build():
        pytest.skip("root folders of their own need Linux and root")
    return recipe.build(recipe.RECIPE, tmp_path_factory.mktemp("image"))


@pytest.mark.slow
def test_a_stranger_cleans_a_study_that_cannot_be_written(image, tmp_path):
    study = make_study(tmp_path / "study", 1)
    out = tmp_path / "out"
    out.mkdir()
    os.chown(out, STRANGER, STRANGER)
    volumes = {"/data": (study.root, False), "/out": (out, True)}
    for level in ("participant", "group"):
        call = [*image.entrypoint, "/data", "/out", level, "--n-jobs", "1"]
        done = recipe.inside(image, call, user=STRANGER, volumes=volumes, check=False)
        assert done.returncode == 0, done.stderr
    made = sorted(path for path in out.rglob("*") if path.is_file())
    assert {path.stat().st_uid for path in made} == {STRANGER}
    assert [path.name for path in made if path.name.endswith("_desc-clean_nirs.snirf")]
    assert (out / "index.html") in made
    (maker,) = json.loads((out / "dataset_description.json").read_text("utf-8"))["GeneratedBy"]
    assert maker["Container"]["Tag"] == image.env["NEUROFUSE_CONTAINER"]
