"""Estimates of power from multiply-adds and what others have measured on chips.

An estimate, no measurement: the figures are of other networks, in integers of 8 bits and with their
own traffic to memory, which ours is not known to share. The filters compute in floats, so that
theirs is the least that they can take.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Chip:
    """A chip and how many multiply-adds it did for an EEG network."""

    name: str
    efficiency: float  # GMAC/s/W
    source: str

    def milliwatts(self, multiply_adds: float) -> float:
        """Estimated power [mW] of so many multiply-adds a second.

        Examples
        --------
        >>> Chip("some", 2.0, "").milliwatts(4e6)
        2.0
        """
        return multiply_adds / 1e6 / self.efficiency


Q_EEGNET, EPIDENET = "Q-EEGNet, arXiv 2004.11690", "EpiDeNet, arXiv 2309.07135"
CHIPS = (
    Chip("GAP9", 40.0, EPIDENET),
    Chip("Mr. Wolf", 21.0, Q_EEGNET),
    Chip("Cortex-M7", 0.082, Q_EEGNET),
)
PULP = CHIPS[1]  # on which the target is judged, the less efficient of both
BUDGET = 5.0  # mW
LEAST = {"eeg": 12.0, "nirs": 10.0}  # dB by which errors are to be lowered within the budget
CLAIM = (5.0, 12.0)  # mW and dB that are repeated without a source
