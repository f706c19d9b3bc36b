"""A model that computes something else than it did is refused."""

import hashlib

import numpy as np
import pytest

from diarspk import load_encoder
from diarspk.catalogue.fetching import download_models
from diarspk.catalogue.self_test import fixed_signal, sample_values
from diarspk.catalogue.store import read_record
from diarspk.encoders import front_end
from diarspk.encoders.clips import ClipEncoder
from diarspk.errors import ModelError


def test_the_signal_never_changes():
    signal = fixed_signal()
    assert (signal.shape, signal.dtype) == ((32000,), np.float32)
    steps = np.round(signal * 1e4).astype(np.int16)
    assert hashlib.sha256(steps.tobytes()).hexdigest()[:16] == "b1173767f1b2922e"
    assert 0.1 < np.abs(signal).max() < 1


def test_values_are_spread_over_the_array():
    assert sample_values(np.arange(31.0).reshape(1, 31)) == list(range(0, 31, 2))
    assert sample_values([1.0, 2.0]) == [1.0, 2.0]


def test_the_first_load_is_remembered(offer, monkeypatch):
    offer()
    download_models(["tiny"], quiet=True)
    assert read_record("tiny").computed is None
    load_encoder("tiny")
    computed = read_record("tiny").computed
    assert set(computed) == {"features", "embedding"}
    load_encoder("tiny")
    monkeypatch.setattr(front_end, "mean_normalize", lambda features: features)
    with pytest.raises(ModelError, match="tiny: computes other features of the test signal"):
        load_encoder("tiny")


def test_an_entry_that_says_what_is_right_is_believed_over_the_first_load(offer):
    offer(self_test={"embedding": [0.5] * 8})
    download_models(["tiny"], quiet=True)
    with pytest.raises(ModelError, match="computes other embedding"):
        load_encoder("tiny")


def test_numbers_that_are_none_are_refused(offer, monkeypatch):
    offer()
    download_models(["tiny"], quiet=True)
    monkeypatch.setattr(ClipEncoder, "embed", lambda *_: np.full(8, np.nan))
    with pytest.raises(ModelError, match="computes embedding that are no numbers"):
        load_encoder("tiny")
    assert read_record("tiny").computed is None
