"""Errors that stop a study before its first task, each with the exit code that it asks for."""

from neurofuse.cli.study.exit_codes import ExitCode
from neurofuse.io.errors import NeurofuseError


class StudyError(NeurofuseError):
    """A study that cannot be planned.

    Examples
    --------
    >>> error = NothingMatchesError("no participant 9", "one that is there", "there are 01 and 02")
    >>> int(error.code)
    18
    """

    code: ExitCode = ExitCode.FAILURE


class NotBidsError(StudyError):
    """The input is no valid BIDS data set."""

    code = ExitCode.NOT_BIDS


class UnknownLevelError(StudyError):
    """Neither participant nor group."""

    code = ExitCode.UNKNOWN_LEVEL


class NothingMatchesError(StudyError):
    """A filter names what is not there, or all filters together leave nothing."""

    code = ExitCode.NOTHING_MATCHES


class UsageError(StudyError):
    """Options, a filter file or a table of pairs that say something impossible."""

    code = ExitCode.USAGE


class NoInputError(StudyError):
    """A folder or file that is not there, cannot be opened or holds no recording."""

    code = ExitCode.NO_INPUT


class EngineError(StudyError):
    """A cluster that cannot be reached, or that has gone."""

    code = ExitCode.TRY_AGAIN
