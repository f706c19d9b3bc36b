"""Sessions of the streaming benchmark, their picture and memory, on a tiny model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pyannote.core import Annotation, Segment, Timeline

import diarspk
from eval.diarization.conversation import Conversation
from eval.streaming.memory import memory_over
from eval.streaming.session import SessionResult, component_of, run_session
from eval.streaming.tables import accuracy_table, plot_latency, stability_table, time_table
from eval.streaming.trunk_cost import trunk_table
from tests.tiny_model import tone, write_tiny_model

SECONDS = 4.0


@pytest.fixture(scope="module")
def diarizer(tmp_path_factory: pytest.TempPathFactory) -> diarspk.Diarizer:
    return diarspk.Diarizer.load(write_tiny_model(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def conversation() -> Conversation:
    reference = Annotation(uri="talk")
    reference[Segment(0.0, SECONDS), 0] = "ann"
    reference[Segment(SECONDS, 2 * SECONDS), 1] = "ben"
    return Conversation(Path("talk.wav"), reference, Timeline([Segment(0.0, 2 * SECONDS)]))


@pytest.fixture(scope="module")
def result(diarizer: diarspk.Diarizer, conversation: Conversation) -> SessionResult:
    audio = np.concatenate([tone("ann", SECONDS), tone("ben", SECONDS)])
    return run_session(conversation, audio, diarizer, 1.04)


def test_a_session_is_measured(result: SessionResult) -> None:
    # All of the sound is speech of one person at a time to the tiny model.
    assert result.components.total == pytest.approx(2 * SECONDS)
    assert result.components.miss == result.components.false_alarm == 0.0
    assert result.seconds == 2 * SECONDS
    assert len(result.pushes) == 2 * SECONDS and (result.pushes > 0).all()
    assert len(result.count_errors) == 2 * SECONDS + 1  # the last when all is final
    assert result.speakers[0] == 2
    assert result.count_errors[-1] == result.speakers[1] - 2
    assert 0 <= result.revised <= result.tentative
    assert len(result.waits) == 2


def test_tables_and_picture(
    result: SessionResult, conversation: Conversation, tmp_path: Path
) -> None:
    results = {0.64: [result, result], 1.04: [result]}
    offline = [component_of(conversation, conversation.reference)]
    assert accuracy_table(results, offline).splitlines()[-1].split("|")[2].strip() == "0.0"
    assert len(stability_table(results).splitlines()) == len(time_table(results).splitlines()) == 4
    plot_latency(results, offline, tmp_path / "latency.svg")
    drawn = (tmp_path / "latency.svg").read_text()
    assert "strict DER" in drawn and "Nemotron" in drawn


def test_the_cost_of_the_trunk_is_told_with_and_without_states(
    diarizer: diarspk.Diarizer,
) -> None:
    table = trunk_table(diarizer.models.trunk, "single", (0.32, 1.04), rounds=3)
    for row in table.splitlines()[2:]:
        _, again, kept, ratio = (float(cell) for cell in row.strip("|").split("|"))
        assert again > 0 and kept > 0 and ratio > 0


def test_memory_is_told_each_hour(diarizer: diarspk.Diarizer) -> None:
    table = memory_over([tone("ann", 2.0), tone("ben", 2.0)], diarizer, hours=0.002)
    (row,) = table.splitlines()[2:]
    hours, megabytes = (float(cell) for cell in row.strip("|").split("|"))
    assert hours == pytest.approx(0.002, abs=0.05) and megabytes > 0


def test_memory_of_nothing_is_told(diarizer: diarspk.Diarizer) -> None:
    with pytest.raises(ValueError, match="no sound"):
        memory_over([np.zeros(0, np.float32)], diarizer, hours=1.0)
