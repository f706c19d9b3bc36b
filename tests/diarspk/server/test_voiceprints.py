"""Voiceprints as text, and their match to speakers."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diarspk.errors import ArgumentError
from diarspk.server.voiceprints import (
    decode_voiceprint,
    encode_voiceprint,
    match_speakers,
    similarity,
)
from diarspk.verification.calibration import ScoreCalibration


def unit(*values: float) -> np.ndarray:
    vector = np.array(values, np.float32)
    return vector / np.linalg.norm(vector)


@settings(max_examples=30)
@given(st.integers(0, 2**31), st.text("0123456789abcdef", min_size=16, max_size=16))
def test_a_voiceprint_is_read_as_it_was_written(seed: int, fingerprint: str) -> None:
    vector = unit(*np.random.default_rng(seed).normal(size=8))
    text = encode_voiceprint(vector, fingerprint)
    assert text.isascii()
    np.testing.assert_allclose(decode_voiceprint(text, fingerprint, 8), vector, atol=1e-7)
    with pytest.raises(ArgumentError, match="of the model that runs here"):
        decode_voiceprint(text, "another", 8)
    with pytest.raises(ArgumentError, match="damaged"):
        decode_voiceprint(text, fingerprint, 9)


@settings(max_examples=30)
@given(st.binary(max_size=60))
def test_what_is_no_voiceprint_is_refused(content: bytes) -> None:
    import base64

    for text in (base64.b64encode(content).decode(), content.decode("latin-1")):
        with pytest.raises(ArgumentError, match="`voiceprint` must"):
            decode_voiceprint(text, "0" * 16, 8)


@pytest.mark.parametrize("values", [(np.nan, 1, 0, 0), (0, 0, 0, 0)])
def test_a_voiceprint_without_a_direction_is_refused(values: tuple[float, ...]) -> None:
    text = encode_voiceprint(np.array(values, np.float32), "f")
    with pytest.raises(ArgumentError, match="damaged"):
        decode_voiceprint(text, "f", 4)


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**31))
def test_exclusive_names_have_the_largest_total_of_all_assignments(
    speakers: int, people: int, seed: int
) -> None:
    draw = np.random.default_rng(seed).normal(size=(speakers + people, 5))
    rows = {f"s{n}": unit(*draw[n]) for n in range(speakers)}
    columns = {f"p{n}": unit(*draw[speakers + n]) for n in range(people)}
    matches = match_speakers(rows, columns, "none")
    table = np.array([[match.confidence[p] for p in columns] for match in matches.values()])
    wide = table if speakers <= people else table.T
    best = max(
        sum(wide[row, column] for row, column in enumerate(order))
        for order in permutations(range(wide.shape[1]), wide.shape[0])
    )
    named = {label: match.name for label, match in matches.items() if match.name is not None}
    assert len(set(named.values())) == len(named) == min(speakers, people)
    total = sum(matches[label].confidence[name] for label, name in named.items())
    assert total == pytest.approx(best, abs=0.1 * len(named))


def test_names_are_given_twice_only_where_that_is_allowed_and_never_below_the_threshold() -> None:
    speakers = {"a": unit(1, 0.1), "b": unit(1, 0.2)}
    people = {"Ann": unit(1, 0), "Ben": unit(0, 1)}
    both = match_speakers(speakers, people, "none", exclusive=False)
    assert [match.name for match in both.values()] == ["Ann", "Ann"]
    one = match_speakers(speakers, people, "none", threshold=50)
    assert [match.name for match in one.values()] == ["Ann", None]
    assert match_speakers({}, people, "none") == {}
    assert match_speakers(speakers, {}, "none")["a"].name is None


def test_a_calibrated_similarity_is_a_probability_at_even_odds() -> None:
    calibration = ScoreCalibration(10.0, -5.0, {}, "f")
    np.testing.assert_allclose(similarity(np.array([0.5]), calibration), [50.0])
    np.testing.assert_allclose(similarity(np.array([-0.2, 0.4]), None), [0.0, 40.0])
