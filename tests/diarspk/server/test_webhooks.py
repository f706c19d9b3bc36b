"""Webhooks tell of the end of a job, signed, and again where they did not arrive."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.diarspk.server.running_server import wait_until
from tests.diarspk.server.test_page import BLOCKS

Voices = dict[str, list[Path]]
SECRET = "the-secret-of-both"


@dataclass
class Receiver:
    """What came, and what is answered."""

    statuses: list[int]
    port: int = 0
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@contextmanager
def receiving(*statuses: int) -> Iterator[Receiver]:
    receiver = Receiver(list(statuses))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append((dict(self.headers.items()), body))
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


def submit(server: Any, voices: Voices, webhook: str, **fields: str) -> Any:
    upload = {"file": voices["ann"][0].read_bytes()}
    return server.post("/v1/diarize", files=upload, data={"webhook": webhook, **fields})


def test_the_end_of_a_job_is_posted_and_signed(serve: Any, voices: Voices) -> None:
    with receiving() as receiver:
        hosts = (f"127.0.0.1:{receiver.port}",)
        with serve(webhook_hosts=hosts, webhook_secret=SECRET) as server:
            job = submit(server, voices, receiver.url).json()["jobId"]
            wait_until(lambda: len(receiver.received) == 1)
            told = server.job(job)
    ((headers, body),) = receiver.received
    assert json.loads(body) == {
        "jobId": job,
        "status": "succeeded",
        "output": told["output"],
    }
    signed = f"v0:{headers['X-Request-Timestamp']}:{body.decode()}".encode()
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["X-Signature"] == expected
    page: dict[str, Any] = {}
    exec(next(block for block in BLOCKS if "is_genuine" in block), page)
    assert page["is_genuine"](body, headers, SECRET)
    assert not page["is_genuine"](body + b" ", headers, SECRET)
    assert headers["Content-Type"] == "application/json"
    assert "X-Retry-Num" not in headers


def test_a_webhook_that_fails_is_sent_again_with_the_reason_and_then_given_up(
    serve: Any, voices: Voices
) -> None:
    with receiving(500, 302, 404, 500) as receiver:
        hosts = ("127.0.0.1",)
        with serve(webhook_hosts=hosts, webhook_delays_s=(0.0, 0.01, 0.01)) as server:
            job = submit(server, voices, receiver.url, webhookStatusOnly="true").json()["jobId"]
            wait_until(
                lambda: b'webhooks_total{result="given_up"} 1' in server.get("/metrics").content
            )
    assert [headers.get("X-Retry-Num") for headers, _ in receiver.received] == [None, *"123"]
    reasons = [headers.get("X-Retry-Reason") for headers, _ in receiver.received]
    assert reasons == [None, "http_error_500", "http_error_302", "http_error_404"]
    assert {body for _, body in receiver.received} == {
        json.dumps({"jobId": job, "status": "succeeded"}).encode()
    }
    assert "X-Signature" not in receiver.received[0][0]


def test_a_webhook_that_is_due_outlives_the_server(serve: Any, voices: Voices) -> None:
    with receiving(500) as receiver:
        settings: Any = {"webhook_hosts": ("127.0.0.1",), "webhook_delays_s": (0.3,)}
        with serve(**settings) as server:
            submit(server, voices, receiver.url)
            wait_until(lambda: len(receiver.received) == 1)
        with serve(**settings):
            wait_until(lambda: len(receiver.received) == 2)


@pytest.mark.parametrize(
    ("webhook", "told"),
    [
        ("http://127.0.0.1:9/hook", "see --webhook-host"),
        ("https://example.com/hook", "see --webhook-host"),
        ("file:///etc/passwd", "`webhook` must begin with https://"),
        ("hook", "`webhook` must begin with https://"),
    ],
)
def test_a_webhook_to_another_host_is_refused(
    serve: Any, voices: Voices, webhook: str, told: str
) -> None:
    with serve() as server:
        answer = submit(server, voices, webhook)
        assert answer.status_code == 400
        assert told in answer.json()["message"]
        assert list((server.services.settings.data / "uploads").iterdir()) == []
    with serve(allow_urls=True) as server:
        answer = submit(server, voices, "http://169.254.169.254/hook")
        assert answer.json()["message"] == "`webhook` must be of a public address"
