"""Who is who in a recording: the speaker whom every local speaker is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from diarspk.clustering.speaker_bounds import UNBOUNDED, SpeakerBounds
from diarspk.diarization.assignment import match_rows
from diarspk.diarization.constraints import Constraints
from diarspk.diarization.local_speakers import LocalSpeakers

__all__ = ["Labels", "Linking", "name_known_speakers"]

Labels = NDArray[np.int64]
"""Speaker of every local speaker, ``(windows, speakers)``."""


@dataclass(frozen=True, eq=False)
class Linking:
    """Speakers of the recording.

    Attributes
    ----------
    labels : NDArray of int64, shape (windows, speakers)
        Speaker of every local speaker, from 0; -1 for those who do not talk.
    count_scores : mapping of int to float
        Score of each number of speakers, see :class:`diarspk.clustering.Clustering`.
    names : mapping of int to str
        Names of some labels; the others are numbered by their first appearance.
    known : frozenset of str
        Names of known speakers, who are real however short they talk.
    count_posterior : mapping of int to float
        Probability of each number of people by the recording alone, likewise.
    bounds : SpeakerBounds
        What the caller has told of the number.
    """

    labels: Labels = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    count_scores: Mapping[int, float] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    count_posterior: Mapping[int, float] = field(default_factory=dict)
    bounds: SpeakerBounds = UNBOUNDED

    def without_gaps(self) -> Linking:
        """Renumber the speakers from 0, in their order.

        Later steps have a column for each label up to the highest; one that is nobody's would
        take speech from the others.
        """
        present, numbered = np.unique(self.labels[self.labels >= 0], return_inverse=True)
        labels = np.full_like(self.labels, -1)
        labels[self.labels >= 0] = numbered
        names = {
            number: self.names[label]
            for number, label in enumerate(present.tolist())
            if label in self.names
        }
        return replace(self, labels=labels, names=names)


def name_known_speakers(
    local: LocalSpeakers, labels: Labels, constraints: Constraints, similarity: float
) -> dict[int, str]:
    """Names of the speakers who are most similar to the known ones, each name once.

    Returns
    -------
    dict of int to str
        Of labels whose centroid has a cosine of `similarity` or more to the known speaker.
    """
    spoken = labels >= 0
    if not constraints.known_speakers or not spoken.any():
        return {}
    enrolled = constraints.enrolled(local.embeddings.shape[2])
    speakers = np.unique(labels[spoken])
    cosines = np.stack([local.centroid(labels == one) for one in speakers]) @ enrolled.T
    people = list(constraints.known_speakers)
    return {
        int(speakers[row]): people[column]
        for row, column in zip(*match_rows(cosines), strict=True)
        if cosines[row, column] >= similarity
    }
