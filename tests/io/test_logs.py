"""Messages of "neurofuse" follow MNE's log level, also while MNE is silenced."""

import logging

import mne
import pytest

from neurofuse.io.logs import LOG, quiet


@pytest.fixture
def messages_logged():
    """Messages that handlers of the logger receive."""
    records = []

    class Collector(logging.Handler):
        def emit(self, record):
            records.append(record.getMessage())

    collector = Collector()
    LOG.addHandler(collector)
    root = logging.getLogger()
    own, above = LOG.level, root.level
    root.setLevel(logging.DEBUG)
    yield records
    root.setLevel(above)
    LOG.setLevel(own)
    LOG.removeHandler(collector)


def log_messages():
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
def test_messages_follow_the_level_of_mne(messages_logged, level, messages):
    LOG.setLevel(logging.NOTSET)
    with mne.use_log_level(level):
        log_messages()
    assert messages_logged == messages


def test_a_level_of_its_own_takes_precedence(messages_logged):
    LOG.setLevel(logging.WARNING)
    with mne.use_log_level("critical"):
        log_messages()
    assert messages_logged == ["inside", "further inside", "a failure"]
