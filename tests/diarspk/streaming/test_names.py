"""Names of people whom a gallery knows: at once, or when they have said enough."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import diarspk
from diarspk.embeddings.space import Space
from diarspk.errors import ModelError
from diarspk.streaming import StreamingDiarizer
from diarspk.verification.calibration import ScoreCalibration
from diarspk.verification.gallery import create_gallery
from tests.tiny_model import tone, write_tiny_model

RATE = 16000


@pytest.fixture(scope="module")
def diarizer(tmp_path_factory):
    return diarspk.Diarizer.load(write_tiny_model(tmp_path_factory.mktemp("model")))


class Hesitant:
    """Gallery that knows nobody at first."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals

    def identify(self, vector: np.ndarray, *, fingerprint: str) -> SimpleNamespace:
        if np.ptp(vector) > 0:  # not the question whether it can answer at all
            self.refusals -= 1
        return SimpleNamespace(speaker=None if self.refusals >= 0 else "Ann")


def pushed(stream, audio, seconds=0.5):
    return [
        stream.push(part, RATE)
        for part in np.array_split(audio, round(len(audio) / RATE / seconds))
    ]


def test_a_gallery_names_at_once(diarizer, tmp_path):
    encoder = diarizer.encoder
    with create_gallery(
        tmp_path / "people", Space(encoder.fingerprint, encoder.dimension)
    ) as people:
        for name in ("ann", "ben"):
            vector = encoder.embed(tone(name)[RATE:], RATE)
            people.enroll(name.title(), vector, fingerprint=encoder.fingerprint)
        with pytest.raises(ModelError, match="no calibration"):
            StreamingDiarizer(diarizer=diarizer, gallery=people)
        people.set_calibration(ScoreCalibration(20.0, -10.0, {}, encoder.fingerprint))
        stream = StreamingDiarizer(diarizer=diarizer, gallery=people)
        update = stream.push(tone("ben")[RATE // 2 :], RATE)
    assert {turn.speaker for turn in update.final} == {"Ben"}
    assert [(event.kind, event.speaker) for event in update.events] == [("new", "Ben")]


def test_a_later_answer_is_told_as_a_merge(diarizer, tmp_path):
    stream = StreamingDiarizer(diarizer=diarizer, gallery=Hesitant(2))
    updates = pushed(stream, tone("ann", 12.0)[2 * RATE :])
    events = [event for update in updates for event in update.events]
    assert [(event.kind, event.speaker, event.into) for event in events] == [
        ("new", "SPEAKER_00", None),
        ("merged", "SPEAKER_00", "Ann"),
    ]
    assert {turn.speaker for turn in updates[-1].final} == {"Ann"}
    assert {turn.speaker for turn in stream.snapshot().final} == {"Ann"}
    assert list(stream.finish().speakers) == ["Ann"]


def test_questions_become_rarer(diarizer):
    gallery = Hesitant(1000)
    stream = StreamingDiarizer(diarizer=diarizer, gallery=gallery)
    pushed(stream, tone("ann", 18.0)[2 * RATE :])
    assert 1000 - gallery.refusals <= 5  # at 0, 2, 4, 8 and 16 s


def test_what_is_known_of_the_questions_is_saved(diarizer, tmp_path):
    audio = tone("ann", 12.0)[2 * RATE :]
    whole = StreamingDiarizer(diarizer=diarizer, gallery=Hesitant(2))
    pushed(whole, audio)
    gallery = Hesitant(2)
    part = StreamingDiarizer(diarizer=diarizer, gallery=gallery)
    for piece in np.array_split(audio, 5):
        part.push(piece, RATE)
        part.save(tmp_path / "session")
        part = StreamingDiarizer.load_state(
            tmp_path / "session", diarizer=diarizer, gallery=gallery
        )
    assert part.snapshot() == whole.snapshot()
