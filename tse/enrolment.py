"""Enrolments from a diarized recording: single-speaker turns, and gating of extracted voices."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment, Timeline

from diarspk.arguments import check_numbers
from diarspk.audio import SAMPLE_RATE
from diarspk.errors import ArgumentError, AudioError, DiarspkWarning

__all__ = ["EnrolmentConfig", "collect", "gate", "single_speaker_turns"]

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class EnrolmentConfig:
    """Selection of the turns that enroll a speaker; all in seconds.

    Attributes
    ----------
    margin_s : float
        Cut off both ends of single-speaker speech, where boundaries of a diarization are imprecise.
    min_turn_s : float
        Minimum length of a turn.
    max_total_s : float
        Maximum length of all turns together.
    min_total_s : float
        Minimum length of single-speaker speech; below it overlapped turns are used as well.
    """

    margin_s: float = 0.1
    min_turn_s: float = 0.6
    max_total_s: float = 12.0
    min_total_s: float = 1.5

    def __post_init__(self) -> None:
        """Check the settings."""
        check_numbers(self, "margin_s", "min_turn_s", "max_total_s", "min_total_s", minimum=0.0)


def single_speaker_turns(
    annotation: Annotation, speaker: str, config: EnrolmentConfig | None = None
) -> list[Segment]:
    """Select turns in which only ``speaker`` talks, the longest first, up to the maximum length.

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
            "talk too are part of the enrolment, and what is extracted may hold them",
            DiarspkWarning,
            stacklevel=2,
        )
        inner = list(own)
    return _limit_total(inner, config.max_total_s)


def _limit_total(turns: Iterable[Segment], total_s: float) -> list[Segment]:
    chosen, left = [], total_s
    for turn in sorted(turns, key=lambda turn: (-turn.duration, turn.start)):
        chosen.append(Segment(turn.start, turn.start + min(turn.duration, left)))
        left -= chosen[-1].duration
        if left <= 0:
            break
    return chosen


def collect(blocks: Iterable[Samples], turns: dict[str, list[Segment]]) -> dict[str, Samples]:
    """Concatenate each speaker's turns of a recording, in one pass over it.

    Parameters
    ----------
    blocks
        Consecutive ``(time,)`` at 16 kHz.
    turns
        Turns of each speaker.

    Raises
    ------
    AudioError
        If the turns of a speaker lie outside the recording.
    """
    parts_of: dict[str, list[Samples]] = {speaker: [] for speaker in turns}
    position = 0
    for block in blocks:
        for speaker, own in turns.items():
            for turn in own:
                first = max(round(turn.start * SAMPLE_RATE) - position, 0)
                last = min(round(turn.end * SAMPLE_RATE) - position, len(block))
                if first < last:
                    parts_of[speaker].append(block[first:last])
        position += len(block)
    for speaker, parts in parts_of.items():
        if not parts:
            raise AudioError(
                f"{speaker}: no turn lies within the recording of {position / SAMPLE_RATE:.1f} s; "
                "check that the diarization is of this recording"
            )
    return {speaker: np.concatenate(parts) for speaker, parts in parts_of.items()}


def gate(voice: Samples, start_samples: int, turns: Timeline, *, margin_s: float = 0.3) -> Samples:
    """Mute a block of a voice outside the turns of its speaker, with linear fades.

    Parameters
    ----------
    voice : ndarray, ``(time,)``
        Block at 16 kHz.
    start_samples
        Position of the block in the recording.
    turns
        Turns of the speaker, in seconds of the recording.
    margin_s
        Length of the fades before and after a turn.
    """
    time = (np.arange(len(voice)) + start_samples) / SAMPLE_RATE
    weight = np.zeros(len(voice), np.float32)
    window = Segment(time[0] - margin_s, time[-1] + margin_s) if len(voice) else Segment()
    for turn in turns.crop(window, mode="loose") if window else ():
        distance = np.maximum(turn.start - time, time - turn.end)
        weight = np.maximum(weight, np.clip(1 - distance / margin_s, 0, 1).astype(np.float32))
    return voice * weight
