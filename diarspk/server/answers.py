"""Answers to requests that cannot be served: one shape for all, and nothing of the inside.

``{"error": {"message", "type", "param", "code"}, "message"}`` is read by clients of OpenAI, who
look into ``error``, and of pyannoteAI, who look at ``message``.
"""

from __future__ import annotations

import errno
import logging
import traceback
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from diarspk.errors import DiarspkError
from diarspk.formats.names import escape_undecoded
from diarspk.server.limited_audio import RecordingTooLong
from diarspk.server.upload_store import UploadTooLarge
from diarspk.server.work_control import WorkCancelled, WorkTimedOut
from diarspk.server.worker_pool import PoolStopped, QueueFull

__all__ = ["CLIENT_CLOSED", "add_answers", "describe_fault", "error_answer", "log_fault"]

LOGGER = logging.getLogger("diarspk.server")
MAX_MESSAGE = 500
NO_ROOM = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))  # Windows has no quotas
CLIENT_CLOSED = 499
"""Status of a request whose client has gone, as nginx counts it; nobody reads the answer."""


def error_answer(
    status: int, message: str, headers: Mapping[str, str] | None = None, code: str | None = None
) -> JSONResponse:
    """Make an answer with a message in one line."""
    text = escape_undecoded(" ".join(message.split()))[:MAX_MESSAGE]
    kind = "invalid_request_error" if status < 500 else "server_error"
    error = {"message": text, "type": kind, "param": None, "code": code}
    return JSONResponse({"error": error, "message": text}, status, dict(headers or {}))


def describe_fault(error: BaseException) -> tuple[int, str, str | None] | None:
    """Status, message and code of what is told to a client; None for a fault of the server."""
    match error:
        case RecordingTooLong():
            return 413, str(error), "audio_too_long"
        case UploadTooLarge():
            return 413, "there is no room for the upload; try again later", "no_room"
        case DiarspkError():
            return 400, str(error), None
        case WorkTimedOut():
            return 504, str(error), "timeout"
        case WorkCancelled() | ClientDisconnect():
            return CLIENT_CLOSED, "cancelled", "cancelled"
        case QueueFull():
            return 429, str(error), "queue_full"
        case PoolStopped():
            return 503, "the server stops; try again", "stopping"
        case MemoryError():
            return 503, "not enough memory for this request; try a shorter recording", "no_memory"
        case OSError() if error.errno in NO_ROOM:
            return 507, "the disk of the server is full; try again later", "no_room"
    return None


def log_fault(error: BaseException, doing: str) -> None:
    """Log a fault of the server by kind and place; its text may hold what a client sent."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
    LOGGER.error("%s failed: %s at %s; please report it", doing, type(error).__name__, place)


def add_answers(application: FastAPI) -> None:
    """Let the application answer errors in this shape."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        described = describe_fault(error)
        if described is None:
            log_fault(error, "a request")
            return error_answer(500, "internal error; the log of the server tells where")
        status, message, code = described
        headers = {}
        if isinstance(error, QueueFull):
            headers["Retry-After"] = str(error.retry_after_s)
        elif status == 503:
            headers["Retry-After"] = "10"
        return error_answer(status, message, headers, code)

    async def answer_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return error_answer(error.status_code, str(error.detail), error.headers)

    async def answer_validation(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return error_answer(400, describe_validation(error.errors()))

    kinds: tuple[type[Exception], ...] = (
        *(DiarspkError, WorkTimedOut, WorkCancelled, QueueFull, PoolStopped, UploadTooLarge),
        ClientDisconnect,
        Exception,
    )
    for kind in kinds:
        application.add_exception_handler(kind, answer)
    application.add_exception_handler(HTTPException, answer_http)
    application.add_exception_handler(RequestValidationError, answer_validation)


def describe_validation(faults: Any) -> str:
    """First fault of a validation: the field, and what is wrong with it; never its value."""
    first = next(iter(faults), None)
    if first is None:
        return "the request is not valid"
    place = ".".join(str(part) for part in first.get("loc", ()) if part != "body")[:100]
    text = str(first.get("msg", "not valid")).removeprefix("Value error, ")
    return f"`{place or 'body'}`: {text}"
