"""The package as shipped: what sdist and wheel hold, what importing costs, what imports what."""

import os
import subprocess
import sys
import tarfile
import time
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata

import neurofuse

ROOT = Path(__file__).parents[1]
FOLDERS = ["io", "synth", "models", "fusion"]
SCRIPT = Path(sys.executable).with_name("neurofuse")


def _run(*command: str | Path, **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _files(folder: str) -> list[Path]:
    return [p for p in (ROOT / folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts]


@pytest.fixture(scope="module")
def dist(tmp_path_factory) -> Path:
    """A folder with an sdist and the wheel built from it: those of `make dist`, or new ones."""
    if given := os.environ.get("NEUROFUSE_DIST"):
        return Path(given)
    out = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT)
    return out


@pytest.fixture(scope="module")
def wheel(dist) -> zipfile.ZipFile:
    (path,) = dist.glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def sdist(dist) -> dict[str, bytes]:
    """Files of the sdist by their path below its one folder."""
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as packed:
        files = {m.name: packed.extractfile(m) for m in packed.getmembers() if m.isfile()}
        return {name.partition("/")[2]: file.read() for name, file in files.items() if file}


@pytest.mark.slow
@pytest.mark.parametrize("folder", FOLDERS)
def test_wheel_holds_every_file_of_a_folder(wheel, folder):
    held = set(wheel.namelist())
    missing = [
        path.relative_to(ROOT).as_posix()
        for path in _files(folder)
        if f"neurofuse/{path.relative_to(ROOT).as_posix()}" not in held
    ]
    assert f"neurofuse/{folder}/__init__.py" in held
    assert missing == []


@pytest.mark.slow
def test_wheel_holds_the_command_line_and_types_and_no_tests(wheel):
    held = wheel.namelist()
    assert "neurofuse/py.typed" in held
    assert "neurofuse/cli/app.py" in held
    assert {name.split("/")[0] for name in held if ".dist-info" not in name} == {"neurofuse"}


@pytest.mark.slow
def test_wheel_holds_the_packaged_weights_and_stays_small(wheel):
    weights = {Path(name).stem for name in wheel.namelist() if name.endswith(".safetensors")}
    described = {
        Path(n).stem for n in wheel.namelist() if "/pretrained/" in n and n.endswith(".json")
    }
    assert {"joint", "eeg", "nirs"} <= weights
    assert weights <= described
    sizes = {entry.filename: entry.file_size for entry in wheel.infolist()}
    held = sum(size for name, size in sizes.items() if name.endswith(".safetensors"))
    assert held < 10e6  # the joint weights hold both single-modality models too
    assert sum(sizes.values()) - held < 4e6


@pytest.mark.slow
def test_wheel_holds_the_model_card(wheel):
    card = wheel.read("neurofuse/models/pretrained/model_card.md").decode()
    assert card == (ROOT / "docs/model_card.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_sdist_holds_what_the_wheel_is_built_from(sdist):
    tracked = [
        f"src/neurofuse/{p.relative_to(ROOT).as_posix()}" for f in FOLDERS for p in _files(f)
    ]
    assert [name for name in tracked if name not in sdist] == []
    assert {"pyproject.toml", "README.md", "LICENSE"} <= set(sdist)


@pytest.mark.slow
def test_metadata_of_wheel_and_sdist_is_valid_and_the_same(wheel, sdist):
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    described = [
        Metadata.from_email(text, validate=True) for text in (wheel.read(name), sdist["PKG-INFO"])
    ]
    for one in described:
        assert one.name == "neurofuse"
        assert str(one.version) == neurofuse.__version__
        assert one.description == (ROOT / "README.md").read_text("utf-8")
        assert one.description_content_type == "text/markdown"
    assert described[0].requires_dist == described[1].requires_dist


def test_importing_neurofuse_loads_nothing_heavy():
    code = "import sys, neurofuse; print(*sys.modules)"
    loaded = set(_run(sys.executable, "-c", code).split())
    assert not loaded & {"torch", "mne", "mne_nirs", "xarray", "scipy", "matplotlib", "numpy"}


def test_the_command_line_starts_without_heavy_libraries():
    code = "import sys, neurofuse.cli; print(*sys.modules)"
    loaded = set(_run(sys.executable, "-c", code).split())
    assert not loaded & {"torch", "mne", "mne_nirs", "xarray", "scipy", "matplotlib"}


def test_help_answers_quickly():
    took = []
    for _ in range(3):
        before, start = os.times(), time.perf_counter()
        _run(SCRIPT, "--help")
        after, wall = os.times(), time.perf_counter() - start
        # on a busy machine the wall clock measures the others, so time spent working counts
        busy = sum(after[2:4]) - sum(before[2:4])
        took.append(min(wall, busy or wall))
        if took[-1] < 0.7:
            return
    pytest.fail(f"neurofuse --help took {took} s")


@pytest.mark.parametrize("name", neurofuse.__all__)
def test_public_names_exist_and_say_what_they_are(name):
    value = getattr(neurofuse, name)
    assert name in dir(neurofuse)
    assert isinstance(value, str) or value.__doc__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'cleen'"):
        neurofuse.cleen  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


def test_version_is_that_of_the_project_file_and_of_the_citation():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert neurofuse.__version__ == version
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()


def test_imports_point_only_backwards():
    lint = Path(sys.executable).with_name("lint-imports")
    _run(lint, "--no-logo", "--no-cache", cwd=ROOT)
