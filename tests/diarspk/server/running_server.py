"""A server on 127.0.0.1, in a thread of the tests."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
import uvicorn

from diarspk.server import ServerSettings, Services, SpeechEngine, create_app
from diarspk.server.running import make_config

__all__ = ["RunningServer", "running", "wait_until"]

KEY = "a-key-for-the-tests-of-the-server"


@dataclass(frozen=True)
class RunningServer:
    """Address of a server, and what it consists of."""

    url: str
    services: Services

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.call("GET", path, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        return self.call("POST", path, **options)

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        options = {"timeout": 30, **options}
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, self.url + path, **options)

    def job(self, identifier: str, seconds: float = 20.0) -> dict[str, Any]:
        """Wait for the end of a job."""
        found: dict[str, Any] = {}

        def ended() -> bool:
            found.update(self.get(f"/v1/jobs/{identifier}").json())
            return found["status"] in {"succeeded", "failed", "canceled"}

        wait_until(ended, seconds)
        return found


def wait_until(condition: Any, seconds: float = 20.0) -> None:
    """Wait for a condition, and fail if it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@contextmanager
def running(settings: ServerSettings, engine: SpeechEngine) -> Iterator[RunningServer]:
    """Run a server until the end of the block."""
    application = create_app(settings, engine)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(make_config(application))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield RunningServer(f"http://127.0.0.1:{listening.getsockname()[1]}", application.services)
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()
        assert not thread.is_alive()
