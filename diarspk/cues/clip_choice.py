"""The best clip of every speaker of a recording: what nearly every synthesizer takes for a voice.

1. Stretches are sought in which the speaker talks, with short pauses, and nobody else does.
2. Each can be cut in its pauses, and between words where there is a transcript.
3. Every window of two cuts is scored for length, cleanness, level, clipping, pauses, distance to
   other speakers and whole sentences; see :class:`~diarspk.cues.voice_clip.ClipScore`.
4. The best of them are embedded, and compared with all clean speech of the speaker: a window with
   another voice, which the diarization has missed, does not sound like the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diarspk.arguments import check_method, check_sequence, check_type
from diarspk.audio import SAMPLE_RATE, open_audio
from diarspk.audio.source import Samples
from diarspk.audio.spans import read_spans
from diarspk.cues.clip_windows import (
    busy_spans,
    distance_to,
    find_cuts,
    find_stretches,
    pairs_of_cuts,
)
from diarspk.cues.voice_clip import ClipConfig, ClipScore, VoiceClip
from diarspk.embeddings.unit_vectors import unit_vector
from diarspk.errors import ArgumentError, AudioError
from diarspk.features.speech_quality import FRAME_S, frame_levels, measure_frames, speech_frames
from diarspk.transcripts.diarized_turns import SpeakerTurn, to_turns
from diarspk.transcripts.text import ends_sentence
from diarspk.transcripts.word import Word

if TYPE_CHECKING:
    from diarspk.audio import Audio, AudioStream
    from diarspk.encoders.base import SpeakerEncoder
    from diarspk.transcripts.diarized_turns import DiarizationLike
    from diarspk.transcripts.reading import TranscriptLike

__all__ = ["best_clip", "best_clips"]

Span = tuple[float, float]

ENOUGH_S = 120.0
"""Seconds of stretches of a speaker that are looked at, the longest first."""

EMBEDDED_WINDOWS = 6
"""Windows of a speaker that are compared with the rest of that person's clean speech."""

MIN_STRETCH_S = 1.0
"""Length from which a stretch says how the speaker sounds, if it is too short for a clip."""

PIECE_S = 10.0
"""Length of the pieces of speech that are embedded."""

MIN_REST_S = 2.0
"""Seconds of other speech of the speaker without which there is nothing to compare with."""

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


def best_clips(
    audio: Audio,
    diarization: DiarizationLike,
    *,
    sample_rate: int | None = None,
    transcript: TranscriptLike | None = None,
    speakers: Sequence[str] | None = None,
    encoder: SpeakerEncoder | None = None,
    config: ClipConfig | None = None,
) -> dict[str, VoiceClip]:
    """Find the best clip of every speaker of a recording.

    Parameters
    ----------
    audio, sample_rate
        The recording; see :func:`diarspk.audio.open_audio`.
    diarization : Diarization, Annotation or path
        Who speaks when in it: a result, or a file, RTTM or JSON.
    transcript : Transcript, path, mapping or iterable, optional
        Its words, with times; see :func:`diarspk.transcripts.read_transcript`.
    speakers : sequence of str, optional
        Labels. Default: all.
    encoder : SpeakerEncoder, optional
        Compares clips with the rest of the speaker's speech, and makes the vectors. Default: the
        embedded one.
    config : ClipConfig, optional

    Returns
    -------
    dict of str to VoiceClip
        By label, in the order of their first turn; without those who never talk alone for long
        enough.

    Raises
    ------
    AudioError
        If the recording cannot be read, or ends before its first turn.
    ArgumentError
        If a label is not in the diarization.
    FormatError
        If a file cannot be read.
    """
    config = ClipConfig() if config is None else config
    check_type(config, "config", ClipConfig)
    if encoder is not None:
        check_method(encoder, "encoder", "embed", "a speaker encoder")
    stream = open_audio(audio, sample_rate)
    turns = to_turns(diarization, hint=stream.name)
    labels = list(dict.fromkeys(turn.speaker for turn in turns))
    wanted = None if speakers is None else check_sequence(speakers, "speakers")
    for label in wanted or ():
        if label not in labels:
            raise ArgumentError(
                f"`speakers` must be among {', '.join(labels) or 'nobody'}, got {label!r}"
            )
    chosen = [label for label in labels if wanted is None or label in wanted]
    words = _words(transcript, turns, stream.name)
    stretches = _read_stretches(stream, turns, chosen, words, config)
    if encoder is None and any(
        stretch.length >= config.min_s for own in stretches.values() for stretch in own
    ):
        from diarspk.encoders.loading import load_encoder

        encoder = load_encoder()
    found: dict[str, VoiceClip] = {}
    for label in chosen:
        if any(stretch.length >= config.min_s for stretch in stretches[label]):
            assert encoder is not None  # loaded above
            found[label] = _choose(
                label, stretches[label], turns, words, encoder, config, stream.name
            )
    return _with_samples(found, stream)


