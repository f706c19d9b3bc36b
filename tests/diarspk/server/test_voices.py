"""Routes for vectors of voices, and for one voice alone."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from diarspk.server import SpeechEngine
from tests.diarspk.server.running_server import RunningServer

Voices = dict[str, list[Path]]


def test_embeddings_are_those_of_the_encoder(
    server: RunningServer, voices: Voices, engine: SpeechEngine
) -> None:
    files = [("file", voices[name][0].read_bytes()) for name in ("ann", "ben")]
    answer = server.post("/v1/embeddings/speaker", files=files).json()
    assert (answer["object"], answer["fingerprint"]) == ("list", engine.fingerprint)
    for name, item in zip(("ann", "ben"), answer["data"], strict=True):
        expected = engine.encoder.embed(voices[name][0])
        np.testing.assert_allclose(item["embedding"], expected, atol=1e-6)
    assert [item["index"] for item in answer["data"]] == [0, 1]


def test_spans_of_a_recording_are_embedded(
    server: RunningServer, voices: Voices, engine: SpeechEngine
) -> None:
    spans = [(0.5, 1.5), (1.0, 3.0)]
    answer = server.post(
        "/v1/embeddings/speaker",
        files={"file": voices["ann"][0].read_bytes()},
        data={"spans": "[[0.5, 1.5], [1, 3]]"},
    ).json()
    expected = engine.encoder.embed(voices["ann"][0], spans=spans)
    np.testing.assert_allclose([item["embedding"] for item in answer["data"]], expected, atol=1e-6)
    for wrong in ("[[1, 0]]", "[[5, 6]]", "[1]", "x", "[]"):
        refused = server.post(
            "/v1/embeddings/speaker",
            files={"file": voices["ann"][0].read_bytes()},
            data={"spans": wrong},
        )
        assert (refused.status_code, wrong) == (400, wrong)
        assert "spans" in refused.json()["message"]


def test_voices_are_compared(server: RunningServer, voices: Voices) -> None:
    def compare(first: str, second: str, **data: str) -> Any:
        files = {"first": voices[first][0].read_bytes(), "second": voices[second][1].read_bytes()}
        return server.post("/v1/verify", files=files, data=data).json()

    same, other = compare("ann", "ann"), compare("ann", "ben")
    assert same["score"] > 0.9 > 0.5 > other["score"]
    assert same["same"] is None  # the tiny model has no calibration
    assert compare("ann", "ann", threshold="0.5")["same"] is True
    assert compare("ann", "ben", threshold="0.5")["same"] is False


@pytest.mark.parametrize("rate", [16000, 44100])
def test_a_voice_is_extracted_at_the_rate_and_length_of_the_mixture(
    server: RunningServer, voices: Voices, rate: int
) -> None:
    mixture = io.BytesIO()
    noise = 0.1 * np.random.default_rng(0).normal(size=rate).astype(np.float32)
    soundfile.write(mixture, noise, rate, format="WAV")
    answer = server.post(
        "/v1/extract",
        files=[
            ("file", mixture.getvalue()),
            ("enrolment", voices["ann"][0].read_bytes()),
            ("enrolment", voices["ann"][1].read_bytes()),
        ],
    )
    assert answer.headers["content-type"] == "audio/wav"
    found = soundfile.info(io.BytesIO(answer.content))
    assert (found.samplerate, found.channels) == (rate, 1)
    assert found.frames == pytest.approx(rate, abs=2)
    missing = server.post("/v1/extract", files={"file": mixture.getvalue()})
    assert missing.json()["message"] == "`enrolment` must be one file of the form, got 0"


def test_a_voice_of_a_moment_is_doubtful(serve: Any, voices: Voices) -> None:
    samples, rate = soundfile.read(voices["ann"][0])
    short = io.BytesIO()
    soundfile.write(short, samples[rate : 2 * rate], rate, format="WAV")
    with serve() as server:
        answer = server.post("/v1/embeddings/speaker", files={"file": ("a.wav", short.getvalue())})
        assert "a.wav: " in answer.json()["warnings"][0]
        assert "less reliable" in answer.json()["warnings"][0]
        submitted = server.post("/v1/voiceprint", files={"file": short.getvalue()})
        output = server.job(submitted.json()["jobId"])["output"]
    assert "less reliable" in output["warning"]
