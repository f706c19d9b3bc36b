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

__all__ = ["Labels", "Linking", "name_known_speakers", "renumber_cuts"]

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
    cut_from : mapping of int to int
        Labels who are there only because the number was told, in a short recording, and whom each
        was cut off: they keep the speech of their local speakers, and draw none.
    """

    labels: Labels = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    count_scores: Mapping[int, float] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    count_posterior: Mapping[int, float] = field(default_factory=dict)
    bounds: SpeakerBounds = UNBOUNDED
    cut_from: Mapping[int, int] = field(default_factory=dict)

    def without_cuts(self) -> Linking:
        """Join who was cut off with whom, without gaps."""
        labels = self.labels.copy()
        for cut, whole in self.cut_from.items():
            labels[self.labels == cut] = whole
        return replace(self, labels=labels, cut_from={}).without_gaps()

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
        cut_from = renumber_cuts(self.cut_from, present)
        return replace(self, labels=labels, names=names, cut_from=cut_from)


def renumber_cuts(cut_from: Mapping[int, int], present: Labels) -> dict[int, int]:
    """Renumber labels by their place among those that are present; the others are left out."""
    place = {label: number for number, label in enumerate(present.tolist())}
    return {
        place[cut]: place[whole]
        for cut, whole in cut_from.items()
        if cut in place and whole in place
    }


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
