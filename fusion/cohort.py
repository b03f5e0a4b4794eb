"""Compare methods on many recordings, for `neurofuse.fusion.results.statistics`."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import xarray as xr

from neurofuse.fusion.compare import compare
from neurofuse.io.errors import ParameterError
from neurofuse.io.recording import streams

if TYPE_CHECKING:
    from neurofuse.fusion.methods.registry import Method


def compare_all(
    recordings: Mapping[str, xr.DataTree],
    methods: "Sequence[Method] | None" = None,
    truth: Mapping[str, xr.DataTree] | None = None,
    *,
    subject: Mapping[str, str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> xr.Dataset:
    """Clean several recordings with several methods and score each.

    Parameters
    ----------
    recordings : dict of name to Recording
        What is to be cleaned. One that is read when it is looked up (a lazy mapping) is held no
        longer than it is needed.
    methods : optional
        As of `neurofuse.compare`.
    truth : dict of name to Recording, optional
        The same recordings without motion.
    subject : dict of name to str, optional
        The participant of each recording; by default every recording is of another participant.
    progress : callable, optional
        Called with "RECORDING: METHOD" before a method runs.

    Returns
    -------
    Dataset
        As of `neurofuse.compare` with a first dimension `recording` and the coordinate `subject`
        (recording). With "joint" among the methods, recordings with both modalities have the row
        "joint, mismatched partner", whose partner is of the next participant.

    Raises
    ------
    ParameterError
        If there is no recording, or a truth or subject is missing for one.

    Examples
    --------
    >>> import neurofuse as nf
    >>> from neurofuse.fusion.cohort import compare_all
    >>> pairs = {f"sub-{k}": nf.simulate(20, seed=k, nirs_montage=None) for k in range(2)}
    >>> truth, recordings = ({name: pair[i] for name, pair in pairs.items()} for i in range(2))
    >>> table = compare_all(recordings, ["bandpass"], truth)
    >>> dict(table.value.sizes)["recording"], table.subject.values.tolist()
    (2, ['sub-0', 'sub-1'])
    """
    names = list(recordings)
    if not names:
        raise ParameterError("no recording", "at least one", "give a dict of name to Recording")
    for what, given in (("truth", truth), ("subject", subject)):
        lacking = [name for name in names if given is not None and name not in given]
        if lacking:
            raise ParameterError(
                f"no {what} of {', '.join(lacking[:5])}",
                "one for each recording",
                f"add the {what}",
            )
    participants = {name: name if subject is None else subject[name] for name in names}
    tables = []
    for name in names:
        recording = recordings[name]
        table = compare(
            recording,
            methods,
            None if truth is None else truth[name],
            mismatched=_mismatched(name, participants, recordings)
            if len(streams(recording)) > 1
            else None,
            progress=None if progress is None else lambda m, n=name: progress(f"{n}: {m}"),
        )
        tables.append(table.reset_coords("failure"))
    joined = xr.concat(tables, xr.Variable("recording", names), join="outer")
    order = max((t.method.values.tolist() for t in tables), key=len)
    joined = joined.reindex({"method": order})  # `method=` means something else to xarray
    return joined.assign_coords(subject=("recording", [str(participants[name]) for name in names]))


def _mismatched(
    name: str, participants: Mapping[str, str], recordings: Mapping[str, xr.DataTree]
) -> xr.DataTree | None:
    """The next recording of another participant that has both modalities."""
    names = list(participants)
    first = names.index(name)
    for other in names[first + 1 :] + names[:first]:
        if participants[other] != participants[name] and len(streams(recordings[other])) > 1:
            return recordings[other]
    return None
