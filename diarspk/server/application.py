"""The application: services of one server, and the routes over them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import WebSocketRequestValidationError
from fastapi.middleware.cors import CORSMiddleware

from diarspk.errors import ArgumentError
from diarspk.server import (
    health_routes,
    openai_routes,
    pyannoteai_routes,
    speaker_routes,
    stream_routes,
)
from diarspk.server.answers import add_answers, log_fault
from diarspk.server.boundary import Boundary
from diarspk.server.database import ServerDatabase
from diarspk.server.job_runner import JobRunner
from diarspk.server.job_store import JobStore
from diarspk.server.metrics import ServerMetrics
from diarspk.server.services import LiveStreams, Services, owner_of
from diarspk.server.settings import ServerSettings
from diarspk.server.thread_warnings import collecting_warnings
from diarspk.server.upload_store import UploadStore
from diarspk.server.webhooks import WebhookSender
from diarspk.server.worker_pool import WorkerPool
from diarspk.version import __version__

if TYPE_CHECKING:
    from diarspk.server.speech_engine import SpeechEngine

__all__ = ["ROUTES", "create_app"]

ROUTES = "diarspk.server.routes"
"""Group of entry points, each a :class:`fastapi.APIRouter`, by which other packages add routes."""

CLEAN_UP_S = 60.0


def create_app(settings: ServerSettings, engine: SpeechEngine) -> Boundary:
    """Make the ASGI application of a server.

    Its threads start and stop with the application's lifespan; jobs that an earlier server left in
    the folder of the settings are run then.

    Parameters
    ----------
    settings : ServerSettings
    engine : SpeechEngine
        The models.

    Raises
    ------
    ArgumentError
        If the folder cannot be used.
    """
    services, webhooks = _make_services(settings, engine)
    application = FastAPI(
        title="diarspk",
        version=__version__,
        docs_url=None,  # its page would fetch scripts from another host
        redoc_url=None,
        lifespan=_lifespan(services, webhooks),
    )
    application.state.services = services
    add_answers(application)
    application.add_exception_handler(
        WebSocketRequestValidationError,
        stream_routes.refuse_parameters,
    )
    own = (health_routes, openai_routes, pyannoteai_routes, speaker_routes, stream_routes)
    for routes in own:
        application.include_router(routes.router)
    for router in find_routes():
        application.include_router(router, dependencies=[Depends(owner_of)])
    if settings.origins:
        application.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type"],
        )
    return Boundary(application, services)


def find_routes() -> list[APIRouter]:
    """Routes that installed packages add, in the order of their names."""
    found = sorted(entry_points(group=ROUTES), key=lambda entry: entry.name)
    return [entry.load() for entry in found]


def _make_services(
    settings: ServerSettings, engine: SpeechEngine
) -> tuple[Services, WebhookSender]:
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        database = ServerDatabase(settings.data / "jobs.sqlite")
        uploads = UploadStore(database, settings.data / "uploads", settings.limits.stored_bytes)
    except OSError as error:
        raise ArgumentError(
            f"{settings.data}: cannot be used ({error.strerror}); give another --data"
        ) from None
    jobs = JobStore(database)
    pool = WorkerPool(settings.limits.workers, settings.limits.waiting)
    live = LiveStreams()
    metrics = ServerMetrics(
        lambda: pool.waiting, lambda: pool.running, jobs.waiting, lambda: live.count
    )
    webhooks = WebhookSender(settings, database, metrics)
    runner = JobRunner(settings, engine, pool, jobs, uploads, metrics, webhooks.wake)
    services = Services(settings, engine, pool, database, jobs, uploads, runner, metrics, live)
    return services, webhooks


def _lifespan(
    services: Services, webhooks: WebhookSender
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(application: FastAPI) -> AsyncIterator[None]:
        with collecting_warnings():
            services.pool.start()
            webhooks.start()
            services.runner.recover()
            cleaning = asyncio.create_task(_clean_up(services))
            try:
                yield
            finally:
                cleaning.cancel()
                with suppress(asyncio.CancelledError):
                    await cleaning
                await asyncio.to_thread(services.pool.stop, services.settings.grace_s)
                await asyncio.to_thread(webhooks.stop)
                services.database.close()

    return lifespan


async def _clean_up(services: Services) -> None:
    """Delete what has expired, now and every minute."""
    while True:
        try:
            await asyncio.to_thread(services.runner.delete_old)
        except Exception as error:  # the next time may do better, say with room on the disk
            log_fault(error, "the deletion of old jobs")
        await asyncio.sleep(CLEAN_UP_S)
