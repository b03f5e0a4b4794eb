"""What a user does with a Recording: clean, compare, score, report.

Recordings come in; cleaned recordings, tables and pages go out. `neurofuse.clean`,
`neurofuse.compare` and `neurofuse.report` lead here; the names below are for studies of many
recordings and for new methods. They are loaded when they are first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from neurofuse.io.deprecation import former_module

if TYPE_CHECKING:
    from neurofuse.fusion.cohort import compare_all
    from neurofuse.fusion.confounds import (
        add_confounds,
        epoch_weights,
        fit_glm,
        glm_weights,
        write_confounds,
    )
    from neurofuse.fusion.controls import with_partner
    from neurofuse.fusion.methods.classical_base import Classical, Treatment
    from neurofuse.fusion.metrics.errors import score
    from neurofuse.fusion.metrics.neurovascular import (
        neurovascular_coupling,
        neurovascular_coupling_p,
    )
    from neurofuse.fusion.metrics.no_reference import score_no_reference
    from neurofuse.fusion.metrics.preserved import score_preservation
    from neurofuse.fusion.results.statistics import summarise
    from neurofuse.fusion.results.table import to_csv, to_table
    from neurofuse.fusion.upper_bound import oracle

__all__ = [
    "Classical",
    "Treatment",
    "add_confounds",
    "compare_all",
    "epoch_weights",
    "fit_glm",
    "glm_weights",
    "neurovascular_coupling",
    "neurovascular_coupling_p",
    "oracle",
    "score",
    "score_no_reference",
    "score_preservation",
    "summarise",
    "to_csv",
    "to_table",
    "with_partner",
    "write_confounds",
]

_HOMES = {
    "cohort": "compare_all",
    "confounds": "add_confounds epoch_weights fit_glm glm_weights write_confounds",
    "controls": "with_partner",
    "methods.classical_base": "Classical Treatment",
    "metrics.errors": "score",
    "metrics.neurovascular": "neurovascular_coupling neurovascular_coupling_p",
    "metrics.no_reference": "score_no_reference",
    "upper_bound": "oracle",
    "metrics.preserved": "score_preservation",
    "results.statistics": "summarise",
    "results.table": "to_csv to_table",
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])


_METHODS = f"{__name__}.methods"
_FORMER = {  # modules that were public, until neurofuse 1.0
    "blind": {"score_blind": f"{__name__}.score_no_reference"},
    "kept": {"score_kept": f"{__name__}.score_preservation"},
    "neurovascular": {
        name: f"{__name__}.neurovascular_{name}" for name in ("coupling", "coupling_p")
    },
    "oracle": {"oracle": f"{__name__}.oracle"},
    "peers": {
        "PEERS": f"{_METHODS}.registry.BASELINES",
        "Peer": f"{_METHODS}.classical_base.Classical",
        "get": f"{_METHODS}.registry.get_method",
    },
    "peers.peer": {"Peer": f"{_METHODS}.classical_base.Classical"},
    "statistics": {"summarise": f"{__name__}.summarise"},
    "table": {name: f"{__name__}.{name}" for name in ("to_csv", "to_table")},
}
for _module, _names in _FORMER.items():
    former_module(f"{__name__}.{_module}", _names)
