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
from diarspk.version import __version__ as __version__

if TYPE_CHECKING:
    from diarspk.diarization.config import DiarizerConfig
    from diarspk.diarization.diarizer import Diarizer
    from diarspk.diarization.result import Diarization
    from diarspk.encoders.base import FrameEmbeddings, SpeakerEncoder
    from diarspk.encoders.loading import load_encoder
    from diarspk.metrics import score
    from diarspk.models import available_models
    from diarspk.streaming.streaming_diarizer import StreamingDiarizer
    from diarspk.transcripts.assignment import assign_speakers


__all__ = [
    "Diarization",
    "Diarizer",
    "DiarizerConfig",
    "FrameEmbeddings",
    "SpeakerEncoder",
    "StreamingDiarizer",
    "assign_speakers",
    "available_models",
    "load_encoder",
    "score",
]

_HOMES = {
    "Diarization": "diarspk.diarization.result",
    "Diarizer": "diarspk.diarization.diarizer",
    "DiarizerConfig": "diarspk.diarization.config",
    "FrameEmbeddings": "diarspk.encoders.base",
    "SpeakerEncoder": "diarspk.encoders.base",
    "StreamingDiarizer": "diarspk.streaming.streaming_diarizer",
    "assign_speakers": "diarspk.transcripts.assignment",
    "available_models": "diarspk.models",
    "load_encoder": "diarspk.encoders.loading",
    "score": "diarspk.metrics",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES, "__version__")
