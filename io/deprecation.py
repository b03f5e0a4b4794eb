"""Old names that still work until neurofuse 1.0, with a warning that gives the new name."""

import sys
import warnings
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


def renamed(old: str, new: str, *, level: int = 3) -> None:
    """Warn that `old` is now called `new`; `level` counts stack frames up to the user's call.

    Examples
    --------
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     renamed("clean(model=)", "clean(method=)")
    >>> str(caught[0].message)
    'clean(model=) is now clean(method=); the old name stops working in neurofuse 1.0'
    """
    message = f"{old} is now {new}; the old name stops working in neurofuse 1.0"
    warnings.warn(message, FutureWarning, stacklevel=level)


def former_module(old: str, names: Mapping[str, str]) -> None:
    """Keep a module that is gone importable: each of its names leads to the new one and warns.

    Parameters
    ----------
    old : str
        The module's full name; its package calls this when it is imported.
    names : mapping of str to str
        The full new name of each of its public names.

    Examples
    --------
    >>> former_module("neurofuse.io.fault", {"Fault": "neurofuse.io.errors.ReadError"})
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     from neurofuse.io.fault import Fault
    >>> Fault.__name__
    'ReadError'
    """
    module = ModuleType(old, f"Gone in neurofuse 1.0; see {', '.join(names.values())}.")

    def find(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {old!r} has no attribute {name!r}")
        renamed(f"{old}.{name}", names[name])
        home, _, new = names[name].rpartition(".")
        return getattr(import_module(home), new)

    module.__dict__["__getattr__"] = find
    sys.modules[old] = module
