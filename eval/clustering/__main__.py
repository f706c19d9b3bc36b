"""Time and peak memory of every clusterer on sessions of growing length.

    python -m eval.clustering --sizes 1000 10000 50000 200000 --json clustering.json

Every measurement is a process of its own on made-up embeddings: speakers who take turns, and pairs
of windows that cannot be one speaker.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

from eval.clustering.clusterers import CLUSTERERS
from eval.clustering.scaling import Cost, measure, run_one
from eval.command_line import command, one_of
from eval.report.cells import number_cell
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport

__all__ = ["main"]

HEADER = ("clusterer", "embeddings", "seconds", "memory MB", "MB less input", "speakers", "pure %")


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    sizes: tuple[int, ...] = (1000, 10_000, 50_000, 200_000)
    """Numbers of embeddings."""
    clusterers: tuple[Annotated[str, one_of(CLUSTERERS)], ...] = tuple(CLUSTERERS)
    """Clusterers to measure."""
    limit: float = 600.0
    """Seconds of the longest measurement."""
    one: Annotated[str | None, one_of(CLUSTERERS)] = None
    """Measure this one on the first size, in this process."""


@command
def main(settings: Settings) -> int:
    """Run the command line; 0 if every measurement ended in time."""
    if settings.one is not None:
        print(json.dumps(asdict(run_one(settings.one, settings.sizes[0]))))
        return 0
    costs = []
    for cost in _measure_all(settings.clusterers, settings.sizes, settings.limit):
        costs.append(cost)
        print(f"{cost.clusterer} {cost.embeddings}: {number_cell(cost.seconds)} s", file=sys.stderr)
    print(markdown_table(HEADER, [_row(cost) for cost in costs]))
    settings.report.write({"limit_s": settings.limit, "results": [asdict(cost) for cost in costs]})
    return 0 if all(cost.seconds is not None for cost in costs) else 1


def _measure_all(names: Sequence[str], sizes: Sequence[int], limit_s: float) -> Iterator[Cost]:
    for name in names:
        for count in sizes:
            yield measure(name, count, limit_s=limit_s)


def _row(cost: Cost) -> list[str]:
    if cost.seconds is None:
        return [cost.clusterer, str(cost.embeddings), *["-"] * 5]
    figures = (f"{cost.megabytes:.0f}", f"{cost.own_megabytes:.0f}", str(cost.speakers))
    purity = f"{100 * cost.purity:.1f}"
    return [cost.clusterer, str(cost.embeddings), number_cell(cost.seconds), *figures, purity]


if __name__ == "__main__":
    raise SystemExit(main())
