"""Speaker diarization and target-speaker conditioning from one shared speaker encoder.

::

    import diarspk

    result = diarspk.Diarizer()("meeting.wav")
    result.write("meeting.rttm")
    vector = diarspk.load_encoder().embed("speaker.wav")

Names are imported when they are first used, so that ``import diarspk`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diarspk.diarization import Diarization
    from diarspk.diarizer import Diarizer, DiarizerConfig
    from diarspk.encoders.base import FrameEmbeddings, SpeakerEncoder
    from diarspk.models import available_models, load_encoder
    from diarspk.scoring import score

__version__ = "0.1.0"

__all__ = [
    "Diarization",
    "Diarizer",
    "DiarizerConfig",
    "FrameEmbeddings",
    "SpeakerEncoder",
    "available_models",
    "load_encoder",
    "score",
]

_HOMES = {
    "Diarization": "diarspk.diarization",
    "Diarizer": "diarspk.diarizer",
    "DiarizerConfig": "diarspk.diarizer",
    "FrameEmbeddings": "diarspk.encoders.base",
    "SpeakerEncoder": "diarspk.encoders.base",
    "available_models": "diarspk.models",
    "load_encoder": "diarspk.models",
    "score": "diarspk.scoring",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
