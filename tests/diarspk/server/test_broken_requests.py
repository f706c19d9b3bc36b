"""Requests that are broken in every way: each is refused, and nothing is left of them."""

from __future__ import annotations

import os
import random
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from diarspk.server import Limits
from tests.diarspk.server.running_server import RunningServer, wait_until

Voices = dict[str, list[Path]]

ROUTES = [
    ("POST", "/v1/audio/transcriptions"),
    ("POST", "/v1/diarize"),
    ("POST", "/v1/identify"),
    ("POST", "/v1/voiceprint"),
    ("POST", "/v1/media/input"),
    ("PUT", "/v1/media/input/none"),
    ("POST", "/v1/embeddings/speaker"),
    ("POST", "/v1/verify"),
    ("POST", "/v1/extract"),
    ("GET", "/v1/jobs/%00"),
    ("GET", "/v2/jobs?limit=x&cursor=%ff"),
    ("DELETE", "/v1/jobs/none"),
    ("GET", "/v1/models/../../x"),
]
BOUNDARY = "boundary"
TYPES = [
    f"multipart/form-data; boundary={BOUNDARY}",
    "multipart/form-data",
    "multipart/form-data; boundary=" + "x" * 300,
    "application/json",
    "application/json; charset=utf-16",
    "text/plain",
    "\u00ff",
    "",
]
NAMES = ["file", "first", "second", "enrolment", "transcript", "spans", "webhook", "voiceprints"]
JSON = [
    b"{}", b"[]", b"null", b"1e999", b'{"url": null}', b'{"url": 7}', b'{"url": "media://a"}',
    b'{"url": "media://a", "numSpeakers": -1}', b'{"url": "media://a", "numSpeakers": "two"}',
    b'{"url": "\\ud800"}', b"[" * 100_000, b'{"url": "media://a", "voiceprints": [{}]}',
    b'{"url": "media://a", "voiceprints": [{"label": "a", "voiceprint": "????"}]}', b"\xff\xfe",
]  # fmt: skip


def broken_body(draw: random.Random, recording: bytes) -> bytes:
    """JSON that is none, forms whose parts are cut, of other names, or no audio."""
    kind = draw.randrange(4)
    if kind == 0:
        return draw.choice(JSON)
    if kind == 1:
        return draw.randbytes(draw.randrange(2000))
    damaged = bytearray(recording[: draw.randrange(len(recording))])
    for _ in range(draw.randrange(50)):
        if damaged:
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
    parts = b""
    for _ in range(draw.randrange(4)):
        name = draw.choice(NAMES)
        content = draw.choice([bytes(damaged), b"", b"\x00\xff", *JSON[:6]])
        file = draw.choice(['; filename="a.wav"', '; filename="../a"', "", "; filename*=x''%ff"])
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        parts += head.encode() + content + b"\r\n"
    return parts + f"--{BOUNDARY}--\r\n".encode()[: draw.randrange(16)]


def broken_request(draw: random.Random, recording: bytes) -> tuple[bytes, bool]:
    """Bytes of a request, and whether the client leaves without reading the answer."""
    method, path = draw.choice(ROUTES)
    body = broken_body(draw, recording)
    length = draw.choice([len(body)] * 6 + [len(body) + 9, max(len(body) - 9, 0), "x", -1])
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {draw.choice(TYPES)}\r\n"
    head += draw.choice(
        [f"Content-Length: {length}\r\n"] * 8
        + ["Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n", ""]
    )
    head += draw.choice([""] * 8 + ["Expect: 100-continue\r\n", "X" * 40_000 + ": a\r\n"])
    request = head.encode("latin-1") + b"Connection: close\r\n\r\n" + body
    if draw.random() < 0.1:
        return request[: draw.randrange(len(request))], True
    return request, draw.random() < 0.15


def answer_to(server: RunningServer, request: bytes, leaves: bool, pieces: int) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        try:
            for piece in range(pieces):  # a slow client
                start, end = (len(request) * edge // pieces for edge in (piece, piece + 1))
                connection.sendall(request[start:end])
                time.sleep(0.01 if pieces > 1 else 0.0)
            if leaves:
                return b""
            answer = b""
            while piece := connection.recv(1 << 16):
                answer += piece
            return answer
        except ConnectionError:
            return b""


def open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder


@pytest.mark.parametrize("count", [80, pytest.param(500, marks=pytest.mark.slow)])
def test_no_broken_request_is_an_error_of_the_server_or_leaves_anything(
    serve: Any,
    voices: Voices,
    temporary: Path,
    count: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    recording = voices["ann"][0].read_bytes()
    draw = random.Random(count)
    with serve(Limits(silence_s=0.1, audio_s=60.0)) as server:
        idle = open_files(), threading.active_count()
        statuses: dict[bytes, int] = {}
        for _ in range(count):
            slow = draw.choice([1] * 9 + [5])
            answer = answer_to(server, *broken_request(draw, recording), slow)
            status = answer[9:12]
            statuses[status] = statuses.get(status, 0) + 1
            assert not status.startswith(b"5"), answer[:500]
        pool = server.services.pool
        wait_until(lambda: (pool.running, pool.waiting) == (0, 0))
        assert statuses.get(b"400", 0) > count / 3
        assert statuses.get(b"", 0) < count / 2  # those that left
        good = server.post("/v1/embeddings/speaker", files={"file": recording})
        assert good.ok
        wait_until(lambda: list(temporary.iterdir()) == [])
        wait_until(lambda: open_files() <= idle[0] + 2)
        assert threading.active_count() <= idle[1] + 20  # of asyncio's and starlette's pools
        uploads = server.services.settings.data / "uploads"
        assert not [one for one in uploads.iterdir() if one.suffix == ".part"]
    faults = [one.getMessage() for one in caplog.records if "please report" in one.getMessage()]
    assert faults == []
