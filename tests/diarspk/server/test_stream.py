"""A WebSocket client that talks to a running server."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from diarspk.server import KeyRing, Limits
from diarspk.streaming import StreamingDiarizer
from tests.diarspk.server.running_server import KEY, RunningServer, wait_until

client = pytest.importorskip("websockets.sync.client")
exceptions = pytest.importorskip("websockets.exceptions")

Voices = dict[str, list[Path]]


@contextmanager
def session(server: RunningServer, query: str = "", **options: Any) -> Iterator[Any]:
    address = f"ws://127.0.0.1:{server.port}/v1/stream{query}"
    with client.connect(address, proxy=None, **options) as socket:
        yield socket


def pcm(path: Path) -> bytes:
    samples, _ = soundfile.read(path, dtype="int16")
    return bytes(samples.tobytes())


def answers(socket: Any) -> list[Any]:
    """All that comes until the server closes."""
    found = []
    with pytest.raises(exceptions.ConnectionClosed) as closed:
        while True:
            found.append(json.loads(socket.recv(timeout=20)))
    found.append(closed.value.rcvd.code)
    return found


@pytest.mark.parametrize("as_json", [False, True])
def test_sound_gives_whole_snapshots_and_in_the_end_all_turns(
    server: RunningServer, voices: Voices, engine: Any, as_json: bool
) -> None:
    sound = pcm(voices["ann"][0])
    with session(server, "?every_s=0.5") as socket:
        for start in range(0, len(sound), 6401):  # odd: a sample may come in two messages
            piece = sound[start : start + 6401]
            event = {
                "type": "input_audio_buffer.append",
                "audio": base64.b64encode(piece).decode(),
            }
            socket.send(json.dumps(event) if as_json else piece)
        socket.send(json.dumps({"type": "input_audio_buffer.commit"}))
        *updates, last, code = answers(socket)
    assert code == 1000
    assert len(updates) == 5
    times = [update["processed_s"] for update in updates]
    assert times == sorted(times)
    assert not any(update["is_final"] for update in updates)
    assert (last["type"], last["is_final"], last["processed_s"]) == ("diarization", True, 3.0)
    live = StreamingDiarizer(diarizer=engine.diarizer)
    samples = np.frombuffer(sound, "<i2").astype(np.float32) / 32768
    live.push(samples, sample_rate=16000)
    live.finish()
    expected = [{**turn.to_json(), "final": True} for turn in live.snapshot().final]
    assert last["turns"] == expected
    # The tiny model may give its one voice two labels: what counts is that both agree.
    assert last["num_speakers"] == len({turn["speaker"] for turn in expected}) >= 1


def test_another_sample_rate_is_resampled(server: RunningServer, voices: Voices) -> None:
    with session(server, "?sample_rate=8000") as socket:
        socket.send(pcm(voices["ann"][0])[:48000])
        socket.send('{"type": "input_audio_buffer.commit"}')
        *_, last, code = answers(socket)
    assert (last["processed_s"], code) == (3.0, 1000)


@pytest.mark.parametrize(
    ("query", "message", "told"),
    [
        ("", "no json", "a text must be"),
        ("", '{"type": "input_audio_buffer.append", "audio": "?"}', "a text must be"),
        ("", "[" * 10_000, "a text must be"),
        ("", bytes(700_000), "at most 10 s"),
        ("", b"RIFF\0\0\0\0WAVEfmt ", "begins as a file does (RIFFWAVE)"),
        ("?latency_s=99", b"", "latency_s"),
        ("?latency_s=nan", b"", "latency_s"),
        ("?sample_rate=1", b"", "`query.sample_rate`: Input should be"),
        ("?max_speakers=0", b"", "`query.max_speakers`: Input should be"),
    ],
)
def test_what_is_no_sound_ends_the_session_with_a_reason(
    server: RunningServer, query: str, message: str | bytes, told: str
) -> None:
    with session(server, query) as socket:
        with suppress(exceptions.ConnectionClosed):  # closed already, for the address
            socket.send(message)
        error, code = answers(socket)
    assert (error["type"], code) == ("error", 1008)
    assert told in error["message"]


def test_a_session_that_is_silent_or_too_long_is_ended(serve: Any, voices: Voices) -> None:
    with serve(Limits(silence_s=0.2, audio_s=1.0)) as server:
        with session(server) as socket:
            error, code = answers(socket)
        assert (error["message"], code) == ("nothing came for 0.2 s", 1008)
        with session(server) as socket:
            socket.send(pcm(voices["ann"][0]))
            error, code = answers(socket)
        assert "longer than this server takes" in error["message"]


def test_there_is_room_for_so_many_streams_and_again_when_one_has_gone(
    serve: Any, voices: Voices
) -> None:
    with serve(Limits(streams=1)) as server:
        with session(server):
            wait_until(lambda: server.services.live.count == 1)
            assert b"diarspk_streams 1.0" in server.get("/metrics").content
            with session(server) as second:
                error, code = answers(second)
            assert (error["type"], code) == ("error", 1013)
        wait_until(lambda: server.services.live.count == 0)
        with session(server) as socket:
            socket.send('{"type": "input_audio_buffer.commit"}')
            assert answers(socket)[-1] == 1000


def test_a_key_is_needed_and_pages_of_other_origins_are_refused(serve: Any) -> None:
    with serve(keys=KeyRing.of([KEY])) as server:
        for options in (
            {},
            {"additional_headers": {"Authorization": "Bearer wrong"}},
            {
                "additional_headers": {"Authorization": f"Bearer {KEY}"},
                "origin": "https://evil.example",
            },
        ):
            with pytest.raises(exceptions.InvalidStatus) as refused, session(server, **options):
                pass
            assert refused.value.response.status_code == 403
        with session(server, additional_headers={"Authorization": f"Bearer {KEY}"}) as socket:
            socket.send('{"type": "input_audio_buffer.commit"}')
            assert answers(socket)[-1] == 1000
