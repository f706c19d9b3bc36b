"""Who may read the page: those who know the token, from the page itself, on this machine."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["HEADERS", "Access", "Guard"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

HOSTS = ("127.0.0.1", "localhost")

HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""Headers of every answer: nothing is fetched from elsewhere, no page shows this one in a frame."""


@dataclass(frozen=True)
class Access:
    """Address of a server on this machine, and the token that its URL holds.

    Attributes
    ----------
    port : int
    token : str
        Default: drawn at random, 128 bits.
    """

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)

    @property
    def url(self) -> str:
        """Address of the page; whoever knows it may change the turns."""
        return f"http://127.0.0.1:{self.port}/{self.token}/"

    def refusal(self, method: str, path: str, headers: Mapping[str, str]) -> str | None:
        """Say why a request is refused; None if it is not.

        Parameters
        ----------
        method, path : str
            Of the request.
        headers : mapping of str to str
            Headers by name in lower case.
        """
        host = headers.get("host", "")
        # Another port is that of a tunnel (ssh -L); another name was made to point here.
        if host.rpartition(":")[0] not in HOSTS:
            return "this server answers as 127.0.0.1 only"
        if headers.get("origin") not in (None, f"http://{host}"):
            return "other pages may not read this one"
        site = headers.get("sec-fetch-site", "none")
        # A link to the page may be anywhere; what it shows is read by the page itself alone.
        opened = method == "GET" and headers.get("sec-fetch-mode") == "navigate"
        if site not in ("none", "same-origin") and not opened:
            return "other pages may not read this one"
        given = path.split("/")[1].encode()
        if not secrets.compare_digest(given, self.token.encode()):
            return "the address must hold the token of this session; open the one that was printed"
        return None


class Guard:
    """ASGI application that refuses with 403 what :class:`Access` refuses, and hides the token."""

    def __init__(self, application: Application, access: Access) -> None:
        self.application = application
        self.access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self.application(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        refusal = self.access.refusal(scope["method"], scope["path"], headers)
        if refusal is not None:
            await _refuse(send, refusal)
            return
        path = scope["path"][len(self.access.token) + 1 :] or "/"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        inner = {**scope, "path": path, "raw_path": path.encode()}
        await self.application(inner, receive, send_with_headers)


async def _refuse(send: Send, reason: str) -> None:
    body = f"refused: {reason}\n".encode()
    headers = {**HEADERS, "content-type": "text/plain; charset=utf-8"}
    await send(
        {
            "type": "http.response.start",
            "status": 403,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": body})
