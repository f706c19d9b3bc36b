"""Clusterers with session adaptations on the same first passes, each at its best threshold."""

from __future__ import annotations

import hashlib
import sys
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.clustering.adaptation import Adaptation
from diarspk.clustering.plda import Plda
from diarspk.diarization.config import DiarizerConfig
from diarspk.errors import ArgumentError
from diarspk.metrics import Components, score
from eval.clustering.clusterers import make_clusterer
from eval.diarization.first_passes import ConversationPass

__all__ = ["Tried", "Units", "try_all"]

Units = Literal["local", "subsegments"]


@dataclass(frozen=True)
class Tried:
    """One clusterer with one adaptation and one threshold on one set.

    Attributes
    ----------
    components : Components
    count_errors : tuple of int
        Distance of the number of speakers found from the right one, a recording each.
    seconds : float
        Wall-clock, all recordings.
    megabytes : float
    """

    collection: str
    clusterer: str
    adaptation: str
    threshold: float
    components: Components
    count_errors: tuple[int, ...]
    seconds: float
    megabytes: float


def try_all(
    sets: dict[str, list[ConversationPass]],
    clusterers: Sequence[str],
    adaptations: dict[str, Adaptation],
    thresholds: Sequence[float],
    plda: Plda | None,
    units: Units = "subsegments",
) -> Iterator[Tried]:
    """Best threshold of every pair, on every set; pairs that do not fit are left out."""
    for label, adaptation in adaptations.items():
        remembered = {
            collection: _Remembered(adaptation.reduction, adaptation.aggregation)
            for collection in sets
        }
        for name in clusterers:
            try:
                yield from _best(sets, name, label, remembered, thresholds, plda, units)
            except ArgumentError as error:
                print(f"{name}, {label}: left out: {error}", file=sys.stderr)


def _best(
    sets: dict[str, list[ConversationPass]],
    name: str,
    label: str,
    adaptations: dict[str, _Remembered],
    thresholds: Sequence[float],
    plda: Plda | None,
    units: Units,
) -> list[Tried]:
    tried = []
    for threshold in thresholds:
        config = DiarizerConfig(make_clusterer(name, threshold, plda), units)
        results = [
            _try(
                collection,
                passes,
                name,
                label,
                threshold,
                _adapting(config, adaptations[collection]),
            )
            for collection, passes in sets.items()
        ]
        tried.append(results)
    return min(tried, key=lambda results: sum((x.components for x in results), Components()).der)


def _adapting(config: DiarizerConfig, adaptation: Adaptation) -> DiarizerConfig:
    return replace(config, linking=replace(config.linking, adaptation=adaptation))


def _try(
    collection: str,
    passes: list[ConversationPass],
    name: str,
    label: str,
    threshold: float,
    config: DiarizerConfig,
) -> Tried:
    adaptation = config.linking.adaptation
    # What is remembered takes no time below; what is not counts there.
    seconds = adaptation.seconds if isinstance(adaptation, _Remembered) else 0.0
    total, errors, peak = Components(), [], 0
    for item in passes:
        start = time.perf_counter()
        item.diarize(config)
        seconds += time.perf_counter() - start
        tracemalloc.start()  # apart, since tracing takes time itself
        found = item.diarize(config).annotation
        peak = max(peak, tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        talk = item.conversation
        total += score(
            {talk.name: talk.reference}, {talk.name: found}, {talk.name: talk.uem}
        ).pooled
        errors.append(abs(talk.count_speakers(found) - talk.count_speakers(talk.reference)))
    return Tried(collection, name, label, threshold, total, tuple(errors), seconds, peak / 1e6)


@dataclass(frozen=True)
class _Remembered(Adaptation):
    """An adaptation that is computed once for every session, however many clusterers read it."""

    found: dict[bytes, tuple[NDArray[np.float64], float]] = field(default_factory=dict)

    def __call__(self, embeddings: ArrayLike) -> NDArray[np.float64]:
        """Adapt, or remember what that gave."""
        key = hashlib.sha256(np.ascontiguousarray(embeddings).tobytes()).digest()
        if key not in self.found:
            start = time.perf_counter()
            adapted = super().__call__(embeddings)
            self.found[key] = adapted, time.perf_counter() - start
        return self.found[key][0]

    @property
    def seconds(self) -> float:
        """Seconds of all sessions together."""
        return sum(seconds for _, seconds in self.found.values())
