"""Words with speakers: transcripts of recognisers in, transcripts with names out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.transcripts.assignment import AssignmentConfig, assign_speakers
    from diarspk.transcripts.reading import read_transcript
    from diarspk.transcripts.saving import save_transcript
    from diarspk.transcripts.speaker_transcript import SpeakerTranscript
    from diarspk.transcripts.transcript import Transcript, TranscriptSegment, Utterance
    from diarspk.transcripts.word import Word

__all__ = [
    "AssignmentConfig",
    "SpeakerTranscript",
    "Transcript",
    "TranscriptSegment",
    "Utterance",
    "Word",
    "assign_speakers",
    "read_transcript",
    "save_transcript",
]

_HOMES = {
    "AssignmentConfig": "diarspk.transcripts.assignment",
    "SpeakerTranscript": "diarspk.transcripts.speaker_transcript",
    "Transcript": "diarspk.transcripts.transcript",
    "TranscriptSegment": "diarspk.transcripts.transcript",
    "Utterance": "diarspk.transcripts.transcript",
    "Word": "diarspk.transcripts.word",
    "assign_speakers": "diarspk.transcripts.assignment",
    "read_transcript": "diarspk.transcripts.reading",
    "save_transcript": "diarspk.transcripts.saving",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
