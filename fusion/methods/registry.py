"""All methods by name: those of neurofuse, those of plug-ins, and those that you register.

A plug-in is a package with an entry point in the group `neurofuse.methods` that leads to a
`Cleaner`, or to a class or function that makes one; `examples/` holds one.
"""

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from numbers import Real
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import xarray as xr

from neurofuse.fusion.methods.asr import ASR
from neurofuse.fusion.methods.cbsi import CBSI
from neurofuse.fusion.methods.cca import TCCA
from neurofuse.fusion.methods.classical_base import Classical
from neurofuse.fusion.methods.cleaner import Cleaner
from neurofuse.fusion.methods.gedai import GEDAI
from neurofuse.fusion.methods.ica import ICA
from neurofuse.fusion.methods.iclabel import ICLABEL
from neurofuse.fusion.methods.learned import (
    SUFFIX,
    Learned,
    description,
    exported,
    weights_path,
)
from neurofuse.fusion.methods.pca import PCA
from neurofuse.fusion.methods.plain import BANDPASS, UNCORRECTED, ZERO
from neurofuse.fusion.methods.regression import LINEAR, REGRESSION
from neurofuse.fusion.methods.short import SHORT
from neurofuse.fusion.methods.single_series import SINGLE_SERIES, single_series
from neurofuse.fusion.methods.spline import SPLINE, SPLINE_SG
from neurofuse.fusion.methods.tddr import TDDR
from neurofuse.fusion.methods.tpca import TPCA
from neurofuse.fusion.methods.wavelet import WAVELET
from neurofuse.fusion.methods.wiener import WIENER
from neurofuse.io.deprecation import renamed
from neurofuse.io.errors import ParameterError
from neurofuse.io.logs import LOG
from neurofuse.io.modality import MODALITIES
from neurofuse.io.recording import streams

if TYPE_CHECKING:
    import pandas as pd

    from neurofuse.models.joint.autoencoder import CrossModalAutoencoder

    Method: TypeAlias = str | PathLike[str] | Cleaner | CrossModalAutoencoder
    """What `clean` and `compare` take for a method: a name, a path, a cleaner or a model."""

GROUP = "neurofuse.methods"  # of entry points
NAME = re.compile(r"[\w.-]+")  # so that the command line can list methods between commas
JOINT = "joint"
SMALL = "joint-small"  # for small computers: `neurofuse export --student`
MODELS = {name: Learned(name) for name in (JOINT, "eeg", "nirs")}
PLAIN = (UNCORRECTED, ZERO, BANDPASS)
CLASSICAL = (
    *(TDDR, WAVELET, SPLINE, SPLINE_SG, TPCA, CBSI, SHORT),
    *(PCA, ICA, ICLABEL, ASR, GEDAI, REGRESSION, WIENER),
    *(LINEAR, TCCA),  # these look at both modalities
)
BASELINES: dict[str, Classical] = {
    method.name: method for method in (*PLAIN, *CLASSICAL, *SINGLE_SERIES)
}
# compared when asked for only: they take long, cannot run on most recordings, or vary another one
ON_REQUEST = {
    SMALL,
    *(method.name for method in (CBSI, ICLABEL, GEDAI, SPLINE_SG, LINEAR, TCCA, *SINGLE_SERIES)),
}
EVERY = "all"  # stands for every method where several are named
OLD_NAMES = {"untouched": UNCORRECTED.name}

_known: dict[str, Cleaner] = {**MODELS, SMALL: Learned(SMALL), **BASELINES}
_searched: list[bool] = []  # whether plug-ins were looked for


def names() -> tuple[str, ...]:
    """The names of all methods, plug-ins included."""
    _load_plugins()
    return tuple(_known)


def quick_names() -> tuple[str, ...]:
    """The names of the methods that are compared by default, plug-ins included.

    Examples
    --------
    >>> {"joint", "asr", "tddr"} <= set(quick_names()), "iclabel" in quick_names()
    (True, False)
    """
    return tuple(name for name in names() if name not in ON_REQUEST)


