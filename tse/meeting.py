"""Enrolments from a diarized recording: where each speaker talks alone."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment, Timeline

from diarspk.audio import SAMPLE_RATE
from diarspk.errors import ArgumentError, AudioError, DiarspkWarning

__all__ = ["EnrolmentConfig", "clean_turns", "collect", "gate"]

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class EnrolmentConfig:
    """Which turns enrol a speaker.

    Attributes
    ----------
    margin_s : float
        Cut off both ends of what is spoken alone, where the diarization may be late.
    shortest_s, longest_s : float
        Turns below the first are left out; together they last the second at most.
    fewest_s : float
        With less than this spoken alone, turns with others in them are taken too.
    """

    margin_s: float = 0.1
    shortest_s: float = 0.6
    longest_s: float = 12.0
    fewest_s: float = 1.5


def clean_turns(
    annotation: Annotation, speaker: str, config: EnrolmentConfig | None = None
) -> list[Segment]:
    """Where a speaker talks alone, the longest first, as much as an enrolment needs.

    Raises
    ------
    ArgumentError
        If there is no such speaker.
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
        if turn.duration - 2 * config.margin_s >= config.shortest_s
    ]
    if sum(turn.duration for turn in inner) < config.fewest_s:
        warnings.warn(
            f"{speaker} talks alone for less than {config.fewest_s} s: turns in which others talk "
            "too are part of the enrolment, and what is extracted may hold them",
            DiarspkWarning,
            stacklevel=2,
        )
        inner = list(own)
    return _longest(inner, config.longest_s)


def _longest(turns: Iterable[Segment], total_s: float) -> list[Segment]:
    chosen, left = [], total_s
    for turn in sorted(turns, key=lambda turn: (-turn.duration, turn.start)):
        chosen.append(Segment(turn.start, turn.start + min(turn.duration, left)))
        left -= chosen[-1].duration
        if left <= 0:
            break
    return chosen


def collect(blocks: Iterable[Samples], turns: dict[str, list[Segment]]) -> dict[str, Samples]:
    """Cut each speaker's turns out of a stream at 16 kHz and join them, in one pass.

    Raises
    ------
    AudioError
        If a speaker's turns lie outside the recording.
    """
    found: dict[str, list[Samples]] = {speaker: [] for speaker in turns}
    position = 0
    for block in blocks:
        for speaker, own in turns.items():
            for turn in own:
                first = max(round(turn.start * SAMPLE_RATE) - position, 0)
                last = min(round(turn.end * SAMPLE_RATE) - position, len(block))
                if first < last:
                    found[speaker].append(block[first:last])
        position += len(block)
    for speaker, parts in found.items():
        if not parts:
            raise AudioError(
                f"{speaker}: no turn lies within the recording of {position / SAMPLE_RATE:.1f} s; "
                "check that the diarization is of this recording"
            )
    return {speaker: np.concatenate(parts) for speaker, parts in found.items()}


def gate(voice: Samples, start_samples: int, turns: Timeline, *, margin_s: float = 0.3) -> Samples:
    """Fade out a block ``(time,)`` that begins at ``start_samples`` outside a speaker's turns."""
    time = (np.arange(len(voice)) + start_samples) / SAMPLE_RATE
    weight = np.zeros(len(voice), np.float32)
    window = Segment(time[0] - margin_s, time[-1] + margin_s) if len(voice) else Segment()
    for turn in turns.crop(window, mode="loose") if window else ():
        distance = np.maximum(turn.start - time, time - turn.end)
        weight = np.maximum(weight, np.clip(1 - distance / margin_s, 0, 1).astype(np.float32))
    return voice * weight
