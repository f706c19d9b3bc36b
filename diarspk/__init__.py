"""Speaker diarization and target-speaker conditioning from one shared speaker encoder.

::

    import diarspk

    result = diarspk.Diarizer()("meeting.wav")
    result.write("meeting.rttm")
    vector = diarspk.load_encoder().embed("speaker.wav")

Names are imported when they are first used, so that ``import diarspk`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

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

__getattr__, __dir__ = lazy_names(__name__, _HOMES, "__version__")
