"""Routes for vectors of voices: embeddings, and the comparison of two recordings."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from diarspk.server.form_description import form_of
from diarspk.server.forms import open_form, validated
from diarspk.server.limited_audio import open_limited
from diarspk.server.openai_routes import MODEL
from diarspk.server.services import Owner, ServedBy, compute
from diarspk.server.speech_engine import MAX_REFERENCE_S, Verification
from diarspk.server.work_control import WorkControl

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["Voices"])


class EmbeddingFields(BaseModel):
    """Fields of a request for embeddings."""

    spans: list[tuple[float, float]] | None = Field(None, min_length=1, max_length=1000)
    """Spans in seconds, as JSON: ``[[0, 2.5], [4, 6]]``. Default: all of each file."""


class VerificationFields(BaseModel):
    """Fields of a verification."""

    threshold: float | None = Field(None, ge=-1, le=1)
    """Cosine to accept at. Default: a probability of 1/2."""


@router.post("/embeddings/speaker", openapi_extra=form_of(EmbeddingFields, ("file",), ("file",)))
async def embed(request: Request, services: ServedBy, owner: Owner) -> dict[str, Any]:
    """Embed each ``file`` of the form, or spans of the one file; the shape is OpenAI's."""
    services.pool.check_room()
    async with open_form(request) as form:
        fields = validated(EmbeddingFields, form.fields(EmbeddingFields))
        files = [form.file("file")] if fields.spans else form.files("file", "file[]")
        files = files or [form.file("file")]  # none: the error says so

        def work(control: WorkControl) -> tuple[list[list[float]], list[str]]:
            vectors: list[list[float]] = []
            for file in files:
                control.check()
                audio = open_limited(file, file.name, MAX_REFERENCE_S, control)
                found = services.engine.embed(audio, fields.spans)
                vectors += found.tolist() if found.ndim == 2 else [found.tolist()]
            return vectors, control.notes

        vectors, notes = await compute(request, services, work)
    data = [
        {"object": "embedding", "index": index, "embedding": vector}
        for index, vector in enumerate(vectors)
    ]
    fingerprint = services.engine.fingerprint
    answer = {"object": "list", "data": data, "model": MODEL, "fingerprint": fingerprint}
    return answer | ({"warnings": notes} if notes else {})


@router.post("/verify", openapi_extra=form_of(VerificationFields, ("first", "second"), ("first",)))
async def verify(request: Request, services: ServedBy, owner: Owner) -> dict[str, Any]:
    """Say how likely ``first`` and ``second`` are of one voice."""
    services.pool.check_room()
    async with open_form(request) as form:
        fields = validated(VerificationFields, form.fields(VerificationFields))
        pair = form.file("first"), form.file("second")

        def work(control: WorkControl) -> tuple[Verification, list[str]]:
            first, second = (
                open_limited(file, file.name, MAX_REFERENCE_S, control) for file in pair
            )
            return services.engine.verify(first, second, fields.threshold), control.notes

        result, notes = await compute(request, services, work)
    answer = asdict(result) | {"fingerprint": services.engine.fingerprint}
    return answer | ({"warnings": notes} if notes else {})
