"""Whoever may not, or asks for too much, is refused; nothing is read that was not sent."""

from __future__ import annotations

import io
import logging
import socket
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from diarspk.server import KeyRing, Limits
from tests.diarspk.server.running_server import KEY, RunningServer, wait_until

Voices = dict[str, list[Path]]


FORBIDDEN = [
    "media://../../etc/passwd/../x y",
    "media://",
    "media://" + "a" * 300,
    "file:///etc/passwd",
    "http://127.0.0.1/a.wav",
    "http://localhost:8000/a.wav",
    "http://169.254.169.254/latest/meta-data",
    "http://[::1]/a.wav",
    "http://[::ffff:10.0.0.1]/a.wav",
    "http://user:secret@example.com/a.wav",
    "ftp://example.com/a.wav",
    "gopher://example.com",
    "https://",
    "http://[",
    "not a url",
    "\x00",
]


def encoded(samples: Any, rate: int = 16000, format: str = "WAV") -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format=format)
    return stream.getvalue()


def test_every_route_but_health_needs_the_key(serve: Any) -> None:
    wrong = ["", "Bearer", "Bearer wrong", f"Basic {KEY}", f"Bearer {KEY[:-1]}", f"Bearer {KEY}x"]
    with serve(keys=KeyRing.of([KEY])) as server:
        routes = [
            (method.upper(), path)
            for path, found in server.get(
                "/openapi.json", headers={"Authorization": f"Bearer {KEY}"}
            )
            .json()["paths"]
            .items()
            for method in found
            if path not in {"/health", "/ready"}
        ]
        assert ("POST", "/v1/extract") in routes
        assert len(routes) > 12
        for method, path in routes:
            answer = server.call(method, path)
            assert (answer.status_code, path) == (401, path)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        for header in wrong:
            assert server.get("/v1/test", headers={"Authorization": header}).status_code == 401
        assert server.get("/health").status_code == 200
        right = {"Authorization": f"Bearer {KEY}"}
        assert server.get("/v1/test", headers=right).json()["status"] == "OK"
        assert server.get("/metrics", headers=right).status_code == 200


def test_pages_of_other_origins_and_other_names_of_the_server_are_refused(serve: Any) -> None:
    allowed = "https://notes.example"
    with serve(origins=(allowed,)) as server:
        assert server.get("/health", headers={"Origin": allowed}).ok
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Host": "evil.example"},
            {"Host": f"evil.example:{server.port}"},
            {"Host": ""},
            {"Host": "["},
        ):
            answer = server.get("/health", headers=headers)
            assert answer.status_code in {400, 403}, headers
            assert "access-control-allow-origin" not in answer.headers
        asked = server.call(
            "OPTIONS",
            "/v1/diarize",
            headers={"Origin": allowed, "Access-Control-Request-Method": "POST"},
        )
        assert asked.headers["access-control-allow-origin"] == allowed


@pytest.mark.parametrize(
    "name",
    ["../../../etc/passwd", "..\\..\\boot.ini", "/etc/passwd", "a\x1b[2J\nb.wav", "x" * 300, ""],
)
def test_the_name_of_a_file_leads_nowhere(
    server: RunningServer, voices: Voices, name: str, tmp_path: Path
) -> None:
    answer = server.post("/v1/verify", files={"first": (name, b"none"), "second": (name, b"none")})
    assert answer.status_code == 400
    told = answer.json()["message"]
    assert "/" not in told.split(":")[0]
    assert "\x1b" not in told
    assert "passwd: not audio" in told or "no such" not in told


