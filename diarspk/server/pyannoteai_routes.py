"""Routes that clients of pyannoteAI call: uploads, jobs and their results."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone
from typing import Annotated, Any, TypeVar
from uuid import uuid4

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from diarspk.errors import ArgumentError
from diarspk.server.answers import error_answer
from diarspk.server.form_description import json_or_form_of
from diarspk.server.forms import open_form, read_json, validated
from diarspk.server.job_requests import (
    DiarizeRequest,
    IdentifyRequest,
    JobRequest,
    VoiceprintRequest,
)
from diarspk.server.job_store import FINISHED, Job
from diarspk.server.services import Owner, ServedBy, Services
from diarspk.server.upload_store import MEDIA_URL
from diarspk.server.url_fetching import AddressPolicy
from diarspk.server.voiceprints import decode_voiceprint
from diarspk.server.webhooks import webhook_policy

__all__ = ["router"]

router = APIRouter(tags=["pyannoteAI"])

Request_ = TypeVar("Request_", bound=JobRequest)
RETRY_S = 30


class MediaRequest(BaseModel):
    """Name of an upload."""

    url: str = Field(max_length=255)


@router.get("/v1/test")
def test_key(services: ServedBy, owner: Owner) -> dict[str, str]:
    """Tell that the key is right."""
    return {"status": "OK", "message": "the key is right"}


@router.post("/v1/media/input", status_code=201)
def declare_upload(
    body: MediaRequest, request: Request, services: ServedBy, owner: Owner
) -> dict[str, str]:
    """Give the address to which the bytes of ``media://NAME`` are sent by PUT."""
    token = services.uploads.declare(body.url, owner)
    base = services.settings.public_url or str(request.base_url)
    path = request.app.url_path_for("receive_upload", token=token)
    return {"url": base.rstrip("/") + str(path)}


@router.put("/v1/media/input/{token}", include_in_schema=False)
async def receive_upload(token: str, request: Request, services: ServedBy) -> Response:
    """Take the bytes of an upload; the token stands for the key."""
    upload = services.uploads.by_token(token)
    if upload is None or upload.size is not None:
        raise HTTPException(404, "there is no such upload, or its bytes have come already")
    await services.uploads.receive(upload, request.stream())
    return Response(status_code=200)


@router.post("/v1/diarize", openapi_extra=json_or_form_of(DiarizeRequest))
async def submit_diarize(request: Request, services: ServedBy, owner: Owner) -> JSONResponse:
    """Queue a job that says who speaks when."""
    return await _submit("diarize", DiarizeRequest, request, services, owner)


@router.post("/v1/identify", openapi_extra=json_or_form_of(IdentifyRequest))
async def submit_identify(request: Request, services: ServedBy, owner: Owner) -> JSONResponse:
    """Queue a job that also names those whose voiceprints are given."""
    return await _submit("identify", IdentifyRequest, request, services, owner)


@router.post("/v1/voiceprint", openapi_extra=json_or_form_of(VoiceprintRequest))
async def submit_voiceprint(request: Request, services: ServedBy, owner: Owner) -> JSONResponse:
    """Queue a job that makes the voiceprint of a recording of one person."""
    return await _submit("voiceprint", VoiceprintRequest, request, services, owner)


@router.get("/v1/jobs/{identifier}")
def get_job(identifier: str, services: ServedBy, owner: Owner) -> dict[str, Any]:
    """Tell the state of a job, and its output when it has ended."""
    return _described(_job_of(services, identifier, owner))


@router.delete("/v1/jobs/{identifier}")
def cancel_job(identifier: str, services: ServedBy, owner: Owner) -> dict[str, Any]:
    """Cancel a job that has not ended; pyannoteAI has no such route."""
    job = _job_of(services, identifier, owner)
    if not job.finished:
        services.runner.cancel(job)
    return _described(_job_of(services, identifier, owner))


@router.get("/v2/jobs")
def list_jobs(
    services: ServedBy,
    owner: Owner,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
    status: Annotated[str | None, Query(max_length=20)] = None,
) -> dict[str, Any]:
    """List the jobs of a key, the newest first."""
    found = services.jobs.list_newest(owner, limit + 1, status=status, before=cursor)
    items = [
        {"id": job.id, "status": job.status, "createdAt": _time(job.created)}
        for job in found[:limit]
    ]
    more = len(found) > limit
    return {"items": items, "nextCursor": items[-1]["id"] if more else None}


async def _submit(
    kind: str, fields: type[JobRequest], request: Request, services: Services, owner: str
) -> JSONResponse:
    limit = services.settings.limits.jobs
    if services.pool.stopping:
        return error_answer(503, "the server stops; try again", {"Retry-After": "10"})
    if await asyncio.to_thread(services.jobs.waiting) >= limit:
        return _busy()
    wanted = await _read(fields, request, services, owner)
    identifier = await asyncio.to_thread(
        services.jobs.add,
        kind,
        owner,
        wanted.stored(),
        wanted.url or "",
        webhook=wanted.webhook,
        status_only=wanted.webhook_status_only,
        limit=limit,
    )
    if identifier is None:
        return _busy()
    services.runner.submit(identifier)
    return JSONResponse({"jobId": identifier, "status": "created"})


async def _read(kind: type[Request_], request: Request, services: Services, owner: str) -> Request_:
    """Read a request in JSON, or a form that brings the recording along."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        wanted = validated(kind, await read_json(request))
        _check(wanted, wanted.url, services)
        return wanted
    async with open_form(request) as form:
        wanted = validated(kind, form.fields(kind))
        recording = form.part("file")
        url = f"media://form/{uuid4().hex}"
        _check(wanted, url, services)
        token = await asyncio.to_thread(services.uploads.declare, url, owner)
        upload = services.uploads.by_token(token)
        assert upload is not None
        await services.uploads.receive(upload, _chunks(recording))
    return wanted.model_copy(update={"url": url})


async def _chunks(recording: UploadFile) -> Any:
    while chunk := await recording.read(1 << 20):
        yield chunk


def _check(wanted: JobRequest, url: str | None, services: Services) -> None:
    """Refuse at once what would fail later, before the recording is kept.

    Raises
    ------
    ArgumentError
    """
    if url is None:
        raise ArgumentError("`url` must be given: media:// of an upload")
    if not MEDIA_URL.fullmatch(url):
        AddressPolicy(public=services.settings.allow_urls).check(url)
    if wanted.webhook is not None:
        try:
            webhook_policy(services.settings).check(wanted.webhook)
        except ArgumentError as error:
            text = str(error).replace("`url`", "`webhook`")
            hint = "; see --webhook-host" if "no other host" in text else ""
            raise ArgumentError(text.replace("media://, this", "left out: this") + hint) from None
    if isinstance(wanted, IdentifyRequest):
        engine = services.engine
        for one in wanted.voiceprints:
            decode_voiceprint(one.voiceprint, engine.fingerprint, engine.encoder.dimension)


def _busy() -> JSONResponse:
    headers = {"Retry-After": str(RETRY_S)}
    return error_answer(429, f"too many jobs wait; try again in {RETRY_S} s", headers, "queue_full")


def _job_of(services: Services, identifier: str, owner: str) -> Job:
    job = services.jobs.find(identifier, owner)
    if job is None:
        raise HTTPException(404, "there is no such job, or its results have expired")
    return job


def _described(job: Job) -> dict[str, Any]:
    times = {"createdAt": _time(job.created), "updatedAt": _time(job.updated)}
    output = {"output": job.output or {}} if job.status in FINISHED else {}
    return {"jobId": job.id, "status": job.status, **times, **output}


def _time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
