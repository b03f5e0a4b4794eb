"""Which optical streams of an XDF file are raw fNIRS light with known optodes."""

import re
from collections.abc import Sequence
from pathlib import Path

from neurofuse.io.logs import LOG
from neurofuse.io.xdf.optode_labels import Light, header_lights, listed_lights
from neurofuse.io.xdf.stream import Stream

RAW = re.compile(r"raw|intensit", re.I)


def find_lights(streams: Sequence[Stream], path: Path) -> dict[str, list[Light]]:
    """The columns of raw light by the name of the stream that holds them.

    A stream that describes its columns itself counts first. The list beside the file describes the
    only other stream there is, or the only one called raw; which of several it means is not
    guessed.
    """
    described = {}
    for stream in streams:
        lights = header_lights(stream)
        if lights:
            described[stream.name] = lights
    rest = [stream for stream in streams if stream.name not in described]
    beside = _list_beside(path)
    if rest and beside and not described:
        lights = listed_lights(beside)
        named = [s for s in rest if RAW.search(s.name)] if len(rest) > 1 else rest
        last = max((light.column for light in lights), default=-1)
        if len(named) == 1 and lights and last < named[0].width:
            LOG.info("%s: columns of %s as %s lists them", path, named[0].title, beside.name)
            described[named[0].name] = lights
        else:
            LOG.warning(
                "%s lists %d columns, but it is unclear which of %s it describes",
                beside,
                len(lights),
                ", ".join(f"{s.title} ({s.width} channels)" for s in rest),
            )
    for stream in streams:
        if stream.name not in described:
            LOG.warning(
                "%s: source, detector and wavelength of the columns of %s are unknown: it goes "
                "to /aux, not to /nirs",
                path,
                stream.title,
            )
    return described


def _list_beside(path: Path) -> Path | None:
    """`STEM_nirs.json` in the recording's folder, capitals or not."""
    from neurofuse.io.names import plain_stem

    stem = plain_stem(path.name).lower()
    lists = [
        p for p in sorted(path.parent.glob("*_nirs.json")) if plain_stem(p.name).lower() == stem
    ]
    return lists[0] if lists else None