@pytest.mark.parametrize("allow_urls", [False, True])
def test_no_url_of_a_file_or_of_this_network_is_fetched(
    serve: Any, allow_urls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(allow_urls=allow_urls) as server:
        before = socket.socket.connect

        def connect(self: socket.socket, address: Any) -> None:
            assert self.family == socket.AF_UNIX or address[1] == server.port
            before(self, address)

        monkeypatch.setattr(socket.socket, "connect", connect)
        for url in FORBIDDEN:
            answer = server.post("/v1/diarize", json={"url": url})
            if answer.ok:  # a name, which is resolved by the job
                assert allow_urls
                job = server.job(answer.json()["jobId"])
                told = (job["status"], job["output"]["error"])
                assert told == ("failed", "`url` must be of a public address")
            else:
                assert answer.status_code == 400, url
                assert "`url` must" in answer.json()["message"]


def test_a_path_that_climbs_names_no_file_of_the_server(
    server: RunningServer, voices: Voices
) -> None:
    place = server.post("/v1/media/input", json={"url": "media://../../../x"})
    assert place.status_code == 201
    path = place.json()["url"].removeprefix(server.url)
    server.call("PUT", path, data=b"bytes").raise_for_status()
    folder = server.services.settings.data
    assert not (folder.parent / "x").exists()
    assert all(one.suffix == ".upload" for one in (folder / "uploads").iterdir())


@pytest.mark.parametrize("chunked", [False, True])
def test_a_request_that_is_too_large_is_refused(serve: Any, chunked: bool, tmp_path: Path) -> None:
    with serve(Limits(upload_bytes=100_000)) as server:
        place = server.post("/v1/media/input", json={"url": "media://large"}).json()["url"]
        body = bytes(200_000)
        sent = (body[start : start + 10_000] for start in range(0, len(body), 10_000))
        path = place.removeprefix(server.url)
        answer = server.call("PUT", path, data=sent if chunked else body)
        assert answer.status_code == 413
        assert "send the recording in parts" in answer.json()["message"]
        assert list((tmp_path / "data" / "uploads").iterdir()) == []
        if not chunked:
            answer = server.post("/v1/audio/transcriptions", files={"file": body})
            assert answer.status_code == 413


def test_uploads_end_where_the_disk_is_to_end(serve: Any, tmp_path: Path) -> None:
    with serve(Limits(stored_bytes=100_000)) as server:
        for expected in (200, 413):
            place = server.post("/v1/media/input", json={"url": "media://x"}).json()["url"]
            answer = server.call("PUT", place.removeprefix(server.url), data=bytes(60_000))
            assert answer.status_code == expected


@pytest.mark.parametrize("header", ["told", "hidden"])
def test_a_small_file_that_decodes_to_hours_is_refused(serve: Any, header: str) -> None:
    """A megabyte of silence in FLAC is an hour, whatever its header says."""
    bomb = bytearray(encoded(np.zeros(3600 * 8000, np.int16), 8000, "FLAC"))
    assert len(bomb) < 1_000_000
    if header == "hidden":  # the number of samples, 36 bits of STREAMINFO; 0 is unknown
        bomb[21] &= 0xF0
        bomb[22:26] = bytes(4)
    with serve(Limits(audio_s=60.0)) as server:
        began = time.monotonic()
        answer = server.post("/v1/audio/transcriptions", files={"file": ("a.flac", bytes(bomb))})
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "audio_too_long")
        assert time.monotonic() - began < 10
        job = server.post("/v1/diarize", files={"file": ("a.flac", bytes(bomb))})
        assert "longer than 60 s" in server.job(job.json()["jobId"])["output"]["error"]


def test_a_compressed_body_is_not_unpacked(server: RunningServer) -> None:
    import gzip

    body = gzip.compress(bytes(10_000_000))
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    assert server.post("/v1/diarize", data=body, headers=headers).status_code == 415


@pytest.mark.parametrize(
    "content",
    [
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    ],
    ids=["playlist", "concat", "session"],
)
def test_nothing_that_a_recording_names_is_opened(server: RunningServer, content: bytes) -> None:
    answer = server.post("/v1/audio/transcriptions", files={"file": ("a.m3u8", content)})
    assert answer.status_code == 400
    assert "root:" not in answer.text


def test_nothing_of_a_request_is_logged(
    server: RunningServer, voices: Voices, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "a-name-that-nobody-may-read"
    place = server.post("/v1/media/input", json={"url": f"media://{secret}"}).json()["url"]
    server.call("PUT", place.removeprefix(server.url), data=voices["ann"][0].read_bytes())
    server.post("/v1/diarize", json={"url": f"media://{secret}"})
    server.get(f"/v1/jobs/{secret}?key={secret}")
    server.post("/v1/verify", files={"first": (secret, b"no"), "second": (secret, b"no")})

    def log() -> str:
        records = [one for one in caplog.records if one.name.startswith("diarspk")]
        return "\n".join(record.getMessage() for record in records)

    wait_until(lambda: "POST /v1/verify 400 in=" in log())
    told = log()
    assert "PUT /v1/media/input/{token} 200 in=96044" in told
    assert secret not in told
    assert place.rsplit("/", 1)[1] not in told