def methods() -> "pd.DataFrame":
    """All methods that `clean` and `compare` know by name.

    Returns
    -------
    pandas.DataFrame
        One row a method, indexed by `name`: `streams` (the modalities that it treats), `needs`
        (channels, duration, wavelengths or packages that it cannot do without, "" for none),
        `delay` (how much of the future it looks at [s]; inf: the whole recording) and `citation`.

    Examples
    --------
    >>> methods().loc["tddr", ["streams", "needs"]].tolist()
    ['nirs', '2 wavelengths']
    """
    import pandas as pd

    rows = [
        {
            "name": name,
            "streams": ", ".join(cleaner.streams),
            "needs": getattr(cleaner, "needs", ""),
            "delay": float(cleaner.delay),
            "citation": cleaner.citation,
        }
        for name, cleaner in ((name, _known[name]) for name in names())
    ]
    return pd.DataFrame(rows).set_index("name")


def get_method(method: "Method", **settings: Any) -> Cleaner:
    """A cleaner from a name, a path of weights, a model, or a cleaner.

    Parameters
    ----------
    method : str, Path, Cleaner or CrossModalAutoencoder
        A name of `neurofuse.methods()`, the path of weights (.safetensors) or of the folder of an
        export, or an object, which may be configured and fitted already.
    **settings
        Settings of the method that differ from its defaults.

    Returns
    -------
    Cleaner

    Raises
    ------
    ParameterError
        If no method has that name (the message lists them), or it does not know a setting.
    ReadError
        If the weights under a path cannot be read.

    Examples
    --------
    >>> get_method("bandpass", high=30.0).name
    'bandpass'
    >>> get_method("tddr").streams
    ('nirs',)
    """
    cleaner = _find(method)
    if not settings:
        return cleaner
    if not isinstance(cleaner, Classical):
        raise ParameterError(
            f"settings for {cleaner.name!r}: {', '.join(settings)}",
            "a method with settings",
            "leave them out, or configure the object itself",
        )
    return cleaner.set(**settings)


def cleaners_by_name(
    methods: "Method | Iterable[Method]", reserved: Mapping[str, Cleaner | None] | None = None
) -> dict[str, Cleaner]:
    """Cleaners by the name of their row in a table, each once.

    Parameters
    ----------
    methods : str, Path, Cleaner or model, or several of them
    reserved : mapping, optional
        Names of rows that mean one cleaner, or none of those that anybody could ask for.

    Returns
    -------
    dict of Cleaner
        One whose name another has is called by its path, or as in "mine (2)".

    Raises
    ------
    ParameterError
        For an unknown method, or if there is none.

    Examples
    --------
    >>> list(cleaners_by_name(["tddr", "asr", "tddr"]))
    ['tddr', 'asr']
    """
    if isinstance(methods, str | PathLike) or not isinstance(methods, Iterable):
        methods = [methods]
    meant = reserved or {}
    found: dict[str, Cleaner] = {}
    for method in methods:
        cleaner = get_method(method)
        name = cleaner.name
        if found.get(name, meant.get(name, cleaner)) is not cleaner:
            same = sum(row.startswith(f"{name} (") for row in found) + 2
            name = fspath(method) if isinstance(method, PathLike | str) else f"{name} ({same})"
        found[name] = cleaner
    if not found:
        raise ParameterError("no method", "at least one", f"choose of {', '.join(names())}")
    return found


def register(cleaner: Cleaner, *, replace: bool = False) -> None:
    """Make a cleaner known by its name to `clean`, `compare` and the command line's plug-ins.

    Parameters
    ----------
    cleaner : Cleaner
        An object with `name, streams, delay, citation, fit, transform`.
    replace : bool
        Take the place of a method that has this name.

    Raises
    ------
    ParameterError
        If the object is no sound `Cleaner`, or the name is taken.

    Examples
    --------
    >>> gentle = get_method("bandpass", high=20.0).named("bandpass20")
    >>> register(gentle)
    >>> get_method("bandpass20") is gentle
    True
    """
    _load_plugins()
    _check(cleaner)
    if cleaner.name in _known and not replace:
        raise ParameterError(
            f"a second method named {cleaner.name!r}",
            "a name of its own",
            "rename it, or pass replace=True",
        )
    _known[cleaner.name] = cleaner


