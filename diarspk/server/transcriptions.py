"""A diarized recording in the response formats of OpenAI's transcriptions."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

from diarspk.formats.writers import write_srt, write_vtt
from diarspk.transcripts import assign_speakers
from diarspk.transcripts.saving import to_text
from diarspk.verification.gallery.names import is_generic

if TYPE_CHECKING:
    from diarspk import Diarization
    from diarspk.transcripts import SpeakerTranscript, Transcript

__all__ = ["JSON_FORMATS", "TEXT_FORMATS", "Segment", "Transcription", "letter_names"]

UNKNOWN = "unknown"
"""Speaker of words that nobody is known to have said; the schema demands a name."""


@dataclass(frozen=True)
class Segment:
    """What one speaker says in a row; the text is empty where no words are known."""

    start: float
    end: float
    speaker: str
    text: str

    def to_event(self, number: int) -> dict[str, Any]:
        """Segment of ``diarized_json``, which is an event of the stream too."""
        return {
            "type": "transcript.text.segment",
            "id": f"seg_{number:03}",
            "start": round(self.start, 3),
            "end": round(self.end, 3),
            "text": self.text,
            "speaker": self.speaker,
        }


@dataclass(frozen=True)
class Transcription:
    """Who speaks when, and what is said, if that is known.

    Attributes
    ----------
    result : Diarization
        Its speakers are called A, B, ... and by the names of known ones.
    words : SpeakerTranscript or None
    notes : tuple of str
        Warnings.
    """

    result: Diarization
    words: SpeakerTranscript | None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        result: Diarization,
        transcript: Transcript | None,
        *,
        known: Iterable[str] = (),
        notes: Iterable[str] = (),
    ) -> Transcription:
        """Name the speakers, and give them the words."""
        named = result.rename(letter_names(result, known))
        words = None if transcript is None else assign_speakers(transcript, named)
        return cls(named, words, (*notes, *([] if words is None else words.notes)))

    @property
    def text(self) -> str:
        """All that is said."""
        return "" if self.words is None else self.words.text.strip()

    @property
    def segments(self) -> list[Segment]:
        """Utterances; turns where no words are known."""
        if self.words is not None:
            return [
                Segment(one.start, one.end, one.speaker or UNKNOWN, one.text)
                for one in self.words.utterances()
            ]
        turns = self.result.annotation.itertracks(yield_label=True)
        return [Segment(turn.start, turn.end, str(label), "") for turn, _, label in turns]

    def diarized_json(self) -> dict[str, Any]:
        """``diarized_json``: segments with their speakers."""
        segments = [one.to_event(number) for number, one in enumerate(self.segments, 1)]
        return self._common() | {"segments": segments} | self._warnings()

    def json(self) -> dict[str, Any]:
        """``json``: the text alone."""
        return {"text": self.text, "usage": self._usage()}

    def verbose_json(self, granularities: Sequence[str] = ()) -> dict[str, Any]:
        """``verbose_json``: Whisper's fields; those of its decoder, which is not here, are 0."""
        decoder = {
            **{"seek": 0, "tokens": [], "temperature": 0.0, "avg_logprob": 0.0},
            **{"compression_ratio": 0.0, "no_speech_prob": 0.0},
        }
        language = "" if self.words is None else self.words.language or ""
        document = self._common() | {"language": language}
        if not granularities or "segment" in granularities:
            document["segments"] = [
                {
                    **{"id": number, "start": round(one.start, 3), "end": round(one.end, 3)},
                    **{"text": one.text, "speaker": one.speaker},
                    **decoder,
                }
                for number, one in enumerate(self.segments)
            ]
        if "word" in granularities:
            document["words"] = [
                {
                    "word": one.text.strip(),
                    "start": round(one.start or 0.0, 3),
                    "end": round(one.end or 0.0, 3),
                    "speaker": one.speaker,
                }
                for one in ([] if self.words is None else self.words.words)
            ]
        return document | self._warnings()

    def plain(self) -> str:
        """``text``."""
        return f"{self.text}\n" if self.text else ""

    def srt(self) -> str:
        """``srt``: cues with the names of speakers; without words, the names alone."""
        if self.words is not None:
            return to_text(self.words, "srt", every_cue=True)
        stream = io.StringIO()
        write_srt(self.result.annotation, stream)
        return stream.getvalue()

    def vtt(self) -> str:
        """``vtt``: cues with ``<v Name>``."""
        if self.words is not None:
            return to_text(self.words, "vtt")
        stream = io.StringIO()
        write_vtt(self.result.annotation, stream)
        return stream.getvalue()

    def events(self) -> Iterable[dict[str, Any]]:
        """Events of the stream: a segment each, the text, and the end."""
        for number, one in enumerate(self.segments, 1):
            yield one.to_event(number)
        if self.text:
            yield {"type": "transcript.text.delta", "delta": self.text}
        yield {"type": "transcript.text.done", "text": self.text}

    def _common(self) -> dict[str, Any]:
        return {
            "task": "transcribe",
            "duration": round(self.result.duration, 3),
            "text": self.text,
            "usage": self._usage(),
        }

    def _usage(self) -> dict[str, Any]:
        return {"type": "duration", "seconds": round(self.result.duration, 3)}

    def _warnings(self) -> dict[str, Any]:
        return {"warnings": list(self.notes)} if self.notes else {}


JSON_FORMATS: dict[str, Callable[[Transcription, Sequence[str]], dict[str, Any]]] = {
    "diarized_json": lambda one, granularities: one.diarized_json(),
    "json": lambda one, granularities: one.json(),
    "verbose_json": Transcription.verbose_json,
}
"""Response formats that are JSON: callables of the transcription and the granularities."""

TEXT_FORMATS: dict[str, tuple[str, Callable[[Transcription], str]]] = {
    "text": ("text/plain", Transcription.plain),
    "srt": ("application/x-subrip", Transcription.srt),
    "vtt": ("text/vtt", Transcription.vtt),
}
"""Response formats that are text, with their media types."""


def letter_names(result: Diarization, known: Iterable[str]) -> dict[str, str]:
    """Names A, B, ..., AA, ... for speakers without one, in the order in which they first talk."""
    talking = (str(label) for _, _, label in result.annotation.itertracks(yield_label=True))
    labels = dict.fromkeys([*talking, *result.speakers])
    taken = {*known, *(label for label in labels if not is_generic(label))}  # of a gallery
    unnamed = [label for label in labels if label not in taken]
    names = (name for name in _letters() if name not in taken)
    return dict(zip(unnamed, names, strict=False))


def _letters() -> Iterable[str]:
    number = 0
    while True:
        name, rest = "", number
        while rest >= 0:
            name, rest = ascii_uppercase[rest % 26] + name, rest // 26 - 1
        yield name
        number += 1
