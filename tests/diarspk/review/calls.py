"""A call of two speakers, for the tests of the review: turns, words and sound."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from tests.tiny_model import tone

__all__ = ["RTTM", "TURNS", "open_address", "write_call"]

TURNS = ((0.5, 2.0, "Ann"), (2.0, 3.5, "Ben"), (3.0, 4.0, "Ann"), (4.5, 5.5, "Ben"))
RTTM = "".join(
    f"SPEAKER call 1 {start} {end - start} <NA> <NA> {name} 0.{5 + number} <NA>\n"
    for number, (start, end, name) in enumerate(TURNS)
)


def write_call(folder: Path) -> Path:
    """Write ``call.wav`` of six seconds, ``call.rttm`` and ``words.json``; return the recording."""
    audio = np.concatenate([tone("ann"), tone("ben")])
    soundfile.write(folder / "call.wav", audio, 16000)
    (folder / "call.rttm").write_text(RTTM)
    words = [
        {"word": f" {name}{number}", "start": start + 0.6, "end": start + 0.9}
        for number, (start, _, name) in enumerate(TURNS)
    ]
    segment = {"start": 0.5, "end": 5.5, "text": "".join(w["word"] for w in words), "words": words}
    (folder / "words.json").write_text(json.dumps({"segments": [segment]}))
    return folder / "call.wav"


def open_address(address: str | urllib.request.Request) -> Any:
    """Open an address of this machine, whatever proxy the environment names."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return direct.open(address, timeout=20)
