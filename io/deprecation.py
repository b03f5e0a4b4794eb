"""Old names that still work until neurofuse 1.0, with a warning that gives the new name."""

import warnings


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
