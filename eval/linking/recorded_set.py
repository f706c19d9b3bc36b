"""Speakers as they were found in recordings, beside who each truly is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation

import diarspk
from diarspk.audio import SAMPLE_RATE
from diarspk.diarization.recorded_speakers import RecordedSpeaker, embed_speakers
from eval.linking.returning_people import Gathering

__all__ = ["RecordedSet", "record"]


@dataclass(frozen=True, eq=False)
class RecordedSet:
    """Speakers as they were found in a set of recordings, and who each truly is."""

    speakers: Sequence[RecordedSpeaker]
    truth: Sequence[str]

    def trials(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Pairs of speakers of two recordings, and whether they are one person."""
        first, second = np.triu_indices(len(self.speakers), k=1)
        recordings = np.array([one.recording for one in self.speakers])
        apart = recordings[first] != recordings[second]
        first, second = first[apart], second[apart]
        people = np.array(self.truth)
        return first, second, people[first] == people[second]


def record(
    gatherings: Iterable[Gathering], diarizer: diarspk.Diarizer, *, references: bool
) -> RecordedSet:
    """Diarize recordings, or take their references, and embed the speakers."""
    speakers: list[RecordedSpeaker] = []
    truth: list[str] = []
    for one in gatherings:
        found = one.reference if references else diarizer(one.samples, SAMPLE_RATE).annotation
        for speaker in embed_speakers(found, one.samples, diarizer.encoder, recording=one.name):
            who = _truth(found.subset([speaker.speaker]), one.reference)
            if len(speaker.vectors) and who is not None:
                speakers.append(speaker)
                truth.append(who)
    return RecordedSet(speakers, truth)


def _truth(found: Annotation, reference: Annotation) -> str | None:
    """Find the true speaker who talks most during what was found."""
    shared = reference.crop(found.get_timeline().support())
    return str(shared.argmax()) if shared else None
