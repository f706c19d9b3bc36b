"""Running of the application by uvicorn, until it is asked to stop."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from diarspk.server.boundary import Boundary
from diarspk.server.http_protocol import http_protocol

if TYPE_CHECKING:
    import socket

__all__ = ["make_config", "run_server", "set_up_log"]

LATE_S = 5.0
"""Seconds beyond the grace for connections that do not end."""


class _GracefulServer(uvicorn.Server):
    """Server that tells its application at once when it is asked to stop."""

    def __init__(self, config: uvicorn.Config, stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; asked a second time, without waiting."""
        self._stopping()
        super().handle_exit(sig, frame)


def run_server(application: Boundary, bound: socket.socket) -> None:
    """Serve on a socket until SIGINT or SIGTERM, then end what was begun, within the grace.

    Parameters
    ----------
    application
        Of :func:`diarspk.server.create_app`.
    bound
        Socket that is bound already.
    """
    config = make_config(application)
    # uvicorn raises the signal again when everything has ended, which is what was asked for.
    with suppress(KeyboardInterrupt, SystemExit):
        _GracefulServer(config, application.services.pool.stop_jobs).run(sockets=[bound])


def make_config(application: Boundary) -> uvicorn.Config:
    """Make the settings under which uvicorn runs the application."""
    settings = application.services.settings
    return uvicorn.Config(
        application,
        access_log=False,  # it has paths, and so tokens; the application logs routes
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=int(settings.grace_s + LATE_S),
        http=http_protocol(settings.limits),
        h11_max_incomplete_event_size=32 << 10,
        ws="websockets-sansio",
        ws_max_size=1 << 20,
    )


def set_up_log(quiet: bool) -> None:
    """Write one line a request on stderr; quiet, errors alone."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for name in ("diarspk.server", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(logging.ERROR if quiet else logging.INFO)
    # Connections that break are everyday, and uvicorn tells of each.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
