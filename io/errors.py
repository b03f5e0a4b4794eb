"""Errors meant for users: each says what was found, what was wanted, and the way out."""


class NeurofuseError(Exception):
    """Base of every error that a user can mend.

    Parameters
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

    def __init__(self, found: str, wanted: str, remedy: str):
        self.found, self.wanted, self.remedy = found, wanted, remedy
        super().__init__(f"found {found}; wanted {wanted}; {remedy}")


class ReadError(NeurofuseError):
    """A file is missing, damaged, empty or of another kind than expected."""


class AlignmentError(NeurofuseError):
    """Two streams cannot be put on one clock with confidence."""


class SchemaError(NeurofuseError):
    """A Recording lacks something that every Recording has, or holds it in another form."""


class ParameterError(NeurofuseError):
    """A parameter is out of its range, or a name is unknown."""


class WriteError(NeurofuseError):
    """An output cannot be written, or would overwrite something."""
