"""Turns that sound alike, and another number of speakers, out of the first pass."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from diarspk.diarization.review_analysis import RecordingAnalysis, embed_turn
from diarspk.diarization.subsegments import Subsegments
from diarspk.editing import EditableTurn, EditedDiarization
from diarspk.errors import ArgumentError

HOP = 0.04
CENTRES = np.arange(0, 250, 12)  # every 0.48 s of ten seconds
ANN, BEN = np.eye(2, dtype=np.float32)


def local() -> Any:
    """First pass over ten seconds: Ann talks in the first half, Ben in the second."""
    vectors = np.where((CENTRES < 125)[:, None], ANN, BEN).astype(np.float32)
    subsegments = Subsegments(CENTRES, vectors, np.full(len(CENTRES), 1.5))
    return SimpleNamespace(subsegments=subsegments, hop=HOP, start=0.0)


def turn(number: int, start: float, end: float) -> EditableTurn:
    return EditableTurn(number, start, end, "A")


@pytest.fixture
def analysis() -> RecordingAnalysis:
    result = cast(Any, SimpleNamespace(first_pass=SimpleNamespace(local=local())))
    return RecordingAnalysis(cast(Any, None), lambda: pytest.fail("it is there"), result)


def test_a_turn_has_the_vector_of_what_lies_in_it() -> None:
    assert embed_turn(local(), 0.0, 4.0) == pytest.approx(ANN)
    assert embed_turn(local(), 6.0, 9.0) == pytest.approx(BEN)
    mixed = embed_turn(local(), 3.0, 7.0)
    assert mixed is not None
    assert np.linalg.norm(mixed) == pytest.approx(1.0)
    assert 0.5 < float(mixed @ ANN) < 0.9


def test_a_short_turn_has_that_of_the_nearest_or_none() -> None:
    assert embed_turn(local(), 1.1, 1.2) == pytest.approx(ANN)
    assert embed_turn(local(), 20.0, 20.1) is None


def test_turns_are_listed_by_similarity(analysis: RecordingAnalysis) -> None:
    turns = [turn(0, 0, 2), turn(1, 6, 9), turn(2, 2.5, 4.5), turn(3, 4, 6), turn(4, 30, 31)]
    found = analysis.similar(turns, 0)
    assert [number for number, _ in found] == [2, 3, 1]
    assert [cosine for _, cosine in found] == sorted((c for _, c in found), reverse=True)


@pytest.mark.parametrize(("number", "told"), [(9, "of a turn, got 9"), (4, "speech enough")])
def test_a_turn_that_cannot_be_compared_is_told(
    analysis: RecordingAnalysis, number: int, told: str
) -> None:
    with pytest.raises(ArgumentError, match=told):
        analysis.similar([turn(0, 0, 2), turn(4, 30, 31)], number)


def test_the_recording_is_diarized_once_and_when_it_is_asked_for() -> None:
    calls: list[object] = []

    class Result:
        def recluster(self, *, num_speakers: int, reviewed: EditedDiarization) -> str:
            calls.append((num_speakers, reviewed))
            return "fresh"

    def diarize(stream: object, *, progress: object = None) -> Result:
        calls.append(stream)
        return Result()

    analysis = RecordingAnalysis(cast(Any, "stream"), cast(Any, lambda: diarize))
    assert calls == []
    edited = cast(Any, "edited")
    assert cast(str, analysis.recluster(edited, 2)) == "fresh"
    assert cast(str, analysis.recluster(edited, 3)) == "fresh"
    assert calls == ["stream", (2, "edited"), (3, "edited")]
