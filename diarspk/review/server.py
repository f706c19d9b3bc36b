"""The server of a review, on this machine only, until Ctrl-C."""

from __future__ import annotations

import socket
import webbrowser
from collections.abc import Callable

from diarspk.errors import ArgumentError
from diarspk.review.application import check_installed, create_application
from diarspk.review.events import EventStream
from diarspk.review.recording import PlayableRecording
from diarspk.review.security import Access
from diarspk.review.session import ReviewSession

__all__ = ["bind", "serve"]

HOST = "127.0.0.1"
STOP_S = 2
"""Seconds that requests have to end, once the server is asked to stop."""


def bind(port: int = 0) -> socket.socket:
    """Take a port of 127.0.0.1, which no other machine reaches.

    Parameters
    ----------
    port : int
        Default: one that is free.

    Raises
    ------
    ArgumentError
        If it is in use, or may not be had.
    """
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # A port whose last connections are still closing can be had again at once.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((HOST, port))
    except (OSError, OverflowError) as error:
        taken.close()
        reason = getattr(error, "strerror", None) or error
        raise ArgumentError(
            f"`port` must be free, got {port} ({reason}); leave it out to get one that is"
        ) from None
    return taken


def serve(
    session: ReviewSession,
    recording: PlayableRecording,
    port: socket.socket,
    *,
    browser: bool = True,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the review page until the process is asked to stop.

    Parameters
    ----------
    session : ReviewSession
    recording : PlayableRecording
        It is started, and closed in the end.
    port : socket
        Of :func:`bind`; closed in the end.
    browser : bool, default True
        Open the page in the user's browser.
    ready : callable, optional
        Called with the address as soon as it answers.

    Raises
    ------
    ModelError
        If FastAPI or uvicorn is not installed.
    """
    check_installed()
    import uvicorn

    access = Access(port.getsockname()[1])
    events = EventStream()
    application = create_application(session, recording, access, events)

    class Server(uvicorn.Server):
        """Tells when it answers, and lets the streams of events end when it stops."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if ready is not None:
                ready(access.url)
            if browser:
                webbrowser.open(access.url)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            events.close()
            await super().shutdown(sockets)

    config = uvicorn.Config(
        application,
        log_level="critical",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=STOP_S,
    )
    recording.start()
    try:
        with port:
            Server(config).run(sockets=[port])
    finally:
        recording.close()
