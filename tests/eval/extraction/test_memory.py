"""Recordings that are repeated, and the memory that they take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from pyannote.core import Annotation, Segment

from eval.extraction.memory import repeat_turns, write_repeated


def test_a_recording_is_repeated_with_its_turns(tmp_path: Path) -> None:
    piece = np.linspace(-0.5, 0.5, 32000).astype(np.float32)
    assert write_repeated(piece, 5 / 60, tmp_path / "long.wav") == 3
    found, _ = soundfile.read(tmp_path / "long.wav", dtype="float32")
    whole = np.concatenate([piece, piece, piece[:16000]])
    np.testing.assert_allclose(found, whole, atol=1 / 32768)
    turns = Annotation()
    turns[Segment(0.5, 1.0), "a"] = "ann"
    turns[Segment(0.8, 1.5), "b"] = "eve"
    repeated = repeat_turns(turns, 2.0, 3)
    assert list(repeated.label_timeline("ann")) == [
        Segment(start, start + 0.5) for start in (0.5, 2.5, 4.5)
    ]
    assert repeated.labels() == ["ann", "eve"]
