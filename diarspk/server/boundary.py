"""What every request passes before anything reads it: who calls, from where, how much and how fast.

A server on this machine is in reach of every web page that its user opens. So the name by which it
is called must be one of its own, and a page of another origin is refused.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from diarspk.server.answers import CLIENT_CLOSED, error_answer, log_fault
from diarspk.server.services import Services
from diarspk.server.settings import ServerSettings

__all__ = ["Boundary"]

LOGGER = logging.getLogger("diarspk.server.requests")
HEALTH = "/health"
BUSY_S = 5
"""Seconds after which a client that finds too many connections tries again."""


@dataclass
class _Exchange:
    """What is counted of a request and its answer."""

    began: float
    received: int = 0
    sent: int = 0
    status: int = 0


class Boundary:
    """Outermost layer of the application.

    Parameters
    ----------
    application
        What it protects.
    services
        Parts of the server.
    """

    def __init__(self, application: ASGIApp, services: Services) -> None:
        self.application, self.services = application, services
        self.settings, self.metrics = services.settings, services.metrics
        self.open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] == "websocket":
            if self._refusal(Headers(scope=scope)) is not None:
                await send({"type": "websocket.close", "code": 4403})
                return
            await self.application(scope, receive, send)
            return
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        exchange = _Exchange(time.monotonic())
        self.open += 1
        try:
            await self._serve(scope, receive, send, exchange)
        finally:
            self.open -= 1
            self._note(scope, exchange)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, exchange: _Exchange) -> None:
        async def counting_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
            exchange.sent += len(message.get("body", b""))
            try:
                await send(message)
            except Exception:  # of any kind: the connection is over, or was broken by the client
                raise ClientDisconnect from None

        headers = Headers(scope=scope)
        refusal = self._refusal(headers) or self._refusal_of_body(scope["path"], headers)
        bounded = _BoundedBody(receive, exchange, self.settings)
        serve = self.application if refusal is None else _refuse(*refusal)
        try:
            await serve(scope, bounded, counting_send)
        except ClientDisconnect:
            exchange.status = CLIENT_CLOSED
        except Exception as error:  # the server would log its text, with what a client sent
            if not exchange.status:
                log_fault(error, "a request")
                answer = error_answer(500, "internal error; the log of the server tells where")
                await answer(scope, receive, counting_send)

    def _refusal(self, headers: Headers) -> tuple[int, str] | None:
        """Status and text for a caller who may not call at all."""
        host = _host(headers.get("host", ""))
        if "*" not in self.settings.hosts and host not in self.settings.hosts:
            return 403, "this server is not called so; see --allow-host"
        origin = headers.get("origin")
        if origin is not None and origin not in self.settings.origins:
            return 403, "pages of this origin may not call; see --allow-origin"
        return None

    def _refusal_of_body(self, path: str, headers: Headers) -> tuple[int, str] | None:
        """Status and text for a body that is not going to be read."""
        limits = self.settings.limits
        if self.open > limits.connections and path != HEALTH:  # busy is not dead
            return 429, f"too many requests at once; try again in {BUSY_S} s"
        if headers.get("content-encoding", "identity").lower() != "identity":
            return 415, "a compressed body is not read; send it as it is"
        length = headers.get("content-length", "0")
        # Longer numbers are no sizes, and Python reads none of thousands of digits.
        if length.isascii() and length.isdigit() and int(length[:20]) > limits.upload_bytes:
            return 413, _too_large(limits.upload_bytes)
        return None

    def _note(self, scope: Scope, exchange: _Exchange) -> None:
        """Count and log a request: its route, not its path, which may hold a token."""
        route = getattr(scope.get("route"), "path", "other")
        seconds = time.monotonic() - exchange.began
        self.metrics.requests.labels(route, exchange.status).inc()
        self.metrics.request_seconds.labels(route).observe(seconds)
        self.metrics.request_bytes.observe(exchange.received)
        LOGGER.info(
            "%s %s %d in=%d out=%d %.3f s",
            *(scope["method"] if len(scope["method"]) < 10 else "?", route, exchange.status),
            *(exchange.received, exchange.sent, seconds),
        )


class _BoundedBody:
    """``receive`` that ends a body which is too large, or whose bytes come too slowly."""

    def __init__(self, receive: Receive, exchange: _Exchange, settings: ServerSettings) -> None:
        self.receive, self.exchange, self.limits = receive, exchange, settings.limits
        self.whole = False

    async def __call__(self) -> Message:
        if self.whole:  # what comes now is that the client leaves
            return await self.receive()
        left = self.exchange.began + self.limits.work_s - time.monotonic()
        try:
            message = await asyncio.wait_for(self.receive(), min(self.limits.silence_s, left))
        except asyncio.TimeoutError:
            raise HTTPException(
                408,
                "the request comes too slowly; send it again",
                {"Connection": "close"},
            ) from None
        if message["type"] == "http.request":
            self.exchange.received += len(message.get("body", b""))
            self.whole = not message.get("more_body", False)
            if self.exchange.received > self.limits.upload_bytes:
                raise HTTPException(
                    413, _too_large(self.limits.upload_bytes), {"Connection": "close"}
                )
        return message


def _refuse(status: int, text: str) -> ASGIApp:
    """Answer to a request whose body is not read."""
    retry = {"Retry-After": str(BUSY_S)} if status == 429 else {}
    return error_answer(status, text, {"Connection": "close", **retry})


def _too_large(upload_bytes: int) -> str:
    return f"the request has more than {upload_bytes} bytes; send the recording in parts"


def _host(header: str) -> str:
    """Name of a Host header, without its port."""
    try:
        return (urlsplit(f"//{header}").hostname or "").lower()
    except ValueError:
        return ""
