"""Live streams going out: cleaned samples with full metadata, the motion mask, the status."""

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

import numpy as np

from neurofuse.io.live.header import append, described
from neurofuse.io.live.inlet import LiveInlet
from neurofuse.io.live.lsl import lsl
from neurofuse.io.live.search import OWN

BUFFERED = 60  # s that are kept for a consumer that lags; it then loses the oldest


class LiveOutlet:
    """A stream that others can subscribe to.

    Parameters
    ----------
    name, type : str
    rate : float
        Announced sampling rate [Hz]; 0 for none.
    width : int
        Number of channels.
    desc : Element
        Its description; see `neurofuse.io.live.header.described`.
    source : str
        What it is made of: a program that reads it goes on when neurofuse is started again.
    form : {"float32", "float64", "string"}

    Attributes
    ----------
    header : str
        Its header, XML.
    """

    def __init__(
        self,
        name: str,
        type: str,  # noqa: A002  (LSL's word)
        rate: float,
        width: int,
        desc: ElementTree.Element,
        source: str,
        form: str = "float32",
    ):
        info = lsl().StreamInfo(name, type, width, rate, form, f"{OWN}{source}")
        append(info.desc, desc)
        self.form = form
        self._outlet = lsl().StreamOutlet(info, max_buffered=BUFFERED)
        self.header: str = self._outlet.get_sinfo().as_xml

    def push(self, samples: np.ndarray, stamps: np.ndarray) -> None:
        """Send samples (time, channel) with their stamps [s]; returns at once."""
        if len(stamps) == 1:
            self._outlet.push_sample(np.ascontiguousarray(samples[0], self.form), float(stamps[0]))
        elif len(stamps):
            self._outlet.push_chunk(
                np.array(samples, self.form, order="C"), np.asarray(stamps, float)
            )

    def tell(self, text: str) -> None:
        """Send a text, stamped now."""
        self._outlet.push_sample([text], lsl().local_clock())

    def close(self) -> None:
        """Take the stream off the network."""
        self._outlet._del()


def cleaned_outlet(
    inlet: LiveInlet, facts: Mapping[str, object], what: str = "cleaned"
) -> LiveOutlet:
    """The cleaned stream of an inlet: its channels, labels, units and positions.

    `facts` stand in the description under `neurofuse`: what was done, and how late it comes. `what`
    comes after the inlet's name: "cleaned", or "settled".
    """
    stream, used = inlet.stream, inlet.layout.used
    desc = described(inlet.header, used.tolist(), facts)
    return LiveOutlet(
        f"{stream.name} {what}",
        stream.type or inlet.kind.upper(),
        stream.nominal,
        len(used),
        desc,
        f"{what}-{inlet.kind}-of-{stream.source or stream.name}",
    )


def mask_outlet(inlet: LiveInlet, facts: Mapping[str, object]) -> LiveOutlet:
    """The motion mask of a cleaned stream: 0 to 1 for each channel, on the same samples."""
    stream = inlet.stream
    labels = [str(name) for name in inlet.layout.node.channel.values]
    return LiveOutlet(
        f"{stream.name} motion mask",
        "Mask",
        stream.nominal,
        len(labels),
        _labelled(labels, facts),
        f"mask-of-{inlet.kind}-{stream.source or stream.name}",
    )


def status_outlet(source: str) -> LiveOutlet:
    """A stream of JSON texts, one a second."""
    desc = _labelled(["status"], {"content": "JSON"})
    return LiveOutlet("neurofuse status", "Status", 0.0, 1, desc, f"status-of-{source}", "string")


def _labelled(labels: Sequence[str], facts: Mapping[str, object]) -> ElementTree.Element:
    desc = ElementTree.Element("desc")
    channels = ElementTree.SubElement(desc, "channels")
    for label in labels:
        channel = ElementTree.SubElement(channels, "channel")
        ElementTree.SubElement(channel, "label").text = label
    own = ElementTree.SubElement(desc, "neurofuse")
    for name, value in facts.items():
        ElementTree.SubElement(own, name).text = str(value)
    return desc
