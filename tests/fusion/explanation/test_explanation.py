"""`nf.explain`: a Dataset of all movements, its place in the table, and in the report."""

import numpy as np
import pytest

import neurofuse as nf
from neurofuse.fusion.movement_files import write_movements
from neurofuse.fusion.report.explanation import explanation_section
from neurofuse.io import stream_dataset, streams, with_stream
from neurofuse.io.errors import ParameterError, SchemaError
from neurofuse.synth import TYPES


@pytest.fixture(scope="module")
def recording():
    options = {"eeg_montage": ["C3", "C4", "Fz"], "nirs_montage": "prefrontal"}
    made = nf.simulate(20.0, seed=6, share="full", bouts_per_minute=8, sensors=True, **options)[1]
    return made.isel(channel=slice(0, 4))


@pytest.fixture(scope="module")
def cleaned(recording):
    return nf.clean(recording)


@pytest.fixture(scope="module")
def explained(recording, cleaned):
    return nf.explain(recording, cleaned, largest=1)


def test_every_movement_is_explained(recording, cleaned, explained):
    found = nf.movements(recording, cleaned)
    assert explained.onset.values.tolist() == [one.onset for one in found]
    assert explained.kind.values.tolist() == [one.kind or "n/a" for one in found]
    repaired = explained.verdict.values == "repaired"
    assert np.isfinite(explained.shapley.values[repaired]).all()
    sums = explained.share.sum("input").values[repaired]
    np.testing.assert_allclose(sums[np.isfinite(sums)], 1)
    assert list(explained.type.values) == list(TYPES)
    np.testing.assert_allclose(explained.probability.sum("type").values[repaired], 1)


def test_the_largest_movement_of_each_modality_is_looked_at(explained):
    looked = np.isfinite(explained.incomplete.values)
    assert sorted(explained.modality.values[looked]) == ["eeg", "nirs"]
    assert explained.incomplete.values[looked].max() <= 0.02
    rows = explained.isel(movement=looked)
    whole = rows.eeg_bands.sum(("eeg_channel", "eeg_band")) + rows.imu_attribution
    whole = whole + rows.nirs_bands.sum(("nirs_channel", "nirs_band"))
    assert (whole > 0).all()
    weights = explained.eeg_weights.values[explained.modality.values == "eeg"]
    sums = weights.sum(1)
    assert np.isclose(sums, 1, atol=1e-3).mean() > 0.5
    assert ((np.abs(sums) < 1e-3) | np.isclose(sums, 1, atol=1e-3)).all()


def test_what_other_channels_say_is_told(explained):
    nirs = explained.isel(movement=explained.modality.values == "nirs")
    assert list(nirs.nirs_channel_used) == list(nirs.nirs_channel)
    for one in nirs.nirs_weights.values:
        assert not one.diagonal().any()
        moving = np.abs(one).sum(0) > 0
        assert moving.any()
        np.testing.assert_allclose(one.sum(0)[moving], 1, rtol=1e-4)
    assert np.isnan(explained.nirs_weights.values[explained.modality.values == "eeg"]).all()


def test_every_table_has_the_shares(recording, cleaned, explained, tmp_path):
    table, _ = write_movements(tmp_path / "a_events.tsv", nf.movements(recording, cleaned))
    head, *rows = (line.split("\t") for line in table.read_text().splitlines())
    for column, inputs in {"from_imu": ("imu", "imu"), "from_partner": ("nirs", "eeg")}.items():
        wanted = [
            one.share.sel(input=inputs[one.modality.item() == "nirs"]).item()
            for _, one in explained.groupby("movement", squeeze=False)
        ]
        assert np.isfinite(wanted).sum() > 1
        for row, value in zip(rows, wanted, strict=True):
            cell = row[head.index(column)]
            assert (
                cell == "n/a" if np.isnan(value) else float(cell) == pytest.approx(value, rel=1e-3)
            )


def test_what_lost_its_evidence_in_a_file_is_explained_alike(recording, cleaned, explained):
    bare = cleaned
    for stream in streams(cleaned):
        bare = with_stream(bare, stream, stream_dataset(cleaned, stream).drop_vars("evidence"))
    again = nf.explain(recording, bare, largest=0)
    np.testing.assert_allclose(again.shapley, explained.shapley, rtol=1e-4, atol=1e-4)
    assert all(np.isnan(one.from_partner) for one in nf.movements(recording, bare))


def test_the_report_shows_heads_and_a_table(recording, explained):
    page = explanation_section(recording, explained)
    assert page.count('class="map"') == 3
    assert "Correction of" in page
    assert "most is said by" in page
    assert "It came from" in page
    assert "From IMU" in page
    with pytest.raises(ParameterError, match=r"neurofuse\.explain"):
        explanation_section(recording, explained[["onset"]])


def test_other_methods_have_nothing_to_explain(recording):
    with pytest.raises(ParameterError, match="tddr"):
        nf.explain(recording, nf.clean(recording, "tddr"))
    with pytest.raises(ParameterError, match="largest=-1"):
        nf.explain(recording, recording, largest=-1)
    with pytest.raises(SchemaError, match="wanted a Recording"):
        nf.explain(recording, "cleaned")  # type: ignore[arg-type]


def test_the_order_of_dims_does_not_matter(recording, cleaned, explained):
    turned = recording
    for stream in streams(recording):
        node = stream_dataset(recording, stream).transpose("time", ...)
        turned = with_stream(turned, stream, node)
    again = nf.explain(turned, cleaned, largest=0)
    np.testing.assert_allclose(again.evidence, explained.evidence, rtol=1e-5)


def test_a_modality_alone_is_explained_by_its_own_model(recording):
    alone = recording.copy()
    del alone["eeg"], alone["aux"]
    found = nf.explain(alone, nf.clean(alone), largest=0)
    known = found.share.values[np.isfinite(found.share.values[:, 1])]
    np.testing.assert_allclose(known, np.tile([0.0, 1.0, 0.0], (len(known), 1)))
    assert "eeg_weights" not in found
    assert np.isfinite(found.nirs_weights.values[found.verdict.values == "repaired"]).all()