def best_clip(
    audio: Audio,
    diarization: DiarizationLike,
    speaker: str,
    *,
    sample_rate: int | None = None,
    transcript: TranscriptLike | None = None,
    encoder: SpeakerEncoder | None = None,
    config: ClipConfig | None = None,
) -> VoiceClip:
    """Find the best clip of one speaker of a recording; see :func:`best_clips`.

    Raises
    ------
    ArgumentError
        Also if the speaker never talks alone for long enough.
    """
    config = ClipConfig() if config is None else config
    found = best_clips(
        audio,
        diarization,
        sample_rate=sample_rate,
        transcript=transcript,
        speakers=[speaker],
        encoder=encoder,
        config=config,
    )
    if speaker not in found:
        raise ArgumentError(
            f"`speaker` must talk alone for {config.min_s:g} s without a long pause, which "
            f"{speaker} never does; allow shorter clips by `min_s` of `config`, or take another "
            "recording"
        )
    return found[speaker]


def _words(
    transcript: TranscriptLike | None, turns: Sequence[SpeakerTurn], name: str
) -> tuple[Word, ...]:
    """Words of a transcript, each with its speaker."""
    if transcript is None:
        return ()
    from pyannote.core import Annotation, Segment

    from diarspk.transcripts.assignment import assign_speakers
    from diarspk.transcripts.reading import to_transcript

    annotation = Annotation(uri=name)
    for track, turn in enumerate(turns):
        annotation[Segment(turn.start, turn.end), track] = turn.speaker
    return assign_speakers(to_transcript(transcript), annotation).words


def _read_stretches(
    stream: AudioStream,
    turns: Sequence[SpeakerTurn],
    speakers: Sequence[str],
    words: Sequence[Word],
    config: ClipConfig,
) -> dict[str, list[Stretch]]:
    """Read the longest stretches of every speaker in one pass over the recording."""
    spans: dict[tuple[str, Span], list[Span]] = {}
    for speaker in speakers:
        shortest = min(MIN_STRETCH_S, config.min_s)
        found, total = find_stretches(turns, speaker, words, config, min_s=shortest), 0.0
        for span in sorted(found, key=lambda span: (span[0] - span[1], span[0])):
            if total < ENOUGH_S:
                end = min(span[1], span[0] + ENOUGH_S)
                spans[speaker, (span[0], end)] = [(span[0], end)]
                total += end - span[0]
    stretches: dict[str, list[Stretch]] = {speaker: [] for speaker in speakers}
    read = read_spans(stream, spans)
    if spans and not any(map(len, read.values())):
        raise AudioError(
            f"{stream.source.label}: ends before the first turn; give the recording that was "
            "diarized"
        )
    for (speaker, (start, _)), samples in sorted(read.items(), key=lambda item: item[0]):
        if len(samples):  # the recording may end before its turns do
            end = start + len(samples) / SAMPLE_RATE
            stretches[speaker].append(Stretch(start, end, samples))
    return stretches


