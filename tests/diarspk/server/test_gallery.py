"""A gallery behind the server: people have their names in every answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from diarspk.errors import ModelError
from diarspk.server import SpeechEngine
from diarspk.verification.calibration import ScoreCalibration
from diarspk.verification.gallery import Gallery, create_gallery
from tests.diarspk.server.running_server import RunningServer
from tests.tiny_model import write_tiny_model

Voices = dict[str, list[Path]]


@dataclass(frozen=True)
class Named:
    """A server with a gallery that knows Ann, and the gallery."""

    server: RunningServer
    gallery: Gallery
    engine: SpeechEngine

    def enroll(self, name: str, recording: Path) -> None:
        vector = self.engine.encoder.embed(recording)
        self.gallery.enroll(name, vector, fingerprint=self.engine.fingerprint)

    def names(self, recording: Path) -> set[str]:
        """Speakers of an answer in OpenAI's shape."""
        answer = self.server.post(
            "/v1/audio/transcriptions",
            files={"file": recording.read_bytes()},
            data={"model": "diarspk", "response_format": "diarized_json"},
        )
        return {segment["speaker"] for segment in answer.json()["segments"]}


@pytest.fixture
def named(serve: Any, engine: SpeechEngine, voices: Voices, tmp_path: Path) -> Iterator[Named]:
    folder = tmp_path / "people"
    with create_gallery(folder, engine.encoder.space) as gallery:
        gallery.set_calibration(ScoreCalibration(20.0, -10.0, {}, engine.fingerprint))
        knowing = SpeechEngine(engine.diarizer, gallery=folder)
        with serve(engine=knowing) as server:
            one = Named(server, gallery, engine)
            one.enroll("Ann", voices["ann"][0])
            yield one


def test_people_have_their_names_and_strangers_letters(named: Named, voices: Voices) -> None:
    assert named.names(voices["ann"][1]) == {"Ann"}
    assert named.names(voices["ben"][1]) == {"A"}
    named.enroll("Ben", voices["ben"][0])  # while the server runs
    assert named.names(voices["ben"][1]) == {"Ben"}


def test_jobs_have_the_names_too(named: Named, voices: Voices) -> None:
    files = {"file": voices["ann"][1].read_bytes()}
    submitted = named.server.post("/v1/diarize", files=files).json()
    output = named.server.job(submitted["jobId"])["output"]
    assert {turn["speaker"] for turn in output["diarization"]} == {"Ann"}


def test_a_gallery_that_does_not_fit_is_told_at_the_start(
    card: Path, engine: SpeechEngine, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = write_tiny_model(tmp_path / "other", seed=1)
    create_gallery(tmp_path / "people", engine.encoder.space).close()
    with pytest.raises(ModelError, match="no calibration"):
        SpeechEngine.load(card, gallery=tmp_path / "people")
    with pytest.raises(ModelError, match="fingerprint"):
        SpeechEngine.load(other, gallery=tmp_path / "people")
    with pytest.raises(ModelError, match="no gallery"):
        SpeechEngine.load(card, gallery=tmp_path / "none")
    assert not (tmp_path / "none").exists()
