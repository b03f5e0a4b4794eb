"""Errors meant for users: each says what was found, what was wanted, and what to do."""


class NeurofuseError(Exception):
    """Base of every error that a user can resolve.

    Parameters
    ----------
    found : str
        What was there.
    wanted : str
        What is needed instead.
    remedy : str
        What the user can do about it.

    Attributes
    ----------
    found : str
        What was there.
    wanted : str
        What is needed instead.
    remedy : str
        What the user can do about it.

    Examples
    --------
    >>> print(NeurofuseError("no fNIRS channel", "at least one", "pass a SNIRF file second"))
    found no fNIRS channel; wanted at least one; pass a SNIRF file second
    """

    def __init__(self, found: str, wanted: str, remedy: str) -> None:
        self.found: str = found
        self.wanted: str = wanted
        self.remedy: str = remedy
        super().__init__(f"found {found}; wanted {wanted}; {remedy}")

    def __reduce__(self) -> tuple[type, tuple[str, str, str]]:
        # an error in another process comes back by its parts, not by its message
        return type(self), (self.found, self.wanted, self.remedy)


class ReadError(NeurofuseError):
    """A file is missing, damaged, empty or of another kind than expected.

    Parameters
    ----------
    found, wanted, remedy : str
        The parts of the message, as in `NeurofuseError`.

    Examples
    --------
    >>> raise ReadError("an empty file", "an EDF file", "export it again")
    Traceback (most recent call last):
    neurofuse.io.errors.ReadError: found an empty file; wanted an EDF file; export it again
    """


class AlignmentError(NeurofuseError):
    """Two streams cannot be put on one clock with confidence.

    Parameters
    ----------
    found, wanted, remedy : str
        The parts of the message, as in `NeurofuseError`.

    Examples
    --------
    >>> raise AlignmentError("no shared events", "at least 3", "give offset=SECONDS")
    Traceback (most recent call last):
    neurofuse.io.errors.AlignmentError: found no shared events; wanted at least 3; give \
offset=SECONDS
    """


class SchemaError(NeurofuseError):
    """A Recording lacks something that every Recording has, or holds it in another form.

    Parameters
    ----------
    found, wanted, remedy : str
        The parts of the message, as in `NeurofuseError`.

    Examples
    --------
    >>> raise SchemaError("a list", "a Recording", "make one with neurofuse.read")
    Traceback (most recent call last):
    neurofuse.io.errors.SchemaError: found a list; wanted a Recording; make one with neurofuse.read
    """


class ParameterError(NeurofuseError):
    """A parameter is out of its range, or a name is unknown.

    Parameters
    ----------
    found, wanted, remedy : str
        The parts of the message, as in `NeurofuseError`.

    Examples
    --------
    >>> raise ParameterError("seed=-1", "a whole number of at least 0", "0 is the default")
    Traceback (most recent call last):
    neurofuse.io.errors.ParameterError: found seed=-1; wanted a whole number of at least 0; 0 is \
the default
    """


class WriteError(NeurofuseError):
    """An output cannot be written, or would overwrite something.

    Parameters
    ----------
    found, wanted, remedy : str
        The parts of the message, as in `NeurofuseError`.

    Examples
    --------
    >>> raise WriteError("a.edf already", "a new file", "add overwrite=True")
    Traceback (most recent call last):
    neurofuse.io.errors.WriteError: found a.edf already; wanted a new file; add overwrite=True
    """
