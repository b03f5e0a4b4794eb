"""What the two modalities are called, what they are measured in, and how their samples lie.

The one place that knows these facts: `MODALITIES["eeg"]`, `MODALITIES["nirs"]`.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
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
    units: Mapping[str, str]  # by variable
    dims: tuple[str, ...]  # of the samples
    cleaned_variable: str  # in which artifacts add up and are removed
    cleaned_unit: str  # in which artifacts and uncertainty are given
    plot_unit: str  # on axes …
    plot_scale: float  # … and how many of it make one cleaned unit
    compared: str  # what is compared before and after: the baseline level of fNIRS is arbitrary

    @property
    def other(self) -> "Modality":
        """The other modality."""
        return NIRS if self is EEG else EEG

    def variable(self, node: Container[str]) -> str:
        """The variable that holds the samples of a node (anything that supports `in`).

        Examples
        --------
        >>> NIRS.variable({"od": 0})
        'od'
        """
        return next(name for name in self.variables if name in node)


EEG = Modality(
    name="eeg",
    display="EEG",
    variables=("eeg",),
    units={"eeg": "V"},
    dims=("channel", "time"),
    cleaned_variable="eeg",
    cleaned_unit="V",
    plot_unit="µV",
    plot_scale=1e6,
    compared="samples",
)
NIRS = Modality(
    name="nirs",
    display="fNIRS",
    variables=("intensity", "od"),
    units={"intensity": "a.u.", "od": "1"},
    dims=("channel", "wavelength", "time"),
    cleaned_variable="od",
    cleaned_unit="1",
    plot_unit="OD",
    plot_scale=1.0,
    compared="steps between samples",
)
MODALITIES: dict[str, Modality] = {modality.name: modality for modality in (EEG, NIRS)}
