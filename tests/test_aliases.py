"""Names that were public in an earlier version: they still work, and warn of the new name."""

from importlib import import_module

import pytest

FUSION, MODELS, METHODS = "neurofuse.fusion", "neurofuse.models", "neurofuse.fusion.methods"
RENAMED = {
    f"{FUSION}.blind.score_blind": f"{FUSION}.score_no_reference",
    f"{FUSION}.kept.score_kept": f"{FUSION}.score_preservation",
    f"{FUSION}.metrics.score": f"{FUSION}.score",
    f"{FUSION}.neurovascular.coupling": f"{FUSION}.neurovascular_coupling",
    f"{FUSION}.neurovascular.coupling_p": f"{FUSION}.neurovascular_coupling_p",
    f"{FUSION}.oracle.oracle": f"{FUSION}.oracle",
    f"{FUSION}.peers.PEERS": f"{METHODS}.registry.BASELINES",
    f"{FUSION}.peers.Peer": f"{METHODS}.classical_base.Classical",
    f"{FUSION}.peers.get": f"{METHODS}.registry.get_method",
    f"{FUSION}.peers.peer.Peer": f"{METHODS}.classical_base.Classical",
    f"{FUSION}.statistics.summarise": f"{FUSION}.summarise",
    f"{FUSION}.table.to_csv": f"{FUSION}.to_csv",
    f"{FUSION}.table.to_table": f"{FUSION}.to_table",
    f"{MODELS}.train.Training": f"{MODELS}.Training",
    f"{MODELS}.train.train": f"{MODELS}.train",
}
SAME = {
    f"{FUSION}.cohort.compare_all": f"{FUSION}.compare_all",
    f"{FUSION}.compare.with_partner": f"{FUSION}.with_partner",
}


def find(path: str) -> object:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


@pytest.mark.parametrize("old", RENAMED)
def test_a_former_name_leads_to_the_new_one_and_warns(old):
    new = find(RENAMED[old])
    with pytest.warns(FutureWarning) as caught:
        assert find(old) is new
    (warning,) = caught
    assert str(warning.message).startswith(f"{old} is now {RENAMED[old]}; the old name stops")
    assert warning.filename == __file__  # whoever uses the name, not who keeps it


@pytest.mark.parametrize("old", SAME)
def test_a_name_that_stayed_is_the_public_one(old):
    assert find(old) is find(SAME[old])


@pytest.mark.parametrize("module", [f"{FUSION}.peers", f"{FUSION}.metrics"])
def test_other_names_are_not_there(module):
    with pytest.raises(AttributeError, match=f"{module}.*'nothing'"):
        find(f"{module}.nothing")


def test_a_function_with_the_name_of_a_former_module_is_the_function():
    import neurofuse.fusion as fusion
    import neurofuse.models as models

    import_module(f"{FUSION}.oracle")
    import_module(f"{MODELS}.train")
    assert callable(fusion.oracle)
    assert callable(models.train)
