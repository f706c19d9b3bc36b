"""A worker without a system: what `test_worker_process` asks it to do, it does."""

from __future__ import annotations

import os
import random
import sys
import wave
from typing import Any

from eval.systems.workers.serving import Handler, serve


def load() -> Handler:
    print("a library talks while it loads")
    if os.environ.get("FAKE_FAULT"):
        raise RuntimeError("no weights")
    return handle


def handle(request: dict[str, Any]) -> dict[str, Any]:
    print("a library talks while it works")
    if request.get("fault") == "error":
        raise ValueError("not\nthis one")
    if request.get("fault") == "end":
        print("killed by a test", file=sys.stderr)
        os._exit(3)
    if "audio" in request:
        with wave.open(request["audio"]) as file:
            assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (1, 16000, 2)
            seconds = file.getnframes() / 16000
        return {"turns": [[0.0, seconds, "SPEAKER_01"]]}
    return {"echo": request, "drawn": random.random(), "home": os.environ["HOME"]}


if __name__ == "__main__":
    serve(load, [])
