"""The channels and regions that a user names, of which responses are shown."""

from collections.abc import Iterable, Mapping, Sequence

from neurofuse.fusion.views.before_after import View
from neurofuse.io.errors import ParameterError

Named = dict[str, list[int]]  # what is averaged: its name, and indices of channels of a view
MOST = 12  # named channels and regions of a modality; more would fill the page


def named_channels(
    views: Sequence[View],
    channels: str | Iterable[str] | None,
    regions: Mapping[str, str | Iterable[str]] | None,
) -> dict[str, Named]:
    """What the user names, by modality; modalities of which nothing is named are left out.

    Parameters
    ----------
    views : list of View
        EEG and fNIRS.
    channels : str or iterable of str, optional
        Names of channels, "S1-D1" or as MNE has them ("S1_D1 hbo").
    regions : dict of str to iterable of str, optional
        Channels of which the mean is shown, by the name of the region. Bad channels are left out
        of the mean.

    Raises
    ------
    ParameterError
        If a channel is not in the recording, no channel of a region is usable, or something else
        than names is given.

    Examples
    --------
    >>> import neurofuse as nf
    >>> from neurofuse.fusion.views.before_after import views_of
    >>> views = views_of(nf.simulate(20, seed=0)[0])
    >>> named_channels(views, ["C3"], {"left": ["C3", "F3", "S1_D1 hbo"]})
    {'eeg': {'C3': [8], 'left': [8, 3]}, 'nirs': {'left': [0]}}
    """
    if not isinstance(regions, Mapping | None):
        raise ParameterError(
            f"regions of type {type(regions).__name__}",
            "channels by the name of their region",
            'for example regions={"left": ["C3", "S1-D1"]}',
        )
    wanted = {name: [name] for name in _list(channels)}
    groups = {str(name): _list(members) for name, members in dict(regions or {}).items()}
    found: dict[str, Named] = {}
    for label, names in [*wanted.items(), *groups.items()]:
        places = [_place(name, views) for name in dict.fromkeys(names)]
        usable = [(view, i) for view, i in places if label in wanted or view.used[i]]
        if not usable:
            raise ParameterError(
                f"the region {label!r} of {', '.join(names) or 'no channel'}",
                "a region with a usable channel",
                "name channels that are not bad",
            )
        for view, index in usable:
            name = view.channel[index] if label in wanted else label
            found.setdefault(view.stream, {}).setdefault(name, []).append(index)
    return found


def _list(names: str | Iterable[str] | None) -> list[str]:
    if names is None:
        return []
    if isinstance(names, str):
        return [names]
    if not isinstance(names, Iterable):
        raise ParameterError(
            f"channels of type {type(names).__name__}", "names of channels", 'such as ["C3"]'
        )
    return [*map(str, names)]


def _place(name: str, views: Sequence[View]) -> tuple[View, int]:
    """Where a channel is; MNE writes "S1_D1 hbo" for what is "S1-D1" here."""
    plain = name.split(" ")[0].replace("_", "-")
    for wanted in (name, plain):
        for view in views:
            if wanted in view.channel:
                return view, view.channel.index(wanted)
    known = [channel for view in views for channel in view.channel]
    raise ParameterError(
        f"the channel {name!r}", f"one of {', '.join(known)}", "check its name (EEG or fNIRS)"
    )
