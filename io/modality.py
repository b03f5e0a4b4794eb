"""What the two modalities are called, what they are measured in, and how their samples lie.

The one place that knows these facts: `MODALITIES["eeg"]`, `MODALITIES["nirs"]`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Modality:
    """One modality of a Recording.

    Examples
    --------
    >>> NIRS.display, NIRS.other.display, NIRS.dims
    ('fNIRS', 'EEG', ('channel', 'wavelength', 'time'))
    """

    name: str  # of its node in a Recording
    display: str  # in texts and figures
    variables: tuple[str, ...]  # that hold its samples; a node has one of them
    units: dict[str, str]  # by variable
    dims: tuple[str, ...]  # of the samples
    cleaned_unit: str  # in which artifacts and uncertainty are given

    @property
    def other(self) -> "Modality":
        """The other modality."""
        return NIRS if self is EEG else EEG

    def variable(self, node: object) -> str:
        """The variable that holds the samples of a node (anything that knows `in`).

        Examples
        --------
        >>> NIRS.variable({"od": 0})
        'od'
        """
        return next(name for name in self.variables if name in node)  # type: ignore[operator]


EEG = Modality("eeg", "EEG", ("eeg",), {"eeg": "V"}, ("channel", "time"), "V")
NIRS = Modality(
    "nirs",
    "fNIRS",
    ("intensity", "od"),
    {"intensity": "a.u.", "od": "1"},
    ("channel", "wavelength", "time"),
    "1",
)
MODALITIES = {modality.name: modality for modality in (EEG, NIRS)}
