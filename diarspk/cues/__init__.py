"""Speaker cues for target speech extraction and speech synthesis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.cues.speaker_cue import SpeakerCue, extract_cue, read_cue, write_cue

__all__ = ["SpeakerCue", "extract_cue", "read_cue", "write_cue"]

_HOMES = {
    "SpeakerCue": "diarspk.cues.speaker_cue",
    "extract_cue": "diarspk.cues.speaker_cue",
    "read_cue": "diarspk.cues.speaker_cue",
    "write_cue": "diarspk.cues.speaker_cue",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
