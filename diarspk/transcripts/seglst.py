"""SegLST, the JSON of CHiME and meeteval: one object for each utterance.

``[{"session_id", "speaker", "start_time", "end_time", "words"}]``
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TextIO

from diarspk.formats.names import plain_name
from diarspk.transcripts.fields import Item
from diarspk.transcripts.nist import UNKNOWN
from diarspk.transcripts.text import split_text
from diarspk.transcripts.transcript import Transcript, TranscriptSegment

__all__ = ["parse_seglst", "write_seglst"]


def parse_seglst(items: Sequence[Item], uri: str) -> dict[str, Transcript]:
    """Make a transcript of each session; objects without a session belong to ``uri``.

    Raises
    ------
    FormatError
        If a field is of the wrong type.
    """
    segments: dict[str, list[TranscriptSegment]] = {}
    for item in items:
        speaker = item.speaker()
        speaker = None if speaker == UNKNOWN else speaker
        words = [replace(word, speaker=speaker) for word in split_text(item.text("words"))]
        segment = TranscriptSegment(
            tuple(words), item.number("start_time"), item.number("end_time")
        )
        session = item.get("session_id")
        segments.setdefault(uri if session is None else plain_name(session), []).append(segment)
    return {session: Transcript(tuple(found), session) for session, found in segments.items()}


def write_seglst(transcript: Transcript, stream: TextIO) -> None:
    """Write SegLST: an object for each speaker of each segment."""
    document = [
        {
            "session_id": transcript.uri,
            "speaker": UNKNOWN if one.speaker is None else one.speaker,
            "start_time": round(one.start, 3),
            "end_time": round(one.end, 3),
            "words": one.text,
        }
        for one in transcript.utterances()
    ]
    json.dump(document, stream, indent=2, ensure_ascii=False)
    stream.write("\n")
