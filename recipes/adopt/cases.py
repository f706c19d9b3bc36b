"""What a clusterer sees of conversations, and how often it is wrong: single-speaker subsegments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyannote.core import Annotation

from diarspk.clustering.clusterer import Clusterer
from diarspk.clustering.clustering_input import ClusteringInput
from diarspk.diarization.assignment import match_rows
from diarspk.diarization.local_speakers import LocalSpeakers
from diarspk.diarization.subsegments import LENGTH_S
from eval.diarization.first_passes import ConversationPass

__all__ = ["Case", "error_rate", "long_cases", "short_cases"]

Labels = NDArray[np.int64]

MIN_WINDOWS = 8
"""Minimum number of subsegments of a case."""

NOBODY = -1


@dataclass(frozen=True, eq=False)
class Case:
    """Subsegments of a conversation, or of a part of it.

    Attributes
    ----------
    inputs : ClusteringInput
    people : NDArray of int64, shape (n,)
        Who talks in each: -1 where that is nobody or several people.
    """

    inputs: ClusteringInput
    people: Labels

    def errors(self, clusterer: Clusterer) -> tuple[int, int]:
        """Count the single-speaker subsegments that are not their person's, and all of them.

        The speakers found are matched with the people one to one, as for the DER.
        """
        found = clusterer.cluster(self.inputs).labels
        alone = self.people != NOBODY
        shared = np.zeros((int(self.people.max()) + 1, int(found.max()) + 1))
        np.add.at(shared, (self.people[alone], found[alone]), 1)
        rows, columns = match_rows(shared)
        return int(alone.sum() - shared[rows, columns].sum()), int(alone.sum())


def long_cases(passes: Iterable[ConversationPass], above: int) -> Iterator[Case]:
    """Whole conversations with more than so many subsegments."""
    for one in passes:
        whole = _read_case(one)
        if whole is not None and len(whole.people) > above:
            yield whole


def short_cases(passes: Iterable[ConversationPass], up_to: int) -> Iterator[Case]:
    """Consecutive parts of conversations with so many subsegments each, and the last with fewer."""
    for one in passes:
        whole = _read_case(one)
        for begin in range(0, 0 if whole is None else len(whole.people), up_to):
            assert whole is not None
            part = _part(whole, slice(begin, begin + up_to))
            if part is not None:
                yield part


def error_rate(cases: Sequence[Case], clusterer: Clusterer) -> float:
    """Share of single-speaker subsegments that are not their person's."""
    wrong, total = np.sum([case.errors(clusterer) for case in cases], axis=0)
    return float(wrong / total)


def _read_case(one: ConversationPass) -> Case | None:
    local = one.first.local
    windows = local.subsegments
    assert windows is not None  # of an encoder whose frames can be pooled
    clean = windows.seconds > 0
    people = _people(one.conversation.reference, windows.centre[clean], local)
    inputs = ClusteringInput(
        windows.embeddings[clean], durations=windows.seconds[clean], dialogue=local.dialogue
    )
    return _part(Case(inputs, people), slice(None))


def _part(case: Case, rows: slice) -> Case | None:
    """Take consecutive subsegments; None where a single person, or next to nobody, talks."""
    people = case.people[rows]
    if len(people) < MIN_WINDOWS or not (people != NOBODY).any():
        return None
    seconds = np.asarray(case.inputs.durations)[rows]
    embeddings = np.asarray(case.inputs.embeddings)[rows]
    inputs = ClusteringInput(embeddings, durations=seconds, dialogue=case.inputs.dialogue)
    return Case(inputs, people)


def _people(reference: Annotation, centre: Labels, local: LocalSpeakers) -> Labels:
    """Person who talks alone around each frame; -1 for nobody and for several."""
    times = local.start + centre * local.hop
    found = np.full(len(times), NOBODY)
    talking = np.zeros(len(times), np.int64)
    for number, label in enumerate(reference.labels()):
        own = np.zeros(len(times), dtype=bool)
        for turn in reference.label_timeline(label):
            own |= (turn.start < times + LENGTH_S / 2) & (turn.end > times - LENGTH_S / 2)
        found[own] = number
        talking += own
    return np.where(talking == 1, found, NOBODY)
