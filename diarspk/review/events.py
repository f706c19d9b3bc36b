"""Events for the windows of a review: each is told what another one, or the server, did."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from typing import Any

__all__ = ["Event", "EventStream"]

Event = dict[str, Any]
"""``{"kind": ..., ...}``, which is sent as JSON."""

PING_S = 15.0
"""Seconds of silence after which a comment is sent: so a window that has gone is noticed."""


class EventStream:
    """Publishes events to any number of windows; threads may publish."""

    def __init__(self) -> None:
        self._windows: dict[asyncio.Queue[Event | None], asyncio.AbstractEventLoop] = {}
        self._lock = threading.Lock()
        self.closed = False

    @property
    def windows(self) -> int:
        """Number of windows that are open."""
        with self._lock:
            return len(self._windows)

    def publish(self, kind: str, **fields: Any) -> None:
        """Send an event to every window."""
        self._send({"kind": kind, **fields})

    def close(self) -> None:
        """End the streams of all windows."""
        self.closed = True
        self._send(None)

    async def follow(self) -> AsyncIterator[str]:
        """Yield the events of one window as lines of ``text/event-stream``."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        with self._lock:
            self._windows[queue] = asyncio.get_running_loop()
        self.publish("windows", count=self.windows)
        try:
            while True:
                try:
                    event = await asyncio.wait_for(queue.get(), PING_S)
                except asyncio.TimeoutError:
                    yield ":\n\n"
                    continue
                if event is None:
                    return
                yield f"data: {json.dumps(event, ensure_ascii=False)}\n\n"
        finally:
            with self._lock:
                del self._windows[queue]
            self.publish("windows", count=self.windows)

    def _send(self, event: Event | None) -> None:
        with self._lock:
            for queue, loop in self._windows.items():
                loop.call_soon_threadsafe(queue.put_nowait, event)
