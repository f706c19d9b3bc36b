"""JSON of a transcript as other programs read it: whisperX, OpenAI, podcast apps, Label Studio."""

from __future__ import annotations

import json
import math
from typing import Any, TextIO

from diarspk.transcripts.nist import UNKNOWN
from diarspk.transcripts.transcript import Transcript, Utterance
from diarspk.transcripts.word import Word

__all__ = ["write_label_studio", "write_openai", "write_podcast", "write_whisperx"]


def write_whisperx(transcript: Transcript, stream: TextIO) -> None:
    """Write JSON as whisperX does, segments parted where the speaker changes.

    ``{"segments": [{"start", "end", "text", "speaker", "words": [{"word", "start", "end", "score",
    "speaker", "alternatives", "estimated"}]}], "word_segments": [...], "language"}``; what is not
    known is left out, but a speaker is then null.
    """
    segments: list[dict[str, Any]] = []
    words: list[dict[str, Any]] = []
    for one in transcript.utterances():
        spoken = list(map(_word, one.words))
        known = any(word.start is not None for word in one.words)
        times = _times(one) if known else {}
        segments.append({**times, "text": one.text, "speaker": one.speaker, "words": spoken})
        words += spoken
    document = {"segments": segments, "word_segments": words, "language": transcript.language}
    _dump(document, stream)


def _word(word: Word) -> dict[str, Any]:
    fields: dict[str, Any] = {"word": word.text}
    if word.start is not None and word.end is not None:
        fields |= {"start": round(word.start, 3), "end": round(word.end, 3)}
    if word.confidence is not None and math.isfinite(word.confidence):  # JSON has no NaN
        fields["score"] = round(word.confidence, 3)
    fields["speaker"] = word.speaker
    if word.alternatives:
        fields["alternatives"] = list(word.alternatives)
    if word.estimated:
        fields["estimated"] = True
    return fields


def write_openai(transcript: Transcript, stream: TextIO) -> None:
    """Write OpenAI's ``diarized_json``; who is not known is called unknown."""
    utterances = list(transcript.utterances())
    segments = [
        {
            "type": "transcript.text.segment",
            "id": f"seg_{number:03}",
            **_times(one),
            "text": one.text,
            "speaker": UNKNOWN if one.speaker is None else one.speaker,
        }
        for number, one in enumerate(utterances, 1)
    ]
    duration = max((one.end for one in utterances), default=0.0)
    document = {
        "task": "transcribe",
        "duration": round(duration, 3),
        "text": transcript.text,
        "segments": segments,
    }
    _dump(document, stream)


def write_podcast(transcript: Transcript, stream: TextIO) -> None:
    """Write the JSON transcript of the podcast namespace, version 1.0.0."""
    segments = [
        {
            **({} if one.speaker is None else {"speaker": one.speaker}),
            "startTime": round(one.start, 3),
            "endTime": round(one.end, 3),
            "body": one.text,
        }
        for one in transcript.utterances()
    ]
    _dump({"version": "1.0.0", "segments": segments}, stream)


def write_label_studio(transcript: Transcript, stream: TextIO) -> None:
    """Write one task of Label Studio with its predictions: regions with a label and a text.

    For a labelling with ``<Labels name="labels" toName="audio">``, ``<Audio name="audio">`` and
    ``<TextArea name="transcription" toName="audio" perRegion="true">``. ``data.audio`` is the name
    of the recording; put its address there.
    """
    regions = []
    for number, one in enumerate(transcript.utterances(), 1):
        common = {"id": f"utterance-{number}", "to_name": "audio"}
        label = UNKNOWN if one.speaker is None else one.speaker
        span = {**_times(one), "channel": 0}
        regions += [
            {
                **common,
                "from_name": "labels",
                "type": "labels",
                "value": {**span, "labels": [label]},
            },
            {
                **common,
                "from_name": "transcription",
                "type": "textarea",
                "value": {**span, "text": [one.text]},
            },
        ]
    task = {
        "data": {"audio": transcript.uri},
        "predictions": [{"model_version": "diarspk", "result": regions}],
    }
    _dump([task], stream)


def _times(utterance: Utterance) -> dict[str, float]:
    return {"start": round(utterance.start, 3), "end": round(utterance.end, 3)}


def _dump(document: Any, stream: TextIO) -> None:
    json.dump(document, stream, indent=2, ensure_ascii=False)
    stream.write("\n")
