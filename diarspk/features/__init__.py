"""Log-mel features of a recording, computed in blocks, and prosody and quality of speech."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.features.level import speech_level
    from diarspk.features.log_mel import FeatureConfig, LogMel, gated_level, mean_normalize
    from diarspk.features.prosody import ProsodyStatistics, measure_prosody
    from diarspk.features.recording import Recording, analyse
    from diarspk.features.recording_quality import RecordingQuality
    from diarspk.features.speech_quality import (
        MIN_RATIO_DB,
        MIN_SPEECH_S,
        SpeechQuality,
        check_speech,
        measure_speech,
    )

__all__ = [
    "MIN_RATIO_DB",
    "MIN_SPEECH_S",
    "FeatureConfig",
    "LogMel",
    "ProsodyStatistics",
    "Recording",
    "RecordingQuality",
    "SpeechQuality",
    "analyse",
    "check_speech",
    "gated_level",
    "mean_normalize",
    "measure_prosody",
    "measure_speech",
    "speech_level",
]

_HOMES = {
    "MIN_SPEECH_S": "diarspk.features.speech_quality",
    "FeatureConfig": "diarspk.features.log_mel",
    "MIN_RATIO_DB": "diarspk.features.speech_quality",
    "LogMel": "diarspk.features.log_mel",
    "ProsodyStatistics": "diarspk.features.prosody",
    "Recording": "diarspk.features.recording",
    "RecordingQuality": "diarspk.features.recording_quality",
    "SpeechQuality": "diarspk.features.speech_quality",
    "analyse": "diarspk.features.recording",
    "check_speech": "diarspk.features.speech_quality",
    "gated_level": "diarspk.features.log_mel",
    "mean_normalize": "diarspk.features.log_mel",
    "measure_prosody": "diarspk.features.prosody",
    "measure_speech": "diarspk.features.speech_quality",
    "speech_level": "diarspk.features.level",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
