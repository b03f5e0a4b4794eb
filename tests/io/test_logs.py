"""Messages of "neurofuse" follow MNE's log level, also while MNE is silenced."""

import logging

import mne
import pytest

from neurofuse.io.logs import LOG, quiet, reading


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


@pytest.mark.parametrize("level", ["warning", "error"])
def test_warnings_of_mne_become_messages_once(messages_logged, level):
    LOG.setLevel(logging.WARNING)
    with mne.use_log_level(level), quiet():
        mne.utils.warn("a lost sample")
        mne.utils.warn("a lost sample")
    assert messages_logged == ["a lost sample"]


def test_warnings_of_mne_name_the_file(messages_logged):
    LOG.setLevel(logging.WARNING)
    with reading("a.edf", "a whole EDF file"):
        mne.utils.warn("a lost sample")
        mne.utils.warn("it is recommended to use raw.set_montage")  # as for any file
    assert messages_logged == ["a.edf: a lost sample"]


def test_a_log_file_of_mne_gets_no_warning_twice(messages_logged, tmp_path, capsys):
    mne.set_log_file(tmp_path / "mne.log", overwrite=True)
    try:
        with quiet("a.edf"), quiet():
            mne.utils.warn("a header that is odd")
        with mne.use_log_level("warning"), pytest.warns(RuntimeWarning, match="after it"):
            mne.utils.warn("after it")
    finally:
        mne.set_log_file(None)
    assert capsys.readouterr().out == ""
    written = (tmp_path / "mne.log").read_text()
    assert "odd" not in written
    assert "after it" in written
    assert any("a header that is odd" in message for message in messages_logged)
