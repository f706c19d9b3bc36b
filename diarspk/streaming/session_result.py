"""The result of a session that is finished: as of a recording, with merges applied."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from diarspk.diarization.result import Diarization
from diarspk.errors import SpeechWarning
from diarspk.streaming.session_record import SessionRecord
from diarspk.streaming.speaker_labels import SpeakerLabels
from diarspk.streaming.turn_store import TurnStore
from diarspk.streaming.update import LiveTurn

if TYPE_CHECKING:
    from pyannote.core import Annotation, Segment

__all__ = ["annotate", "make_result", "merged_turns"]


def make_result(
    record: SessionRecord,
    name: str,
    centroids: Mapping[int, NDArray[np.float32]],
    fingerprint: str,
) -> Diarization:
    """Make the result of a session.

    Parameters
    ----------
    record
        What it has said.
    name
        Name of the recording.
    centroids
        Unit vector of each speaker by number.
    fingerprint
        Embedding space of those.

    Warns
    -----
    SpeechWarning
        If no speech was found.
    """
    labels, time = record.labels, record.clock.time
    annotation = annotate(merged_turns(record.turns, labels), name)
    vectors = {labels.final_label(number): vector for number, vector in centroids.items()}
    doubts: tuple[str, ...] = ()
    if not len(annotation):
        doubts = (f"no speech was found in {time:.1f} s",)
        warnings.warn(f"{name}: {doubts[0]}", SpeechWarning, stacklevel=3)
    return Diarization(
        annotation=annotation,
        exclusive=annotate(merged_turns(record.alone, labels), name),
        speakers={str(label): vectors[label] for label in annotation.labels()},
        fingerprint=fingerprint,
        confidence=_confidence(annotation, record.turns, labels),
        duration=time,
        warnings=doubts,
    )


def merged_turns(store: TurnStore, labels: SpeakerLabels) -> list[LiveTurn]:
    """All turns by person, in order of start: what two labels of one say at once is one turn."""
    turns: list[LiveTurn] = []
    last: dict[str, int] = {}
    for start, end, speaker, _ in store.turns():
        label = labels.final_label(speaker)
        row = last.get(label)
        if row is not None and turns[row].end >= start:
            turns[row] = LiveTurn(turns[row].start, max(turns[row].end, end), label)
            continue
        last[label] = len(turns)
        turns.append(LiveTurn(start, end, label))
    return turns


def annotate(turns: Iterable[LiveTurn], name: str) -> Annotation:
    """Turn turns of a live session into an annotation of that name."""
    from pyannote.core import Annotation, Segment

    annotation = Annotation(uri=name)
    for track, turn in enumerate(turns):
        annotation[Segment(turn.start, turn.end), track] = turn.speaker
    return annotation


def _confidence(
    annotation: Annotation, store: TurnStore, labels: SpeakerLabels
) -> dict[tuple[Segment, str | int], float]:
    """Mean probability of each turn: of the pieces that it is joined of."""
    pieces: dict[str, list[tuple[float, float, float]]] = {}
    for start, end, speaker, probability in store.turns():
        pieces.setdefault(labels.final_label(speaker), []).append((start, end, probability))
    places = dict.fromkeys(pieces, 0)
    found = {}
    for segment, track, label in annotation.itertracks(yield_label=True):
        total = seconds = 0.0
        own, place = pieces[label], places[label]
        while place < len(own) and own[place][0] < segment.end:
            start, end, probability = own[place]
            total, seconds = total + probability * (end - start), seconds + end - start
            place += 1
        places[label] = place
        found[segment, track] = total / seconds
    return found
