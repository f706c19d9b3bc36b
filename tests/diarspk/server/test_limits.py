"""A queue of bounded length, slow clients, and clients that leave."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from diarspk.server import Limits, SpeechEngine
from tests.diarspk.server.running_server import RunningServer, wait_until

Voices = dict[str, list[Path]]


@dataclass(frozen=True)
class HeldEngine(SpeechEngine):
    """Engine whose embedding waits until it is let go, or its control stops it."""

    go_on: threading.Event = field(default_factory=threading.Event)

    def embed(self, audio: Any, spans: Any = None) -> Any:
        while not self.go_on.wait(0.01):
            for chunk in audio.source.chunks():  # it looks at the control
                assert chunk.size
        return super().embed(audio, spans)


@pytest.fixture
def held(engine: SpeechEngine) -> Iterator[HeldEngine]:
    one = HeldEngine(engine.diarizer)
    yield one
    one.go_on.set()


def ask(server: RunningServer, voices: Voices) -> Any:
    return server.post("/v1/embeddings/speaker", files={"file": voices["ann"][0].read_bytes()})


def test_more_requests_than_the_queue_holds_are_told_to_come_again(
    serve: Any, voices: Voices, held: Any
) -> None:
    with serve(Limits(workers=1, waiting=2), engine=held) as server, ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(ask, server, voices) for _ in range(3)]
        wait_until(lambda: (server.services.pool.running, server.services.pool.waiting) == (1, 2))
        refused = ask(server, voices)
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["Retry-After"]) <= 600
        assert refused.json()["error"]["code"] == "queue_full"
        assert server.get("/ready").status_code == 429
        assert server.get("/health").ok
        held.go_on.set()
        assert [answer.result().status_code for answer in answers] == [200] * 3
        assert ask(server, voices).ok


def test_more_requests_than_connections_are_told_to_come_again(
    serve: Any, voices: Voices, held: Any
) -> None:
    with serve(Limits(connections=1), engine=held) as server, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, server, voices)
        wait_until(lambda: server.services.pool.running == 1)
        assert server.get("/v1/models").status_code == 429
        assert server.get("/health").ok  # busy is not dead
        held.go_on.set()
        assert answer.result().ok


def send_head(server: RunningServer, body: bytes, length: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    head = (
        "POST /v1/embeddings/speaker HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {length}\r\n\r\n"
    )
    connection.sendall(head.encode() + body)
    return connection


def form(recording: bytes) -> bytes:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    return head + recording + b"\r\n--b--\r\n"


def test_the_work_of_a_client_that_left_is_stopped(serve: Any, voices: Voices, held: Any) -> None:
    body = form(voices["ann"][0].read_bytes())
    with serve(Limits(workers=1), engine=held) as server:
        connections = [send_head(server, body, len(body)) for _ in range(3)]
        pool = server.services.pool
        wait_until(lambda: (pool.running, pool.waiting) == (1, 2))
        for connection in connections:
            connection.close()
        wait_until(lambda: (pool.running, pool.waiting) == (0, 0), 5)
        held.go_on.set()
        assert ask(server, voices).ok


def test_a_client_that_sends_nothing_more_is_given_up(serve: Any, voices: Voices) -> None:
    with serve(Limits(silence_s=0.2)) as server:
        connection = send_head(server, b"--b\r\n", 1000)
        with connection:
            assert connection.recv(1000).startswith(b"HTTP/1.1 408 ")
        assert ask(server, voices).ok


@pytest.mark.parametrize("before", [b"", b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"])
def test_a_client_that_does_not_end_a_head_is_given_up(serve: Any, before: bytes) -> None:
    with (
        serve(Limits(silence_s=0.3)) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection,
    ):
        connection.sendall(before)
        answer = b""
        while before and b'"ok"' not in answer:  # the body may come after the head
            answer += (part := connection.recv(1000))
            assert part
        began, closed = time.monotonic(), False
        connection.settimeout(0.05)
        while not closed and time.monotonic() < began + 5:
            try:  # a byte at a time does not keep it open
                connection.sendall(b"x" if time.monotonic() < began + 0.2 else b"")
                closed = connection.recv(1000) == b""
            except TimeoutError:
                continue
            except ConnectionError:
                closed = True
        assert closed and time.monotonic() - began < 3


def test_idle_connections_end_by_themselves_and_have_a_number(serve: Any) -> None:
    with serve(Limits(silence_s=1.0, connections=1)) as server:
        idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(102)]
        further = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        assert further.recv(1) == b""
        for one in (*idle, further):
            with one:
                one.settimeout(5)
                assert one.recv(1) == b""
        assert server.get("/health").ok


def test_a_slow_request_and_a_pause_between_requests_are_no_fault(
    serve: Any, voices: Voices
) -> None:
    body = form(voices["ann"][0].read_bytes())
    with (
        serve(Limits(silence_s=0.8)) as server,
        send_head(server, body[:10], len(body)) as connection,
    ):
        for start in range(10, len(body), len(body) // 4):
            time.sleep(0.25)
            connection.sendall(body[start : start + len(body) // 4])
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
        time.sleep(1.0)
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: b"ok" in connection.recv(10000))


def test_work_that_takes_too_long_is_stopped(serve: Any, voices: Voices, held: Any) -> None:
    with serve(Limits(work_s=0.3), engine=held) as server:
        began = time.monotonic()
        answer = ask(server, voices)
        assert (answer.status_code, answer.json()["error"]["code"]) == (504, "timeout")
        assert time.monotonic() - began < 5


def test_a_client_that_breaks_off_its_upload_leaves_nothing(
    serve: Any, voices: Voices, tmp_path: Path
) -> None:
    with serve() as server:
        place = server.post("/v1/media/input", json={"url": "media://half"}).json()["url"]
        path = place.removeprefix(server.url)
        connection = socket.create_connection(("127.0.0.1", server.port))
        connection.sendall(
            f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\nabc".encode()
        )
        uploads = tmp_path / "data" / "uploads"
        wait_until(lambda: len(list(uploads.iterdir())) == 1)
        connection.close()
        wait_until(lambda: list(uploads.iterdir()) == [])
        assert server.services.uploads.find("media://half", "") is None
