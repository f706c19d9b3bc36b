"""Routes that clients of OpenAI call: transcriptions with speakers, and the list of models."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from diarspk.errors import ArgumentError, FormatError
from diarspk.server.form_description import form_of
from diarspk.server.forms import Form, open_form, read_data_url, validated
from diarspk.server.limited_audio import NamedFile, open_limited
from diarspk.server.services import Owner, ServedBy, Services, compute
from diarspk.server.speech_engine import MAX_REFERENCE_S, SpeakerCount
from diarspk.server.transcriptions import JSON_FORMATS, TEXT_FORMATS, Transcription
from diarspk.server.work_control import WorkControl
from diarspk.transcripts import Transcript
from diarspk.transcripts.reading import parse_transcript

__all__ = ["MODEL", "router"]

router = APIRouter(prefix="/v1", tags=["OpenAI"])

MODEL = "diarspk"
"""Name of the one model of a server; requests may name any."""
MAX_TRANSCRIPT_BYTES = 32 << 20


class TranscriptionFields(BaseModel):
    """Fields of a transcription, besides the file; others of OpenAI's are taken and not used."""

    model_config = ConfigDict(populate_by_name=True)

    model: str = Field("", max_length=200)
    language: str | None = Field(None, max_length=20)
    response_format: Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"] = "json"
    stream: bool = False
    timestamp_granularities: list[str] = Field(default_factory=list, max_length=2)
    known_speaker_names: list[str] = Field(default_factory=list, max_length=16)
    known_speaker_references: list[str] = Field(default_factory=list, max_length=16)
    num_speakers: Annotated[int | None, Field(ge=1, le=1000)] = None
    """Not of OpenAI: the number of speakers, if it is known."""


@router.get("/models")
def list_models(services: ServedBy, owner: Owner) -> dict[str, Any]:
    """List the one model."""
    return {"object": "list", "data": [_model()]}


@router.get("/models/{name}")
def get_model(name: str, services: ServedBy, owner: Owner) -> dict[str, Any]:
    """Describe the model."""
    if name != MODEL:
        raise HTTPException(404, f"there is no such model; the one here is {MODEL}")
    return _model()


@router.post(
    "/audio/transcriptions",
    openapi_extra=form_of(TranscriptionFields, files=("file", "transcript"), required=("file",)),
    response_model=None,
)
async def create_transcription(request: Request, services: ServedBy, owner: Owner) -> Response:
    """Say who speaks when, and with a transcript, or a recogniser, what.

    The form may have a part ``transcript`` beside OpenAI's fields: JSON of a recogniser, SRT, VTT,
    CTM or STM, whose words get their speakers.
    """
    services.pool.check_room()
    async with open_form(request) as form:
        fields = validated(TranscriptionFields, form.fields(TranscriptionFields))
        if len(fields.known_speaker_names) != len(fields.known_speaker_references):
            raise ArgumentError(
                "`known_speaker_references` must be as many as `known_speaker_names`"
            )
        if len(set(fields.known_speaker_names)) < len(fields.known_speaker_names):
            raise ArgumentError("`known_speaker_names` must differ")
        recording = form.file("file")

        def work(control: WorkControl) -> Transcription:
            words = _read_words(form)  # megabytes of JSON would hold up other requests
            return _transcribe(services, control, recording, words, fields)

        result = await compute(request, services, work)
    if fields.stream:
        return StreamingResponse(_events(result), media_type="text/event-stream")
    if fields.response_format in TEXT_FORMATS:
        media_type, write = TEXT_FORMATS[fields.response_format]
        return PlainTextResponse(await asyncio.to_thread(write, result), media_type=media_type)
    write_json = JSON_FORMATS[fields.response_format]
    content = await asyncio.to_thread(write_json, result, fields.timestamp_granularities)
    return JSONResponse(content)


def _model() -> dict[str, Any]:
    return {"id": MODEL, "object": "model", "created": 0, "owned_by": "diarspk"}


def _transcribe(
    services: Services,
    control: WorkControl,
    recording: NamedFile,
    words: Transcript | None,
    fields: TranscriptionFields,
) -> Transcription:
    """Do the work of a request, in a worker."""
    limit = services.settings.limits.audio_s
    known = {
        name: _embed_reference(services, control, name, url)
        for name, url in zip(
            fields.known_speaker_names, fields.known_speaker_references, strict=True
        )
    }
    audio = open_limited(recording, recording.name, limit, control)
    count = SpeakerCount(fields.num_speakers)
    result = services.engine.diarize(audio, control, count, known or None)
    if words is None:
        words = services.engine.transcribe(audio, control, fields.language)
    services.metrics.audio_seconds.inc(result.duration)
    return Transcription.of(result, words, known=known, notes=control.notes)


def _embed_reference(
    services: Services, control: WorkControl, name: str, url: str
) -> NDArray[np.float32]:
    recording = read_data_url(url, "known_speaker_references")
    audio = open_limited(recording, f"reference of {name}", MAX_REFERENCE_S, control)
    return services.engine.embed(audio)


def _read_words(form: Form) -> Transcript | None:
    """Read the part ``transcript``, a file or a text; None where there is none."""
    files, texts = form.files("transcript"), form.texts("transcript")
    if len(files) + len(texts) > 1:
        raise ArgumentError("`transcript` must be one part of the form")
    if files:
        content, name = files[0].read(MAX_TRANSCRIPT_BYTES + 1), files[0].name
    elif texts and texts[0].strip():
        content, name = texts[0].encode("utf-8", "surrogateescape"), _name_of(texts[0])
    else:
        return None
    if len(content) > MAX_TRANSCRIPT_BYTES:
        raise FormatError(f"has more than {MAX_TRANSCRIPT_BYTES} bytes", name)
    return parse_transcript(content, name)


def _name_of(text: str) -> str:
    """File name with the suffix that a text without one has by its beginning."""
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith(("{", "[")):
        return "transcript.json"
    return "transcript.vtt" if start.startswith("WEBVTT") else "transcript.srt"


def _events(result: Transcription) -> Iterator[str]:
    """Server-sent events."""
    for event in result.events():
        yield f"data: {json.dumps(event)}\n\n"
    yield "data: [DONE]\n\n"
