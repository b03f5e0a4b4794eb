"""Which source, detector and wavelength a column of optical samples belongs to, if that is known.

Three places may say so: the fields of a stream's header (XDF's convention for NIRS: `source`,
`detector`, `wavelen`), channel labels such as "S1_D2 760", "S23-D06:750" or "Rx1-Tx2 [850 nm]", and
a list in a JSON file beside the recording.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurofuse.io.errors import ReadError
from neurofuse.io.xdf.stream import Stream

SOURCE = r"(?<![a-z])(?:s|src|source|tx|t)[\s_]*0*(\d+)"
DETECTOR = r"(?<![a-z])(?:d|det|dct|detector|rx|r)[\s_]*0*(\d+)"
WAVELENGTH = r"(?<![\d.])(\d{3,4}(?:\.\d+)?)\s*(?:nm)?\]?\s*$"
SHORTEST, LONGEST = 500.0, 1500.0  # nm; fNIRS lies between
# types of samples that are not raw light
DERIVED = re.compile(
    r"od|dod|hb|hbo2?|hbr|hbt|hhb|o2hb|h2o|lipid|cco|mua|musp|bfi|phase|dark|ac ?amplitude", re.I
)


@dataclass(frozen=True)
class Light:
    """A column of optical samples: its place among the stream's channels, optodes, wavelength [nm].

    `short` is None where it is unknown whether the pair measures the scalp only.
    """

    column: int
    source: str
    detector: str
    wavelength: float
    short: bool | None = None


def header_lights(stream: Stream) -> list[Light]:
    """The columns of raw light that a stream's own header describes; [] if it describes none."""
    lights = []
    for column in range(stream.width):
        if DERIVED.fullmatch(stream.field_of("type", column)):
            continue
        label = stream.field_of("label", column)
        source = stream.field_of("source", column)
        detector = stream.field_of("detector", column)
        wave = _number(stream.field_of("wavelen", column) or stream.field_of("wavelength", column))
        if not (source and detector and wave):
            parts = label_light(label)
            if parts is None:
                continue
            source, detector, wave = parts
        lights.append(Light(column, source, detector, wave))
    return lights


def label_light(label: str) -> tuple[str, str, float] | None:
    """Source, detector and wavelength [nm] of a channel label, or None.

    Examples
    --------
    >>> label_light("S23-D06:750"), label_light("Rx1 - Tx2 [850 nm]")
    (('S23', 'D6', 750.0), ('S2', 'D1', 850.0))
    >>> label_light("OPTICS_LO_NIR") is None
    True
    """
    text = label.lower()
    source, detector = re.search(SOURCE, text), re.search(DETECTOR, text)
    wave = re.search(WAVELENGTH, text)
    if not (source and detector and wave) or not SHORTEST <= float(wave[1]) <= LONGEST:
        return None
    return f"S{source[1]}", f"D{detector[1]}", float(wave[1])


def listed_lights(path: Path) -> list[Light]:
    """The columns in a JSON list: entries with channel_idx, source, detector, wavelength.

    The list is the whole file or its field "ChMontage"; "type" may say "Long" or "Short".

    Raises
    ------
    ReadError
        If the file is no JSON or an entry lacks a field.
    """
    wanted = "a list of channel_idx, source, detector and wavelength"
    remedy = "repair or remove the file"
    try:
        content: Any = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise ReadError(f"{path}, which is no JSON ({error})", wanted, remedy) from error
    rows = content.get("ChMontage", []) if isinstance(content, dict) else content
    try:
        return [
            Light(
                int(row["channel_idx"]),
                str(row["source"]),
                str(row["detector"]),
                float(row["wavelength"]),
                {"short": True, "long": False}.get(str(row.get("type", "")).lower()),
            )
            for row in rows
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReadError(
            f"{path} with an entry that cannot be used ({type(error).__name__}: {error})",
            wanted,
            remedy,
        ) from error


def optode_names(lights: list[Light]) -> dict[tuple[str, str], str]:
    """A plain name ("S1", "D2") for each ("source" | "detector", label).

    The number is that in the label where all have one of their own, else the rank.

    Examples
    --------
    >>> lights = [Light(0, "S7_FCC3h", "D1_C1", 760.0)]
    >>> optode_names(lights)
    {('source', 'S7_FCC3h'): 'S7', ('detector', 'D1_C1'): 'D1'}
    """
    names = {}
    for role, letter in (("source", "S"), ("detector", "D")):
        labels = list(dict.fromkeys(getattr(light, role) for light in lights))
        numbers = [re.match(r"\D{0,12}0*(\d+)", label) for label in labels]
        own = [int(n[1]) for n in numbers if n]
        if len(set(own)) < len(labels):
            own = list(range(1, len(labels) + 1))
        names.update({(role, label): f"{letter}{n}" for label, n in zip(labels, own, strict=True)})
    return names


def _number(text: str) -> float:
    try:
        value = float(re.sub(r"\s*nm$", "", text))
    except ValueError:
        return 0.0
    return value if SHORTEST <= value <= LONGEST else 0.0
