"""Live diarization over a WebSocket: sound in, who speaks when out, whole each time.

The client sends PCM16 (mono, little-endian) in binary messages, or as base64 in JSON,
``{"type": "input_audio_buffer.append", "audio": ...}``; ``{"type": "input_audio_buffer.commit"}``
ends the session. Each answer has all turns so far and replaces the one before::

    {"type": "diarization", "is_final": false, "processed_s": 2.4, "final_s": 1.6,
     "num_speakers": 1, "turns": [{"speaker": "SPEAKER_00", "start": 0.3, "end": 2.4,
     "final": false}]}
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect
from fastapi.exceptions import WebSocketRequestValidationError
from numpy.typing import NDArray
from starlette.exceptions import HTTPException

from diarspk.audio.raw import file_start
from diarspk.errors import DiarspkError
from diarspk.server.answers import describe_fault, describe_validation, log_fault
from diarspk.server.services import Services, owner_of, services_of
from diarspk.streaming import StreamingDiarizer

if TYPE_CHECKING:
    from diarspk.streaming import Update

__all__ = ["refuse_parameters", "router"]

router = APIRouter(tags=["Live"])

MAX_PIECE_S = 10.0
"""Seconds of sound in one message."""
FULL_SCALE = 32768.0

NORMAL, WRONG, FAULT, LATER, NO_KEY = 1000, 1008, 1011, 1013, 4401
"""Codes of closing: as in RFC 6455, and one of our own for a key."""


class StreamClosed(Exception):
    """The session is over, by this code and for this reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


@dataclass
class LiveSession:
    """Session of one client.

    Attributes
    ----------
    socket : WebSocket
    services : Services
    stream : StreamingDiarizer
    sample_rate : int
        Of what the client sends, in Hz.
    every_s : float
        Seconds of sound between two answers.
    """

    socket: WebSocket
    services: Services
    stream: StreamingDiarizer
    sample_rate: int
    every_s: float

    async def run(self) -> None:
        """Take sound and answer until the client commits.

        Raises
        ------
        StreamClosed
            If it sends something else, nothing, or too much.
        WebSocketDisconnect
            If it leaves.
        """
        received_s, told_s, rest = 0.0, 0.0, b""
        while (sound := await self._receive()) is not None:
            content = rest + sound
            if not received_s and (kind := file_start(content)):
                raise StreamClosed(WRONG, f"begins as a file does ({kind}); send samples alone")
            rest = content[len(content) - len(content) % 2 :]
            samples = np.frombuffer(content[: len(content) - len(rest)], "<i2")
            received_s += len(samples) / self.sample_rate
            if received_s > self.services.settings.limits.audio_s:
                raise StreamClosed(WRONG, "the session is longer than this server takes")
            if len(samples):
                await asyncio.to_thread(self._push, samples)
            if received_s - told_s >= self.every_s:
                told_s = received_s
                await self._tell(is_final=False)
        await asyncio.to_thread(self.stream.finish)
        self.services.metrics.audio_seconds.inc(received_s)
        await self._tell(is_final=True)

    def _push(self, samples: NDArray[np.int16]) -> None:
        self.stream.push(samples.astype(np.float32) / FULL_SCALE, sample_rate=self.sample_rate)

    async def _tell(self, is_final: bool) -> None:
        snapshot = await asyncio.to_thread(self.stream.snapshot)
        await self.socket.send_text(json.dumps(describe(snapshot, is_final)))

    async def _receive(self) -> bytes | None:
        """Bytes of the next message; None where it ends the session."""
        silence_s = self.services.settings.limits.silence_s
        try:
            message = await asyncio.wait_for(self.socket.receive(), silence_s)
        except asyncio.TimeoutError:
            raise StreamClosed(WRONG, f"nothing came for {silence_s:g} s") from None
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", NORMAL))
        sound = message.get("bytes")
        if sound is None:
            sound = read_event(message.get("text") or "")
        if sound is not None and len(sound) > 2 * MAX_PIECE_S * self.sample_rate:
            raise StreamClosed(WRONG, f"a message must have at most {MAX_PIECE_S:g} s of sound")
        return sound


def read_event(text: str) -> bytes | None:
    """Sound of an event in JSON; None for the one that ends the session.

    Raises
    ------
    StreamClosed
        If it is another event.
    """
    try:
        event = json.loads(text)
        kind = event["type"]
        if kind == "input_audio_buffer.commit":
            return None
        if kind == "input_audio_buffer.append":
            return base64.b64decode(event["audio"], validate=True)
    except (ValueError, TypeError, KeyError, binascii.Error, RecursionError):
        pass
    raise StreamClosed(
        WRONG, "a text must be input_audio_buffer.append with base64, or input_audio_buffer.commit"
    )


@contextmanager
def _place(services: Services) -> Iterator[None]:
    """Take one of the places of live streams.

    Raises
    ------
    StreamClosed
        If none is free, or the server stops.
    """
    if services.pool.stopping or services.live.count >= services.settings.limits.streams:
        raise StreamClosed(LATER, "all places of live streams are taken; try again later")
    services.live.count += 1
    try:
        yield
    finally:
        services.live.count -= 1


def describe(snapshot: Update, is_final: bool) -> dict[str, Any]:
    """All turns of a session, and how far it is."""
    turns = [
        {**turn.to_json(), "final": final}
        for final, group in ((True, snapshot.final), (False, snapshot.tentative))
        for turn in group
    ]
    return {
        "type": "diarization",
        "is_final": is_final,
        "processed_s": round(snapshot.time, 3),
        "final_s": round(snapshot.final_time, 3),
        "num_speakers": len({turn["speaker"] for turn in turns}),
        "turns": turns,
    }


@router.websocket("/v1/stream")
async def stream(
    socket: WebSocket,
    sample_rate: Annotated[int, Query(ge=4000, le=384000)] = 16000,
    latency_s: float = 1.0,
    max_speakers: Annotated[int | None, Query(ge=1, le=1000)] = None,
    every_s: Annotated[float, Query(ge=0.0, le=60.0)] = 0.5,
) -> None:
    """Diarize while the client talks."""
    services = services_of(socket)
    try:
        owner_of(socket)
    except HTTPException:
        await socket.close(NO_KEY)
        return
    await socket.accept()
    code, reason = NORMAL, "done"
    try:
        with _place(services):
            diarizer = services.engine.diarizer
            live = await asyncio.to_thread(
                StreamingDiarizer, latency_s, max_speakers, diarizer=diarizer
            )
            await LiveSession(socket, services, live, sample_rate, every_s).run()
    except WebSocketDisconnect:
        return
    except StreamClosed as closed:
        code, reason = closed.code, closed.reason
    except DiarspkError as error:
        described = describe_fault(error)
        code, reason = WRONG, described[1] if described else "refused"
    except Exception as error:
        log_fault(error, "a stream")
        code, reason = FAULT, "internal error"
    await _end(socket, code, reason)


async def refuse_parameters(socket: WebSocket, error: Exception) -> None:
    """Tell a client of a wrong parameter, as of all that is wrong: handler of the application."""
    assert isinstance(error, WebSocketRequestValidationError)
    await socket.accept()
    await _end(socket, WRONG, describe_validation(error.errors()))


async def _end(socket: WebSocket, code: int, reason: str) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):  # the client may have gone meanwhile
        if code != NORMAL:
            await socket.send_text(json.dumps({"type": "error", "message": reason}))
        await socket.close(code, reason.encode()[:120].decode(errors="ignore"))
