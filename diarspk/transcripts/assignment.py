"""A speaker for every word of a transcript.

1. Words without times get those that their neighbours leave (:mod:`diarspk.transcripts.times`).
2. A word belongs to whoever talks longest during its first ``max_word_s`` seconds, since aligners
   stretch the ends of words over pauses into the next speaker's turn. Of several who talk equally
   long, it is the speaker of the word before, else the one with the longer turn.
3. A word during which nobody talks belongs to the turn with the nearest edge, up to
   ``max_distance_s`` seconds away; farther, to nobody.
4. Snippets inside a sentence are smoothed: :mod:`diarspk.transcripts.smoothing`.

Everybody else who talks during a word is listed with it. The time is that of sorting words and
turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diarspk.arguments import check_numbers, check_types
from diarspk.transcripts.diarized_turns import DiarizationLike, SpeakerTurn, to_turns
from diarspk.transcripts.overlaps import find_overlaps, nearest_turns
from diarspk.transcripts.reading import TranscriptLike, to_transcript
from diarspk.transcripts.smoothing import SMOOTHING, Decision, SnippetSmoothing
from diarspk.transcripts.speaker_transcript import SpeakerTranscript
from diarspk.transcripts.times import complete_times
from diarspk.transcripts.transcript import TranscriptSegment
from diarspk.transcripts.word import Word

__all__ = ["AssignmentConfig", "assign_speakers"]

MIN_WORD_S = 0.001
"""Length of a word that is a point in time."""


@dataclass(frozen=True)
class AssignmentConfig:
    """Settings of the assignment of speakers to words.

    Attributes
    ----------
    max_word_s : float
        Seconds from the start of a word that count.
    max_distance_s : float
        Distance to the nearest turn in seconds, from which a word has no speaker.
    smoothing : SnippetSmoothing
        Default: words of one or two; see :data:`diarspk.transcripts.smoothing.NO_SMOOTHING`.
    """

    max_word_s: float = 0.6
    max_distance_s: float = 5.0
    smoothing: SnippetSmoothing = SMOOTHING

    def __post_init__(self) -> None:
        check_numbers(self, "max_word_s", above=0.0)
        check_types(self, smoothing=SnippetSmoothing)
        check_numbers(self, "max_distance_s", minimum=0.0, finite=False)


def assign_speakers(
    transcript: TranscriptLike,
    diarization: DiarizationLike,
    *,
    uri: str | None = None,
    config: AssignmentConfig | None = None,
) -> SpeakerTranscript:
    """Give every word of a transcript its speaker.

    Every word comes out, in order and with its text unchanged; speakers that the transcript had are
    replaced.

    Parameters
    ----------
    transcript : Transcript, path, mapping or iterable
        A file that :func:`diarspk.transcripts.read_transcript` reads, the parsed JSON of a
        recogniser, or its segments, such as those of faster-whisper.
    diarization : Diarization, Annotation or path
        A result, or a file: RTTM, or the JSON of :meth:`diarspk.Diarization.write`.
    uri : str, optional
        Name of the recording, if the files hold several.
    config : AssignmentConfig, optional

    Raises
    ------
    ArgumentError
        If an argument is of another type.
    FormatError
        If a file cannot be read.

    Examples
    --------
    >>> from pyannote.core import Annotation, Segment
    >>> call = Annotation()
    >>> call[Segment(0, 2)], call[Segment(2, 4)] = "Ann", "Ben"
    >>> text = {"segments": [{"start": 0.5, "end": 3.5, "text": " Hello Ben. Hi Ann."}]}
    >>> for utterance in assign_speakers(text, call).utterances():
    ...     print(f"{utterance.speaker}: {utterance.text}")
    Ann: Hello Ben.
    Ben: Hi Ann.
    """
    config = config or AssignmentConfig()
    given = to_transcript(transcript, uri)
    turns = to_turns(diarization, uri, hint=given.uri)
    timed = complete_times(given)
    decisions = _decide(timed.words, turns, config)
    segments, position = [], 0
    for segment in timed.segments:
        stop = position + len(segment.words)
        smoothed = config.smoothing(segment.words, decisions[position:stop])
        words = tuple(map(_label, segment.words, smoothed))
        segments.append(TranscriptSegment(words, segment.start, segment.end))
        position = stop
    return SpeakerTranscript(tuple(segments), timed.uri, timed.language)


def _label(word: Word, decision: Decision) -> Word:
    others = tuple(name for name in decision.talking if name != decision.speaker)
    # Not `replace`, which takes three times as long, and this is done for every word.
    return Word(
        word.text,
        word.start,
        word.end,
        word.confidence,
        word.before,
        word.after,
        decision.speaker,
        others,
        word.estimated,
    )


def _decide(
    words: Sequence[Word], turns: Sequence[SpeakerTurn], config: AssignmentConfig
) -> list[Decision]:
    """Decide on each word by the turns alone."""
    if not turns or any(word.start is None for word in words):  # no times: in no word at all
        return [Decision(None)] * len(words)
    starts = np.array([word.start for word in words], np.float64)
    ends = np.array([word.end for word in words], np.float64)
    ends = np.maximum(np.minimum(ends, starts + config.max_word_s), starts + MIN_WORD_S)
    speakers = sorted({turn.speaker for turn in turns})
    overlaps = find_overlaps(starts, ends, turns, speakers)
    nearest, distance = nearest_turns(starts, ends, turns)
    rounded = np.round(overlaps.seconds, 3)  # a difference below a millisecond is none
    order = np.lexsort((overlaps.speaker, -overlaps.turn, -rounded, overlaps.word))
    talking = [speakers[speaker] for speaker in overlaps.speaker[order].tolist()]
    seconds = rounded[order].tolist()
    counts = np.bincount(overlaps.word, minlength=len(words))
    firsts = (np.cumsum(counts) - counts).tolist()
    near = (distance <= config.max_distance_s).tolist()
    alone = {speaker: Decision(speaker, (speaker,)) for speaker in speakers}
    decisions: list[Decision] = []
    previous: str | None = None
    for number, (first, count) in enumerate(zip(firsts, counts.tolist(), strict=True)):
        if count == 1:
            decision = alone[talking[first]]
        elif count:
            stop = first + count
            decision = _longest(talking[first:stop], seconds[first:stop], previous)
        else:
            decision = Decision(turns[nearest[number]].speaker if near[number] else None)
        decisions.append(decision)
        previous = decision.speaker
    return decisions


def _longest(talking: Sequence[str], seconds: Sequence[float], previous: str | None) -> Decision:
    """Choose among those who talk, sorted by how long, and by the length of their turns."""
    tied = [name for name, length in zip(talking, seconds, strict=True) if length == seconds[0]]
    return Decision(previous if previous in tied else tied[0], tuple(talking))
