"""The interface of everything that cleans: a Recording in, a cleaned Recording out."""

from collections.abc import Callable
from inspect import signature
from typing import Any, Protocol, runtime_checkable

import numpy as np
import xarray as xr

from neurofuse.io.errors import ParameterError
from neurofuse.io.modality import MODALITIES
from neurofuse.io.recording import dims_in_order, stream_dataset, streams


@runtime_checkable
class Cleaner(Protocol):
    """What can clean a Recording.

    The joint model, its single-modality models, weights of your own and every baseline method
    have this interface, and so can a class of yours: pass an object of it to `neurofuse.clean` and
    `neurofuse.compare`, or make it known by name with `neurofuse.register`.

    `transform` may take further keywords, which `neurofuse.clean` passes where it finds them:
    `progress` (called with the fraction done), `uncertainty` (bool: also estimate the standard
    deviation of the error), and `judged` (bool: bad channels are marked already).

    Examples
    --------
    >>> from neurofuse.fusion.methods.registry import get_method
    >>> isinstance(get_method("tddr"), Cleaner)
    True
    """

    @property
    def name(self) -> str:
        """One word, unique among methods."""
        ...

    @property
    def streams(self) -> tuple[str, ...]:
        """The modalities that it treats: "eeg", "nirs" or both; it returns the others unchanged."""
        ...

    @property
    def delay(self) -> float:
        """How much of the future it looks at [s]; infinite where it needs the whole recording."""
        ...

    @property
    def citation(self) -> str:
        """The paper that it implements."""
        ...

    def fit(self, recording: xr.DataTree, /) -> "Cleaner":
        """Learn from a recording, and return a cleaner that has learned.

        Parameters
        ----------
        recording : Recording
            Say a calm one of the same participant with the same montage.

        Returns
        -------
        Cleaner
            Itself where nothing is learned.

        Raises
        ------
        ParameterError
            If the recording lacks what the method needs.
        """
        ...

    def transform(self, recording: xr.DataTree, /) -> xr.DataTree:
        """Clean a recording.

        Parameters
        ----------
        recording : Recording
            It is not changed.

        Returns
        -------
        Recording
            A new one with the same channels, times and units.

        Raises
        ------
        ParameterError
            If the recording lacks what the method needs.
        """
        ...


def apply(
    cleaner: Cleaner,
    recording: xr.DataTree,
    *,
    progress: Callable[[float], None] | None = None,
    uncertainty: bool = False,
    judged: bool = False,
) -> xr.DataTree:
    """Clean a Recording with any cleaner, passing the options that it knows.

    Raises
    ------
    ParameterError
        If the cleaner treats none of the Recording's modalities, or cannot estimate the
        uncertainty that is asked for.
    """
    recording = dims_in_order(recording)
    present = streams(recording)
    if not any(stream in cleaner.streams for stream in present):
        raise ParameterError(
            f"a Recording with {' and '.join(present)} only",
            f"{' or '.join(cleaner.streams)}, which {cleaner.name!r} treats",
            "choose another method, or add the other modality",
        )
    known = signature(cleaner.transform).parameters
    if uncertainty and "uncertainty" not in known:
        raise ParameterError(
            f"uncertainty=True for {cleaner.name!r}", "a learned model", "leave uncertainty=False"
        )
    options: dict[str, Any] = {
        "progress": progress,
        "uncertainty": uncertainty,
        "judged": judged,
    }
    chosen = {name: value for name, value in options.items() if name in known and value}
    # methods of neurofuse know `judged` and change nothing; of others' a copy is safe
    given = recording if "judged" in known else recording.copy(deep=True)
    cleaned = cleaner.transform(given, **chosen)
    _same_shape(cleaner.name, recording, cleaned)
    return cleaned


def _same_shape(name: str, before: xr.DataTree, after: object) -> None:
    """Raise ParameterError if modalities, channels or times of a result differ from the input."""
    if not isinstance(after, xr.DataTree) or set(streams(after)) != set(streams(before)):
        raise ParameterError(
            f"a result of {name!r} that is no Recording with the modalities of its input",
            "the same Recording with other samples",
            "let `transform` return a new Recording, see `neurofuse.io.with_stream`",
        )
    for stream in streams(before):
        for dim in MODALITIES[stream].dims:
            one = stream_dataset(before, stream)[dim].values
            other = stream_dataset(after, stream)[dim].values
            if not np.array_equal(one, other):
                raise ParameterError(
                    f"a result of {name!r} with {other.size} /{stream} values along {dim}, "
                    f"or others than its input's {one.size}",
                    f"the {dim}s that came in",
                    "return every channel and sample, in the same order",
                )
