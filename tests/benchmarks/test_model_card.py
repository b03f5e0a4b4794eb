"""The model card's figures are those of the measured pages."""

import pytest

from benchmarks import model_card

CARD = model_card.CARD.read_text(encoding="utf-8")


def test_card_holds_the_figures_of_today():
    assert model_card.with_figures(CARD) == CARD


def test_another_figure_makes_another_card(tmp_path, monkeypatch):
    for name in ("transplant_groups", "still_devices"):
        text = (model_card.DATA / f"{name}.csv").read_text(encoding="utf-8")
        (tmp_path / f"{name}.csv").write_text(text.replace("-75.48", "-55.48"), encoding="utf-8")
    monkeypatch.setattr(model_card, "DATA", tmp_path)
    changed = model_card.with_figures(CARD)
    assert "| EEG, cap of 19 (eegmat) | 9 | -55 |" in changed
    assert changed.partition(model_card.END)[2] == CARD.partition(model_card.END)[2]


@pytest.mark.parametrize(
    "field", ["Intended use", "Not intended", "limits", "overrule", "Resources"]
)
def test_card_has_the_fields_of_transparency_rules(field):
    assert field in CARD
