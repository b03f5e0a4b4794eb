"""Exit codes of `neurofuse app`: those of the draft BIDS execution specification and sysexits.h."""

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """What the exit status of a study says; a larger one is the worse."""

    OK = 0
    FAILURE = 1  # of the program itself
    NOT_BIDS = 16  # the input is no valid BIDS data set
    UNKNOWN_LEVEL = 17  # neither participant nor group
    NOTHING_MATCHES = 18  # filters leave nothing to be done
    USAGE = 64  # options that do not go together
    BAD_DATA = 65  # a recording that cannot be read, aligned or cleaned
    NO_INPUT = 66  # a file or folder that is not there or cannot be opened
    CANNOT_CREATE = 73  # an output that cannot be made
    IO_ERROR = 74  # reading or writing failed half-way
    TRY_AGAIN = 75  # a process was killed, or ran out of memory or time


def worst(codes: Iterable[int]) -> ExitCode:
    """The code of a study from those of its tasks: the largest, 0 if there is none.

    Examples
    --------
    >>> int(worst([0, 65, 0]))
    65
    """
    return ExitCode(max(codes, default=0))
