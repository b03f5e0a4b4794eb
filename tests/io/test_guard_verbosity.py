"""Messages of "neurofuse" are as loud as MNE was asked to be, also while MNE is kept quiet."""

import logging

import mne
import pytest

from neurofuse.io.logs import LOG, quiet


@pytest.fixture
def heard():
    """What handlers of the logger get."""
    records = []

    class Ear(logging.Handler):
        def emit(self, record):
            records.append(record.getMessage())

    ear = Ear()
    LOG.addHandler(ear)
    root = logging.getLogger()
    own, above = LOG.level, root.level
    root.setLevel(logging.DEBUG)
    yield records
    root.setLevel(above)
    LOG.setLevel(own)
    LOG.removeHandler(ear)


def speak():
    LOG.info("some news")
    with quiet():
        LOG.warning("inside")
        with quiet():
            LOG.warning("further inside")
    LOG.error("a failure")


@pytest.mark.parametrize(
    ("level", "messages"),
    [
        ("debug", ["some news", "inside", "further inside", "a failure"]),
        ("warning", ["inside", "further inside", "a failure"]),
        ("error", ["a failure"]),
        ("critical", []),
    ],
)
def test_loud_as_mne(heard, level, messages):
    LOG.setLevel(logging.NOTSET)
    with mne.use_log_level(level):
        speak()
    assert heard == messages


def test_a_level_of_its_own_rules(heard):
    LOG.setLevel(logging.WARNING)
    with mne.use_log_level("critical"):
        speak()
    assert heard == ["inside", "further inside", "a failure"]
