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
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from diarspk.arguments import check_method, check_sequence, check_type
from diarspk.audio import SAMPLE_RATE, open_audio
from diarspk.audio.spans import read_spans
from diarspk.cues.clip_measures import (
    Stretch,
    embed_pieces,
    mean_of,
    measure_window,
    words_inside,
)
from diarspk.cues.clip_windows import (
    busy_spans,
    find_cuts,
    find_stretches,
    pairs_of_cuts,
)
from diarspk.cues.voice_clip import ClipConfig, ClipScore, VoiceClip
from diarspk.errors import ArgumentError, AudioError
from diarspk.features.speech_quality import frame_levels
from diarspk.transcripts.diarized_turns import SpeakerTurn, to_turns
from diarspk.transcripts.same_recording import check_same_recording
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

MIN_REST_S = 2.0
"""Seconds of other speech of the speaker without which there is nothing to compare with."""


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
        If a file cannot be read, or its turns go on after the end of the recording.
    """
    config = ClipConfig() if config is None else config
    check_type(config, "config", ClipConfig)
    if encoder is not None:
        check_method(encoder, "encoder", "embed", "a speaker encoder")
    stream = open_audio(audio, sample_rate)
    turns = to_turns(diarization, hint=stream.name)
    if isinstance(diarization, str | PathLike):
        end = max((turn.end for turn in turns), default=0.0)
        check_same_recording(diarization, end, None, stream)
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
            scored.append((measure_window(span, stretch, levels, others, words), span, stretch))
    scored.sort(key=lambda one: (-one[0].value, one[1]))
    pieces = embed_pieces(stretches, encoder)
    compared = []
    for score, span, stretch in _apart(scored)[:EMBEDDED_WINDOWS]:
        rest = mean_of([piece for piece in pieces if not piece.overlaps(span)], MIN_REST_S)
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
        words=words_inside(words, span),
        vector=mean_of(pieces, 0.0),
        space=replace(encoder.space, name=encoder.name),
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


def _with_samples(found: dict[str, VoiceClip], stream: AudioStream) -> dict[str, VoiceClip]:
    """Read the clips from the recording at its own rate."""
    spans = {label: [(clip.start, clip.end)] for label, clip in found.items()}
    read = read_spans(stream, spans, own_rate=True) if spans else {}
    rate = stream.source.sample_rate
    return {
        label: replace(clip, samples=read[label], sample_rate=rate) for label, clip in found.items()
    }
