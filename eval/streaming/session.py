"""One live session over a recording with a reference, and what is measured of it."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation

import diarspk
from diarspk.metrics.scores import Components
from diarspk.streaming import LiveTurn, SpeakerEvent, StreamingDiarizer, Update
from diarspk.streaming.session_result import annotate
from eval.diarization.conversation import Conversation

__all__ = ["SessionResult", "component_of", "run_session"]

FRAME_S = 0.04
"""Seconds of a frame in which tentative turns and final ones are compared."""

MIN_OWN_S = 0.5
"""Seconds that a person talks alone before a label of its own can be expected."""


@dataclass(frozen=True, eq=False)
class SessionResult:
    """Measures of one session.

    Attributes
    ----------
    components : Components
        Strict errors of the final turns, merges applied.
    unmerged : Components
        The same without merges: what a reader saw who forgot nothing.
    merges : int
        Events that one label is another: changes of labels.
    waits : tuple of float
        Seconds of speech alone of each person until a frame is final whose label is theirs to the
        end.
    revised, tentative : float
        Seconds of speaker time that was tentative, and of it what the final turns say otherwise.
    count_errors : NDArray of int
        At every update: labels so far, merges applied, less the people who have talked.
    pushes : NDArray of float
        Processor seconds of each push of a second.
    seconds : float
        Duration.
    speakers : tuple of int
        People in the reference, and in the result.
    """

    components: Components
    unmerged: Components
    merges: int
    waits: tuple[float, ...]
    revised: float
    tentative: float
    count_errors: NDArray[np.int64]
    pushes: NDArray[np.float64]
    seconds: float
    speakers: tuple[int, int]


def run_session(
    conversation: Conversation,
    audio: NDArray[np.float32],
    diarizer: diarspk.Diarizer,
    latency_s: float,
) -> SessionResult:
    """Stream a recording in pushes of one second, as fast as it goes."""
    session = StreamingDiarizer(latency_s, diarizer=diarizer, name=conversation.name)
    updates, pushes = [], []
    for first in range(0, len(audio), 16000):
        begun = time.process_time()
        updates.append(session.push(audio[first : first + 16000], 16000))
        pushes.append(time.process_time() - begun)
    updates.append(session.push(None))
    turns = [turn for update in updates for turn in update.final]
    events = [event for update in updates for event in update.events]
    result = session.finish()
    reference = conversation.reference
    revised, tentative = _compare_tentative(updates, turns)
    return SessionResult(
        component_of(conversation, result.annotation),
        component_of(conversation, annotate(turns, conversation.name)),
        sum(event.kind == "merged" for event in events),
        _waits(reference, result.annotation, conversation),
        revised,
        tentative,
        _count_errors(updates, reference),
        np.array(pushes),
        len(audio) / 16000,
        (conversation.count_speakers(reference), conversation.count_speakers(result.annotation)),
    )


def component_of(conversation: Conversation, hypothesis: Annotation) -> Components:
    """Strict error components of one recording."""
    scored = diarspk.score(conversation.reference, hypothesis, uem=conversation.uem)
    (components,) = scored.files.values()
    return components


def _compare_tentative(updates: list[Update], final: list[LiveTurn]) -> tuple[float, float]:
    """Seconds of tentative speaker time that the final turns do not have, and of all of it."""
    frames = round(max((turn.end for turn in final), default=0.0) / FRAME_S) + 1
    said: dict[str, NDArray[np.bool_]] = {}
    for turn in final:
        mask = said.setdefault(turn.speaker, np.zeros(frames, np.bool_))
        mask[round(turn.start / FRAME_S) : round(turn.end / FRAME_S)] = True
    revised = total = 0
    for update in updates:
        for turn in update.tentative:
            span = slice(round(turn.start / FRAME_S), min(round(turn.end / FRAME_S), frames))
            length = max(span.stop - span.start, 0)
            total += length
            own = said.get(turn.speaker)
            revised += length - (0 if own is None else int(own[span].sum()))
    return revised * FRAME_S, total * FRAME_S


def _waits(
    reference: Annotation, hypothesis: Annotation, conversation: Conversation
) -> tuple[float, ...]:
    """Seconds that each person talks alone before its label is in the final turns."""
    from pyannote.metrics.diarization import DiarizationErrorRate

    mapping = DiarizationErrorRate().optimal_mapping(reference, hypothesis, uem=conversation.uem)
    named = {person: label for label, person in mapping.items()}
    overlap = reference.get_overlap()
    waits = []
    for person in reference.labels():
        alone = reference.label_timeline(person).extrude(overlap)
        if alone.duration() < MIN_OWN_S:
            continue
        found = 0.0
        label = named.get(person)
        own = None if label is None else hypothesis.label_timeline(label)
        for segment in alone:
            shared = None if own is None else own.crop(segment)
            if shared:
                found += next(iter(shared)).start - segment.start
                break
            found += segment.duration
        waits.append(found)
    return tuple(waits)


def _count_errors(updates: list[Update], reference: Annotation) -> NDArray[np.int64]:
    """Labels so far less people so far, at the final time of each update."""
    begins = sorted(reference.label_timeline(one).extent().start for one in reference.labels())
    labels: set[str] = set()
    errors = []
    for update in updates:
        for event in update.events:
            labels = _apply(event, labels)
        people = sum(begin < update.final_time for begin in begins)
        errors.append(len(labels) - people)
    return np.array(errors, np.int64)


def _apply(event: SpeakerEvent, labels: set[str]) -> set[str]:
    if event.into is None:
        return labels | {event.speaker}
    return (labels - {event.speaker}) | {event.into}
