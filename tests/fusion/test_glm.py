"""The GLM that knows which samples were repaired."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.signal import lfilter

import neurofuse as nf
from neurofuse.fusion.confounds.glm import fit_glm
from neurofuse.fusion.confounds.regression import regress
from neurofuse.io import to_optical_density
from neurofuse.io.errors import NeurofuseError
from neurofuse.io.optics.absorption import haemoglobin_to_density
from neurofuse.io.recording import stream_dataset, with_stream, without_stream
from neurofuse.synth import inject, simulate
from neurofuse.synth.haemoglobin import task_response

RATE = 2.0  # Hz
SIZE = 1e-6  # mol/L


def events(time: np.ndarray) -> np.ndarray:
    """Slow regressors (time, column): a task, and a constant."""
    onsets = np.arange(10.0, time[-1] - 20, 23.0)
    return np.column_stack([task_response(time, onsets), np.ones(time.size)])


def noise(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.asarray(lfilter([1], [1, -0.9], rng.standard_normal(count + 200)))[200:]


def design_of(recording: xr.DataTree) -> pd.DataFrame:
    time = stream_dataset(recording, "nirs").time.values
    at = np.arange(0, time[-1] - time[0], 1 / RATE)
    design = pd.DataFrame(events(at), pd.Index(at, name="time"), columns=["task", "constant"])
    for k in range(1, round(2 * at[-1] * 0.01) + 1):
        design[f"drift_{k}"] = np.cos(np.pi * k * at / at[-1])
    return design


@pytest.mark.parametrize(("estimator", "wanted"), [("robust", True), ("ar", True), ("ols", False)])
def test_intervals_hold_the_truth_where_noise_is_correlated(estimator, wanted):
    rng = np.random.default_rng(0)
    design = events(np.arange(400) / RATE)
    held = []
    for _ in range(200):
        beta, error, _ = regress(design @ [2.0, 0.0] + noise(rng, 400), design, RATE, estimator)
        held.append(abs(beta[0] - 2.0) < 1.97 * error[0])
    assert (0.9 <= np.mean(held) <= 0.99) == wanted


def test_steps_where_nothing_counts_do_no_harm():
    rng = np.random.default_rng(1)
    design = events(np.arange(600) / RATE)
    errors = []
    for _ in range(20):
        weight, steps = np.ones(600), np.zeros(600)
        for gap in range(20, 580, 40):
            weight[gap : gap + 5] = 0
            steps += rng.normal(0, 15) * (np.arange(600) > gap + 2)
        series = design @ [5.0, 0.0] + 0.1 * noise(rng, 600) + steps
        fitted = (regress(series, design, RATE, "ar", w)[0] for w in (weight, None))
        errors.append([beta[0] - 5 for beta in fitted])
    weighted, plain = np.sqrt(np.mean(np.square(errors), 0))
    assert weighted < plain / 3


def test_samples_that_do_not_count_are_not_looked_at():
    rng = np.random.default_rng(2)
    design = events(np.arange(300) / RATE)
    series, weight = design @ [1.0, 0.0] + noise(rng, 300), np.ones(300)
    weight[100:120] = 0
    spoiled = np.where(weight > 0, series, 1e3)
    for estimator in ("ols", "ar", "robust"):
        one, other = (regress(x, design, RATE, estimator, weight)[0] for x in (series, spoiled))
        assert one == pytest.approx(other, rel=1e-6)


def responding(size: float) -> xr.DataTree:
    """fNIRS of a simulated person with responses to a task in every other channel."""
    rest = to_optical_density(simulate(160.0, seed=11, eeg_montage=None, severity=0.0)[0])
    node = stream_dataset(rest, "nirs")
    hbo = np.zeros((node.sizes["channel"], node.sizes["time"]))
    hbo[::2] = size * SIZE * events(node.time.values)[:, 0]
    added = haemoglobin_to_density(hbo, -0.3 * hbo, node.wavelength.values, node.distance.values)
    dims = ("channel", "wavelength", "time")
    return with_stream(
        rest, "nirs", node.assign(od=(dims, node.od.transpose(*dims).values + added))
    )


def test_a_known_response_survives_cleaning():
    """Against the same recording without movement, so that its noise is no error."""

    def size(recording: xr.DataTree) -> np.ndarray:
        table = fit_glm(recording, design_of(recording))
        rows = table[(table.kind == "hbo") & (table.column == "task")]
        return rows.beta.to_numpy()[::2] / SIZE

    truth = responding(1.0)
    moving = inject(truth, seed=4, severity=0.5)[1]
    lost = np.mean(size(truth) - size(nf.clean(moving)))
    assert abs(lost) < 0.07  # half of a response would be 0.5


def test_estimates_are_in_the_units_of_the_data():
    truth = responding(1.0)
    table = fit_glm(truth, design_of(truth)).set_index(["channel", "kind", "column"])
    assert list(table.columns) == ["beta", "error", "freedom", "t", "p", "low", "high"]
    task = table.xs("task", level="column")
    hbo, hbr = (task.xs(kind, level="kind") for kind in ("hbo", "hbr"))
    assert np.median(hbo.beta[::2] - hbo.beta[1::2].mean()) == pytest.approx(SIZE, rel=0.15)
    assert np.median(hbr.beta[::2] - hbr.beta[1::2].mean()) == pytest.approx(-0.3 * SIZE, rel=0.3)
    assert ((task.low < task.beta) & (task.beta < task.high)).all()
    assert (hbo.p[::2] < 1e-6).all()


def test_bad_channels_have_no_estimate():
    truth = responding(1.0)
    node = stream_dataset(truth, "nirs")
    bad = np.arange(node.sizes["channel"]) == 1
    marked = with_stream(truth, "nirs", node.assign_coords(bad=("channel", bad)))
    table = fit_glm(marked, design_of(marked))
    assert table.beta.isna().groupby(table.channel, sort=False).all().to_numpy().tolist() == list(
        bad
    )


def test_wrong_input_is_refused():
    truth = responding(1.0)
    design = design_of(truth)
    for wrong, message in [
        (lambda: fit_glm(truth, design, estimator="lasso"), "one of robust, ar, ols"),
        (lambda: fit_glm(truth, design.iloc[:200]), "for fNIRS of 159"),
        (lambda: fit_glm(truth, design.iloc[np.r_[0:50, 52:319]]), "uneven times"),
        (lambda: fit_glm(truth, design.assign(task=np.nan)), "missing values"),
        (lambda: fit_glm(truth, design.reset_index(drop=True)), "for fNIRS of 159"),
        (lambda: fit_glm(without_stream(truth, "nirs"), design), "eeg"),
        (lambda: fit_glm("cleaned", design), "wanted a Recording"),  # type: ignore[arg-type]
        (lambda: fit_glm(truth, None), "pandas.DataFrame"),  # type: ignore[arg-type]
        (lambda: fit_glm(truth, design.iloc[:, :0]), "no column"),
    ]:
        with pytest.raises(NeurofuseError, match=message):
            wrong()


def test_a_column_that_others_explain_is_told(caplog):
    truth = simulate(60, seed=2, eeg_montage=None)[0]
    design = design_of(truth)
    fit_glm(truth, design.assign(twice=2 * design.task), estimator="ols")
    assert f"the {design.shape[1] + 1} columns of the design have rank" in caplog.text


def test_it_agrees_with_nilearn():
    from nilearn.glm import compute_contrast
    from nilearn.glm.first_level import run_glm

    rng = np.random.default_rng(3)
    design = events(np.arange(600) / RATE)
    series = design @ [2.0, 0.0] + noise(rng, 600)
    for estimator, model in (("ols", "ols"), ("ar", f"ar{round(4 * RATE)}")):
        beta, error, _ = regress(series, design, RATE, estimator)
        labels, results = run_glm(series[:, None], design, noise_model=model)
        wanted = compute_contrast(labels, results, np.array([1.0, 0.0]))
        assert error[0] == pytest.approx(np.sqrt(wanted.variance.item()), rel=0.03)
        assert abs(beta[0] - wanted.effect.item()) < 0.3 * error[0]
