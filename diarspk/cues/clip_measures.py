"""Measures of a window of speech, and embeddings of all that a speaker says alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diarspk.audio import SAMPLE_RATE
from diarspk.audio.source import Samples
from diarspk.cues.clip_windows import distance_to
from diarspk.cues.voice_clip import ClipScore
from diarspk.embeddings.unit_vectors import unit_vector
from diarspk.features.speech_quality import FRAME_S, measure_frames, speech_frames
from diarspk.transcripts.text import ends_sentence
from diarspk.transcripts.word import Word

if TYPE_CHECKING:
    from diarspk.encoders.base import SpeakerEncoder

__all__ = ["Piece", "Stretch", "embed_pieces", "mean_of", "measure_window", "words_inside"]

Span = tuple[float, float]

PIECE_S = 10.0
"""Length of the pieces of speech that are embedded."""

HOP_SAMPLES = round(FRAME_S * SAMPLE_RATE)

FULL_SCALE = 0.999
"""Amplitude of a sample that is at full scale, or was before it was resampled."""


@dataclass(frozen=True, eq=False)
class Stretch:
    """Speech of one speaker alone: its place in seconds, and ``(time,)`` at 16 kHz."""

    start: float
    end: float
    samples: Samples

    @property
    def length(self) -> float:
        """Length in seconds."""
        return self.end - self.start

    def cut(self, span: Span) -> Samples:
        """Cut out a span of the recording."""
        first, last = (round((time - self.start) * SAMPLE_RATE) for time in span)
        return self.samples[first:last]


@dataclass(frozen=True, eq=False)
class Piece:
    """Embedding ``(dim,)`` of some seconds of a speaker."""

    start: float
    end: float
    vector: NDArray[np.float32]

    def overlaps(self, span: Span) -> bool:
        """Whether a span lies in it at least in part."""
        return span[0] < self.end and span[1] > self.start


def measure_window(
    span: Span,
    stretch: Stretch,
    levels: NDArray[np.float32],
    others: Sequence[Span],
    words: Sequence[Word],
) -> ClipScore:
    """Measure a window of a stretch.

    Parameters
    ----------
    span
        Start and end of the window in seconds of the recording.
    stretch
        Speech that it lies in.
    levels : ndarray, ``(frames,)``
        Level of every frame of the stretch in dB, one each 10 ms.
    others
        Where somebody else talks, in seconds.
    words
        Of the whole transcript; none without one.
    """
    samples = stretch.cut(span)
    first = round((span[0] - stretch.start) / FRAME_S)
    own = levels[first : first + round((span[1] - span[0]) / FRAME_S)]
    speech = speech_frames(own)
    count = min(len(own), len(samples) // HOP_SAMPLES)
    power = np.square(samples[: count * HOP_SAMPLES], dtype=np.float64)
    mean = power.reshape(count, HOP_SAMPLES).mean(1)[speech[:count]].mean()
    return ClipScore(
        length_s=span[1] - span[0],
        ratio_db=measure_frames(own).ratio_db,
        level_db=float(10 * np.log10(max(mean, 1e-12))),
        clipped=float(np.mean(np.abs(samples) >= FULL_SCALE)),
        pauses=float(1 - speech.mean()),
        distance_s=distance_to(span, others),
        cut_sentences=_cut_sentences(words, span) if words else None,
    )


def _cut_sentences(words: Sequence[Word], span: Span) -> int:
    """Count the ends of a span that lie inside of a sentence."""
    inside = words_inside(words, span)
    if not inside:
        return 2
    first = next(index for index, word in enumerate(words) if word is inside[0])
    begins = first == 0 or ends_sentence(words[first - 1])
    return 2 - int(begins) - int(ends_sentence(inside[-1]))


def words_inside(words: Sequence[Word], span: Span) -> tuple[Word, ...]:
    """Words whose middle is in a span."""
    return tuple(
        word
        for word in words
        if word.start is not None
        and word.end is not None
        and span[0] <= (word.start + word.end) / 2 < span[1]
    )


def embed_pieces(stretches: Sequence[Stretch], encoder: SpeakerEncoder) -> list[Piece]:
    """Embed all speech of a speaker in pieces of about one length."""
    pieces = []
    for stretch in stretches:
        parts = np.array_split(stretch.samples, max(round(stretch.length / PIECE_S), 1))
        start = stretch.start
        for part in parts:
            end = start + len(part) / SAMPLE_RATE
            pieces.append(Piece(start, end, encoder.embed(part, SAMPLE_RATE)))
            start = end
    return pieces


def mean_of(pieces: Sequence[Piece], min_s: float) -> NDArray[np.float32] | None:
    """Mean of pieces, each with the weight of its length; None if they are too short together."""
    lengths = [piece.end - piece.start for piece in pieces]
    if not pieces or sum(lengths) < min_s:
        return None
    rows = [piece.vector * length for piece, length in zip(pieces, lengths, strict=True)]
    return np.asarray(unit_vector(np.sum(rows, axis=0)), np.float32)
