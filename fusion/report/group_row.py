"""One recording on the page of a study: what became of it, and its figures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

State = Literal["done", "failed", "unreadable", "not done", "left out"]
STATES: dict[State, str] = {
    "done": "cleaned",
    "failed": "could not be cleaned; its crash file says why",
    "unreadable": "cleaned, but its summary cannot be read",
    "not done": "planned and not cleaned yet",
    "left out": "not planned, for the reason given",
}


@dataclass(frozen=True)
class Figures:
    """One modality of a cleaned recording; None is what is not known.

    Attributes
    ----------
    channels, usable, bad : int
        How many there are, are usable, and were marked bad.
    rate, seconds : float
        Sampling rate [Hz], duration [s].
    moving, unchanged, lost : float or None
        Fractions: of the time, with some channel in motion; of the samples (fNIRS: of the steps
        between samples); of channel-time that measured nothing of the participant.
    movements : int
        How many were repaired.
    attenuation_db : float or None
        RMS before over after, within detected motion [dB].
    quality : float or None
        Median over channels before cleaning: of EEG the standard deviation in 1-50 Hz [V], of fNIRS
        the scalp coupling index [1].
    before, after : tuple of float or None
        Size over time [V; OD from sample to sample].
    """

    channels: int
    usable: int
    bad: int
    rate: float
    seconds: float
    moving: float | None
    unchanged: float | None
    lost: float | None
    movements: int
    attenuation_db: float | None
    quality: float | None
    before: tuple[float | None, ...] = ()
    after: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class GroupRow:
    """One recording of a study.

    Attributes
    ----------
    name : str
        Unique on the page.
    state : State
        What became of it.
    reason : str
        Why it is not "done".
    entities : dict of str
        BIDS labels, as far as known.
    planned : tuple of str
        Modalities that were to be cleaned.
    site, device, method, version : str
        "" where not known.
    seconds : float or None
        Duration [s].
    report, crash : str
        Paths from the page to its report and its crash file, "" where there is none.
    streams : dict of Figures
        By modality; none where nothing was cleaned.
    errors : dict of dict of float
        Of a self-test, by modality and method [dB].
    best : dict of str
        The method with the smallest error in the self-test, by modality.

    Examples
    --------
    >>> GroupRow("sub-02_task-rest", "failed", "half a file").participant
    'sub-02_task-rest'
    """

    name: str
    state: State
    reason: str = ""
    entities: Mapping[str, str] = field(default_factory=dict)
    planned: tuple[str, ...] = ()
    site: str = ""
    device: str = ""
    method: str = ""
    version: str = ""
    seconds: float | None = None
    report: str = ""
    crash: str = ""
    streams: Mapping[str, Figures] = field(default_factory=dict)
    errors: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    best: Mapping[str, str] = field(default_factory=dict)

    @property
    def participant(self) -> str:
        """Whose recording it is: the label "sub", else its own name."""
        return self.entities.get("sub", self.name)
