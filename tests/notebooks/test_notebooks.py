"""Every notebook runs from top to bottom, and its results are what its text says."""

import ast
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))


@pytest.fixture(autouse=True)
def _figures_closed():
    yield
    plt.close("all")


def run(name: str) -> dict:
    """Execute a notebook's cells in one namespace as Jupyter does, show what each ends with."""
    space: dict = {"__name__": "__main__"}
    for cell in json.loads((FOLDER / name).read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        body = ast.parse("".join(cell["source"])).body
        last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), name, "exec"), space)
        if isinstance(last, ast.Expr):
            shown = eval(compile(ast.Expression(last.value), name, "eval"), space)
            getattr(shown, "_repr_html_", shown.__repr__)()
        for number in plt.get_fignums():
            plt.figure(number).canvas.draw()
        plt.close("all")
    return space


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.name)
def test_outputs_are_stripped(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)


def test_every_notebook_is_run_below():
    source = Path(__file__).read_text(encoding="utf-8")
    assert [path.name for path in PATHS if f'run("{path.name}")' not in source] == []


@pytest.mark.slow
def test_quick_start():
    space = run("01_quick_start.ipynb")
    error = space["error"]
    assert error.loc["joint", "eeg"] < 0 < error.loc["uncorrected", "eeg"]
    assert error.loc["joint", "nirs"] < error.loc["tddr", "nirs"]
    shut = (space["cleaned"]["eeg"].gate == 0).values
    same = space["cleaned"]["eeg"].eeg.values == space["contaminated"]["eeg"].eeg.values
    assert shut.any()
    assert same[shut].all()
    assert space["raw_nirs"].info["sfreq"] == pytest.approx(10)


@pytest.mark.slow
def test_your_recording():
    space = run("02_your_recording.ipynb")
    clock = space["recording"]["clock"].sel(stream="nirs")
    assert clock.method.item() == "events"
    assert float(clock.offset) == pytest.approx(7.5, abs=0.05)
    value = space["table"].value
    ratio = value.sel(modality="eeg", metric="noref_motion_ratio")
    assert ratio.loc["joint"] < ratio.loc["uncorrected"] - 3  # dB
    steps = value.sel(modality="nirs", metric="noref_gvtd_ratio")
    assert steps.loc["joint"] < 0.8 * steps.loc["uncorrected"]
    assert all(path.is_file() for path in [*space["files"].values(), space["page"]])
    np.testing.assert_array_equal(space["again"]["eeg"].gate, space["cleaned"]["eeg"].gate)


@pytest.mark.slow
def test_joint_or_single():
    space = run("03_joint_or_single.ipynb")
    mean = space["summary"]["mean"].sel(metric="error_db")
    for stream, classical in (("eeg", ["pca"]), ("nirs", ["tddr", "spline"])):
        assert mean.loc["zero", stream] == pytest.approx(0, abs=1e-6)
        assert mean.loc["joint", stream] < mean.loc[classical, stream].min()
        assert mean.loc["oracle", stream] < mean.loc["joint", stream]
        assert mean.loc["uncorrected", stream] > 0
    assert len(space["controls"]) == 4  # a single-modality model each, the mismatched partner twice
    assert (space["summary"].p.min() > 0.05).item()


@pytest.mark.slow
def test_synthetic_motion():
    space = run("04_synthetic_motion.ipynb")
    assert space["shared"]["timing"] > 1.5 * space["shared"]["none"]
    assert space["ratio"]["contaminated"] > 3 > abs(space["ratio"]["truth"])  # dB
    still = ~space["contaminated"]["eeg"].motion.values
    assert (space["artifact"].values[still] == 0).all()
    np.testing.assert_array_equal(space["nodding"]["eeg"].eeg, space["again"]["eeg"].eeg)
    kinds = {str(text) for text in space["nodding"]["events"].description.values}
    assert kinds == {"motion/nod"}


@pytest.mark.slow
def test_train(monkeypatch, tmp_path):
    monkeypatch.setenv("NEUROFUSE_DATA", str(tmp_path))  # real participants would be read
    space = run("05_train.ipynb")
    assert space["weights"].is_file()
    assert space["facts"]["training"]["start"] == "joint"
    assert space["per_step"] > 0
    error = space["error"]
    for stream in ("eeg", "nirs"):
        assert error["mine"][stream] < error["uncorrected"][stream]
        assert error["mine"][stream] == pytest.approx(error["packaged"][stream], abs=3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The inplace keyword")  # MNE-NIRS 0.7.3 with pandas 3.1
def test_after_cleaning():
    space = run("06_after_cleaning.ipynb")
    assert space["lost"] == 0
    assert space["erp_error"]["cleaned"] < 0.5 * space["erp_error"]["as recorded"]
    assert space["glm_error"]["cleaned"] < 0.5 * space["glm_error"]["as recorded"]
    effects, true = space["effects"], space["betas"]["true"] / 1e6  # mol/L
    true.index = [name.split(" ")[0].replace("_", "-") for name in true.index]
    inside = (effects.low < true) & (true < effects.high)
    assert inside.mean() > 0.8
    coupling = space["correlation"]
    error = {name: abs(value - coupling["true"]) for name, value in coupling.items()}
    assert coupling["true"] > 0.2
    assert error["cleaned"] < error["as recorded"]
    assert space["p"]["cleaned"] > 0.05


@pytest.mark.slow
def test_can_i_trust_it():
    space = run("07_can_i_trust_it.ipynb")
    lost = space["lost"]
    assert lost["eeg", "F3"] == pytest.approx(20 / 180, abs=0.03)
    assert lost["eeg", "F4"] == 0
    assert "joint" in str(space["test"])
    assert set(space["found"].verdict) <= {"repaired", "lost"}
    assert len(space["why"].movement) == len(space["found"])
    assert space["page"].stat().st_size > 100_000


@pytest.mark.slow
def test_live_feedback():
    space = run("08_live_feedback.ipynb")
    error = space["error"]
    assert (error["live"] < 0.7 * error["recorded"]).all()
    assert space["latency"].loc["eeg", "looks ahead [s]"] == 0.1
    assert 0.02 < (space["mask"]["eeg"] > 0.5).mean() < 0.5