def default_method(recording: xr.DataTree) -> str:
    """The method for the modalities at hand: the joint model, or the single modality's own.

    Examples
    --------
    >>> from neurofuse.synth import simulate
    >>> default_method(simulate(duration=10, seed=0, nirs_montage=None)[0])
    'eeg'
    """
    present = streams(recording)
    return present[0] if len(present) == 1 else JOINT


def _find(method: "Method") -> Cleaner:
    if isinstance(method, str | PathLike):
        name = fspath(method)
        if name.endswith(SUFFIX):
            return _from_weights(Path(name))
        if name in OLD_NAMES:
            renamed(f"the method {name!r}", repr(OLD_NAMES[name]), level=4)
            name = OLD_NAMES[name]
        if name not in names():
            if exported(Path(name)):
                return Learned(Path(name))
            raise ParameterError(
                f"the method {name!r}",
                f"one of {', '.join(names())}, or a path of {SUFFIX} or of an export",
                "check its name",
            )
        return _known[name]
    if isinstance(method, type):
        found = f"the class {method.__name__}"
    elif isinstance(method, Cleaner):
        return method
    elif hasattr(method, "architecture"):
        return Learned(method)
    else:
        found = f"a method of type {type(method).__name__}"
    raise ParameterError(
        found,
        "a name, a path of weights, a model, or an object with name, streams, delay, citation, "
        "fit and transform",
        "see neurofuse.methods() for the names",
    )


def _from_weights(path: Path) -> Cleaner:
    facts = description(path)
    if "architecture" in facts:
        return Learned(path)
    return single_series(facts["name"], folder=weights_path(path).parent, stream=facts["stream"])


def _check(cleaner: object) -> None:
    if isinstance(cleaner, type):
        raise ParameterError(f"the class {cleaner.__name__}", "an object of it", "call it first")
    parts = ("name", "streams", "delay", "citation", "fit", "transform")
    if not isinstance(cleaner, Cleaner):
        lacking = [part for part in parts if not hasattr(cleaner, part)]
        raise ParameterError(
            f"a {type(cleaner).__name__} without {', '.join(lacking)}",
            f"a cleaner with {', '.join(parts)}",
            "add what is missing",
        )
    if not isinstance(cleaner.name, str) or not NAME.fullmatch(cleaner.name):
        raise ParameterError(
            f"the name {cleaner.name!r}", "one word of letters, digits, _, - and .", "rename it"
        )
    if not isinstance(cleaner.streams, tuple) or not {*cleaner.streams} <= {*MODALITIES}:
        raise ParameterError(
            f"streams = {cleaner.streams!r} of {cleaner.name!r}",
            f"a tuple of {' or '.join(MODALITIES)}",
            "name the modalities that it treats",
        )
    if not isinstance(cleaner.delay, Real):
        raise ParameterError(
            f"delay = {cleaner.delay!r} of {cleaner.name!r}",
            "a number [s]",
            "take float('inf') for a method that needs the whole recording",
        )


def _load_plugins() -> None:
    """Look once for installed plug-ins; one that fails is left out with a warning."""
    if _searched:
        return
    _searched.append(True)
    for entry in entry_points(group=GROUP):
        try:
            cleaner = _from_plugin(entry)
            if cleaner.name in _known:
                raise ParameterError(
                    f"the name {cleaner.name!r}, which is taken", "another", "rename it"
                )
            _known[cleaner.name] = cleaner
        except Exception as error:  # third-party code may raise anything
            LOG.warning("plug-in %s (%s) is left out: %s", entry.name, entry.value, error)


def _from_plugin(entry: EntryPoint) -> Cleaner:
    made = entry.load()
    cleaner = made() if isinstance(made, type) or not isinstance(made, Cleaner) else made
    _check(cleaner)
    return cleaner