def _choose(
    speaker: str,
    stretches: Sequence[Stretch],
    turns: Sequence[SpeakerTurn],
    words: Sequence[Word],
    encoder: SpeakerEncoder,
    config: ClipConfig,
    recording: str,
) -> VoiceClip:
    """Choose the best window of all stretches of a speaker; without its samples yet."""
    others = busy_spans(turns, speaker, words)
    scored: list[tuple[ClipScore, Span, Stretch]] = []
    for stretch in stretches:
        if stretch.length < config.min_s:
            continue
        levels = frame_levels(stretch.samples)
        cuts = find_cuts(levels, (stretch.start, stretch.end), words)
        whole = (stretch.start, min(stretch.end, stretch.start + config.max_s))
        for span in list(pairs_of_cuts(cuts, config)) or [whole]:
            scored.append((_score(span, stretch, levels, others, words), span, stretch))
    scored.sort(key=lambda one: (-one[0].value, one[1]))
    pieces = _embed_pieces(stretches, encoder)
    compared = []
    for score, span, stretch in _apart(scored)[:EMBEDDED_WINDOWS]:
        rest = _mean([piece for piece in pieces if not piece.overlaps(span)], MIN_REST_S)
        similarity = None
        if rest is not None:
            similarity = float(encoder.embed(stretch.cut(span), SAMPLE_RATE) @ rest)
        compared.append((replace(score, similarity=similarity), span))
    score, span = max(compared, key=lambda one: (one[0].value, -one[1][0]))
    return VoiceClip(
        speaker=speaker,
        recording=recording,
        start=span[0],
        end=span[1],
        samples=np.zeros(0, np.float32),
        sample_rate=SAMPLE_RATE,
        score=score,
        words=_inside(words, span),
        vector=_mean(pieces, 0.0),
        space=replace(encoder.space, name=encoder.name),
    )


def _score(
    span: Span,
    stretch: Stretch,
    levels: NDArray[np.float32],
    others: Sequence[Span],
    words: Sequence[Word],
) -> ClipScore:
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
    inside = _inside(words, span)
    if not inside:
        return 2
    first = next(index for index, word in enumerate(words) if word is inside[0])
    begins = first == 0 or ends_sentence(words[first - 1])
    return 2 - int(begins) - int(ends_sentence(inside[-1]))


def _inside(words: Sequence[Word], span: Span) -> tuple[Word, ...]:
    """Words whose middle is in a span."""
    return tuple(
        word
        for word in words
        if word.start is not None
        and word.end is not None
        and span[0] <= (word.start + word.end) / 2 < span[1]
    )


def _apart(
    scored: Sequence[tuple[ClipScore, Span, Stretch]],
) -> list[tuple[ClipScore, Span, Stretch]]:
    """Leave out windows that lie for the most part in a better one."""
    kept: list[tuple[ClipScore, Span, Stretch]] = []
    for one in scored:
        start, end = one[1]
        if all(min(end, b) - max(start, a) < 0.7 * (end - start) for _, (a, b), _ in kept):
            kept.append(one)
    return kept


def _embed_pieces(stretches: Sequence[Stretch], encoder: SpeakerEncoder) -> list[Piece]:
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


def _mean(pieces: Sequence[Piece], min_s: float) -> NDArray[np.float32] | None:
    """Mean of pieces, each with the weight of its length; None if they are too short together."""
    lengths = [piece.end - piece.start for piece in pieces]
    if not pieces or sum(lengths) < min_s:
        return None
    rows = [piece.vector * length for piece, length in zip(pieces, lengths, strict=True)]
    return np.asarray(unit_vector(np.sum(rows, axis=0)), np.float32)


def _with_samples(found: dict[str, VoiceClip], stream: AudioStream) -> dict[str, VoiceClip]:
    """Read the clips from the recording at its own rate."""
    spans = {label: [(clip.start, clip.end)] for label, clip in found.items()}
    read = read_spans(stream, spans, own_rate=True) if spans else {}
    rate = stream.source.sample_rate
    return {
        label: replace(clip, samples=read[label], sample_rate=rate) for label, clip in found.items()
    }
