"""The official client of OpenAI against a running server."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from tests.diarspk.server.running_server import RunningServer

openai = pytest.importorskip("openai")

Voices = dict[str, list[Path]]

WORDS = {
    "language": "en",
    "segments": [
        {
            "start": 0.6,
            "end": 2.5,
            "text": " Hello there.",
            "words": [
                {"word": " Hello", "start": 0.6, "end": 1.2},
                {"word": " there.", "start": 1.3, "end": 2.5},
            ],
        }
    ],
}


@pytest.fixture
def client(server: RunningServer) -> Iterator[Any]:
    with openai.OpenAI(api_key="none", base_url=f"{server.url}/v1", max_retries=0) as one:
        yield one


def data_url(path: Path) -> str:
    return "data:audio/wav;base64," + base64.b64encode(path.read_bytes()).decode()


def test_the_models_are_listed_and_described(client: Any) -> None:
    assert [model.id for model in client.models.list()] == ["diarspk"]
    assert client.models.retrieve("diarspk").owned_by == "diarspk"
    with pytest.raises(openai.NotFoundError, match="there is no such model"):
        client.models.retrieve("whisper-1")


def test_without_words_segments_have_speakers_and_empty_text(client: Any, voices: Voices) -> None:
    with voices["ann"][0].open("rb") as file:
        found = client.audio.transcriptions.create(
            model="gpt-4o-transcribe-diarize",
            file=file,
            response_format="diarized_json",
            chunking_strategy="auto",
        )
    assert (found.task, found.text, found.duration) == ("transcribe", "", 3.0)
    (segment,) = found.segments
    assert (segment.type, segment.id, segment.text) == ("transcript.text.segment", "seg_001", "")
    assert segment.speaker == "A"
    assert 0 <= segment.start < segment.end <= 3
    assert found.usage.seconds == 3.0


def test_a_known_speaker_has_its_name(client: Any, voices: Voices) -> None:
    for name, expected in (("ann", "Ann"), ("ben", "Ben")):
        found = client.audio.transcriptions.create(
            model="m",
            file=voices[name][0],
            response_format="diarized_json",
            known_speaker_names=["Ann", "Ben"],
            known_speaker_references=[data_url(voices["ann"][1]), data_url(voices["ben"][1])],
        )
        assert {segment.speaker for segment in found.segments} == {expected}


@pytest.mark.parametrize("as_file", [True, False], ids=["file", "field"])
def test_words_of_a_transcript_get_their_speakers(
    client: Any, voices: Voices, tmp_path: Path, as_file: bool
) -> None:
    extra: dict[str, Any] = {"transcript": json.dumps(WORDS)}
    if as_file:
        extra = {"transcript": ("words.json", json.dumps(WORDS).encode())}
    found = {}
    for kind in ("diarized_json", "verbose_json", "json", "text", "srt", "vtt"):
        if as_file:
            found[kind] = client.post(
                "/audio/transcriptions",
                files={"file": voices["ann"][0].read_bytes(), **extra},
                body={"model": "m", "response_format": kind},
                options={"headers": {"Content-Type": "multipart/form-data"}},
                cast_to=str,
            )
        else:
            found[kind] = client.audio.transcriptions.create(
                model="m",
                file=voices["ann"][0],
                response_format=kind,
                timestamp_granularities=["word", "segment"],
                extra_body=extra,
            )
    if as_file:
        assert json.loads(found["diarized_json"])["segments"][0]["speaker"] == "A"
        assert found["text"] == "Hello there.\n"
        return
    (segment,) = found["diarized_json"].segments
    assert (segment.speaker, segment.text) == ("A", "Hello there.")
    assert (segment.start, segment.end) == (0.6, 2.5)
    verbose = found["verbose_json"]
    assert (verbose.language, verbose.text) == ("en", "Hello there.")
    assert [word.word for word in verbose.words] == ["Hello", "there."]
    assert [one.text for one in verbose.segments] == ["Hello there."]
    assert found["json"].text == "Hello there."
    assert found["text"] == "Hello there.\n"
    assert found["srt"].splitlines()[1:3] == ["00:00:00,600 --> 00:00:02,500", "A: Hello there."]
    assert "<v A>Hello there.</v>" in found["vtt"]


def test_every_response_format_that_the_client_knows_is_answered(
    client: Any, voices: Voices
) -> None:
    from openai.types import AudioResponseFormat

    for kind in get_args(AudioResponseFormat):
        assert (
            client.audio.transcriptions.create(
                model="m", file=voices["ben"][0], response_format=kind
            )
            is not None
        )


def test_segments_are_streamed(client: Any, voices: Voices) -> None:
    events = list(
        client.audio.transcriptions.create(
            model="m",
            file=voices["eve"][0],
            response_format="diarized_json",
            stream=True,
            extra_body={"transcript": json.dumps(WORDS)},
        )
    )
    assert [event.type for event in events] == [
        "transcript.text.segment",
        "transcript.text.delta",
        "transcript.text.done",
    ]
    assert events[0].speaker == "A"
    assert events[-1].text == "Hello there."


def test_a_recogniser_makes_the_words(voices: Voices, engine: Any, serve: Any) -> None:
    from dataclasses import replace

    from diarspk.transcripts.reading import to_transcript

    complete = replace(engine, transcriber=lambda audio, language: to_transcript(WORDS, audio.name))
    with serve(engine=complete) as server:
        answer = server.post(
            "/v1/audio/transcriptions",
            files={"file": voices["ann"][0].read_bytes()},
            data={"response_format": "text"},
        )
        assert answer.text == "Hello there.\n"
        submitted = server.post(
            "/v1/diarize",
            files={"file": voices["ann"][0].read_bytes()},
            data={"transcription": "true"},
        )
        output = server.job(submitted.json()["jobId"])["output"]
    assert [word["text"] for word in output["wordLevelTranscription"]] == ["Hello", "there."]
    assert output["turnLevelTranscription"][0]["speaker"] == "SPEAKER_00"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"response_format": "docx"}, "response_format"),
        ({"known_speaker_names": ["Ann"]}, "`known_speaker_references` must be as many"),
        (
            {"known_speaker_names": ["Ann"], "known_speaker_references": ["http://x/a.wav"]},
            "`known_speaker_references` must be URLs that begin with data:",
        ),
        (
            {"known_speaker_names": ["Ann"], "known_speaker_references": ["data:a;base64,?"]},
            "must hold base64",
        ),
        ({"extra_body": {"transcript": '{"segments": 1}'}}, "transcript.json"),
        ({"extra_body": {"num_speakers": "0"}}, "num_speakers"),
    ],
)
def test_a_wrong_field_is_told_in_the_shape_of_openai(
    client: Any, voices: Voices, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.audio.transcriptions.create(model="m", file=voices["ann"][0], **options)
    assert told in refused.value.body["message"]
    assert refused.value.body["type"] == "invalid_request_error"


def test_what_is_no_audio_is_told(client: Any) -> None:
    with pytest.raises(openai.BadRequestError, match=r"talk\.wav: not audio"):
        client.audio.transcriptions.create(model="m", file=("talk.wav", b"no audio at all"))


def test_silence_gives_a_warning_in_the_answer(serve: Any, tmp_path: Path) -> None:
    import numpy as np
    import soundfile

    soundfile.write(tmp_path / "quiet.wav", np.full(16000, 1e-4, np.float32), 16000)
    with serve() as server:
        answer = server.post(
            "/v1/audio/transcriptions",
            files={"file": ("quiet.wav", (tmp_path / "quiet.wav").read_bytes())},
            data={"response_format": "diarized_json"},
        )
    assert any("quiet: " in text for text in answer.json()["warnings"])
