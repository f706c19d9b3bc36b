"""A recording of any length out of conversations, with turns and words, for the review page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

import numpy as np
import soundfile
from pyannote.core import Annotation, Segment

from diarspk.audio import SAMPLE_RATE, load_audio
from diarspk.editing import EditableTurn, EditedDiarization
from diarspk.editing.log import EditLog
from diarspk.editing.turns import EditableTurns
from diarspk.transcripts import Transcript, TranscriptSegment, Word
from eval.diarization.conversation import Conversation
from eval.transcripts.made_words import MadeWords, make_words

__all__ = ["LongRecording", "join_conversations"]


@dataclass(frozen=True)
class LongRecording:
    """Conversations one after another.

    Attributes
    ----------
    audio : Path
        WAV.
    edited : EditedDiarization
        Turns of the references, with made confidences.
    transcript : Transcript
        Made words, see :mod:`eval.transcripts.made_words`.
    seconds : float
    """

    audio: Path
    edited: EditedDiarization
    transcript: Transcript
    seconds: float


def join_conversations(
    conversations: Sequence[Conversation], seconds: float, audio: Path, *, seed: int = 0
) -> LongRecording:
    """Repeat conversations until a recording is long enough, and write its sound to ``audio``.

    The speakers of each are numbered anew, so that there are as many as in the largest one.
    """
    generator = np.random.default_rng(seed)
    joined, segments, offset = Annotation(uri=audio.stem), list[TranscriptSegment](), 0.0
    with soundfile.SoundFile(audio, "w", SAMPLE_RATE, 1, "PCM_16") as sound:
        for conversation in cycle(conversations):
            if offset >= seconds:
                break
            samples = load_audio(conversation.audio)
            sound.write(samples)
            named = _numbered(conversation.reference)
            for segment, track, label in named.itertracks(yield_label=True):
                joined[Segment(segment.start + offset, segment.end + offset), (offset, track)] = (
                    label
                )
            _, recognised = make_words(named, MadeWords(), seed)
            segments += _later(recognised, offset)
            offset += len(samples) / SAMPLE_RATE
    turns = [
        EditableTurn(number, segment.start, segment.end, label, float(generator.beta(6, 1)))
        for number, (segment, _, label) in enumerate(joined.itertracks(yield_label=True))
    ]
    edited = EditedDiarization(EditLog.of(EditableTurns.of(turns)), audio.stem)
    return LongRecording(audio, edited, Transcript(tuple(segments), audio.stem), offset)


def _numbered(reference: Annotation) -> Annotation:
    names = {label: f"SPEAKER_{number:02d}" for number, label in enumerate(reference.labels())}
    return reference.rename_labels(names)


def _later(transcript: Transcript, offset: float) -> Iterator[TranscriptSegment]:
    """Move a transcript by some seconds."""

    def moved(time: float | None) -> float | None:
        return None if time is None else time + offset

    def move(word: Word) -> Word:
        return replace(word, start=moved(word.start), end=moved(word.end))

    for segment in transcript.segments:
        words = tuple(map(move, segment.words))
        yield TranscriptSegment(words, moved(segment.start), moved(segment.end))
