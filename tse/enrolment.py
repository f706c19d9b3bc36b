"""Stretches of a diarized recording in which one speaker talks alone, to enroll that speaker by."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment, Timeline

from diarspk.arguments import check_numbers
from diarspk.audio import SAMPLE_RATE
from diarspk.diarization.speaker_activity import SpeakerActivity
from diarspk.errors import ArgumentError, AudioError, DiarspkWarning

__all__ = ["EnrolmentConfig", "collect", "purity", "single_speaker_turns"]

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class EnrolmentConfig:
    """Selection of the stretches that enroll a speaker; all in seconds.

    Attributes
    ----------
    margin_s : float
        Cut off both ends of single-speaker speech, where boundaries of a diarization are imprecise.
    min_turn_s : float
        Minimum length of a stretch.
    max_turn_s : float
        Maximum length of a stretch: longer turns are several, so that each is rated by itself.
    max_total_s : float
        Maximum length of all stretches of the enrolment together.
    min_total_s : float
        Minimum length of single-speaker speech; below it overlapped turns are used as well.
    candidates_s : float
        Length of the stretches that the enrolment is chosen from.
    """

    margin_s: float = 0.1
    min_turn_s: float = 0.6
    max_turn_s: float = 4.0
    max_total_s: float = 12.0
    min_total_s: float = 1.5
    candidates_s: float = 30.0

    def __post_init__(self) -> None:
        """Check the settings."""
        check_numbers(self, "margin_s", "min_turn_s", "min_total_s", minimum=0.0)
        check_numbers(self, "max_turn_s", "max_total_s", "candidates_s", above=0.0)


def single_speaker_turns(
    annotation: Annotation,
    speaker: str,
    config: EnrolmentConfig | None = None,
    *,
    activity: SpeakerActivity | None = None,
) -> list[Segment]:
    """Select stretches in which only ``speaker`` talks, up to the length of all candidates.

    Parameters
    ----------
    annotation
        Turns of a diarization.
    speaker
        One of its labels.
    config
        Default: :class:`EnrolmentConfig`.
    activity
        Probabilities that the turns were made of, if they are known: stretches come by falling
        expected seconds in which the speaker talks alone. Default: by falling length.

    Warns
    -----
    DiarspkWarning
        If there is too little single-speaker speech and overlapped turns are used.

    Raises
    ------
    ArgumentError
        If the diarization has no such speaker.
    """
    config = config or EnrolmentConfig()
    if speaker not in annotation.labels():
        known = ", ".join(map(str, annotation.labels())) or "none"
        raise ArgumentError(f"`speaker` must be one of the diarization's ({known}), got {speaker}")
    own = annotation.label_timeline(speaker).support()
    others = Timeline(
        [turn for turn, _, label in annotation.itertracks(yield_label=True) if label != speaker]
    ).support()
    alone = own.extrude(others) if others else own
    inner = [
        Segment(turn.start + config.margin_s, turn.end - config.margin_s)
        for turn in alone
        if turn.duration - 2 * config.margin_s >= config.min_turn_s
    ]
    if sum(turn.duration for turn in inner) < config.min_total_s:
        warnings.warn(
            f"{speaker} talks alone for less than {config.min_total_s} s: turns in which others "
            "talk too are part of the enrolment, and what is extracted may hold them; enroll this "
            "speaker by another recording if there is one",
            DiarspkWarning,
            stacklevel=2,
        )
        inner = list(own)
    parts = [part for turn in inner for part in _divide(turn, config.max_turn_s)]
    ranked = sorted(parts, key=lambda one: (-one.duration * purity(one, speaker, activity), one))
    return _limit_total(ranked, config.candidates_s)


def purity(stretch: Segment, speaker: str, activity: SpeakerActivity | None) -> float:
    """Probability that nobody but the speaker talks in a stretch, mean over frames; 1 if unknown.

    It is taken over the frames in which the speaker is more likely to talk than not, since pauses
    of a turn harm no enrolment.
    """
    if activity is None:
        return 1.0
    part = activity.crop(stretch.start, stretch.end)
    own, alone = part.of(speaker), part.alone(speaker)
    talks = own >= 0.5
    return float((alone[talks] / own[talks]).mean()) if talks.any() else 0.0


def _divide(turn: Segment, longest_s: float) -> list[Segment]:
    """Divide a turn into equal parts that are not longer than that."""
    count = max(int(np.ceil(turn.duration / longest_s - 1e-9)), 1)
    edges = np.linspace(turn.start, turn.end, count + 1).tolist()
    return [Segment(start, end) for start, end in pairwise(edges)]


def _limit_total(turns: Iterable[Segment], total_s: float) -> list[Segment]:
    chosen, left = [], total_s
    for turn in turns:
        chosen.append(Segment(turn.start, turn.start + min(turn.duration, left)))
        left -= chosen[-1].duration
        if left <= 0:
            break
    return chosen


def collect(
    blocks: Iterable[Samples], turns: Mapping[str, Sequence[Segment]]
) -> dict[str, list[Samples]]:
    """Read each speaker's turns of a recording, in one pass over it.

    Parameters
    ----------
    blocks
        Consecutive ``(time,)`` at 16 kHz.
    turns
        Turns of each speaker, in any order.

    Returns
    -------
    dict of str to list of ndarray, ``(time,)``
        One for each turn, in the order given; empty where the recording ends before it.

    Raises
    ------
    AudioError
        If all turns of a speaker lie outside the recording.
    """
    spans = {
        name: [(round(turn.start * SAMPLE_RATE), round(turn.end * SAMPLE_RATE)) for turn in own]
        for name, own in turns.items()
    }
    parts: dict[str, list[list[Samples]]] = {name: [[] for _ in own] for name, own in turns.items()}
    position = 0
    for block in blocks:
        for name, own in spans.items():
            for number, (start, end) in enumerate(own):
                first, last = max(start - position, 0), min(end - position, len(block))
                if first < last:
                    parts[name][number].append(block[first:last].copy())  # no block is kept
        position += len(block)
    for name, found in parts.items():
        if not any(found):
            raise AudioError(
                f"{name}: no turn lies within the recording of {position / SAMPLE_RATE:.1f} s; "
                "check that the diarization is of this recording"
            )
    nothing = np.zeros(0, np.float32)
    return {
        name: [np.concatenate([nothing, *one]) for one in found] for name, found in parts.items()
    }
