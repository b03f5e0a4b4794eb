"""Compare cleaners on many recordings, for `neurofuse.fusion.metrics.statistics`."""

from collections.abc import Callable, Mapping, Sequence

import xarray as xr

from neurofuse.fusion.compare import compare
from neurofuse.io.errors import ParameterError
from neurofuse.io.recording import streams


def compare_all(
    recordings: Mapping[str, xr.DataTree],
    methods: Sequence[str] | None = None,
    truth: Mapping[str, xr.DataTree] | None = None,
    *,
    subject: Mapping[str, str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> xr.Dataset:
    """Clean several recordings with several methods and score each.

    Parameters
    ----------
    recordings : dict of name to Recording
        What is to be cleaned. One that is made when it is looked up (a lazy mapping) is held no
        longer than it is needed.
    methods, progress
        As of `neurofuse.compare`; `progress` is told "RECORDING: METHOD".
    truth : dict of name to Recording, optional
        The same recordings without motion.
    subject : dict of name to person, optional
        Who was recorded; by default every recording is another person.

    Returns
    -------
    Dataset
        As of `neurofuse.compare` with a first dimension `recording` and the coordinate `subject`
        (recording). Recordings with both streams have the row "joint, shuffled partner", whose
        partner is the next person's.

    Raises
    ------
    ParameterError
        If there is no recording, or a truth or subject is missing for one.

    Examples
    --------
    >>> import neurofuse as nf
    >>> from neurofuse.fusion.cohort import compare_all
    >>> pairs = {f"sub-{k}": nf.simulate(20, seed=k, nirs_montage=None) for k in range(2)}
    >>> truth, moved = ({name: pair[i] for name, pair in pairs.items()} for i in range(2))
    >>> table = compare_all(moved, ["bandpass"], truth)
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
    people = {name: name if subject is None else subject[name] for name in names}
    tables = []
    for name in names:
        recording = recordings[name]
        table = compare(
            recording,
            methods,
            None if truth is None else truth[name],
            stranger=_stranger(name, people, recordings) if len(streams(recording)) > 1 else None,
            progress=None if progress is None else lambda m, n=name: progress(f"{n}: {m}"),
        )
        tables.append(table.reset_coords("failure"))
    joined = xr.concat(tables, xr.Variable("recording", names), join="outer")
    order = max((t.method.values.tolist() for t in tables), key=len)
    joined = joined.reindex({"method": order})  # `method=` means something else to xarray
    return joined.assign_coords(subject=("recording", [str(people[name]) for name in names]))


def _stranger(
    name: str, people: Mapping[str, str], recordings: Mapping[str, xr.DataTree]
) -> xr.DataTree | None:
    """The next recording of somebody else that has both streams."""
    names = list(people)
    first = names.index(name)
    for other in names[first + 1 :] + names[:first]:
        if people[other] != people[name] and len(streams(recordings[other])) > 1:
            return recordings[other]
    return None
