"""Speaker cues for target speech extraction and speech synthesis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.cues.clip_choice import best_clip, best_clips
    from diarspk.cues.speaker_cue import SpeakerCue, extract_cue, read_cue, write_cue
    from diarspk.cues.voice_clip import ClipConfig, ClipScore, VoiceClip

__all__ = [
    "ClipConfig",
    "ClipScore",
    "SpeakerCue",
    "VoiceClip",
    "best_clip",
    "best_clips",
    "extract_cue",
    "read_cue",
    "write_cue",
]

_HOMES = {
    "ClipConfig": "diarspk.cues.voice_clip",
    "ClipScore": "diarspk.cues.voice_clip",
    "SpeakerCue": "diarspk.cues.speaker_cue",
    "VoiceClip": "diarspk.cues.voice_clip",
    "best_clip": "diarspk.cues.clip_choice",
    "best_clips": "diarspk.cues.clip_choice",
    "extract_cue": "diarspk.cues.speaker_cue",
    "read_cue": "diarspk.cues.speaker_cue",
    "write_cue": "diarspk.cues.speaker_cue",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
