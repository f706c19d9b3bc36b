"""Every clusterer with every session adaptation on the same passes over conversations.

    python -m eval.clustering.sweep --data ../shared/conversations/ami \
        ../shared/conversations/simulated --thresholds 0.4 0.5 0.6 0.7 0.8 --cache passes

One threshold for all recordings of all sets: the one with the least DER, pooled over all. With
--dimensions, a sweep of the size of the reductions instead of the named adaptations. Subsegments of
1.5 s are clustered, or with ``--units local`` the local speakers of windows.
"""

from __future__ import annotations

import hashlib
import sys
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diarspk.clustering.adaptation import Adaptation
from diarspk.clustering.plda import Plda
from diarspk.diarization.config import DiarizerConfig
from diarspk.embeddings.reduction import AutoEncoder, Prefix, PrincipalComponents
from diarspk.errors import ArgumentError
from diarspk.metrics import Components, score
from eval.clustering.clusterers import ADAPTATIONS, CLUSTERERS, find_plda, make_clusterer
from eval.command_line import command, one_of
from eval.diarization.first_passes import (
    ConversationPass,
    FirstPassSettings,
)
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport

Units = Literal["local", "subsegments"]

__all__ = ["Tried", "main", "reductions", "try_all"]

HEADER = (
    *("set", "clusterer", "adaptation", "threshold", "DER %", "confusion %"),
    *("count error", "count right %", "ms a recording", "peak MB"),
)
CONVENTION = (
    "Strict DER: collar 0, overlap scored, pooled by duration, only what the UEM names. Time is "
    "that of adaptation, clustering and reconstruction, after the first pass; peak memory "
    "that of clustering and reconstruction, in numpy and Python, largest over the recordings."
)


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


def reductions(dimensions: Sequence[int]) -> dict[str, Adaptation]:
    """Auto-encoder, principal components and trained prefix of these sizes, and the full size."""
    return {"full": Adaptation()} | {
        f"{name} {size}": Adaptation(reduction=kind(size))
        for size in dimensions
        for name, kind in (
            ("auto-encoder", AutoEncoder),
            ("PCA", PrincipalComponents),
            ("trained", Prefix),
        )
    }


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    passes: FirstPassSettings
    clusterers: tuple[Annotated[str, one_of(CLUSTERERS)], ...] = tuple(CLUSTERERS)
    """Clusterers to try."""
    adaptations: tuple[Annotated[str, one_of(ADAPTATIONS)], ...] = tuple(ADAPTATIONS)
    """Session adaptations to try."""
    dimensions: Sequence[int] = ()
    """Sizes of reductions to try, in place of the adaptations."""
    units: Units = "subsegments"
    """What is clustered."""
    thresholds: tuple[float, ...] = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
    """Distances at which clustering stops."""
    plda: Path | None = None
    """Card of the PLDA of that encoder; none: its own."""


@command
def main(settings: Settings) -> None:
    plda = find_plda(settings.plda)
    diarizer = settings.passes.load()
    sets = {
        folder.name: list(settings.passes.run(folder, diarizer)) for folder in settings.passes.data
    }
    adaptations = (
        reductions(settings.dimensions)
        if settings.dimensions
        else {name: ADAPTATIONS[name] for name in settings.adaptations}
    )
    results = list(
        try_all(sets, settings.clusterers, adaptations, settings.thresholds, plda, settings.units)
    )
    results.sort(key=lambda tried: list(sets).index(tried.collection))
    print(f"{markdown_table(HEADER, [_row(tried) for tried in results])}\n\n{CONVENTION}")
    figures = [_as_dict(tried) for tried in results]
    settings.report.write({"convention": CONVENTION, "results": figures})


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


def _row(tried: Tried) -> list[str]:
    recordings = len(tried.count_errors)
    return [
        tried.collection,
        tried.clusterer,
        tried.adaptation,
        f"{tried.threshold:g}",
        f"{100 * tried.components.der:.1f}",
        f"{100 * tried.components.confusion_rate:.1f}",
        f"{sum(tried.count_errors) / recordings:.2f}",
        f"{100 * tried.count_errors.count(0) / recordings:.0f}",
        f"{1000 * tried.seconds / recordings:.1f}",
        f"{tried.megabytes:.1f}",
    ]


def _as_dict(tried: Tried) -> dict[str, object]:
    return {
        "set": tried.collection,
        "clusterer": tried.clusterer,
        "adaptation": tried.adaptation,
        "threshold": tried.threshold,
        **tried.components.as_dict(),
        "count_errors": tried.count_errors,
        "seconds": tried.seconds,
        "megabytes": tried.megabytes,
    }


if __name__ == "__main__":
    raise SystemExit(main())
