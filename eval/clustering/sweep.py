"""Every clusterer with every session adaptation on the same passes over conversations.

    python -m eval.clustering.sweep --data ../shared/conversations/ami \
        ../shared/conversations/simulated --thresholds 0.4 0.5 0.6 0.7 0.8 --cache passes

One threshold for all recordings of all sets: the one with the least DER, pooled over all. With
--dimensions, a sweep of the size of the reductions instead of the named adaptations. Subsegments of
1.5 s are clustered, or with ``--units local`` the local speakers of windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from diarspk.clustering.adaptation import Adaptation
from diarspk.embeddings.reduction import AutoEncoder, Prefix, PrincipalComponents
from eval.clustering.clusterers import ADAPTATIONS, CLUSTERERS, find_plda
from eval.clustering.combinations import Tried, Units, try_all
from eval.command_line import command, one_of
from eval.diarization.first_passes import FirstPassSettings
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport

__all__ = ["main", "reductions"]

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
