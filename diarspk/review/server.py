"""The server of a review, on this machine only: until Ctrl-C, or in the background."""

from __future__ import annotations

import socket
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from diarspk.errors import ArgumentError, DiarspkError
from diarspk.review.application import check_installed, create_application
from diarspk.review.events import EventStream
from diarspk.review.recording import PlayableRecording
from diarspk.review.security import Access
from diarspk.review.session import ReviewSession

if TYPE_CHECKING:
    import uvicorn

__all__ = ["bind", "serve", "serve_in_background"]

HOST = "127.0.0.1"
STOP_S = 2
"""Seconds that requests have to end, once the server is asked to stop."""
POLL_S = 0.02


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
    KeyboardInterrupt
        After Ctrl-C, when everything has ended.
    """

    def tell(address: str) -> None:
        if ready is not None:
            ready(address)
        if browser:
            # In a thread: a browser in the terminal returns when it is left.
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    server = _make_server(session, recording, port, tell)
    recording.start()
    try:
        with port:
            server.run(sockets=[port])
    finally:
        recording.close()


@contextmanager
def serve_in_background(session: ReviewSession, recording: PlayableRecording) -> Iterator[str]:
    """Serve the review page from a thread, for a notebook or a test.

    Parameters
    ----------
    session : ReviewSession
    recording : PlayableRecording
        It is started, and closed in the end.

    Yields
    ------
    str
        Address of the page.

    Raises
    ------
    ModelError
        If FastAPI or uvicorn is not installed.
    DiarspkError
        If the server does not start.
    """
    addresses: list[str] = []
    with bind() as port:
        server = _make_server(session, recording, port, addresses.append)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [port]}, daemon=True, name="review"
        )
        recording.start()
        thread.start()
        try:
            while not addresses:
                if not thread.is_alive():
                    raise DiarspkError("the server of the review page did not start; try again")
                time.sleep(POLL_S)
            yield addresses[0]
        finally:
            server.should_exit = True
            thread.join()
            recording.close()


def _make_server(
    session: ReviewSession,
    recording: PlayableRecording,
    port: socket.socket,
    ready: Callable[[str], None],
) -> uvicorn.Server:
    """Make a server that tells when it answers, and ends its streams of events when it stops."""
    check_installed()
    import uvicorn

    access = Access(port.getsockname()[1])
    events = EventStream()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready(access.url)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            events.close()
            recording.stop()
            await super().shutdown(sockets)

    config = uvicorn.Config(
        create_application(session, recording, access, events),
        log_level="critical",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=STOP_S,
    )
    return Server(config)
