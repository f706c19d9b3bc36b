"""HTTP of clients who must begin: uvicorn waits for ever for the head of a request."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from diarspk.server.settings import Limits

__all__ = ["http_protocol"]

IDLE_CONNECTIONS = 100
"""Connections beside twice the requests that may be open at once: idle clients, and streams."""


def http_protocol(limits: Limits) -> type[H11Protocol]:
    """Make the protocol of a server, as ``uvicorn.Config(http=...)`` takes it.

    A connection is closed where the head of a request, from its first byte or from the beginning of
    the connection, is not there within ``silence_s`` seconds, however slowly it comes. Beyond a
    number of connections a further one is closed at once, so that idle ones do not take all the
    files that the process may open.
    """

    class TimedProtocol(H11Protocol):
        """Protocol of one connection."""

        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > 2 * limits.connections + IDLE_CONNECTIONS:
                transport.close()
                return
            self._time_head()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_timer()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.conn.their_state is h11.IDLE:
                self._time_head()
            else:
                self._stop_timer()

        def _time_head(self) -> None:
            """Give the head of a request its time, which further bytes do not prolong."""
            if self._timer is None:
                self._timer = self.loop.call_later(limits.silence_s, self._give_up)

        def _stop_timer(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _give_up(self) -> None:
            self._timer = None
            if not self.transport.is_closing():
                self.transport.close()

    return TimedProtocol
