"""Joint cleaning of simultaneous EEG and fNIRS recordings.

>>> import neurofuse as nf
>>> truth, contaminated = nf.simulate(duration=60, seed=0)    # doctest: +SKIP
>>> recording = nf.read("sub-01_eeg.edf", "sub-01_nirs.snirf")  # doctest: +SKIP
>>> cleaned = nf.clean(recording)                             # doctest: +SKIP
>>> nf.write(cleaned, "out", stem="sub-01")                   # doctest: +SKIP

Every name below is loaded when it is first used, so that importing the package is quick.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurofuse import io
    from neurofuse.fusion import plot
    from neurofuse.fusion.clean import clean, clean_raws
    from neurofuse.fusion.compare import compare
    from neurofuse.fusion.confounds import confounds
    from neurofuse.fusion.contribution import contribution
    from neurofuse.fusion.drift import drift
    from neurofuse.fusion.explanation.explain import explain
    from neurofuse.fusion.live import LiveCleaner
    from neurofuse.fusion.methods.cleaner import Cleaner
    from neurofuse.fusion.methods.registry import get_method, methods, register
    from neurofuse.fusion.movements import movements
    from neurofuse.fusion.report import cohort_report, cohort_row, report
    from neurofuse.fusion.self_test import self_test
    from neurofuse.fusion.views.overview import summary
    from neurofuse.io import from_mne, read, to_mne, write
    from neurofuse.io.errors import NeurofuseError
    from neurofuse.synth import inject, simulate

    __version__: str

__all__ = [
    "Cleaner",
    "LiveCleaner",
    "NeurofuseError",
    "__version__",
    "clean",
    "clean_raws",
    "cohort_report",
    "cohort_row",
    "compare",
    "confounds",
    "contribution",
    "drift",
    "explain",
    "from_mne",
    "get_method",
    "inject",
    "io",
    "methods",
    "movements",
    "plot",
    "read",
    "register",
    "report",
    "self_test",
    "simulate",
    "summary",
    "to_mne",
    "write",
]

_HOME = {
    "Cleaner": "neurofuse.fusion.methods.cleaner",
    "LiveCleaner": "neurofuse.fusion.live",
    "NeurofuseError": "neurofuse.io.errors",
    "clean": "neurofuse.fusion.clean",
    "clean_raws": "neurofuse.fusion.clean",
    "cohort_report": "neurofuse.fusion.report",
    "cohort_row": "neurofuse.fusion.report",
    "compare": "neurofuse.fusion.compare",
    "confounds": "neurofuse.fusion.confounds",
    "contribution": "neurofuse.fusion.contribution",
    "drift": "neurofuse.fusion.drift",
    "explain": "neurofuse.fusion.explanation.explain",
    "from_mne": "neurofuse.io",
    "get_method": "neurofuse.fusion.methods.registry",
    "inject": "neurofuse.synth",
    "methods": "neurofuse.fusion.methods.registry",
    "movements": "neurofuse.fusion.movements",
    "read": "neurofuse.io",
    "register": "neurofuse.fusion.methods.registry",
    "report": "neurofuse.fusion.report",
    "self_test": "neurofuse.fusion.self_test",
    "simulate": "neurofuse.synth",
    "summary": "neurofuse.fusion.views.overview",
    "to_mne": "neurofuse.io",
    "write": "neurofuse.io",
}

_MODULES = {"io": "neurofuse.io", "plot": "neurofuse.fusion.plot"}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value = import_module("importlib.metadata").version("neurofuse")
    elif name in _MODULES:
        value = import_module(_MODULES[name])
    elif name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module 'neurofuse' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _show_in_notebooks() -> None:
    """In a notebook, show a Recording by its summary; see `fusion/views/notebook.py`."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None:
        shown = shell.display_formatter.formatters["text/html"]
        # by the class's name: xarray is not imported for it
        shown.for_type_by_name("xarray.core.datatree", "DataTree", _recording_html)


def _recording_html(tree: Any) -> str:
    return import_module("neurofuse.fusion.views.notebook").recording_html(tree)


_show_in_notebooks()
