"""What a server consists of, and how a request uses it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

from fastapi import Depends
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request

from diarspk.server.work_control import WorkCancelled, WorkControl

if TYPE_CHECKING:
    from diarspk.server.database import ServerDatabase
    from diarspk.server.job_runner import JobRunner
    from diarspk.server.job_store import JobStore
    from diarspk.server.metrics import ServerMetrics
    from diarspk.server.settings import ServerSettings
    from diarspk.server.speech_engine import SpeechEngine
    from diarspk.server.upload_store import UploadStore
    from diarspk.server.worker_pool import WorkerPool

__all__ = ["LiveStreams", "Owner", "ServedBy", "Services", "compute"]

Result = TypeVar("Result")


@dataclass
class LiveStreams:
    """Count of the live streams that are open."""

    count: int = 0


@dataclass(frozen=True)
class Services:
    """Parts of one server.

    Attributes
    ----------
    settings : ServerSettings
    engine : SpeechEngine
    pool : WorkerPool
    database : ServerDatabase
    jobs : JobStore
    uploads : UploadStore
    runner : JobRunner
    metrics : ServerMetrics
    live : LiveStreams
    """

    settings: ServerSettings
    engine: SpeechEngine
    pool: WorkerPool
    database: ServerDatabase
    jobs: JobStore
    uploads: UploadStore
    runner: JobRunner
    metrics: ServerMetrics
    live: LiveStreams


def services_of(connection: HTTPConnection) -> Services:
    """Services of the application that a request or a WebSocket came to."""
    return cast("Services", connection.app.state.services)


def owner_of(connection: HTTPConnection) -> str:
    """Check the key of a request; a dependency of every route that needs one.

    Raises
    ------
    HTTPException
        Of status 401, for a wrong key or none.
    """
    keys = services_of(connection).settings.keys
    owner = keys.owner(connection.headers.get("authorization"))
    if owner is None:
        raise HTTPException(
            401, "a key is needed: Authorization: Bearer KEY", {"WWW-Authenticate": "Bearer"}
        )
    return owner


ServedBy = Annotated[Services, Depends(services_of)]
Owner = Annotated[str, Depends(owner_of)]


async def compute(
    request: Request, services: Services, work: Callable[[WorkControl], Result]
) -> Result:
    """Let a worker compute the answer of a request, until its client leaves.

    Parameters
    ----------
    work
        Callable(control), run in a thread of the pool.

    Raises
    ------
    QueueFull, PoolStopped
        At once.
    WorkStopped
        If the client has gone, or the time is up.
    """
    control = WorkControl(services.settings.limits.work_s)
    future = services.pool.submit(work, control)
    result = asyncio.wrap_future(future)
    leaving = asyncio.ensure_future(_until_gone(request))
    awaited: set[asyncio.Future[Any]] = {result, leaving}
    try:
        await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        if not result.done():
            control.cancel()
            future.cancel()  # at once, if it still waits
            # The files of the request must stay open until the worker has looked up.
            await asyncio.wait({result})
            raise WorkCancelled("cancelled")
        return result.result()
    except asyncio.CancelledError:
        control.cancel()
        raise
    finally:
        leaving.cancel()


async def _until_gone(request: Request) -> None:
    """Wait until the client of a request, whose body was read, has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
