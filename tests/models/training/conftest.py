"""Clean signals for windows."""

import pytest


@pytest.fixture(scope="package")
def clean_corpus(at_rest):
    from neurofuse.models.training.corpus import clean_stream

    corpus = {s: clean_stream(at_rest, s, "simulated") for s in ("eeg", "nirs")}
    return {s: [c] for s, c in corpus.items() if c is not None}
