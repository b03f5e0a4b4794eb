"""Errors for users survive a way between processes."""

import pickle

import pytest

from neurofuse.io.errors import AlignmentError, NeurofuseError, ParameterError, ReadError


@pytest.mark.parametrize("kind", [NeurofuseError, ReadError, AlignmentError, ParameterError])
def test_an_error_from_another_process_keeps_its_parts(kind: type[NeurofuseError]) -> None:
    error = kind("one file", "two files", "name both")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)
    assert (again.found, again.wanted, again.remedy) == ("one file", "two files", "name both")
