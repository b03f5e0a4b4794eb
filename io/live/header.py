"""The header of a live stream, as XML, in both directions: what it holds, and what we announce."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

import numpy as np

from neurofuse.io.xdf.stream import Stream, stream_from_header


def stream_of(xml: str) -> Stream:
    """The Stream, without samples, that a header describes.

    Examples
    --------
    >>> stream = stream_of(
    ...     "<info><name>amp</name><type>EEG</type><channel_count>1</channel_count>"
    ...     "<nominal_srate>250</nominal_srate><channel_format>float32</channel_format><desc>"
    ...     "<channels><channel><label>Cz</label></channel></channels></desc></info>"
    ... )
    >>> stream.kind, stream.nominal, stream.labels
    ('eeg', 250.0, ['Cz'])
    """
    info = _lists(ElementTree.fromstring(xml))
    width = int(float(info["channel_count"][0]))
    text = info["channel_format"][0] == "string"
    return stream_from_header(
        {
            "info": {"stream_id": 0, **info},
            "time_stamps": np.empty(0),
            "time_series": [] if text else np.empty((0, width)),
            "clock_times": [],
        }
    )


def _lists(node: ElementTree.Element) -> Any:
    """Elements as pyxdf gives them: each a list, so that equal tags are told apart."""
    if not len(node):
        return node.text
    held: dict[str, list[Any]] = {}
    for child in node:
        held.setdefault(child.tag, []).append(_lists(child))
    return held


def described(
    xml: str, columns: Sequence[int] | None = None, facts: Mapping[str, object] | None = None
) -> ElementTree.Element:
    """The description (`desc`) of a stream made from another one.

    Parameters
    ----------
    xml : str
        Header of the other one. All that it says of channels and optodes is kept.
    columns : sequence of int, optional
        Its channels that the new stream has, in this order; all by default.
    facts : mapping of name to value, optional
        What is added as `desc/neurofuse/NAME`.
    """
    found = ElementTree.fromstring(xml).find("desc")
    desc = ElementTree.Element("desc") if found is None else copy.deepcopy(found)
    channels = desc.find("channels")
    if channels is not None and columns is not None:
        held = channels.findall("channel")
        for channel in held:
            channels.remove(channel)
        channels.extend(held[column] for column in columns if column < len(held))
    own = ElementTree.SubElement(desc, "neurofuse")
    for name, value in (facts or {}).items():
        ElementTree.SubElement(own, name).text = str(value)
    return desc


def append(node: Any, element: ElementTree.Element) -> None:
    """Append the children of an element to a node of LSL's own XML."""
    for child in element:
        if len(child):
            append(node.append_child(child.tag), child)
        else:
            node.append_child_value(child.tag, child.text or "")
