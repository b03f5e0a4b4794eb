"""Damaged recordings of the shared collection: refused, never read in part in silence."""

import pytest
from typer.testing import CliRunner

import neurofuse as nf
from neurofuse.cli import app


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("F1_tag_chain_ends_early_raw.fif", r"damaged.*last tag.*in the middle"),
        ("F2s_buffer_kind_changed_raw.fif", r"damaged.*among the samples"),
        ("G1_nirx_wl1_half", r"cut off.*\.wl1 has 30 samples.*\.wl2 has 60 samples"),
        ("O1_one_sample.snirf", "sample"),
        ("O2_one_sample_raw.fif", "one sample"),
    ],
)
def test_damage_is_refused(case, tmp_path, name, reason):
    with pytest.raises(nf.NeurofuseError, match=reason):
        nf.read(case(name))
    done = CliRunner().invoke(app, ["clean", str(case(name)), "--out", str(tmp_path / "out")])
    assert done.exit_code == 2, done.output
    assert not (tmp_path / "out").exists()
