"""Measures of live sessions, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pyannote.core import Annotation, Segment, Timeline

from diarspk.metrics.scores import Components
from diarspk.streaming import LiveTurn, SpeakerEvent, Update
from eval.diarization.conversation import Conversation
from eval.streaming.session import (
    SessionResult,
    _compare_tentative,
    _count_errors,
    _waits,
)
from eval.streaming.tables import accuracy_table, stability_table, time_table


def annotate(*turns: tuple[float, float, str]) -> Annotation:
    annotation = Annotation(uri="call")
    for track, (start, end, label) in enumerate(turns):
        annotation[Segment(start, end), track] = label
    return annotation


def talk(*turns: tuple[float, float, str]) -> Conversation:
    return Conversation(Path("call.wav"), annotate(*turns), Timeline([Segment(0, 10)]))


def test_a_wait_is_the_speech_alone_before_the_first_turn_of_the_own_label() -> None:
    conversation = talk((0, 4, "Ann"), (3, 9, "Ben"))
    found = annotate((0, 3, "A"), (3, 5.5, "A"), (5.5, 9, "B"))
    # Ben talks alone from 4 s on, and has his label from 5.5 s on.
    waits = _waits(conversation.reference, found, conversation)
    assert waits == pytest.approx((0.0, 1.5))


def test_tentative_turns_are_compared_with_what_became_final() -> None:
    final = [LiveTurn(0.0, 2.0, "A"), LiveTurn(2.0, 4.0, "B")]
    updates = [
        Update(1.0, 0.0, (), (LiveTurn(0.0, 1.0, "A"),)),
        Update(3.0, 2.0, (), (LiveTurn(2.0, 3.0, "A"),)),
    ]
    assert _compare_tentative(updates, final) == pytest.approx((1.0, 2.0))


def test_counts_are_of_labels_after_merges() -> None:
    reference = annotate((0, 1, "Ann"), (5, 6, "Ben"))
    updates = [
        Update(2.0, 1.0, events=(SpeakerEvent("new", 2.0, "A"), SpeakerEvent("new", 2.0, "B"))),
        Update(4.0, 3.0, events=(SpeakerEvent("merged", 4.0, "B", "A"),)),
        Update(8.0, 7.0),
    ]
    assert _count_errors(updates, reference).tolist() == [1, 0, -1]


def test_tables_pool_and_compare_with_offline() -> None:
    half = Components(total=10.0, miss=1.0, confusion=1.0)
    session = SessionResult(
        half,
        half,
        2,
        (1.0, 3.0),
        1.0,
        4.0,
        np.array([0, 1]),
        np.array([0.01, 0.03]),
        3600.0,
        (2, 2),
    )
    accuracy = accuracy_table({1.04: [session, session]}, [Components(total=10.0, miss=1.0)])
    assert accuracy.splitlines()[2].split("|")[1:-1] == [
        cell
        for cell in accuracy.splitlines()[2].split("|")[1:-1]
        if cell.strip() in {"1.04", "20.0", "10.0", "0.0", "2.00"}
    ]
    stability = stability_table({1.04: [session, session]}).splitlines()[2].split("|")
    assert [cell.strip() for cell in stability[1:-1]] == [
        "1.04", "2", "2.0", "3.0", "25.0", "0.50", "+0.50", "2 of 2",
    ]  # fmt: skip
    assert time_table({1.04: [session]}).splitlines()[2].split("|")[2].strip() == "20"
