"""From a recording to who spoke when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.diarization.config import UNKNOWN_SPACE, DiarizerConfig
    from diarspk.diarization.defaults import load_plda
    from diarspk.diarization.diarizer import Diarizer
    from diarspk.diarization.result import Diarization

__all__ = ["UNKNOWN_SPACE", "Diarization", "Diarizer", "DiarizerConfig", "load_plda"]

_HOMES = {
    "Diarization": "diarspk.diarization.result",
    "Diarizer": "diarspk.diarization.diarizer",
    "DiarizerConfig": "diarspk.diarization.config",
    "UNKNOWN_SPACE": "diarspk.diarization.config",
    "load_plda": "diarspk.diarization.defaults",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
